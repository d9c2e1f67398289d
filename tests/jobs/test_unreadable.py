"""A version that S3 does not hand out blocks nothing, is told of, and is taken once it can be."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest
from burst.errors import TooManyUnreadableFilesError
from burst.ledger import read_record
from hypothesis import given
from hypothesis import strategies as st
from mypy_boto3_s3 import S3Client
from pyspark.sql import SparkSession

from tests.jobs.invariants import Proof
from tests.jobs.memory_s3 import MemoryS3
from tests.jobs.one_process import OneProcess, ProcessDied
from tests.jobs.test_run_limits import Told, lines
from tests.jobs.world import World, as_csv, memory_world, new_world, order

RECORD = "ledger/orders/unreadable.json"

CODES = ["InvalidObjectState", "InvalidRequest", "AccessDenied", "KMS.DisabledException"]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return memory_world(tmp_path)


def refuse(world: World, key: str, version: str, code: str | None) -> None:
    memory = cast(MemoryS3, world.s3)
    memory.refuse(Bucket=world.landing, Key=key, VersionId=version, code=code)


def put_refused(world: World, key: str, body: bytes, code: str = "AccessDenied") -> str:
    version = world.put(key, body)
    refuse(world, key, version, code)
    return version


def record(world: World) -> list[dict[str, object]]:
    files: list[dict[str, object]] = json.loads(world.in_lake(RECORD)[RECORD])["files"]
    return files


@pytest.mark.parametrize("code", CODES)
def test_version_that_s3_refuses_stays_in_landing_and_the_rest_passes(
    world: World, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    version = put_refused(world, "orders/refused.csv", as_csv([order(1)]), code)
    world.put("orders/good.csv", as_csv([order(2)]))
    told = Told()

    with caplog.at_level("INFO", logger="burst"):
        summary = world.drain_plain(metrics=told)

    assert (summary.files, summary.rows, summary.bad_files) == (2, 1, 0)
    assert (summary.unreadable_files, summary.left_unreadable) == (1, 1)
    assert world.order_ids() == ["o-00002"]
    assert world.versions_in_landing() == {("orders/refused.csv", version)}
    assert world.in_lake("quarantine/") == {}
    [batch] = summary.batches
    assert world.record(batch, "done")["unreadable"] == 1
    [entry] = record(world)
    assert (entry["key"], entry["version_id"], entry["batch"]) == (
        "orders/refused.csv",
        version,
        batch,
    )
    assert f"S3 says {code}" in str(entry["reason"])
    assert told.values[-1]["UnreadableFiles"] == 1
    assert told.values[-1]["OldestOutstandingSeconds"] >= 0
    [line] = [line for line in lines(caplog) if line["event"] == "unreadable"]
    assert line["count"] == 1
    assert line["files"] == [{name: entry[name] for name in ("key", "version_id", "reason")}]
    assert line["all"] == f"s3://{world.lake}/{RECORD}"


def test_later_runs_ask_for_it_again_and_plan_no_batch_for_it(world: World) -> None:
    put_refused(world, "orders/refused.csv", as_csv([order(1)]))
    world.drain_plain()
    process, told = OneProcess(), Told()

    summary = world.drain_plain(process, metrics=told)

    assert (summary.batches, summary.unreadable_files, summary.left_unreadable) == ((), 0, 1)
    assert len(world.ledger()) == 1
    assert f"GetObject /{world.landing}/orders/refused.csv" in process.calls
    assert not [call for call in process.calls if call.startswith("PutObject")]
    # Whoever watches is told for as long as it lasts.
    [values] = told.values
    assert values["UnreadableFiles"] == 1


def test_run_in_the_same_hour_takes_what_comes_and_is_not_held_up(world: World) -> None:
    for number in range(3):
        put_refused(world, f"orders/refused {number}.csv", b"x")
        world.put(f"orders/{number}.csv", as_csv([order(number)]))
        world.drain_plain()

    assert world.order_ids() == [order(number)["order_id"] for number in range(3)]
    assert len(record(world)) == 3


def test_version_that_became_readable_is_taken_by_the_next_run(world: World) -> None:
    version = put_refused(world, "orders/a.csv", as_csv([order(1)]))
    bad = put_refused(world, "orders/b.csv", b"bad\n")
    world.drain_plain()
    refuse(world, "orders/a.csv", version, None)
    refuse(world, "orders/b.csv", bad, None)

    summary = world.drain_plain()

    assert (summary.files, summary.bad_files, summary.left_unreadable) == (2, 1, 0)
    assert world.order_ids() == ["o-00001"]
    assert world.in_landing() == []
    assert record(world) == []


def test_version_that_is_taken_at_the_second_at_which_it_was_refused_is_another_batch(
    tmp_path: Path,
) -> None:
    """A clock may go back, and the batch of the first time is done."""
    world = replace(memory_world(tmp_path), clock=lambda: datetime(2025, 1, 31, tzinfo=UTC))
    version = put_refused(world, "orders/a.csv", as_csv([order(1)]))
    [first] = world.drain_plain(JOB_RUN_ID="jr_1").batches
    refuse(world, "orders/a.csv", version, None)

    [second] = world.drain_plain(JOB_RUN_ID="jr_2").batches

    assert second != first
    assert world.record(first, "result")["files"][0]["outcome"] == "unreadable"
    assert world.record(second, "done")["archived"] == 1
    assert world.order_ids() == ["o-00001"]


def test_record_forgets_a_version_that_was_taken_though_the_run_died_and_nothing_came_since(
    world: World,
) -> None:
    version = put_refused(world, "orders/a.csv", as_csv([order(1)]))
    world.drain_plain()
    refuse(world, "orders/a.csv", version, None)
    process = OneProcess(after=True)

    def die_after_planning(call: int) -> None:
        if "plan.json" in process.calls[-1]:
            process.dies_at = call

    process.on_call = die_after_planning
    with suppress(ProcessDied):
        world.drain_plain(process, JOB_RUN_ID="jr_2")
    assert sorted(map(len, world.ledger().values())) == [1, 3]
    assert len(record(world)) == 1

    world.drain_plain()

    assert world.order_ids() == ["o-00001"]
    assert record(world) == []


def test_version_that_somebody_deleted_is_off_the_record(world: World) -> None:
    version = put_refused(world, "orders/a.csv", b"x")
    world.drain_plain()
    world.s3.delete_object(Bucket=world.landing, Key="orders/a.csv", VersionId=version)

    world.drain_plain()
    assert len(record(world)) == 1, "an empty listing is no reason to look at the record"
    world.put("orders/b.csv", as_csv([order(1)]))
    world.drain_plain()

    assert record(world) == []


def test_version_that_is_refused_again_keeps_the_time_since_when(world: World) -> None:
    version = put_refused(world, "orders/a.csv", b"x")
    world.drain_plain()
    [first] = record(world)
    put_refused(world, "orders/b.csv", b"x")
    refuse(world, "orders/a.csv", version, "InvalidRequest")

    world.drain_plain()

    entries = {entry["key"]: entry for entry in record(world)}
    assert entries["orders/a.csv"]["since"] == first["since"]
    assert set(entries) == {"orders/a.csv", "orders/b.csv"}


def test_so_many_refusals_that_it_is_the_role_fail_the_run_and_hold_up_nothing(
    world: World,
) -> None:
    versions = {f"orders/{n}.csv": put_refused(world, f"orders/{n}.csv", b"x") for n in range(6)}
    world.put("orders/good.csv", as_csv([order(1)]))

    with pytest.raises(
        TooManyUnreadableFilesError, match=r"refused to let the job read 6 of 7 files.*permissions"
    ):
        world.drain_plain()

    assert world.order_ids() == ["o-00001"]
    assert sorted(world.in_landing()) == sorted(versions)
    assert len(record(world)) == 6
    assert set(world.ledger().popitem()[1]) == {"plan.json", "result.json", "done.json"}
    # They are known now: the next run fails for new ones only.
    world.put("orders/more.csv", as_csv([order(2)]))
    assert world.drain_plain().left_unreadable == 6
    assert world.order_ids() == ["o-00001", "o-00002"]


def test_damaged_record_costs_a_second_refusal_and_nothing_else(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    put_refused(world, "orders/a.csv", b"x")
    world.drain_plain()
    world.s3.put_object(Bucket=world.lake, Key=RECORD, Body=b'{"format": 1, "rec')

    assert world.drain_plain().unreadable_files == 1

    assert f"{RECORD} is damaged" in caplog.text
    assert len(record(world)) == 1


@given(
    st.recursive(
        st.none() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner, max_size=2)
            | st.dictionaries(
                st.sampled_from(["format", "record", "files", "key", "since"]), inner, max_size=4
            )
        ),
        max_leaves=8,
    )
)
def test_record_of_any_shape_is_read_or_is_damaged(value: object) -> None:
    assert read_record(json.dumps(value)) in (None, ())


def test_archived_file_over_http_and_with_spark_waits_until_it_is_restored(
    s3: S3Client, spark: SparkSession, tmp_path: Path
) -> None:
    proof = Proof(new_world(s3, "unreadable", tmp_path))
    archived = proof.archive("orders/archived.csv", as_csv([order(1)]), ["o-00001"])
    proof.put("orders/good.csv", as_csv([order(2)]), ["o-00002"])

    assert proof.world.drain().unreadable_files == 1
    proof.check_settled()
    assert proof.world.drain().batches == ()
    proof.check_settled()

    proof.restore(archived)
    assert proof.world.drain().rows == 1
    proof.check_settled()
