"""The quick S3 of the benchmarks answers over HTTP as the emulator does."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from http.client import HTTPResponse
from queue import Queue
from typing import Any

import boto3
import pytest
from boto3 import Session
from botocore.exceptions import ClientError
from burst.s3 import copy_new
from burst.s3.quick import QuickS3, quickly
from mypy_boto3_s3 import S3Client

from tests.benchmarks import stand_in_s3
from tests.jobs.memory_s3 import MemoryS3
from tests.jobs.test_memory_s3 import LAKE, LANDING, WHOLE, Account, Call
from tests.patience import PATIENCE

COPY = {"Bucket": LAKE, "Key": "ä +%", "CopySource": {"Bucket": LANDING, "Key": "a/b <&>"}}
OLD = {"Bucket": LANDING, "Key": "a/b <&>", "VersionId": 1}
CALLS: list[Call] = [
    ("put", {"Bucket": LANDING, "Key": "a/b <&>", "Body": b"1" * 100_000}),
    ("put", {"Bucket": LANDING, "Key": "a/b <&>", "Body": b""}),
    ("put", {"Bucket": LANDING, "Key": "ü", "Body": b"2"}),
    ("get", OLD),
    ("get", {"Bucket": LANDING, "Key": "a/b <&>"}),
    ("get", {"Bucket": LANDING, "Key": "none"}),
    ("head", OLD),
    ("head", {"Bucket": LANDING, "Key": "none"}),
    ("copy", {**COPY, "CopySource": OLD}),
    ("copy", COPY),
    ("get", {"Bucket": LAKE, "Key": "ä +%"}),
    ("versions", {"Bucket": LANDING, "Prefix": "", "PageSize": 1}),
    ("versions", {"Bucket": LAKE, "Prefix": "none", "PageSize": 1}),
    ("objects", {"Bucket": LANDING, "Prefix": "", "PageSize": 1}),
    ("objects", {"Bucket": LANDING, "Prefix": "", "StartAfter": "b", "PageSize": 1}),
    ("delete", OLD),
    ("get", OLD),
    ("delete", {"Bucket": LANDING, "Key": "a/b <&>"}),
    (
        "delete many",
        {
            "Bucket": LANDING,
            "Delete": {"Objects": [{"Key": "ü", "VersionId": 3}], "Quiet": True},
        },
    ),
    *WHOLE,
]


@pytest.fixture
def quick(job_environment: dict[str, str]) -> Iterator[S3Client]:
    """A client of the stand-in, which serves in a thread."""
    loop = asyncio.new_event_loop()
    ports: Queue[int] = Queue()

    def serve() -> None:
        task = loop.create_task(stand_in_s3.serve(MemoryS3(), 0, ports.put))
        stop.append(task.cancel)
        with pytest.raises(asyncio.CancelledError):
            loop.run_until_complete(task)

    stop: list[object] = []
    thread = threading.Thread(target=serve)
    thread.start()
    client = boto3.client("s3", endpoint_url=f"http://127.0.0.1:{ports.get(timeout=PATIENCE)}")
    yield client
    client.close()
    [cancel] = stop
    loop.call_soon_threadsafe(cancel)  # type: ignore[arg-type]
    thread.join()
    loop.close()


def test_its_answers_over_http_are_the_emulator_s(s3: S3Client, quick: S3Client) -> None:
    emulated, ours = Account(s3, "standin-"), Account(quick, "standin-")
    for bucket in (LANDING, LAKE):
        s3.put_bucket_versioning(
            Bucket=f"standin-{bucket}", VersioningConfiguration={"Status": "Enabled"}
        )

    for call in CALLS:
        assert ours.call(*call) == emulated.call(*call), call
    for client in (s3, quick):
        assert client.get_bucket_versioning(Bucket="standin-landing")["Status"] == "Enabled"


def test_its_files_are_what_the_job_reads() -> None:
    body = stand_in_s3.json_file(7, 20_000)

    assert len(body) == pytest.approx(20_000, rel=0.02)
    assert len(stand_in_s3.csv_file(1_000_000)) == pytest.approx(1_000_000, rel=0.1)


def test_short_way_gets_and_copies_what_boto3_does_and_leaves_the_rest_to_it(
    quick: S3Client,
) -> None:
    s3 = quickly(quick, Session().get_credentials())
    assert isinstance(s3, QuickS3)
    for bucket in (LANDING, LAKE):
        quick.create_bucket(Bucket=bucket)
    asked = _asked_of(quick)
    for key in ("a b+c %zz/../ü.csv", "x//y", "tab\t", "'\"<>&?#=~"):
        put = quick.put_object(Bucket=LANDING, Key=key, Body=key.encode())
        version, etag = put["VersionId"], put["ETag"].strip('"')
        source = {"Bucket": LANDING, "Key": key, "VersionId": version}
        asked.clear()

        assert s3.get_whole(LANDING, key, version, etag) == key.encode()
        copy_new(s3, source, LAKE, f"archive/{key}", etag=etag, size=1)

        assert asked == []
        assert quick.get_object(Bucket=LAKE, Key=f"archive/{key}")["Body"].read() == key.encode()
        # A refusal comes from boto3, as its own error.
        assert s3.get_whole(LANDING, key, version, "another") is None
        with pytest.raises(ClientError, match="PreconditionFailed"):
            copy_new(s3, source, LAKE, f"archive/{key}", etag=etag, size=1)
        with pytest.raises(ClientError, match="NoSuchVersion"):
            copy_new(s3, {**source, "VersionId": "v9"}, LAKE, "b", etag=etag, size=1)
        assert "CopyObject" in asked


def test_short_way_is_left_for_a_while_after_a_failure(
    quick: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3 = quickly(quick, Session().get_credentials())
    assert isinstance(s3, QuickS3)
    quick.create_bucket(Bucket=LANDING)
    put = quick.put_object(Bucket=LANDING, Key="a", Body=b"1")
    with monkeypatch.context() as patch:
        patch.setattr(HTTPResponse, "_read_status", _broken)
        assert s3.get_whole(LANDING, "a", put["VersionId"], put["ETag"].strip('"')) is None
    # The line is fine again, and it still goes through boto3, which knows how to slow down.
    assert s3.get_whole(LANDING, "a", put["VersionId"], put["ETag"].strip('"')) is None
    monkeypatch.setattr(s3, "_paused_until", 0.0)
    assert s3.get_whole(LANDING, "a", put["VersionId"], put["ETag"].strip('"')) == b"1"


def test_short_way_asks_over_a_connection_that_is_open_and_over_a_new_one_else(
    quick: S3Client,
) -> None:
    s3 = quickly(quick, Session().get_credentials())
    assert isinstance(s3, QuickS3)
    quick.create_bucket(Bucket=LANDING)
    put = quick.put_object(Bucket=LANDING, Key="a", Body=b"1")

    def get() -> socket.socket:
        assert s3.get_whole(LANDING, "a", put["VersionId"], put["ETag"].strip('"')) == b"1"
        [connection] = s3._place(LANDING)._idle
        return connection

    first = get()
    assert get() is first
    # As if S3 had closed it.
    first.shutdown(socket.SHUT_RD)
    assert get() is not first


def _broken(*_: object, **__: object) -> None:
    raise ConnectionResetError("The line broke.")


def _asked_of(client: S3Client) -> list[str]:
    """What this client is asked from now on."""
    asked: list[str] = []

    def note(model: Any, **_: object) -> None:
        asked.append(model.name)

    client.meta.events.register("before-call.s3", note)
    return asked
