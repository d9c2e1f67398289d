"""The emulated account opens empty, keeps to itself and leaves nothing behind."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest
import requests
from botocore.exceptions import ClientError

from tests.tools.small_pipeline import until
from tools.sandbox import SandboxError
from tools.sandbox.account import Account


def test_it_listens_on_the_loopback_device_and_no_longer_when_closed() -> None:
    with Account() as account:
        url = account.endpoint_url
        assert url.startswith("http://127.0.0.1:")
        assert requests.get(url, timeout=5).ok
    with pytest.raises(requests.ConnectionError):
        requests.get(url, timeout=5)
    with pytest.raises(SandboxError, match="not open"):
        _ = account.endpoint_url


def test_it_is_empty_each_time_it_opens() -> None:
    for _ in range(2):
        with Account(region="us-east-1") as account:
            s3, glue = account.client("s3"), account.client("glue")
            assert s3.list_buckets()["Buckets"] == []
            s3.create_bucket(Bucket="left-behind")
            glue.create_workflow(Name="left-behind")


def test_an_answer_comes_in_one_piece() -> None:
    """Go's client hangs up now and then between two, and sends what was done already once more."""
    with Account() as account:
        address = account.endpoint_url.removeprefix("http://").split(":")
        for _ in range(20):
            with socket.create_connection((address[0], int(address[1]))) as connection:
                connection.sendall(b"GET / HTTP/1.1\r\nHost: s3.amazonaws.com\r\n\r\n")
                assert connection.recv(65_536).endswith(b"</ListAllMyBucketsResult>")


def test_a_body_is_asked_for_at_once() -> None:
    """A client that is not told waits for a second, at each upload."""
    with Account() as account:
        address = account.endpoint_url.removeprefix("http://").split(":")
        with socket.create_connection((address[0], int(address[1]))) as connection:
            head = b"PUT /some HTTP/1.1\r\nHost: s3.amazonaws.com\r\nContent-Length: 2\r\n"
            connection.sendall(head + b"Expect: 100-continue\r\n\r\n")
            assert connection.recv(65_536) == b"HTTP/1.1 100 Continue\r\n\r\n"
            connection.sendall(b"{}")
            assert connection.recv(65_536).startswith(b"HTTP/1.1 ")


def test_the_callers_aws_settings_have_no_part_in_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = tmp_path / "config"
    config.write_text("[default]\nregion = us-west-2\nendpoint_url = http://127.0.0.1:1\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_PROFILE", "one-that-does-not-exist")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_USE_FIPS_ENDPOINT", "true")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "somebody-elses")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with Account() as account:
        assert account.client("s3").list_buckets()["Buckets"] == []
        identity = account.client("sts").get_caller_identity()
        assert identity["Account"] == account.account_id == "123456789012"
        program = "import boto3; print(boto3.client('s3').list_buckets()['Buckets'])"
        done = subprocess.run(
            [sys.executable, "-c", program],
            env=account.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_its_environment_names_everything_that_a_program_needs() -> None:
    with Account(region="eu-west-1") as account:
        environment = account.environment({"PATH": "/bin", "AWS_PROFILE": "mine", "NO_PROXY": "x"})
        assert environment["PATH"] == "/bin"
        assert "AWS_PROFILE" not in environment
        assert environment["AWS_ENDPOINT_URL"] == account.endpoint_url
        assert environment["AWS_REGION"] == environment["AWS_DEFAULT_REGION"] == "eu-west-1"
        assert environment["AWS_ACCESS_KEY_ID"] == environment["AWS_SECRET_ACCESS_KEY"] == "test"
        assert environment["NO_PROXY"] == "x,127.0.0.1,localhost"


@pytest.mark.parametrize("port", [99999, None], ids=["impossible", "taken"])
def test_a_port_that_cannot_be_had_is_one_clear_sentence(port: int | None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        wanted = taken.getsockname()[1] if port is None else port
        with pytest.raises(SandboxError, match=f"cannot listen on port {wanted} of 127.0.0.1"):
            Account(port=wanted).__enter__()
    # Nothing stays behind of the attempt.
    with Account() as account:
        assert account.client("s3").list_buckets()["Buckets"] == []


def test_there_is_one_account_at_a_time() -> None:
    with Account(), pytest.raises(SandboxError, match="already an open account"):
        Account().__enter__()


def test_it_prints_nothing_and_keeps_what_moto_fails_at(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with Account() as account:
        account.client("s3").list_buckets()
        with pytest.raises(ClientError):
            account.client("glue").get_blueprint(Name="none")
        # The server answers before it notes what moto failed at.
        until(lambda: account.faults)
        assert all("get_blueprint" in fault for fault in account.faults)
    assert capfd.readouterr() == ("", "")
