"""Leaving landing: what S3 may refuse, and what someone else may have done meanwhile."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, cast
from urllib.parse import urlencode

import pytest
from burst.errors import SettleError
from burst.landing import Landing
from burst.ledger import FileResult, Origin, ResultRecord
from mypy_boto3_s3 import S3Client

from tests.jobs.world import World

NOW = datetime(2025, 1, 31, tzinfo=UTC)
ORIGIN = Origin("20250131T000000Z-0123abcd", "orders", "dev", "orders", "jr", None, NOW)


def result(*versions: tuple[str, str]) -> ResultRecord:
    """A result with these keys and version ids as good files."""
    files = tuple(
        FileResult(key, version, 1, "curated", 1, None, f"archive/{key}/{version}")
        for key, version in versions
    )
    return ResultRecord(ORIGIN, None, len(files), len(files), {}, files)


def settle(world: World, record: ResultRecord) -> tuple[str, ...]:
    landing = Landing(world.s3, world.landing, "", "")
    return landing.settle(record, lake_bucket=world.lake, now=NOW)


def test_settling_twice_changes_nothing(world: World) -> None:
    record = result(("a", world.put("a", b"1")), ("a", world.put("a", b"2")))

    assert settle(world, record) == settle(world, record) == ()

    assert world.in_landing() == []
    assert sorted(world.in_lake("archive/").values()) == [b"1", b"2"]


def test_version_that_vanished_before_it_was_archived_is_reported(
    world: World, s3: S3Client
) -> None:
    version = world.put("a", b"1")
    s3.delete_object(Bucket=world.landing, Key="a", VersionId=version)
    kept = world.put("b", b"2")

    missing = settle(world, result(("a", version), ("b", kept)))

    assert missing == (f"archive/a/{version}",)
    assert list(world.in_lake("archive/").values()) == [b"2"]
    assert world.in_landing() == []


def test_only_settled_versions_are_deleted(world: World) -> None:
    first = world.put("a", b"1")
    world.put("a", b"2")

    settle(world, result(("a", first)))

    assert world.in_landing() == ["a"]


def test_large_objects_are_copied_in_parts(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("burst.s3.copy.MAX_COPY_BYTES", 0)
    monkeypatch.setattr("burst.s3.copy.PART_BYTES", 5 * 1024**2)
    body = bytes(range(256)) * (12 * 1024**2 // 256) + b"end"
    old = world.put("a b+c", body)
    world.put("a b+c", b"2")

    assert settle(world, result(("a b+c", old), ("gone", old))) == (f"archive/gone/{old}",)

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
        monkeypatch.setattr("burst.s3.copy.MAX_COPY_BYTES", limit)
        file = FileResult("a", version, 1, "curated", 1, None, place)
        landing = Landing(world.s3, world.landing, "", "")
        landing._copy(file, result(), world.lake, NOW)
        head = world.s3.head_object(Bucket=world.lake, Key=place)
        found = world.s3.get_object_tagging(Bucket=world.lake, Key=place)["TagSet"]
        kept[place] = (
            {name: cast(Any, head)[name] for name in described},
            {tag["Key"]: tag["Value"] for tag in found},
        )

    assert kept == {"at once": (described, tags), "in parts": (described, tags)}
    assert world.s3.head_object(Bucket=world.lake, Key="in parts")["ETag"].endswith('-1"')


def test_reason_says_which_version_of_what_when_why_and_how_to_replay(world: World) -> None:
    key = "it's [1].csv"
    version = world.put(key, b"1")
    bad = FileResult(key, version, 1, "quarantined", 0, "Row 2: odd.", "quarantine/a")

    settle(world, ResultRecord(ORIGIN, None, 0, 1, {}, (bad,)))

    lying = world.in_lake("quarantine/")
    assert json.loads(lying["quarantine/a.reason.json"]) == {
        "key": key,
        "version_id": version,
        "size": 1,
        "reason": "Row 2: odd.",
        "environment": "dev",
        "pipeline": "orders",
        "batch": ORIGIN.batch,
        "job_run_id": "jr",
        "at": NOW.isoformat(),
        "replay": "Correct the pipeline's columns, or the file (then add --with FILE): pipenv run "
        f"burst replay dev orders --quarantine --batch {ORIGIN.batch} "
        """--key 'it'"'"'s [[]1].csv'""",
    }
    assert lying["quarantine/a"] == b"1"


def test_more_files_than_one_delete_request_takes_all_leave(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("burst.s3.delete.MAX_DELETE_KEYS", 2)
    record = result(*((key, world.put(key, b"1")) for key in "abcde"))

    settle(world, record)

    assert world.in_landing() == []


def test_refused_delete_is_an_error_that_names_the_first_key(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_: Any) -> dict[str, Any]:
        return {"Errors": [{"Key": "a", "Code": "AccessDenied", "Message": "no"}]}

    record = result(("a", world.put("a", b"1")))
    monkeypatch.setattr(world.s3, "delete_objects", refuse)

    with pytest.raises(SettleError, match=r"refused to delete 1 of 1 .* 'a': AccessDenied no"):
        settle(world, record)
