"""One pass over a task's files: rows and verdicts, and no verdict for what is S3's fault."""

from __future__ import annotations

import io
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore.exceptions import ClientError
from burst.batch import InputFile
from burst.contract import Column, FileFormat, UnknownColumns
from burst.parsing import parse_together
from burst.reader import GONE, read_files
from burst.s3 import fetching
from hypothesis import example, given
from hypothesis import strategies as st

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

FORMAT = FileFormat("csv", (Column("n", "int"),))


# Files of JSON lines as they are sent, and such as might pass when they are read as one.
JSON_FILES = (
    b'{"n":1,"x":0.5,"d":1.25,"s":"a"}\n{"n":2,"x":null,"d":"2","s":"}"}\n',
    b'{"n":3,"x":1,"d":0,"s":""}',
    b'{"n":4,"x":2,"d":3,"s":"e"}\r\n\r\n  {"s":"f","d":4,"x":3,"n":5}  \r\n',
    b"",
    b"\n \n",
    b'\xef\xbb\xbf{"n":6,"x":1,"d":0,"s":"mark"}\n',
    b'{"n":7,"x":1,"d":1e1,"s":"exponent"}\n',
    b'{"n":8,"x":1e-400,"d":1,"s":"too small"}\n',
    b'{"n":8,"x":1,"d":1.234567,"s":"too many decimals"}\n',
    b'{"n":8,"x":1,"d":"\\u0031e1","s":"escapes"}\n',
    b'{"n":9,"x":1,"d":1}\n{"n":10,"x":1,"d":1}\n',
    b'{"n":9,"x":1,"d":1,"s":null}\n',
    b'{"n":99999999999,"x":1,"d":1,"s":"too large"}\n',
    b'{"n":1,"x":1,"d":1,"s":"unknown","u":1}\n',
    # Two objects in a line here, one object in two lines there: as many objects as lines.
    b'{"n":11,"x":1,"d":1,"s":"a"}{"n":12,"x":1,"d":1,"s":"b"}\n',
    b'{"n":13,"x":1,"d":1,"s":"a","u":\n{"y":1}}\n',
    # Half an object here, the other half there.
    b'{"n":14,"x":1,"d":1,"s":"a","u":',
    b'{"n":14,"x":1,"d":1,"s":"a","u":[{"y":1},',
    b'{"y":1}}\n{"n":15,"x":1,"d":1,"s":"b"}\n',
    b'{"y":1}]}\n',
    b'{"n":16,"x":1,"d":1,"s":"no end}\n',
    b'{"n":17,"x":1,"d":1,"s":"\xff"}\n',
    b'{"n":17,"x":1,"d":1,"s":"\xc3',
    b'{"n":18,"x":1,"d":1,"s":"\0"}\n',
    b"null\n",
    b"[]\n",
    b"\x1f\x8b\x08",
)


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


def read(
    bodies: Mapping[str, bytes | Exception], size: int = 10, format: FileFormat = FORMAT
) -> list[list[dict[str, Any]]]:
    """The batches that Spark would get."""
    inputs = [
        (index, InputFile(key, f"v-{key}", "e", size, datetime(2025, 1, 1, tzinfo=UTC)))
        for index, key in enumerate(bodies)
    ]
    batches = read_files(
        cast("S3Client", FakeS3(bodies)),
        bucket="landing",
        batch="b",
        inputs=inputs,
        format=format,
        threads=4,
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


@pytest.mark.parametrize("unknown", ["quarantine", "drop"])
@given(bodies=st.lists(st.sampled_from(JSON_FILES), min_size=2, max_size=5))
@example(bodies=list(JSON_FILES[:5]))
@example(bodies=list(JSON_FILES[14:16]))
@example(bodies=[JSON_FILES[16], JSON_FILES[18]])
@example(bodies=[JSON_FILES[17], JSON_FILES[19]])
def test_small_files_that_are_read_together_give_what_each_gives_alone(
    bodies: list[bytes], unknown: UnknownColumns
) -> None:
    columns = (
        Column("n", "int"),
        Column("x", "double"),
        Column("d", "decimal(4,2)"),
        Column("s", "string"),
    )
    format = FileFormat("json", columns, unknown=unknown)

    together = read({str(index): body for index, body in enumerate(bodies)}, format=format)

    for index, body in enumerate(bodies):
        [alone] = read({str(index): body}, format=format)
        found = [row for batch in together for row in batch if row["_input"] == index]
        assert found == [{**row, "_input": index} for row in alone]


@pytest.mark.parametrize("source", ["", "Item.Count"])
def test_small_files_are_parsed_as_one_where_all_are_good(source: str) -> None:
    columns = (Column("n", "int", source), Column("s", "string"))
    bodies = [b'{"n":1,"s":"a"}\n{"n":2,"s":null}\n', b"", b'{"n":null,"s":"b"}']
    bodies = [body.replace(b'"n"', b'"%s"' % (source or "n").encode()) for body in bodies]

    rows, counts = parse_together(bodies, format=FileFormat("json", columns)) or (None, [])

    assert counts == [2, 0, 1]
    assert rows is not None
    assert rows.to_pydict() == {"n": [1, 2, None], "s": ["a", None, "b"]}


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


@pytest.mark.parametrize("size", [1, fetching.SMALL_BYTES // 2, fetching.SMALL_BYTES])
def test_no_more_is_fetched_ahead_than_may_wait_in_memory(size: int) -> None:
    s3 = FakeS3({f"k{n}": b"" for n in range(200)})
    inputs = [
        (n, InputFile(key, f"v-{key}", "e", size, datetime(2025, 1, 1, tzinfo=UTC)))
        for n, key in enumerate(s3.bodies)
    ]
    fetched = fetching.fetch(cast("S3Client", s3), "landing", inputs, threads=8)
    most = min(fetching.AHEAD * 8, fetching.AHEAD_BYTES // size)

    for taken in range(1, 100):
        next(fetched)
        assert len(s3.asked) <= taken + most
    assert len(list(fetched)) == 200 - 99
