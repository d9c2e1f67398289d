"""Leaving landing: what S3 may refuse, and what someone else may have done meanwhile."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlencode

import pytest
from botocore.exceptions import ClientError
from burst.drain import utc_now
from burst.errors import SettleError
from burst.s3 import copy_new
from burst.settle import Move, Moved, Mover
from mypy_boto3_s3 import S3Client

from tests.jobs.memory_s3 import MemoryS3
from tests.jobs.one_process import OneProcess
from tests.jobs.test_run_limits import Told, lines
from tests.jobs.world import World, as_csv, memory_world, order

MOVED = Moved("moved")


def move(world: World, key: str, version: str, size: int = 1) -> Move:
    """Of a good file to the archive."""
    try:
        etag = world.s3.head_object(Bucket=world.landing, Key=key, VersionId=version)["ETag"]
    except ClientError:
        etag = '"gone"'
    return Move(key, version, etag.strip('"'), size, f"archive/{key}/{version}", None)


def settle(world: World, *moves: Move) -> list[Moved]:
    return Mover(world.landing, world.lake).move(world.s3, moves, threads=4)


def versions_of(world: World, key: str) -> int:
    """How many versions of this key the lake holds."""
    page = world.s3.list_object_versions(Bucket=world.lake, Prefix=key)
    return len(page.get("Versions", []))


def test_settling_twice_changes_nothing(tmp_path: Path) -> None:
    world = memory_world(tmp_path)
    moves = [move(world, "a", world.put("a", b"1")), move(world, "a", world.put("a", b"2"))]

    assert settle(world, *moves) == settle(world, *moves) == [MOVED, MOVED]

    assert world.in_landing() == []
    assert sorted(world.in_lake("archive/").values()) == [b"1", b"2"]
    assert [versions_of(world, item.destination) for item in moves] == [1, 1]


def test_version_that_vanished_before_it_was_archived_is_reported(
    world: World, s3: S3Client
) -> None:
    version = world.put("a", b"1")
    moves = [move(world, "a", version), move(world, "b", world.put("b", b"2"))]
    s3.delete_object(Bucket=world.landing, Key="a", VersionId=version)

    assert settle(world, *moves) == [Moved("missing"), MOVED]

    assert list(world.in_lake("archive/").values()) == [b"2"]
    assert world.in_landing() == []


def test_only_settled_versions_are_deleted(world: World) -> None:
    first = world.put("a", b"1")
    world.put("a", b"2")

    settle(world, move(world, "a", first))

    assert world.in_landing() == ["a"]


class OneVersion(MemoryS3):
    """A landing bucket whose versions are all called null, as before it had versions."""

    def put_object(self, *, Bucket: str, Key: str, **other: Any) -> Any:
        if Bucket == "landing":
            self._buckets[Bucket].pop(Key, None)
        return super().put_object(Bucket=Bucket, Key=Key, **other)

    def _append(self, bucket: str, key: str, *other: Any, **facts: Any) -> Any:
        version = super()._append(bucket, key, *other, **facts)
        if bucket == "landing":
            object.__setattr__(version, "version_id", "null")
        return version


@pytest.mark.parametrize("archived", [False, True], ids=["before the copy", "after the copy"])
def test_null_version_that_was_replaced_is_not_deleted_unread(
    tmp_path: Path, archived: bool
) -> None:
    world = memory_world(tmp_path, s3=OneVersion())
    world.put("orders/a.csv", b"1")
    read = move(world, "orders/a.csv", "null")
    if archived:
        source = {"Bucket": world.landing, "Key": read.key, "VersionId": "null"}
        copy_new(world.s3, source, world.lake, read.destination, etag=read.etag, size=1)
    world.put("orders/a.csv", b"2")

    assert settle(world, read) == [MOVED if archived else Moved("missing")]

    assert world.in_landing() == ["orders/a.csv"]
    assert list(world.in_lake("archive/").values()) == ([b"1"] if archived else [])


def test_null_version_that_is_replaced_while_a_run_reads_is_a_new_input(tmp_path: Path) -> None:
    # Both are planned in the same second.
    now = utc_now()
    world = replace(memory_world(tmp_path, s3=OneVersion()), clock=lambda: now)
    world.put("orders/a.csv", as_csv([order(1)]))
    process = OneProcess()

    def upload_again(_: int) -> None:
        if process.calls[-1].endswith("/result.json") and len(world.in_landing()) == 1:
            process.on_call = lambda _: None
            world.put("orders/a.csv", as_csv([order(2)]))

    process.on_call = upload_again
    summary = world.drain_plain(process)

    assert len(summary.batches) == 2
    assert world.order_ids() == ["o-00001", "o-00002"]
    assert world.in_landing() == []
    first = world.record(summary.batches[0], "done")
    assert len(first["missing"]) == 1


def test_large_objects_are_copied_in_parts(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("burst.s3.copying.MAX_COPY_BYTES", 0)
    monkeypatch.setattr("burst.s3.copying.PART_BYTES", 5 * 1024**2)
    body = bytes(range(256)) * (12 * 1024**2 // 256) + b"end"
    old = world.put("a b+c", body)
    world.put("a b+c", b"2")

    moves = [move(world, "a b+c", old), move(world, "gone", old)]

    assert settle(world, *moves) == [MOVED, Moved("missing")]

    assert list(world.in_lake("archive/").values()) == [body]
    # The tag of an object that was put together ends in the number of its parts.
    place = f"archive/a b+c/{old}"
    assert world.s3.head_object(Bucket=world.lake, Key=place)["ETag"].endswith('-3"')
    assert world.in_landing() == ["a b+c"]


def test_copy_in_parts_keeps_what_a_copy_at_once_keeps(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    described: Any = {
        "ContentType": "text/csv; charset=utf-8",
        "CacheControl": "no-store",
        "ContentDisposition": "attachment",
        "ContentEncoding": "gzip",
        "ContentLanguage": "de",
        "Metadata": {"producer": "till 7", "checksum": "abc="},
    }
    tags = {"a b": "c+d=e@f/g", "empty": ""}
    version = world.s3.put_object(
        Bucket=world.landing, Key="a", Body=b"1", Tagging=urlencode(tags), **described
    )["VersionId"]
    # What lies above it is not what is copied.
    world.put("a", b"2")
    kept = {}
    for place, limit in (("at once", 1), ("in parts", 0)):
        monkeypatch.setattr("burst.s3.copying.MAX_COPY_BYTES", limit)
        source = {"Bucket": world.landing, "Key": "a", "VersionId": version}
        etag = move(world, "a", version).etag
        copy_new(world.s3, source, world.lake, place, etag=etag, size=1)
        head = world.s3.head_object(Bucket=world.lake, Key=place)
        found = world.s3.get_object_tagging(Bucket=world.lake, Key=place)["TagSet"]
        kept[place] = (
            {name: cast(Any, head)[name] for name in described},
            {tag["Key"]: tag["Value"] for tag in found},
        )

    assert kept == {"at once": (described, tags), "in parts": (described, tags)}
    assert world.s3.head_object(Bucket=world.lake, Key="in parts")["ETag"].endswith('-1"')


def test_reason_says_which_version_of_what_when_why_and_how_to_replay(tmp_path: Path) -> None:
    world = memory_world(tmp_path)
    key = "orders/it's [1].csv"
    version = world.put(key, b"1")

    [batch] = world.drain_plain(max_bad_fraction=1).batches

    lying = world.in_lake("quarantine/")
    [place] = [name for name in lying if name.endswith(".reason.json")]
    reason = json.loads(lying[place])
    result = world.record(batch, "result")
    assert reason == {
        "key": key,
        "version_id": version,
        "size": 1,
        "reason": result["files"][0]["reason"],
        "environment": "dev",
        "pipeline": "orders",
        "batch": batch,
        "job_run_id": "jr_1",
        "at": reason["at"],
        "replay": "Correct the pipeline's columns, or the file (then add --with FILE): pipenv run "
        f"burst replay dev orders --quarantine --batch {batch} "
        """--key 'orders/it'"'"'s [[]1].csv'""",
    }
    assert lying[place.removesuffix(".reason.json")] == b"1"


def test_more_files_than_one_delete_request_takes_all_leave(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("burst.s3.deleting.MAX_DELETE_KEYS", 2)

    settle(world, *(move(world, key, world.put(key, b"1")) for key in "abcde"))

    assert world.in_landing() == []


class Refusing(MemoryS3):
    """Refuses one operation on the objects whose key holds a word, as S3 does for one object."""

    def __init__(self, operation: str, code: str, word: str = "locked") -> None:
        super().__init__()
        self.refusal: tuple[str, str, str] | None = (operation, code, word)

    def _call(self, operation: str, path: str, effect: Any) -> Any:
        if self.refusal and self.refusal[0] == operation and self.refusal[2] in path:
            error = {"Code": self.refusal[1], "Message": "Not this one."}
            raise ClientError({"Error": error}, operation)
        return super()._call(operation, path, effect)

    def delete_objects(self, *, Bucket: str, Delete: Any) -> Any:
        operation, code, word = self.refusal or ("", "", "")
        locked = operation == "DeleteObjects" and Bucket == "landing"
        held = [item for item in Delete["Objects"] if locked and word in item["Key"]]
        free = [item for item in Delete["Objects"] if item not in held]
        answer = super().delete_objects(Bucket=Bucket, Delete={"Objects": free, "Quiet": True})
        errors = [{**item, "Code": code, "Message": "Not this one."} for item in held]
        return {**answer, "Errors": errors} if errors else answer


REFUSALS = [
    # A deny, or tags that may not be read.
    ("CopyObject", "AccessDenied"),
    # It was moved into an archive class meanwhile.
    ("CopyObject", "ObjectNotInActiveTierError"),
    ("CopyObject", "InvalidObjectState"),
    ("CopyObject", "KMS.DisabledException"),
    ("CopyObject", "OperationAborted"),
    ("CopyObject", "ConditionalRequestConflict"),
    # Object Lock.
    ("DeleteObjects", "AccessDenied"),
    ("DeleteObjects", "MethodNotAllowed"),
]


@pytest.mark.parametrize(("operation", "code"), REFUSALS)
def test_file_that_s3_does_not_let_go_is_on_record_and_blocks_nothing(
    tmp_path: Path,
    operation: str,
    code: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("burst.s3.copying.FIRST_WAIT_SECONDS", 0)
    s3, told = Refusing(operation, code), Told()
    world = memory_world(tmp_path, s3=s3)
    version = world.put("orders/locked.csv", as_csv([order(1)]))
    for number in range(2, 6):
        world.put(f"orders/{number}.csv", as_csv([order(number)]))

    with (
        caplog.at_level("INFO", logger="burst"),
        pytest.raises(SettleError, match=rf"'orders/locked\.csv' .*{code}"),
    ):
        world.drain_plain(max_files_per_batch=2, metrics=told)

    # Everything is loaded, and all but the one has left.
    assert len(world.order_ids()) == 5
    assert world.versions_in_landing() == {("orders/locked.csv", version)}
    [line] = [line for line in lines(caplog) if line["event"] == "unsettled"]
    assert line["count"] == 1
    assert told.values[-1]["UnsettledFiles"] == 1
    [kept] = [batch for batch, names in world.ledger().items() if "unsettled.json" in names]
    [entry] = world.record(kept, "unsettled")["files"]
    assert (entry["key"], entry["version_id"]) == ("orders/locked.csv", version)
    assert "done.json" not in world.ledger()[kept]

    # Later runs try again, and take what comes; nobody is woken twice for the same file.
    world.put("orders/6.csv", as_csv([order(6)]))
    assert world.drain_plain().left_unsettled == 1
    assert len(world.order_ids()) == 6
    assert world.record(kept, "unsettled")["files"] == [entry]
    place = world.record(kept, "result")["files"][0]["destination"]
    assert versions_of(world, place) == (1 if operation == "DeleteObjects" else 0)

    s3.refusal = None
    assert world.drain_plain().left_unsettled == 0
    assert world.in_landing() == []
    assert world.order_ids() == [f"o-{number:05}" for number in range(1, 7)]
    assert versions_of(world, place) == 1
    assert "done.json" in world.ledger()[kept]


def test_role_that_may_not_delete_stops_the_run_before_it_takes_more(tmp_path: Path) -> None:
    s3 = Refusing("DeleteObjects", "AccessDenied", word="orders")
    world = memory_world(tmp_path, s3=s3)
    for number in range(20):
        world.put(f"orders/{number:02}.csv", as_csv([order(number)]))

    for _ in range(2):
        with pytest.raises(SettleError, match=r"does not let go 10 of 10 .*permissions"):
            world.drain_plain(max_files_per_batch=10)

    assert len(world.ledger()) == 1
    s3.refusal = None
    assert world.drain_plain(max_files_per_batch=10).resumed == 1
    assert len(world.order_ids()) == 20
    assert world.in_landing() == []


@pytest.mark.parametrize("operation", ["CopyObject", "DeleteObjects"])
def test_error_about_the_whole_run_is_a_sentence(tmp_path: Path, operation: str) -> None:
    s3 = Refusing(operation, "ExpiredToken", word="la")
    world = memory_world(tmp_path, s3=s3)
    moves = [move(world, "a", world.put("a", b"1"))]

    with pytest.raises(SettleError, match=r"cannot be moved .*ExpiredToken.*next run goes on"):
        settle(world, *moves)

    s3.refusal = None
    assert settle(world, *moves) == [MOVED]
