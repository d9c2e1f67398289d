"""The mark in a long ledger saves time and never hides a batch that is open."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError
from burst.batch import InputFile, batch_id
from burst.ledger import checkpoint
from burst.ledger.checkpoint import Checkpoint
from burst.ledger.records import DoneRecord, Ledger, Origin, PlanRecord
from hypothesis import given
from hypothesis import strategies as st
from mypy_boto3_s3 import S3Client

NOON = datetime(2025, 1, 31, 12, tzinfo=UTC)
KEY = "ledger/orders/checkpoint.json"


class FakeS3:
    """One bucket in a dictionary, listed in the order of S3."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.listed = 0

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, ContentType: str) -> None:
        self.objects[Key] = Body

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        if Key not in self.objects:
            raise ClientError({"Error": {"Code": "NoSuchKey", "Message": ""}}, "GetObject")
        return {"Body": io.BytesIO(self.objects[Key])}

    def get_paginator(self, operation: str) -> SimpleNamespace:
        assert operation == "list_objects_v2"

        def paginate(*, Bucket: str, Prefix: str, StartAfter: str = "") -> list[dict[str, Any]]:
            keys = sorted(key for key in self.objects if key.startswith(Prefix))
            found = [{"Key": key} for key in keys if key > StartAfter]
            self.listed += len(found)
            return [{"Contents": found}]

        return SimpleNamespace(paginate=paginate)


class Pipeline:
    """Runs of a job that plans batches and finishes them, or does not get there."""

    def __init__(self) -> None:
        self.s3 = FakeS3()
        self.ledger = Ledger(cast(S3Client, self.s3), "lake", "orders", "dev")
        self._planned = 0

    def run(self, clock: datetime, *, batches: int, crashes: bool = False) -> list[str]:
        """One run: finish what is open, then plan and finish; a crash leaves the last one open.

        Returns the batches that were found open at its start.
        """
        mark = Checkpoint(cast(S3Client, self.s3), "lake", "orders", "dev")
        found = self.ledger.batches(after=mark.load())
        resumed = [plan.origin.batch for plan, _ in self.ledger.open_batches(found)]
        for batch in resumed:
            self.finish(batch)
        mark.advance(found)
        for number in range(1, batches + 1):
            batch = self.plan(mark, clock)
            if not (crashes and number == batches):
                self.finish(batch)
        return resumed

    def plan(self, mark: Checkpoint, clock: datetime) -> str:
        self._planned += 1
        file = InputFile("orders/a", f"v{self._planned}", "e", 1, NOON)
        batch = batch_id([file], clock)
        mark.make_room_for(batch)
        self.ledger.write(PlanRecord(self._origin(batch), (file,)))
        return batch

    def finish(self, batch: str) -> None:
        self.ledger.write(DoneRecord(self._origin(batch), 1, 0, 0, 0, ()))

    def open(self) -> list[str]:
        """The open batches of the whole ledger."""
        return [plan.origin.batch for plan, _ in self.ledger.open_batches()]

    def mark(self) -> str:
        return str(json.loads(self.s3.objects[KEY])["done_up_to"])

    def _origin(self, batch: str) -> Origin:
        return Origin(batch, "orders", "dev", "orders", None, None, NOON)


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mark is worth it from the second batch on."""
    monkeypatch.setattr(checkpoint, "WORTH_A_MARK", 1)


def test_short_ledger_gets_no_checkpoint() -> None:
    pipeline = Pipeline()
    for hour in range(20):
        pipeline.run(NOON + timedelta(hours=hour), batches=1)

    assert KEY not in pipeline.s3.objects


def test_start_of_a_run_lists_no_more_after_years_than_after_days() -> None:
    pipeline = Pipeline()
    listed = []
    for hour in range(2 * checkpoint.WORTH_A_MARK + 10):
        before = pipeline.s3.listed
        pipeline.run(NOON + timedelta(hours=hour), batches=1)
        listed.append(pipeline.s3.listed - before)

    # Two records a batch here, and the checkpoint itself.
    assert max(listed) <= 2 * (checkpoint.WORTH_A_MARK + 1) + 1


runs = st.lists(
    st.tuples(
        # Clocks that are ahead, behind, or the same to the second.
        st.integers(-5, 5),
        st.integers(0, 4),
        st.booleans(),
        st.sampled_from(["keep", "keep", "keep", "lose", "damage", "restore an old one"]),
    ),
    max_size=12,
)


@pytest.mark.usefixtures("short")
@given(runs)
def test_no_open_batch_is_skipped_whatever_the_clocks_say(
    runs: list[tuple[int, int, bool, str]],
) -> None:
    pipeline = Pipeline()
    for seconds, batches, crashes, then in runs:
        expected = pipeline.open()

        resumed = pipeline.run(NOON + timedelta(seconds=seconds), batches=batches, crashes=crashes)

        assert resumed == expected
        # An old one is one that marks less.
        old = {
            "lose": None,
            "damage": b"{",
            "restore an old one": _record("20240101T000000Z-00000000"),
        }
        if KEY in pipeline.s3.objects and then != "keep":
            del pipeline.s3.objects[KEY]
            if body := old[then]:
                pipeline.s3.objects[KEY] = body


def _record(mark: str, **other: object) -> bytes:
    record: dict[str, object] = {
        "format": 1,
        "record": "checkpoint",
        "pipeline": "orders",
        "environment": "dev",
        "done_up_to": mark,
    }
    return json.dumps({**record, **other}).encode()


AHEAD = "20990101T000000Z-00000000"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"[]",
        b"null",
        _record("never"),
        _record(AHEAD, format=2),
        _record(AHEAD, record="done"),
        _record(AHEAD, pipeline="refunds"),
        _record(AHEAD, environment="prod"),
        _record(AHEAD, done_up_to=None),
    ],
)
def test_checkpoint_that_cannot_be_trusted_is_as_good_as_none(
    body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    pipeline = Pipeline()
    pipeline.run(NOON, batches=1, crashes=True)
    [left] = pipeline.open()
    pipeline.s3.objects[KEY] = body

    assert pipeline.run(NOON, batches=0) == [left]
    assert "checkpoint.json is damaged. The whole ledger is listed" in caplog.text


@pytest.mark.usefixtures("short")
def test_batch_planned_by_a_clock_behind_the_mark_moves_the_mark_back_first() -> None:
    pipeline = Pipeline()
    pipeline.run(NOON, batches=3)
    pipeline.run(NOON, batches=0)
    assert pipeline.mark().startswith("20250131T120000Z-")

    pipeline.run(NOON - timedelta(days=400), batches=1, crashes=True)

    assert pipeline.mark() == "20231228T115959Z-ffffffff"
    assert len(pipeline.open()) == 1
    assert pipeline.run(NOON, batches=0) != []


def test_error_of_s3_while_the_checkpoint_is_read_is_raised() -> None:
    pipeline = Pipeline()
    error = ClientError({"Error": {"Code": "AccessDenied", "Message": ""}}, "GetObject")

    def refuse(**_: Any) -> dict[str, Any]:
        raise error

    pipeline.s3.get_object = refuse  # type: ignore[method-assign]
    with pytest.raises(ClientError, match="AccessDenied"):
        pipeline.run(NOON, batches=1)
