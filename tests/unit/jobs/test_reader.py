"""One pass over a task's files: rows and verdicts, and no verdict for what is S3's fault."""

from __future__ import annotations

import io
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError
from burst.batch import InputFile
from burst.contract import Column, FileFormat
from burst.reader import GONE, read_files
from burst.s3 import fetching
from mypy_boto3_s3 import S3Client

FORMAT = FileFormat("csv", (Column("n", "int"),))


class FakeS3:
    """get_object of a few bodies; an error in place of a body is raised."""

    def __init__(self, bodies: Mapping[str, bytes | Exception]) -> None:
        self.bodies = bodies
        self.asked: list[str] = []
        self._lock = threading.Lock()

    def get_object(self, *, Bucket: str, Key: str, VersionId: str, IfMatch: str) -> dict[str, Any]:
        assert (Bucket, VersionId) == ("landing", f"v-{Key}")
        with self._lock:
            self.asked.append(Key)
        body = self.bodies[Key]
        if isinstance(body, Exception):
            raise body
        return {"Body": io.BytesIO(body)}


def read(bodies: Mapping[str, bytes | Exception], size: int = 10) -> list[list[dict[str, Any]]]:
    """The batches that Spark would get."""
    inputs = [
        (index, InputFile(key, f"v-{key}", "e", size, datetime(2025, 1, 1, tzinfo=UTC)))
        for index, key in enumerate(bodies)
    ]
    batches = read_files(
        cast(S3Client, FakeS3(bodies)), bucket="landing", batch="b", inputs=inputs, format=FORMAT
    )
    return [batch.to_pylist() for batch in batches]


def verdicts(batches: list[list[dict[str, Any]]]) -> dict[int, tuple[int, str | None, str | None]]:
    return {
        row["_input"]: (row["_rows"], row["_reason"], row["_unread"])
        for batch in batches
        for row in batch
        if row["_rows"] is not None
    }


def aws_error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": ""}}, "GetObject")


def test_rows_say_where_they_came_from_and_small_files_travel_together() -> None:
    batches = read({f"k{n}": b"n\n%d\n" % n for n in range(200)})

    assert len(batches) == 1
    data = [row for row in batches[0] if row["_rows"] is None]
    assert [(row["n"], row["_source_key"]) for row in data] == [(n, f"k{n}") for n in range(200)]
    assert {row["_batch"] for row in data} == {"b"}
    assert set(verdicts(batches).values()) == {(1, None, None)}


def test_folder_marker_is_a_good_file_without_rows_whatever_the_format() -> None:
    assert verdicts(read({"folder/": b"", "a": b"n\n1\n"}, size=0)) == {
        0: (0, None, None),
        1: (1, None, None),
    }


def test_folder_marker_that_s3_does_not_hand_out_is_found_before_it_must_be_moved() -> None:
    [(rows, reason, unread)] = verdicts(read({"f/": aws_error("InvalidRequest")}, size=0)).values()

    assert (rows, unread) == (0, "unreadable")
    assert "SSE-C" in str(reason)


def test_file_whose_key_only_looks_like_a_folder_is_read() -> None:
    assert verdicts(read({"folder/": b"n\n1\n"})) == {0: (1, None, None)}


def test_file_that_fails_half_way_is_judged_bad_with_no_rows() -> None:
    batches = read({"bad": b"n\n" + b"1\n" * 200_000 + b"x\n", "good": b"n\n1\n"})

    assert verdicts(batches) == {
        0: (0, "Row 200002, column 'n': found 'x', expected a whole number of 32 bits.", None),
        1: (1, None, None),
    }
    assert max(len(batch) for batch in batches) <= 2 * 32 * 1024


@pytest.mark.parametrize("code", ["NoSuchVersion", "NoSuchKey"])
def test_version_that_is_not_there_is_gone(code: str) -> None:
    assert verdicts(read({"k": aws_error(code)})) == {0: (0, GONE, "gone")}


@pytest.mark.parametrize("size", [10, 10 * 1024**2])
@pytest.mark.parametrize(
    ("code", "advice"),
    [
        ("InvalidObjectState", "It is in an archive storage class: restore it"),
        ("InvalidRequest", "encrypted with a key that only the producer has (SSE-C)"),
        ("AccessDenied", "allow kms:Decrypt on that key"),
        ("KMS.DisabledException", "The KMS key that encrypts it cannot be used: enable the key"),
        ("KMS.KMSInvalidStateException", "The KMS key that encrypts it cannot be used"),
        ("KMS.NotFoundException", "The KMS key that encrypts it cannot be used"),
    ],
)
def test_version_that_s3_does_not_hand_out_is_unreadable_and_says_what_to_do(
    code: str, advice: str, size: int
) -> None:
    found = verdicts(read({"good": b"n\n1\n", "k": aws_error(code)}, size))

    assert found[0] == (1, None, None)
    rows, reason, unread = found[1]
    assert (rows, unread) == (0, "unreadable")
    assert reason
    assert advice in reason
    assert f"S3 says {code}" in reason


@pytest.mark.parametrize("size", [10, 10 * 1024**2])
@pytest.mark.parametrize(
    "error", [aws_error("SlowDown"), aws_error("ExpiredToken"), ConnectionResetError("reset")]
)
def test_error_of_s3_is_raised_and_is_no_verdict(error: Exception, size: int) -> None:
    with pytest.raises(type(error)):
        read({"good": b"n\n1\n", "k": error}, size)


def test_no_more_is_fetched_ahead_than_may_wait_in_memory() -> None:
    s3 = FakeS3({f"k{n}": b"" for n in range(100)})
    inputs = [
        (n, InputFile(key, f"v-{key}", "e", 1, datetime(2025, 1, 1, tzinfo=UTC)))
        for n, key in enumerate(s3.bodies)
    ]
    fetched = fetching.fetch(cast(S3Client, s3), "landing", inputs)

    for taken in range(1, 50):
        next(fetched)
        assert len(s3.asked) <= taken + fetching.AHEAD
    fetched.close()  # type: ignore[attr-defined]
