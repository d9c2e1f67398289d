"""Where is my file, and what happened to it: the ledger, landing and the replays put together."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Literal, NamedTuple

from burst import drift
from burst.batch import InputFile

from tools.operate import ids, runs
from tools.operate.connection import CLOCKS_APART, Connection
from tools.operate.deployment import DeployedPipeline, Deployment
from tools.operate.errors import InputError
from tools.operate.history import Batch, summary
from tools.operate.ledger import (
    AttemptsRecord,
    BadFile,
    BatchRecords,
    FileResult,
    PipelineLedger,
    UnsettledFile,
    planned_at,
)
from tools.operate.replays.records import DoneReplay, ReplayRecords, SentFile
from tools.operate.runs import Run
from tools.operate.words import count

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

NEWEST_BATCHES = 1_000
Where = Literal["landing", "reading", "archive", "quarantine", "gone", "unreadable", "unsettled"]


@dataclass(frozen=True)
class Step:
    """One thing that happened to a version."""

    at: datetime
    what: str


@dataclass(frozen=True)
class Version:
    """One upload of a key, and what became of it.

    where: landing (waits), reading (in a batch that is not committed), archive, quarantine, gone
    (somebody deleted it), unreadable (in landing, S3 refuses to return it) or unsettled (loaded,
    and S3 does not let it go from landing). place: its key in the lake bucket. output: the folder
    of its rows, None where it has none or they were removed. came_back_as: the version as which a
    replay sent it again.
    """

    version_id: str
    size: int
    where: Where
    batch: str | None
    rows: int
    reason: str | None
    place: str | None
    output: str | None
    steps: tuple[Step, ...]
    came_back_as: str | None = None


@dataclass(frozen=True)
class KeyStory:
    """All that is known of a key. looked, batches: how many of the ledger's batches were read."""

    key: str
    versions: tuple[Version, ...]
    delete_markers: int
    looked: int
    batches: int


@dataclass(frozen=True)
class BatchFile:
    """One file of a batch. outcome: None as long as the batch is not committed."""

    key: str
    version_id: str
    size: int
    outcome: str | None
    rows: int
    reason: str | None
    place: str | None
    replayed: bool
    rescued: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class BatchStory:
    """All that is known of a batch. state: planned, committed or done.

    rows: read from the files. rows_written: by the transform; None where the record does not say.
    unsettled: the files that keep it open, because S3 does not let them go from landing.
    """

    batch: str
    state: Literal["planned", "committed", "done"]
    steps: tuple[Step, ...]
    files: tuple[BatchFile, ...]
    rows: int
    rows_written: int | None
    bytes: int
    seconds: Mapping[str, float]
    output: str | None
    output_removed_by: str | None
    transform: str
    job_run_id: str | None
    workflow_run_id: str | None
    missing: tuple[str, ...]
    unsettled: tuple[UnsettledFile, ...]


class Removal(NamedTuple):
    """That a replay removed a batch's rows. at: when they went."""

    replay: str
    at: datetime


class ReplayIndex:
    """Finished replays, found by what they sent, made or removed. The oldest counts."""

    def __init__(self, replays: Iterable[DoneReplay]) -> None:
        self._by_place: dict[str, tuple[DoneReplay, SentFile]] = {}
        self._by_version: dict[str, tuple[DoneReplay, SentFile]] = {}
        self._by_batch: dict[str, DoneReplay] = {}
        for replay in replays:
            for file in replay.files:
                if file.sent.sent:
                    self._by_place.setdefault(file.item.source, (replay, file))
                if file.sent.version_id is not None:
                    self._by_version.setdefault(file.sent.version_id, (replay, file))
            for output in replay.outputs:
                self._by_batch.setdefault(output.batch, replay)

    def of(self, place: str | None) -> tuple[DoneReplay, SentFile] | None:
        """The replay that brought the file at this place of the lake back to landing."""
        return None if place is None else self._by_place.get(place)

    def that_made(self, version_id: str) -> tuple[DoneReplay, SentFile] | None:
        """The replay that made this version of landing."""
        return self._by_version.get(version_id)

    def that_removed(self, batch: str) -> Removal | None:
        """The replay that removed the output of this batch, and when."""
        replay = self._by_batch.get(batch)
        if replay is None:
            return None
        # A record of an earlier release says only when the replay began.
        return Removal(replay.id, replay.removed_at.get(batch, replay.at))


@dataclass(frozen=True)
class RunStory:
    """One run of the job, and the batches that it committed."""

    run: Run
    log_group_prefix: str
    batches: tuple[Batch, ...]


def inspect_run(
    connection: Connection,
    deployment: Deployment,
    pipeline: DeployedPipeline,
    text: str,
    now: datetime,
) -> RunStory:
    """The story of the run whose id begins like this; raises as `runs.find_run` does."""
    run = runs.find_run(connection.glue, deployment, pipeline, text)
    ledger = PipelineLedger.of(connection.s3, deployment, pipeline)
    names = ledger.batches(since=run.started_at - CLOCKS_APART)
    until = (run.ended_at or now) + CLOCKS_APART
    committed = [b for b, records in names.items() if "result" in records and planned_at(b) < until]
    starts = runs.starts_of(connection.glue, pipeline, [run.workflow_run_id])
    start = starts.get(run.workflow_run_id or "")
    started_by = start.words if start else None if run.workflow_run_id else run.by_somebody
    return RunStory(
        replace(run, started_by=started_by),
        pipeline.log_group_prefix,
        tuple(
            replace(
                summary(result, settled="done" in names[result.origin.batch]), started_by=started_by
            )
            for result in ledger.results(committed)
            if result.origin.job_run_id == run.run_id and result.replaced_by is None
        ),
    )


def inspect_batch(
    s3: S3Client, deployment: Deployment, pipeline: DeployedPipeline, batch: str
) -> BatchStory:
    """The story of the batch whose id begins like this; raises `OperateError` without one."""
    ledger = PipelineLedger.of(s3, deployment, pipeline)
    records = ledger.records(ledger.find(batch))
    if records is None:
        raise no_batch(s3, deployment, pipeline, batch)
    return batch_story(records, _replays(s3, deployment, pipeline))


def no_batch(
    s3: S3Client, deployment: Deployment, pipeline: DeployedPipeline, text: str
) -> InputError:
    """The error for a batch that there is not: the id may be a replay's, which looks alike."""
    place = f"{deployment.environment} {pipeline.name}"
    records = ReplayRecords.of(s3, deployment, pipeline)
    unfinished = records.open_request()
    if unfinished and unfinished.id == text:
        return InputError(
            f"{text} is a replay and no batch. It was interrupted, or runs at this moment; "
            f"`burst status {deployment.environment}` says how it ends."
        )
    replay = next((done for done in records.done() if done.id == text), None)
    if replay is None:
        where = f"the ledger of {deployment.environment}/{pipeline.name}"
        return ids.missing(text, what="batch", where=where)
    sent = [file.item for file in replay.files if file.sent.sent]
    shows = (
        f" `burst inspect {place} {shlex.quote(sent[0].key)}` shows what became of the first one."
        if sent
        else f" `burst status {deployment.environment}` shows the last batches."
    )
    return InputError(
        f"{text} is a replay and no batch. It brought back {count(len(sent), 'file')}, and the "
        f"next runs took them into batches of their own.{shows}"
    )


def inspect_key(
    s3: S3Client,
    deployment: Deployment,
    pipeline: DeployedPipeline,
    key: str,
    *,
    newest: int = NEWEST_BATCHES,
    advance: Callable[[int, int], None] = lambda done, total: None,
) -> KeyStory:
    """The story of every version of a key, in the newest batches and in landing.

    Raises `InputError` for a key that cannot be this pipeline's.
    """
    if not pipeline.owns(key):
        whole = f"{pipeline.prefix}{key}"
        raise InputError(
            f"{key!r} is no file of the pipeline {pipeline.name!r}"
            f"{f' (did you mean {whole!r}?)' if pipeline.owns(whole) else ''}: its keys begin with "
            f"{pipeline.prefix!r}"
            + (f" and end with {pipeline.suffix!r}" if pipeline.suffix else "")
            + ". Give the whole key, as in the landing bucket, or the id of a batch or a run."
        )
    waiting, markers = _versions_in_landing(s3, deployment, key)
    ledger = PipelineLedger.of(s3, deployment, pipeline)
    batches = [batch for batch, names in ledger.batches().items() if "plan" in names]
    looked = batches[-newest:] if newest else batches
    found = [
        records
        for batch in ledger.batches_with(key, looked, advance)
        if (records := ledger.records(batch)) is not None
    ]
    return KeyStory(
        key=key,
        versions=key_versions(key, waiting, found, _replays(s3, deployment, pipeline)),
        delete_markers=markers,
        looked=len(looked),
        batches=len(batches),
    )


def key_versions(
    key: str, waiting: Sequence[InputFile], batches: Sequence[BatchRecords], replays: ReplayIndex
) -> tuple[Version, ...]:
    """Every version of the key, oldest first."""
    planned: dict[str, Version] = {}
    for records in batches:
        if records.halved:
            continue
        results = records.result.files if records.result else ()
        outcomes = {result.version_id: result for result in results if result.key == key}
        for file in records.plan.inputs:
            if file.key == key:
                # What could not be read comes again, in a later batch.
                before = planned.get(file.version_id)
                outcome = outcomes.get(file.version_id)
                planned[file.version_id] = _version(file, records, outcome, replays, before)
    fresh = [
        Version(
            file.version_id,
            file.size,
            "landing",
            None,
            0,
            None,
            None,
            None,
            steps=(*_arrival(file, replays),),
        )
        for file in waiting
        if file.version_id not in planned
    ]
    return tuple(sorted((*planned.values(), *fresh), key=lambda version: version.steps[0].at))


def batch_story(records: BatchRecords, replays: ReplayIndex) -> BatchStory:
    """The records of a batch put together."""
    plan, result, done = records.plan, records.result, records.done
    removed = replays.that_removed(plan.origin.batch)
    last = (done or result or plan).origin
    return BatchStory(
        batch=plan.origin.batch,
        state="planned" if result is None else "committed" if done is None else "done",
        steps=_in_order(_batch_steps(records, removed)),
        files=tuple(_batch_files(records, replays)),
        rows=result.rows if result else 0,
        rows_written=result.rows_written if result else None,
        bytes=sum(file.size for file in plan.inputs),
        seconds=dict(result.seconds) if result else {},
        output=result.output if result else None,
        output_removed_by=removed.replay if removed else None,
        transform=last.transform,
        job_run_id=last.job_run_id,
        workflow_run_id=last.workflow_run_id,
        missing=done.missing if done else (),
        unsettled=records.unsettled,
    )


def _in_order(steps: Iterable[Step]) -> tuple[Step, ...]:
    """By time; what happened in one second, as the protocol does it."""
    return tuple(sorted(steps, key=lambda step: step.at.replace(microsecond=0)))


def _batch_steps(records: BatchRecords, removed: Removal | None) -> Iterator[Step]:
    yield Step(records.plan.origin.at, "planned")
    if records.result and records.result.replaced_by:
        parts = ", ".join(records.result.replaced_by)
        yield Step(records.result.origin.at, f"halved, because it failed: {parts} take its place")
    elif records.result:
        yield Step(records.result.origin.at, "committed: its rows count from here on")
    elif records.attempts:
        yield Step(records.attempts.origin.at, _tried(records.attempts))
    if records.done:
        yield Step(records.done.origin.at, "done: landing holds none of its files any more")
    if removed:
        yield Step(removed.at, f"its output was removed by the replay {removed.replay}")


def _tried(attempts: AttemptsRecord) -> str:
    if not attempts.begun:
        return f"stopped: {count(len(attempts.files), 'file is', 'files are')} bad"
    said = f", the last one that failed said: {attempts.error}" if attempts.error else ""
    return f"tried {count(attempts.begun, 'time')}{said}"


def _batch_files(records: BatchRecords, replays: ReplayIndex) -> Iterator[BatchFile]:
    if records.result is None or records.halved:
        known = {file.identity: file.reason for file in _bad_files(records)}
        for file in records.plan.inputs:
            reason = known.get(file.identity)
            yield BatchFile(file.key, file.version_id, file.size, None, 0, reason, None, False)
        return
    for result in records.result.files:
        yield BatchFile(
            key=result.key,
            version_id=result.version_id,
            size=result.size,
            outcome=result.outcome,
            rows=result.rows,
            reason=result.reason,
            place=result.destination,
            rescued=result.rescued,
            replayed=bool(result.destination and replays.of(result.destination)),
        )


def _bad_files(records: BatchRecords) -> tuple[BadFile, ...]:
    return records.attempts.files if records.attempts else ()


def _version(
    file: InputFile,
    records: BatchRecords,
    outcome: FileResult | None,
    replays: ReplayIndex,
    before: Version | None,
) -> Version:
    result = records.result
    removed = replays.that_removed(records.plan.origin.batch)
    has_rows = outcome is not None and outcome.rows > 0 and removed is None
    brought = replays.of(outcome.destination) if outcome else None
    return Version(
        version_id=file.version_id,
        size=file.size,
        where="unsettled" if _unsettled(file, records) else _where(outcome),
        batch=records.plan.origin.batch,
        rows=outcome.rows if outcome else 0,
        reason=outcome.reason if outcome else None,
        place=outcome.destination if outcome else None,
        output=result.output if result and has_rows else None,
        came_back_as=brought[1].sent.version_id if brought else None,
        steps=_in_order(
            (
                *(before.steps if before else _arrival(file, replays)),
                *_version_steps(file, records, outcome, replays),
            )
        ),
    )


def _unsettled(file: InputFile, records: BatchRecords) -> UnsettledFile | None:
    return next((left for left in records.unsettled if left.identity == file.identity), None)


def _where(outcome: FileResult | None) -> Where:
    if outcome is None:
        return "reading"
    places: Mapping[str, Where] = {
        "curated": "archive",
        "quarantined": "quarantine",
        "gone": "gone",
        "unreadable": "unreadable",
    }
    return places[outcome.outcome]


def _rescued(outcome: FileResult) -> str:
    rows = drift.words(outcome.rescued)
    return f"; no column takes {rows}, which is in _rescued" if rows else ""


def _version_steps(
    file: InputFile, records: BatchRecords, outcome: FileResult | None, replays: ReplayIndex
) -> Iterator[Step]:
    yield Step(records.plan.origin.at, f"taken into batch {records.plan.origin.batch}")
    if records.result is None or outcome is None:
        return
    outcomes = {
        "curated": f"{count(outcome.rows, 'row')} loaded into curated{_rescued(outcome)}",
        "quarantined": f"set aside: {outcome.reason}",
        "gone": f"not read: {outcome.reason}",
        "unreadable": f"left in landing: {outcome.reason}",
    }
    yield Step(records.result.origin.at, outcomes[outcome.outcome])
    if left := _unsettled(file, records):
        yield Step(left.since, f"S3 does not let it go from landing: {left.reason}")
    if records.done is not None and outcome.destination:
        if outcome.destination in records.done.missing:
            yield Step(records.done.origin.at, "its bytes were deleted by somebody before the end")
        else:
            yield Step(records.done.origin.at, f"moved to {outcome.destination}")
    if removed := replays.that_removed(records.plan.origin.batch):
        yield Step(removed.at, f"its rows were removed by the replay {removed.replay}")
    if brought := replays.of(outcome.destination):
        version = brought[1].sent.version_id or "unknown"
        yield Step(
            brought[0].at, f"brought back by the replay {brought[0].id} as version {version}"
        )


def _arrival(file: InputFile, replays: ReplayIndex) -> Iterator[Step]:
    made = replays.that_made(file.version_id)
    if made is None:
        yield Step(file.last_modified, "arrived in landing")
    else:
        replay, sent = made
        what = "corrected by" if replay.selection.content else "brought back by"
        yield Step(
            file.last_modified,
            f"arrived in landing, {what} the replay {replay.id} from batch {sent.item.batch}",
        )


def _replays(s3: S3Client, deployment: Deployment, pipeline: DeployedPipeline) -> ReplayIndex:
    return ReplayIndex(ReplayRecords.of(s3, deployment, pipeline).done())


def _versions_in_landing(
    s3: S3Client, deployment: Deployment, key: str
) -> tuple[list[InputFile], int]:
    found: list[InputFile] = []
    markers = 0
    pages = s3.get_paginator("list_object_versions").paginate(
        Bucket=deployment.landing_bucket, Prefix=key
    )
    for page in pages:
        found += [
            InputFile(
                version["Key"],
                version["VersionId"],
                version["ETag"].strip('"'),
                version["Size"],
                version["LastModified"],
            )
            for version in page.get("Versions", [])
            if version["Key"] == key
        ]
        markers += sum(marker["Key"] == key for marker in page.get("DeleteMarkers", []))
    return found, markers
