"""A run that has no time left, and what a run tells about its batches."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from burst.batch import InputFile
from burst.drain import Summary, drain
from burst.errors import LedgerError
from burst.row_engine import FileOutcome, R, ReadBatch, T, Written
from mypy_boto3_s3 import S3Client

from tests.jobs.one_process import OneProcess
from tests.jobs.world import World, as_csv, memory_world, order


@dataclass
class Time:
    """A clock that stands still until somebody takes their time."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now


@dataclass
class SlowRowEngine:
    """Reads a row from every file, but those named bad, and takes its minutes for it."""

    time: Time
    minutes: float = 0

    def warm_up(self) -> None:
        pass

    def read(self, batch: str, inputs: Sequence[InputFile]) -> ReadBatch:
        self.time.now += timedelta(minutes=self.minutes)
        outcomes = [
            FileOutcome(0, "Bad.") if "bad" in file.key else FileOutcome(1) for file in inputs
        ]
        return ReadBatch(batch, tuple(outcomes), sum(file.size for file in inputs), None)

    def made_up(self, batch: str) -> ReadBatch:
        raise NotImplementedError

    def write(self, read: ReadBatch, target: str) -> Written:
        return Written(sum(outcome.rows for outcome in read.outcomes))

    def spread(self, work: Callable[[S3Client, T, int], R], parts: Sequence[T]) -> list[R]:
        raise NotImplementedError

    def release(self, read: ReadBatch) -> None:
        pass


@dataclass
class Told:
    """Keeps what is published."""

    values: list[dict[str, float]] = field(default_factory=list)

    def publish(self, values: Mapping[str, tuple[float, str]]) -> None:
        self.values.append({name: value for name, (value, _) in values.items()})


def run(
    world: World, *, minutes: float = 0, late: float = 0, **arguments: float
) -> tuple[Summary, Told]:
    """One run, so many minutes after now, with batches that take so many minutes."""
    time, told = Time(datetime.now(UTC) + timedelta(minutes=late)), Told()
    args = world.arguments(**arguments)
    summary = drain(
        args, s3=world.s3, engine=SlowRowEngine(time, minutes), clock=time, metrics=told
    )
    return summary, told


def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, object]]:
    return [json.loads(record.message) for record in caplog.records if record.name == "burst"]


def test_run_begins_no_batch_in_the_last_part_of_its_time_and_the_next_run_goes_on(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(5):
        world.put(f"orders/{number}.csv", b"12")

    with caplog.at_level("INFO", logger="burst"):
        # It begins batches after 0, 20 and 40 minutes, with 60, 40 and 20 of 60 left.
        summary, told = run(
            world, minutes=20, max_files_per_batch=1, timeout_minutes=60, time_reserve=0.25
        )

    assert len(summary.batches) == 3
    assert (summary.waiting_files, summary.waiting_bytes) == (2, 4)
    last = lines(caplog)[-1]
    assert (last["event"], last["waiting_files"], last["waiting_bytes"]) == ("out_of_time", 2, 4)
    assert len(world.in_landing()) == 2
    # What waits is as old as the run is long.
    assert told.values[-1] == {"OldestOutstandingSeconds": pytest.approx(3600, abs=60)}

    again, _ = run(world, minutes=20, max_files_per_batch=1, timeout_minutes=60)
    assert (len(again.batches), again.resumed, again.waiting_files) == (2, 0, 0)
    assert world.in_landing() == []


def test_batch_that_an_earlier_run_began_is_finished_however_little_time_there_is(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.put("orders/a.csv", b"1")
    with monkeypatch.context() as patch:
        patch.setattr(SlowRowEngine, "read", _crash)
        with pytest.raises(ZeroDivisionError):
            run(world)
    world.put("orders/b.csv", b"1")

    summary, _ = run(world, timeout_minutes=1, time_reserve=1, minutes=1)

    assert (summary.resumed, summary.waiting_files) == (1, 1)
    assert world.in_landing() == ["orders/b.csv"]


def _crash(*_: object) -> None:
    raise ZeroDivisionError


def test_every_batch_is_told_once_to_the_log_and_to_the_metrics(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    for key in ("orders/a.csv", "orders/bad.csv", "orders/folder/"):
        world.put(key, b"" if key.endswith("/") else b"123")

    with caplog.at_level("INFO", logger="burst"):
        _, told = run(world, late=10)

    [values] = told.values
    assert {name: values[name] for name in ("Files", "BadFiles", "Rows", "Bytes")} == {
        "Files": 3,
        "BadFiles": 1,
        "Rows": 2,
        "Bytes": 6,
    }
    assert values["OldestOutstandingSeconds"] == pytest.approx(600, abs=60)
    assert {"ReadSeconds", "WriteSeconds", "SettleSeconds"} <= set(values)
    [line, _] = lines(caplog)
    assert (line["event"], line["files"], line["bad_files"]) == ("batch", 3, 1)
    assert line["oldest_seconds"] == values["OldestOutstandingSeconds"]


def test_batch_that_only_had_to_be_settled_is_told_too(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.put("orders/a.csv", b"123")
    with monkeypatch.context() as patch:
        patch.setattr("burst.batch_run.BatchRun.settle", _crash_with_options)
        with pytest.raises(ZeroDivisionError):
            run(world)

    summary, told = run(world)

    assert summary.resumed == 1
    [values] = told.values
    assert (values["Files"], values["Rows"]) == (1, 1)


def _crash_with_options(*_: object, **__: object) -> None:
    raise ZeroDivisionError


def test_run_that_finds_nothing_publishes_nothing(world: World) -> None:
    _, told = run(world)

    assert told.values == []


def test_start_costs_the_same_whatever_is_in_the_ledger(world: World, tmp_path: Path) -> None:
    one, many = memory_world(tmp_path / "one"), memory_world(tmp_path / "many")
    calls = []
    for place in (one, many):
        place.put("orders/a.csv", as_csv([order(1)]))
        place.drain_plain()
        for number in range(1000 if place is many else 0):
            key = f"ledger/orders/2024{number:04}T000000Z-0123abcd/done.json"
            place.s3.put_object(Bucket=place.lake, Key=key, Body=b"{}")
        process = OneProcess()
        place.drain_plain(process)
        calls.append(process.calls)

    assert calls[0] == calls[1]
    assert [call.split()[0] for call in calls[0]] == [
        "GetBucketVersioning",
        "GetObject",
        "ListObjectVersions",
    ]


def test_result_whose_plan_is_lost_stops_the_run(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = _committed(world, monkeypatch)
    world.s3.delete_object(Bucket=world.lake, Key=f"ledger/orders/{batch}/plan.json")

    with pytest.raises(LedgerError, match=f"{batch}/plan.json is missing.*Restore"):
        run(world)

    assert world.in_landing() == ["orders/a.csv"]


def test_result_of_other_files_than_the_plan_s_stops_the_run(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = _committed(world, monkeypatch)
    record = world.record(batch, "result")
    record["files"][0]["version_id"] = "another"
    key = f"ledger/orders/{batch}/result.json"
    world.s3.put_object(Bucket=world.lake, Key=key, Body=json.dumps(record).encode())

    with pytest.raises(LedgerError, match=r"result.json is damaged: its files are not those"):
        run(world)

    assert world.in_landing() == ["orders/a.csv"]


def _committed(world: World, monkeypatch: pytest.MonkeyPatch) -> str:
    """A batch that is committed and not settled; returns its id."""
    world.put("orders/a.csv", b"1")
    with monkeypatch.context() as patch:
        patch.setattr("burst.batch_run.BatchRun.settle", _crash_with_options)
        with pytest.raises(ZeroDivisionError):
            run(world)
    [batch] = world.ledger()
    return batch
