"""The quick S3 of the benchmarks answers over HTTP as the emulator does."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from queue import Queue

import boto3
import pytest
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
