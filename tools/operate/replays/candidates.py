"""Looks up in ledger and lake what a selection can mean, and lets `choose` decide."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from tools.operate import ids, quarantine
from tools.operate.deployment import DeployedPipeline, Deployment
from tools.operate.ledger import PipelineLedger, planned_at
from tools.operate.replays import archived
from tools.operate.replays.records import ReplayRecords, sent_before
from tools.operate.replays.selection import (
    Choice,
    Selection,
    choose,
    since_when,
    without_archived,
)

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def find(
    s3: S3Client,
    deployment: Deployment,
    pipeline: DeployedPipeline,
    selection: Selection,
    now: datetime,
) -> Choice:
    """The files that this selection means now, without those that came back before.

    A batch that is not done is left out: its files may still be in landing; so is a file that has
    to be restored first. Raises `InputError` for a batch that there is not.
    """
    ledger = PipelineLedger.of(s3, deployment, pipeline)
    earlier = ReplayRecords.of(s3, deployment, pipeline).done()
    present: dict[str, str] = {}
    if selection.area == "quarantine":
        places, _ = quarantine.copies(s3, deployment, pipeline, "quarantine", batch=selection.batch)
        for found in places.values():
            present |= found
        batches = list(places)
    else:
        batches = []
    batches = _wanted(ledger, selection, batches, now)
    done = ledger.done_batches(batches)
    results = ledger.results([batch for batch in batches if batch in done])
    if selection.area == "archive":
        for result in results:
            places, _ = quarantine.copies(
                s3, deployment, pipeline, "archive", batch=result.origin.batch
            )
            for found in places.values():
                present |= found
    choice = choose(
        selection,
        results,
        pipeline=pipeline,
        present=present.keys(),
        replayed=sent_before(earlier),
        removed={output.batch for replay in earlier for output in replay.outputs},
        unsettled=[batch for batch in batches if batch not in done],
    )
    frozen = archived.look(s3, deployment.lake_bucket, choice.items, present)
    return without_archived(selection, choice, frozen)


def _wanted(
    ledger: PipelineLedger, selection: Selection, quarantined: Iterable[str], now: datetime
) -> list[str]:
    """The batches that the selection can be about, oldest first."""
    since = since_when(selection.since, now) if selection.since else None
    if selection.batch is not None:
        if not ledger.has_plan(selection.batch):
            where = f"the ledger of {ledger.environment}/{ledger.pipeline}"
            raise ids.missing(selection.batch, what="batch", where=where)
        found = [selection.batch]
    elif selection.area == "archive":
        found = list(ledger.batches(since=since))
    else:
        found = sorted(quarantined)
    return [batch for batch in found if since is None or planned_at(batch) >= since]
