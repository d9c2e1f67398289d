"""Looks up in ledger and lake what a selection can mean, and lets `choose` decide."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError
from burst.ledger import Ledger, RecordName
from burst.s3 import is_gone

from tools.operate import history, quarantine
from tools.operate.connection import THREADS
from tools.operate.deployment import Deployment, Pipeline
from tools.operate.errors import InputError
from tools.operate.replays.records import ReplayRecords, replayed_sources
from tools.operate.replays.selection import Choice, Selection, choose, since_when

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def find(
    s3: S3Client, deployment: Deployment, pipeline: Pipeline, selection: Selection, now: datetime
) -> Choice:
    """The files that this selection means now, without those that came back before.

    A batch that is not done is left out: its files may still be in landing. Raises `InputError`
    for a batch that there is not.
    """
    ledger = history.ledger_of(s3, deployment, pipeline)
    earlier = ReplayRecords.of(s3, deployment, pipeline).done()
    present: set[str] = set()
    if selection.area == "quarantine":
        places, _ = quarantine.copies(s3, deployment, pipeline, "quarantine", batch=selection.batch)
        present.update(*places.values())
        batches = list(places)
    else:
        batches = []
    batches = _wanted(ledger, selection, batches, now)
    done = _done(ledger, batches)
    results = history.read_results(ledger, [batch for batch in batches if batch in done])
    if selection.area == "archive":
        for result in results:
            places, _ = quarantine.copies(
                s3, deployment, pipeline, "archive", batch=result.origin.batch
            )
            present.update(*places.values())
    return choose(
        selection,
        results,
        pipeline=pipeline,
        present=present,
        replayed=replayed_sources(earlier),
        removed={output.batch for replay in earlier for output in replay.outputs},
        unsettled=[batch for batch in batches if batch not in done],
    )


def _wanted(
    ledger: Ledger, selection: Selection, quarantined: Iterable[str], now: datetime
) -> list[str]:
    """The batches that the selection can be about, oldest first."""
    since = since_when(selection.since, now) if selection.since else None
    if selection.batch is not None:
        if not _exists(ledger, selection.batch, "plan"):
            raise InputError(
                f"There is no batch {selection.batch} in the ledger of {ledger.environment}/"
                f"{ledger.pipeline}; `burst status` shows the last ones."
            )
        found = [selection.batch]
    elif selection.area == "archive":
        found = list(history.batches_since(ledger, since))
    else:
        found = sorted(quarantined)
    return [batch for batch in found if since is None or history.planned_at(batch) >= since]


def _done(ledger: Ledger, batches: list[str]) -> set[str]:
    with ThreadPoolExecutor(THREADS) as threads:
        answers = list(threads.map(lambda batch: _exists(ledger, batch, "done"), batches))
    return {batch for batch, is_done in zip(batches, answers, strict=True) if is_done}


def _exists(ledger: Ledger, batch: str, name: RecordName) -> bool:
    try:
        ledger.s3.head_object(Bucket=ledger.bucket, Key=ledger.key(batch, name))
    except ClientError as error:
        if not is_gone(error):
            raise
        return False
    return True
