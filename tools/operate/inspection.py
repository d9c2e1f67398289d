"""Where is my file, and what happened to it: the ledger, landing and the replays put together."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from burst.batch import InputFile
from burst.ledger import DoneRecord, FileResult, Ledger, PlanRecord, ResultRecord

from tools.operate import history
from tools.operate.connection import THREADS
from tools.operate.deployment import Deployment, Pipeline
from tools.operate.errors import InputError, OperateError
from tools.operate.replays.records import DoneReplay, ReplayRecords, SentFile

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

NEWEST_BATCHES = 1_000
Where = Literal["landing", "reading", "archive", "quarantine", "gone", "unreadable"]


@dataclass(frozen=True)
class Step:
    """One thing that happened to a version."""

    at: datetime
    what: str


@dataclass(frozen=True)
class Version:
    """One upload of a key, and what became of it.

    where: landing (waits), reading (in a batch that is not committed), archive, quarantine, gone
    (somebody deleted it), or unreadable (in landing, S3 does not hand it out). place: its key in
    the lake bucket. output: the folder of its rows, None where it has none or they were removed.
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


@dataclass(frozen=True)
class BatchStory:
    """All that is known of a batch. state: planned, committed or done."""

    batch: str
    state: Literal["planned", "committed", "done"]
    steps: tuple[Step, ...]
    files: tuple[BatchFile, ...]
    rows: int
    bytes: int
    seconds: Mapping[str, float]
    output: str | None
    output_removed_by: str | None
    transform: str
    job_run_id: str | None
    workflow_run_id: str | None
    missing: tuple[str, ...]


@dataclass(frozen=True)
class Records:
    """The records of one batch, as far as they are there."""

    plan: PlanRecord
    result: ResultRecord | None
    done: DoneRecord | None


@dataclass(frozen=True)
class Replays:
    """Which replay sent what, by the place of the file that was brought back."""

    done: tuple[DoneReplay, ...]

    def of(self, place: str | None) -> tuple[DoneReplay, SentFile] | None:
        """The replay that brought the file at this place of the lake back to landing."""
        return next(
            (
                (replay, file)
                for replay in self.done
                for file in replay.files
                if file.sent.sent and file.item.source == place
            ),
            None,
        )

    def that_made(self, version_id: str) -> tuple[DoneReplay, SentFile] | None:
        """The replay that made this version of landing."""
        return next(
            (
                (replay, file)
                for replay in self.done
                for file in replay.files
                if file.sent.version_id == version_id
            ),
            None,
        )

    def that_removed(self, batch: str) -> DoneReplay | None:
        """The replay that removed the output of this batch."""
        return next(
            (replay for replay in self.done for output in replay.outputs if output.batch == batch),
            None,
        )


def inspect_batch(
    s3: S3Client, deployment: Deployment, pipeline: Pipeline, batch: str
) -> BatchStory:
    """The story of a batch; raises `OperateError` where there is none with this id."""
    ledger = history.ledger_of(s3, deployment, pipeline)
    names = ledger.batches(after=history.just_before(history.planned_at(batch))).get(batch)
    if not names:
        raise OperateError(
            f"There is no batch {batch} in the ledger of {deployment.environment}/{pipeline.name}; "
            f"`burst status {deployment.environment}` shows the last ones."
        )
    replays = _replays(s3, deployment, pipeline)
    return batch_story(_records(ledger, batch, names), replays)


def inspect_key(
    s3: S3Client,
    deployment: Deployment,
    pipeline: Pipeline,
    key: str,
    *,
    newest: int = NEWEST_BATCHES,
    advance: Callable[[int, int], None] = lambda done, total: None,
) -> KeyStory:
    """The story of every version of a key, in the newest batches and in landing.

    Raises `InputError` for a key that cannot be this pipeline's.
    """
    if not pipeline.owns(key):
        raise InputError(
            f"{key!r} is no file of the pipeline {pipeline.name!r}: its keys begin with "
            f"{pipeline.prefix!r}"
            + (f" and end with {pipeline.suffix!r}" if pipeline.suffix else "")
            + ". Give the whole key, as in the landing bucket, or a batch id."
        )
    waiting, markers = _versions_in_landing(s3, deployment, key)
    ledger = history.ledger_of(s3, deployment, pipeline)
    names = ledger.batches()
    looked = dict(list(names.items())[-newest:]) if newest else names
    found = [
        _records(ledger, batch, looked[batch]) for batch in _with_key(ledger, looked, key, advance)
    ]
    return KeyStory(
        key=key,
        versions=key_versions(key, waiting, found, _replays(s3, deployment, pipeline)),
        delete_markers=markers,
        looked=len(looked),
        batches=len(names),
    )


def key_versions(
    key: str, waiting: Sequence[InputFile], batches: Sequence[Records], replays: Replays
) -> tuple[Version, ...]:
    """Every version of the key, oldest first."""
    planned: dict[str, Version] = {}
    for records in batches:
        for file in records.plan.inputs:
            if file.key == key:
                # What could not be read comes again, in a later batch.
                before = planned.get(file.version_id)
                planned[file.version_id] = _version(file, records, replays, before)
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


def batch_story(records: Records, replays: Replays) -> BatchStory:
    """The records of a batch put together."""
    plan, result, done = records.plan, records.result, records.done
    removed = replays.that_removed(plan.origin.batch)
    last = (done or result or plan).origin
    return BatchStory(
        batch=plan.origin.batch,
        state="planned" if result is None else "committed" if done is None else "done",
        steps=tuple(_batch_steps(records, removed)),
        files=tuple(_batch_files(records, replays)),
        rows=result.rows if result else 0,
        bytes=sum(file.size for file in plan.inputs),
        seconds=dict(result.seconds) if result else {},
        output=result.output if result else None,
        output_removed_by=removed.id if removed else None,
        transform=last.transform,
        job_run_id=last.job_run_id,
        workflow_run_id=last.workflow_run_id,
        missing=done.missing if done else (),
    )


def _batch_steps(records: Records, removed: DoneReplay | None) -> Iterator[Step]:
    yield Step(records.plan.origin.at, "planned")
    if records.result:
        yield Step(records.result.origin.at, "committed: its rows count from here on")
    if records.done:
        yield Step(records.done.origin.at, "done: landing holds none of its files any more")
    if removed:
        yield Step(removed.at, f"its output was removed by the replay {removed.id}")


def _batch_files(records: Records, replays: Replays) -> Iterator[BatchFile]:
    if records.result is None:
        for file in records.plan.inputs:
            yield BatchFile(file.key, file.version_id, file.size, None, 0, None, None, False)
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
            replayed=bool(result.destination and replays.of(result.destination)),
        )


def _version(
    file: InputFile, records: Records, replays: Replays, before: Version | None
) -> Version:
    result = records.result
    outcome = None
    if result is not None:
        mine = (file.key, file.version_id)
        outcome = next(f for f in result.files if (f.key, f.version_id) == mine)
    removed = replays.that_removed(records.plan.origin.batch)
    has_rows = outcome is not None and outcome.rows > 0 and removed is None
    return Version(
        version_id=file.version_id,
        size=file.size,
        where=_where(outcome),
        batch=records.plan.origin.batch,
        rows=outcome.rows if outcome else 0,
        reason=outcome.reason if outcome else None,
        place=outcome.destination if outcome else None,
        output=result.output if result and has_rows else None,
        steps=(
            *(before.steps if before else _arrival(file, replays)),
            *_version_steps(file, records, outcome, replays),
        ),
    )


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


def _version_steps(
    file: InputFile, records: Records, outcome: FileResult | None, replays: Replays
) -> Iterator[Step]:
    yield Step(records.plan.origin.at, f"taken into batch {records.plan.origin.batch}")
    if records.result is None or outcome is None:
        return
    told = {
        "curated": f"{outcome.rows:,} rows loaded into curated",
        "quarantined": f"set aside: {outcome.reason}",
        "gone": f"not read: {outcome.reason}",
        "unreadable": f"left in landing: {outcome.reason}",
    }
    yield Step(records.result.origin.at, told[outcome.outcome])
    if records.done is not None and outcome.destination:
        if outcome.destination in records.done.missing:
            yield Step(records.done.origin.at, "its bytes were deleted by somebody before the end")
        else:
            yield Step(records.done.origin.at, f"moved to {outcome.destination}")
    if removed := replays.that_removed(records.plan.origin.batch):
        yield Step(removed.at, f"its rows were removed by the replay {removed.id}")
    if brought := replays.of(outcome.destination):
        version = brought[1].sent.version_id or "unknown"
        yield Step(
            brought[0].at, f"brought back by the replay {brought[0].id} as version {version}"
        )


def _arrival(file: InputFile, replays: Replays) -> Iterator[Step]:
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


def _replays(s3: S3Client, deployment: Deployment, pipeline: Pipeline) -> Replays:
    return Replays(tuple(ReplayRecords.of(s3, deployment, pipeline).done()))


def _records(ledger: Ledger, batch: str, names: set[str]) -> Records:
    return Records(
        plan=ledger.read_plan(batch),
        result=ledger.read_result(batch) if "result" in names else None,
        done=_read_done(ledger, batch) if "done" in names else None,
    )


def _read_done(ledger: Ledger, batch: str) -> DoneRecord:
    key = ledger.key(batch, "done")
    text = ledger.s3.get_object(Bucket=ledger.bucket, Key=key)["Body"].read()
    return DoneRecord.from_json(text, key=key)


def _with_key(
    ledger: Ledger,
    names: Mapping[str, set[str]],
    key: str,
    advance: Callable[[int, int], None],
) -> list[str]:
    """The batches whose plan holds the key. Looking for its text is quicker than parsing all."""
    needle = json.dumps(key).encode()
    planned = [batch for batch, records in names.items() if "plan" in records]

    def holds(batch: str) -> bool:
        plan = ledger.s3.get_object(Bucket=ledger.bucket, Key=ledger.key(batch, "plan"))
        return needle in plan["Body"].read()

    found = []
    with ThreadPoolExecutor(THREADS) as threads:
        for number, (batch, hit) in enumerate(
            zip(planned, threads.map(holds, planned), strict=True), 1
        ):
            advance(number, len(planned))
            if hit:
                found.append(batch)
    return found


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
