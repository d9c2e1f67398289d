"""Ledger records and names for tests, as small as they can be."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from burst.batch import InputFile, destination
from burst.ledger import DoneRecord, FileResult, Origin, Outcome, PlanRecord, ResultRecord

from tools.operate.deployment import DeployedPipeline, Deployment

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
BATCH = "20260301T110000Z-0000aaaa"
LATER = "20260301T113000Z-0000bbbb"
PIPELINE = DeployedPipeline(
    name="orders",
    prefix="orders/",
    suffix=".csv",
    rule_name="burst-dev-orders",
    sweep_rule_name="burst-dev-orders-sweep",
    workflow_name="burst-dev-orders",
    job_name="burst-dev-orders",
    dead_letter_queue_url="https://sqs.example/queue",
    log_group_prefix="/burst/dev/orders",
    paused=False,
)
DEPLOYMENT = Deployment("dev", "eu-central-1", "landing", "lake", {"orders": PIPELINE})


def origin(batch: str, *, run: str | None = "wr_1") -> Origin:
    planned = datetime.strptime(batch[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    return Origin(batch, "orders", "dev", "orders", "jr_1", run, planned + timedelta(seconds=5))


def version(key: str) -> str:
    return f"v-{key}"


def file_result(key: str, outcome: Outcome = "curated", *, batch: str = BATCH) -> FileResult:
    area = {"curated": "archive", "quarantined": "quarantine"}.get(outcome)
    return FileResult(
        key=key,
        version_id=version(key),
        size=10,
        outcome=outcome,
        rows=3 if outcome == "curated" else 0,
        reason=None if outcome == "curated" else f"{outcome} because",
        destination=destination(
            area,  # type: ignore[arg-type]
            pipeline="orders",
            batch=batch,
            key=key,
            version_id=version(key),
        )
        if area
        else None,
    )


def result(
    files: Sequence[FileResult], *, batch: str = BATCH, output: str | None = "s3://lake/out"
) -> ResultRecord:
    return ResultRecord(
        origin=origin(batch),
        output=output,
        rows=sum(file.rows for file in files),
        bytes=sum(file.size for file in files),
        seconds={"read": 1.0, "write": 0.5},
        files=tuple(files),
    )


def plan(files: Sequence[FileResult], *, batch: str = BATCH) -> PlanRecord:
    arrived = NOW - timedelta(hours=2)
    return PlanRecord(
        origin(batch),
        tuple(InputFile(file.key, file.version_id, "e", file.size, arrived) for file in files),
    )


def done(files: Sequence[FileResult], *, batch: str = BATCH) -> DoneRecord:
    outcomes = [file.outcome for file in files]
    return DoneRecord(
        origin=origin(batch),
        archived=outcomes.count("curated"),
        quarantined=outcomes.count("quarantined"),
        gone=outcomes.count("gone"),
        unreadable=outcomes.count("unreadable"),
        missing=(),
    )
