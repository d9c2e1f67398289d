"""Looks at everything that `burst status` shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

from burst.errors import LedgerError

from tools.operate import history, quarantine, routing, runs, waiting
from tools.operate.connection import Connection
from tools.operate.deployment import PROJECT_FOLDER, DeployedPipeline, Deployment
from tools.operate.health import PipelineSnapshot, findings
from tools.operate.ledger import PipelineLedger
from tools.operate.refusals import Unavailable, known_or_why
from tools.operate.replays.records import DoneReplay, ReplayRecords, sent_before
from tools.operate.rescued import replaced_batches, taken_by_settings, unclaimed

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient

T = TypeVar("T")

LAST = 5
SETTINGS_FILE = PROJECT_FOLDER / "cdktf.json"
REFUSED_WITHIN = timedelta(days=1)


@dataclass(frozen=True)
class PipelineStatus:
    """One pipeline, and what about it needs attention."""

    snapshot: PipelineSnapshot
    findings: tuple[str, ...]


@dataclass(frozen=True)
class EnvironmentStatus:
    """One environment, pipeline by pipeline."""

    environment: str
    region: str
    pipelines: tuple[PipelineStatus, ...]

    @property
    def healthy(self) -> bool:
        return not any(pipeline.findings for pipeline in self.pipelines)


def look(
    connection: Connection, deployment: Deployment, *, now: datetime, max_age_seconds: float
) -> EnvironmentStatus:
    """The status of every pipeline of an environment."""
    snapshots = [
        snapshot(connection, deployment, pipeline, now)
        for _, pipeline in sorted(deployment.pipelines.items())
    ]
    return EnvironmentStatus(
        deployment.environment,
        deployment.region,
        tuple(
            PipelineStatus(
                shown,
                findings(
                    shown,
                    environment=deployment.environment,
                    max_age_seconds=max_age_seconds,
                ),
            )
            for shown in snapshots
        ),
    )


def snapshot(
    connection: Connection, deployment: Deployment, pipeline: DeployedPipeline, now: datetime
) -> PipelineSnapshot:
    """One pipeline at this moment; each part on its own, so that one refusal hides no other."""
    s3, glue = connection.s3, connection.glue
    # Clients are made one by one: making them is not safe in threads.
    events, sqs = connection.events, connection.sqs
    records = ReplayRecords.of(s3, deployment, pipeline)
    ledger = PipelineLedger.of(s3, deployment, pipeline)
    with ThreadPoolExecutor() as threads:
        rule = threads.submit(_part, lambda: routing.rule_state(events, pipeline.rule_name))
        sweep = threads.submit(_part, lambda: _sweep_state(events, pipeline))
        files = threads.submit(_part, lambda: waiting.look(s3, deployment, pipeline))
        batches = threads.submit(_part, lambda: history.look(ledger, last=LAST, now=now))
        last = threads.submit(_part, lambda: runs.last_runs(glue, pipeline, last=LAST))
        refused = threads.submit(
            _part, lambda: runs.refused_runs(glue, pipeline, since=now - REFUSED_WITHIN)
        )
        letters = threads.submit(_part, lambda: routing.depth(sqs, pipeline))
        replays = threads.submit(records.done)
        bad = threads.submit(
            _part,
            lambda: quarantine.look(
                s3, deployment, pipeline, replayed=sent_before(replays.result()).keys()
            ),
        )
        replay = threads.submit(_part, lambda: _open_replay(records))
    past, found = _with_starts(connection, pipeline, batches.result(), last.result())
    return PipelineSnapshot(
        pipeline=pipeline,
        at=now,
        rule_state=rule.result(),
        sweep_state=sweep.result(),
        waiting=files.result(),
        history=past,
        runs=found,
        refused=refused.result(),
        quarantine=bad.result(),
        dead_letters=letters.result(),
        replay=replay.result(),
        rescued=_part(lambda: _rescued(past, replays.result(), deployment, pipeline)),
    )


def _rescued(
    past: history.History | Unavailable,
    replays: Sequence[DoneReplay],
    deployment: Deployment,
    pipeline: DeployedPipeline,
) -> Mapping[str, int]:
    """What no column takes of the last batches, by the settings that `burst drift` reads, too."""
    last = () if isinstance(past, Unavailable) else past.last
    replaced = replaced_batches(replays)
    if not unclaimed(last, replaced, frozenset()):
        return {}
    taken = taken_by_settings(SETTINGS_FILE, deployment.environment, pipeline.name)
    return unclaimed(last, replaced, taken)


def _part(read: Callable[[], T]) -> T | Unavailable:
    try:
        return known_or_why(read)
    except LedgerError as error:
        return Unavailable(str(error))


def _open_replay(records: ReplayRecords) -> tuple[str, str] | None:
    request = records.open_request()
    return None if request is None else (request.id, request.selection.words())


def _sweep_state(events: EventBridgeClient, pipeline: DeployedPipeline) -> str | None:
    rule = pipeline.sweep_rule_name
    return routing.rule_state(events, rule) if rule else None


def _with_starts(
    connection: Connection,
    pipeline: DeployedPipeline,
    past: history.History | Unavailable,
    found: tuple[runs.Run, ...] | Unavailable,
) -> tuple[history.History | Unavailable, tuple[runs.Run, ...] | Unavailable]:
    """The last batches and runs, each with what started it, where Glue still knows."""
    batches = () if isinstance(past, Unavailable) else past.last
    last = () if isinstance(found, Unavailable) else found
    asked = {batch.workflow_run_id for batch in batches} | {run.workflow_run_id for run in last}
    starts = known_or_why(lambda: runs.starts_of(connection.glue, pipeline, asked))
    if isinstance(starts, Unavailable):
        return past, found
    named = tuple(replace(b, started_by=_named(b, starts, b.newest_arrival)) for b in batches)
    by_run = {batch.job_run_id: batch.started_by for batch in named}
    runs_named = tuple(
        replace(run, started_by=by_run.get(run.run_id) or _named(run, starts, None)) for run in last
    )
    return (
        past if isinstance(past, Unavailable) else replace(past, last=named),
        found
        if isinstance(found, Unavailable)
        else tuple(runs.with_files(runs_named, batches, all_read=len(batches) < LAST)),
    )


def _named(
    item: history.Batch | runs.Run,
    starts: Mapping[str, runs.Start],
    newest_arrival: datetime | None,
) -> str | None:
    """What started a run, in words; a run of no workflow was started by somebody."""
    if item.workflow_run_id is None:
        return item.by_somebody if isinstance(item, runs.Run) else runs.BY_HAND
    start = starts.get(item.workflow_run_id)
    if start is None:
        return None
    swept = newest_arrival is not None and start.is_sweep(newest_arrival)
    return runs.SWEEP if swept else start.words
