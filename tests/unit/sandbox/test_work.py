"""What a run did, read from a ledger that holds more than its batches."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from burst.contract import LEDGER, folder
from burst.errors import LedgerError

from tests.unit.operate.records import BATCH, DEPLOYMENT, LATER, PIPELINE, file_result, plan, result
from tests.unit.sandbox.notices import run_succeeded
from tools.operate.replays.records import ReplayRecords
from tools.sandbox.narration import Narrator
from tools.sandbox.work import LedgerWork, Work

PREFIX = folder(LEDGER, "orders")
GONE = b"gone"


class Bucket:
    """A bucket of a few objects. One with the body GONE is listed, and is not there any more."""

    def __init__(self, objects: dict[str, bytes]) -> None:
        self.objects = objects

    def get_paginator(self, name: str) -> Bucket:
        return self

    def paginate(self, **of: str) -> Iterator[dict[str, Any]]:
        yield {"Contents": [{"Key": key} for key in self.objects if key.startswith(of["Prefix"])]}

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        if self.objects[Key] == GONE:
            raise ClientError({"Error": {"Code": "NoSuchKey"}}, "GetObject")
        return {"Body": io.BytesIO(self.objects[Key])}


def work(objects: dict[str, bytes], run: str = "jr_1") -> Work:
    ledger = LedgerWork(Bucket(objects), "lake", "orders")  # type: ignore[arg-type]
    ledger.read()
    return ledger.of(run)


def records(batch: str, keys: list[str]) -> dict[str, bytes]:
    files = [file_result(key, batch=batch) for key in keys]
    return {
        f"{PREFIX}{batch}/plan.json": plan(files, batch=batch).to_json().encode(),
        f"{PREFIX}{batch}/result.json": result(files, batch=batch).to_json().encode(),
    }


def test_work_of_a_run_is_known_also_after_a_replay_a_check_and_a_halved_batch() -> None:
    replays = ReplayRecords.of(None, DEPLOYMENT, PIPELINE).prefix  # type: ignore[arg-type]
    halved = replace(result([], batch=LATER), replaced_by=(BATCH, BATCH))
    others = {
        f"{PREFIX}head.json": b"{}",
        f"{PREFIX}unreadable.json": b"[]",
        f"{PREFIX}drift/2026-03-01/x.json": b"{}",
        f"{replays}latest.json": b"{}",
        f"{replays}20260301T120000Z-0000cccc/plan.json": b'{"not": "a plan of a batch"}',
        f"{replays}20260301T120000Z-0000cccc/result.json": b"{}",
        f"{PREFIX}{BATCH}/attempts.json": b"{}",
        f"{PREFIX}{BATCH}/done.json": b"{}",
        f"{PREFIX}{LATER}/plan.json": plan([file_result("c")], batch=LATER).to_json().encode(),
        f"{PREFIX}{LATER}/result.json": halved.to_json().encode(),
        f"{PREFIX}20260301T120001Z-0000dddd/plan.json": GONE,
    }
    assert work(records(BATCH, ["a", "b"]) | others) == Work(planned=2, files=2, rows=6)


def test_record_that_is_damaged_is_named_in_the_line_of_the_run() -> None:
    damaged = {f"{PREFIX}{BATCH}/plan.json": b"{"}
    with pytest.raises(LedgerError, match=BATCH):
        work(damaged)
    printed: list[str] = []
    narrator = Narrator(lambda at, line: printed.append(line), lambda notice: work(damaged))
    narrator.take(run_succeeded("j", "wr_1"))
    (line,) = printed
    assert line.startswith("Run wr_1 of j is SUCCEEDED. What it did cannot be read: ")
    assert BATCH in line
