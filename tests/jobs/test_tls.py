"""The short way to S3 over TLS: it trusts whom botocore trusts, and keeps its connections."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from boto3 import Session
from botocore.config import Config
from botocore.exceptions import SSLError
from burst.batch import InputFile
from burst.s3 import fetch
from burst.s3.quick import QuickS3, quickly
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.patience import PATIENCE

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BODY = b"the bytes of a version"
DAY = timedelta(days=1)
FILE = InputFile("a b", "v1", "e", len(BODY), datetime(2025, 1, 1, tzinfo=UTC))

_MAY_SIGN = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


@dataclass
class Authority:
    """Signs certificates for servers; `bundle` is the file that trusts it."""

    folder: Path
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    name: x509.Name = field(
        default_factory=lambda: x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    )

    @property
    def bundle(self) -> Path:
        path = self.folder / "authority.pem"
        cert = self._builder(self.name, self.key, DAY)
        cert = cert.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        cert = cert.add_extension(_MAY_SIGN, critical=True)
        path.write_bytes(_pem(cert.sign(self.key, hashes.SHA256())))
        return path

    def context(self, host: str, lasts: timedelta = DAY) -> ssl.SSLContext:
        """Of a server with a certificate for this host."""
        key = ec.generate_private_key(ec.SECP256R1())
        cert = self._builder(x509.Name([]), key, lasts).add_extension(
            x509.SubjectAlternativeName([x509.DNSName(host)]), critical=True
        )
        path = self.folder / "server.pem"
        secret = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        path.write_bytes(secret + _pem(cert.sign(self.key, hashes.SHA256())))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, lasts: timedelta
    ) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder(self.name, subject, key.public_key())
        builder = builder.serial_number(x509.random_serial_number())
        # Python 3.13 asks for what RFC 5280 asks for: which key signed it, and which key it is.
        signed_by = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        own = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        builder = builder.add_extension(signed_by, critical=False)
        builder = builder.add_extension(own, critical=False)
        return builder.not_valid_before(now - 2 * DAY).not_valid_after(now + lasts)


def _pem(cert: x509.Certificate) -> bytes:
    return cert.public_bytes(serialization.Encoding.PEM)


@dataclass
class Server(ThreadingHTTPServer):
    """Answers each request with BODY. asked: the connection of each request.

    ended: can be acquired once for each connection that is closed.
    """

    context: ssl.SSLContext
    asked: list[Any] = field(default_factory=list)
    ended: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    closes: bool = False
    breaks_next: bool = False

    def __post_init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)

    def get_request(self) -> Any:
        connection, address = super().get_request()
        return self.context.wrap_socket(connection, server_side=True), address

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        self.ended.release()

    def handle_error(self, *_: Any) -> None:
        """A client that does not trust it ends the connection, which is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append(self.client_address)
        if self.server.breaks_next:
            self.server.breaks_next, self.close_connection = False, True
            return
        self.send_response(200)
        self.send_header("ETag", '"e"')
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY)
        # As S3 does after a while, without a word before.
        self.close_connection = self.server.closes

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    for name in ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    return Authority(tmp_path)


@pytest.fixture
def server(authority: Authority) -> Iterator[Server]:
    server = Server(authority.context("localhost"))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def client(server: Server, host: str = "localhost") -> QuickS3:
    s3: S3Client = Session().client(
        "s3",
        endpoint_url=f"https://{host}:{server.server_port}",
        region_name="us-east-1",
        config=Config(retries={"total_max_attempts": 2}, s3={"addressing_style": "path"}),
    )
    quick = quickly(s3, Session().get_credentials())
    assert isinstance(quick, QuickS3)
    return quick


def get(s3: QuickS3) -> bytes | None:
    return s3.get_whole("landing", FILE.key, FILE.version_id, FILE.etag)


@pytest.mark.parametrize("where", ["AWS_CA_BUNDLE", "ca_bundle", "REQUESTS_CA_BUNDLE"])
def test_certificate_is_trusted_where_botocore_trusts_it(
    where: str, authority: Authority, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    if where.isupper():
        monkeypatch.setenv(where, str(authority.bundle))
    else:
        (authority.folder / "config").write_text(f"[default]\n{where} = {authority.bundle}\n")
    s3 = client(server)

    assert get(s3) == BODY
    assert s3.client.get_object(Bucket="landing", Key="a b")["Body"].read() == BODY


@pytest.mark.parametrize("why", ["unknown authority", "another host", "expired", "no such bundle"])
def test_server_that_botocore_does_not_trust_is_asked_nothing(
    why: str, authority: Authority, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = "127.0.0.1" if why == "another host" else "localhost"
    if why != "unknown authority":
        monkeypatch.setenv("AWS_CA_BUNDLE", str(authority.bundle))
    if why == "expired":
        server.context = authority.context("localhost", -DAY)
    if why == "no such bundle":
        authority.bundle.unlink()
    s3 = client(server, host)

    assert get(s3) is None
    with pytest.raises((SSLError, OSError)):
        s3.client.get_object(Bucket="landing", Key="a b")
    assert server.asked == []


def test_connection_is_used_again_until_the_server_ends_it(
    authority: Authority, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", str(authority.bundle))
    s3 = client(server)

    assert [get(s3) for _ in range(5)] == [BODY] * 5
    assert len(set(server.asked)) == 1

    server.closes = True
    for _ in range(3):
        assert get(s3) == BODY
        assert server.ended.acquire(timeout=PATIENCE)
    assert len(set(server.asked)) == 3


def test_connection_that_breaks_while_it_is_asked_is_left_to_boto3(
    authority: Authority, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", str(authority.bundle))
    s3 = client(server)
    assert get(s3) == BODY
    server.breaks_next = True

    [fetched] = fetch(s3, "landing", [(0, FILE)], threads=1)  # type: ignore[arg-type]

    assert fetched.content is not None
    assert fetched.content.read(-1) == BODY  # type: ignore[union-attr]
