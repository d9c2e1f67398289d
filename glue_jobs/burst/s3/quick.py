"""The two requests that a batch makes for each of its files, at a tenth of their processor time.

boto3 takes about 1.5 to 1.9 ms of it for a small GetObject or a CopyObject. Here signing takes 0.02
and the rest 0.1 ms. So the first try goes the short way. Anything but a plain success is left to
boto3, which asks again with all its retries, its pace and its errors: nothing about them changes.
"""

from __future__ import annotations

import base64
import os
import socket
import ssl
import time
import zlib
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import BadStatusLine, HTTPException, HTTPResponse, LineTooLong
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import SplitResult, quote, urlsplit
from urllib.request import getproxies

import botocore.session
from botocore.httpsession import get_cert_path
from urllib3.util import wait_for_read

from burst.s3.signing import Signer

if TYPE_CHECKING:
    from botocore.credentials import Credentials
    from mypy_boto3_s3 import S3Client

# After a failure everything goes through boto3 for this long, which slows down when S3 asks for it.
PAUSE_SECONDS = 10.0
CONNECT_SECONDS, READ_SECONDS = 10, 60
_PORTS = {"http": 80, "https": 443}
# As the standard library has them.
_LINE_BYTES, _HEADER_LINES = 65_536, 100


class _Response(HTTPResponse):
    """Reads its headers into a plain dictionary, by their names in small letters.

    The message that the standard library makes of them takes longer than the request.
    """

    def begin(self) -> None:
        version, self.status, self.reason = self._read_status()  # type: ignore[attr-defined]
        if version not in ("HTTP/1.0", "HTTP/1.1") or self.status < 200:
            raise BadStatusLine(version)
        self.version = 10 if version == "HTTP/1.0" else 11
        self.headers = self.msg = self._headers()  # type: ignore[assignment]
        self.chunked = self.headers.get("transfer-encoding", "").lower() == "chunked"
        self.chunk_left = None
        length = self.headers.get("content-length", "")
        self.length = int(length) if length.isdecimal() and not self.chunked else None
        # Without a length the body ends with the connection.
        ends = self.length is None and not self.chunked
        closes = "close" in self.headers.get("connection", "").lower()
        self.will_close = ends or closes or self.version == 10

    def _headers(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for _ in range(_HEADER_LINES):
            line = self.fp.readline(_LINE_BYTES + 1)
            if line in (b"\r\n", b"\n", b""):
                return found
            name, colon, value = line.decode("latin-1").partition(":")
            if len(line) > _LINE_BYTES or not colon or name != name.strip():
                raise LineTooLong("header line")
            found.setdefault(name.lower(), value.strip())
        raise HTTPException("too many headers")


@dataclass(frozen=True)
class _Answer:
    """One that arrived whole. headers: by their names in small letters."""

    status: int
    headers: Mapping[str, str]
    data: bytes


@dataclass
class _Place:
    """Where boto3 finds a bucket: a host, the path before a key, and open connections."""

    url: SplitResult
    context: ssl.SSLContext | None
    _idle: deque[socket.socket] = field(default_factory=deque)

    @property
    def host(self) -> str:
        """As it stands in the request's header."""
        port = self.url.port
        named = port is not None and port != _PORTS[self.url.scheme]
        return f"{self.url.hostname}:{port}" if named else str(self.url.hostname)

    def ask(self, method: str, target: str, headers: Mapping[str, str]) -> _Answer:
        """Raises OSError or HTTPException where no answer arrives, or not the whole."""
        request = _request(method, target, headers)
        connection = self._connection()
        try:
            connection.sendall(request)
            response = _Response(connection, method=method)
            response.begin()
            found = cast("Mapping[str, str]", response.headers)
            answer = _Answer(response.status, found, response.read())
        except BaseException:
            connection.close()
            raise
        if response.will_close:
            connection.close()
        else:
            self._idle.append(connection)
        return answer

    def _connection(self) -> socket.socket:
        while self._idle:
            try:
                connection = self._idle.pop()
            except IndexError:
                break
            # What can be read before anything was asked is the news that S3 has closed it.
            if not wait_for_read(connection, timeout=0):
                return connection
            connection.close()
        return self._new_connection()

    def _new_connection(self) -> socket.socket:
        host, port = str(self.url.hostname), self.url.port or _PORTS[self.url.scheme]
        connection = socket.create_connection((host, port), CONNECT_SECONDS)
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.context is not None:
                connection = self.context.wrap_socket(connection, server_hostname=host)
        except BaseException:
            connection.close()
            raise
        connection.settimeout(READ_SECONDS)
        return connection


@dataclass
class QuickS3:
    """boto3's client, with a shorter way for what is asked thousands of times.

    Only for use in one process; its threads may share it.
    """

    client: S3Client
    credentials: Credentials
    _places: dict[str, _Place] = field(default_factory=dict)
    _paused_until: float = 0.0

    def __post_init__(self) -> None:
        self._signer = Signer(self.client.meta.region_name)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.client, name)

    def get_whole(self, bucket: str, key: str, version_id: str, etag: str) -> bytes | None:
        """The bytes of a small version; None where boto3 has to be asked."""
        headers = {"if-match": f'"{etag}"', "x-amz-checksum-mode": "ENABLED"}
        answer = self._send("GET", bucket, key, headers, version_id)
        if answer is None or not _is_whole(answer):
            return None
        return answer.data

    def copy_object(self, **params: Any) -> Any:
        """CopyObject with exactly the parameters of `copy_new`."""
        source = params["CopySource"]
        version = f"?versionId={quote(source['VersionId'])}" if "VersionId" in source else ""
        headers = {
            "x-amz-copy-source": quote(f"/{source['Bucket']}/{source['Key']}", safe="/~") + version,
            "x-amz-copy-source-if-match": params["CopySourceIfMatch"],
            "if-none-match": params["IfNoneMatch"],
        }
        answer = self._send("PUT", params["Bucket"], params["Key"], headers)
        # S3 may begin to answer with 200 before it knows, and then tell of an error.
        if answer is None or b"<CopyObjectResult" not in answer.data:
            return self.client.copy_object(**params)
        return {}

    def _send(
        self,
        method: str,
        bucket: str,
        key: str,
        headers: Mapping[str, str],
        version_id: str | None = None,
    ) -> _Answer | None:
        if time.monotonic() < self._paused_until:
            return None
        keys = self.credentials.get_frozen_credentials()
        try:
            place = self._place(bucket)
            target = place.url.path + quote(key, safe="/~")
            if version_id is not None:
                target += f"?versionId={quote(version_id, safe='~')}"
            answer = place.ask(
                method, target, self._signer.signed(method, place.host, target, headers, keys)
            )
        except (OSError, HTTPException):
            answer = None
        if answer is None or answer.status >= 500:
            self._paused_until = time.monotonic() + PAUSE_SECONDS
        return answer if answer is not None and answer.status == 200 else None

    def _place(self, bucket: str) -> _Place:
        if bucket not in self._places:
            url = self.client.generate_presigned_url(
                "get_object", Params={"Bucket": bucket, "Key": "k"}
            )
            parts = urlsplit(url)
            context = None
            if parts.scheme == "https":
                context = ssl.create_default_context(cafile=_certificates())
            before_key = parts._replace(path=parts.path.removesuffix("k"))
            # Of threads that come here at the same time, all get the first one's.
            self._places.setdefault(bucket, _Place(before_key, context))
        return self._places[bucket]


def quickly(client: S3Client, credentials: Credentials | None) -> S3Client:
    """This client with the shorter way, where there is nothing in between that only boto3 knows."""
    if credentials is None or getproxies():
        return client
    return QuickS3(client, credentials)  # type: ignore[return-value]


def _certificates() -> str:
    """The same that botocore trusts: its setting (AWS_CA_BUNDLE, or ca_bundle in the configuration
    file), else that of requests, else what comes with certifi."""
    named = botocore.session.get_session().get_config_variable("ca_bundle")
    return str(named or os.environ.get("REQUESTS_CA_BUNDLE") or get_cert_path(True))


def _request(method: str, target: str, headers: Mapping[str, str]) -> bytes:
    """The bytes of a request without a body."""
    lines = [f"{method} {target} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines += ["accept-encoding: identity", *(["content-length: 0"] if method == "PUT" else [])]
    text = "\r\n".join([*lines, "", ""])
    if len(text.splitlines()) != len(lines) + 1:
        raise HTTPException("a value has a line end")
    return text.encode("latin-1")


def _is_whole(answer: _Answer) -> bool:
    if answer.headers.get("content-length") != str(len(answer.data)):
        return False
    stored = answer.headers.get("x-amz-checksum-crc32")
    if stored is None or "-" in stored:
        return True
    return base64.b64decode(stored) == zlib.crc32(answer.data).to_bytes(4, "big")
