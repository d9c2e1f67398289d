"""The ledger as the commands read it, through the job's own classes and its retrying reader.

Every other module of this room asks this one, so what changes in the ledger is followed here alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from botocore.exceptions import ClientError
from burst.batch import BATCH_ID, ID_TIME
from burst.ledger import (
    AttemptsRecord,
    BadFile,
    DoneRecord,
    FileResult,
    Ledger,
    Outcome,
    PlanRecord,
    ResultRecord,
    SetAsideRecord,
    Unreadable,
    UnreadableFile,
    UnsettledFile,
    read_record,
)
from burst.s3 import is_gone, read_whole

from tools.operate import ids
from tools.operate.connection import THREADS
from tools.operate.deployment import DeployedPipeline, Deployment

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

__all__ = [
    "AttemptsRecord",
    "BadFile",
    "BatchRecords",
    "FileResult",
    "Outcome",
    "PipelineLedger",
    "PlanRecord",
    "ResultRecord",
    "SetAsideRecord",
    "UnreadableFile",
    "UnsettledFile",
    "planned_at",
]

T = TypeVar("T")

# How far back to look for the newest batches before the whole ledger is listed.
STEPS_BACK = (timedelta(days=2), timedelta(days=30), timedelta(days=365))


@dataclass(frozen=True)
class BatchRecords:
    """The records of one batch that exist. unsettled: what S3 does not let go from landing."""

    plan: PlanRecord
    result: ResultRecord | None
    done: DoneRecord | None
    unsettled: tuple[UnsettledFile, ...] = ()
    attempts: AttemptsRecord | None = None

    @property
    def halved(self) -> bool:
        """Whether other batches took its place, so that it counts for nothing."""
        return self.result is not None and self.result.replaced_by is not None


@dataclass(frozen=True)
class PipelineLedger:
    """What the job wrote about one pipeline. Only `set_aside` writes, a record for the job to read.

    All methods raise `LedgerError` for a record that is damaged or belongs to another pipeline.
    """

    s3: S3Client
    landing_bucket: str
    lake_bucket: str
    pipeline: str
    environment: str

    @classmethod
    def of(cls, s3: S3Client, deployment: Deployment, pipeline: DeployedPipeline) -> PipelineLedger:
        return cls(
            s3,
            deployment.landing_bucket,
            deployment.lake_bucket,
            pipeline.name,
            deployment.environment,
        )

    def batches(self, *, since: datetime | None = None) -> dict[str, set[str]]:
        """The names of each batch's records, oldest first; only batches planned since then."""
        return self._records.batches(after=None if since is None else _id_before(since))

    def newest(self, count: int, now: datetime) -> Mapping[str, set[str]]:
        """The same for the newest batches: ``count`` committed ones or more, if there are any."""
        for back in STEPS_BACK:
            names = self._records.batches(after=_id_before(now - back))
            if sum("result" in records for records in names.values()) >= count:
                return names
        return self._records.batches()

    def open_batches(self) -> list[tuple[PlanRecord, ResultRecord | None]]:
        """What was begun and is not done, oldest first, with its result where it is committed."""
        return self._records.open_batches()

    def find(self, batch: str) -> str:
        """The id of the batch whose id begins like this; raises `OperateError` without one.

        A whole id is not looked up: reading its records shows whether it exists.
        """
        if BATCH_ID.fullmatch(batch):
            return batch
        try:
            since = datetime.strptime(ids.earliest_time(batch), ID_TIME).replace(tzinfo=UTC)
        except ValueError:
            found: Iterable[str] = ()
        else:
            found = self.batches(since=since)
        where = f"the ledger of {self.environment}/{self.pipeline}"
        return ids.the_one(batch, found, what="batch", where=where)

    def records(self, batch: str) -> BatchRecords | None:
        """All records of a batch; None where there is no such batch."""
        if not self.has_plan(batch) and self._records.find_result(batch) is None:
            return None
        # Raises the job's own sentence on a lost plan.
        entry = self._records.entry(batch)
        is_open = entry.result is not None and entry.done is None
        unsettled = self.unsettled_files(batch) if is_open else ()
        attempts = self.attempts(batch)
        return BatchRecords(entry.plan, entry.result, entry.done, unsettled, attempts)

    def attempts(self, batch: str) -> AttemptsRecord | None:
        """What the tries of a batch found; None where it went through at once."""
        return self._records.find_attempts(batch)

    def given_up(self, batch: str) -> SetAsideRecord | None:
        """What a person has given up of this batch."""
        return self._records.find_set_aside(batch)

    def set_aside(self, record: SetAsideRecord) -> None:
        """Have the next run take these files for bad, and not the columns."""
        self._records.replace(record)

    def plans(self, batches: Sequence[str]) -> list[PlanRecord]:
        """The plans of these batches, in this order."""
        with ThreadPoolExecutor(THREADS) as threads:
            return list(threads.map(self._records.read_plan, batches))

    def results(self, batches: Sequence[str]) -> list[ResultRecord]:
        """The results of these batches, in this order."""
        with ThreadPoolExecutor(THREADS) as threads:
            return list(threads.map(self._records.read_result, batches))

    def done(self, batch: str) -> DoneRecord | None:
        """The record that a batch is done; None where it is not."""
        return self._records.find_done(batch)

    def has_plan(self, batch: str) -> bool:
        """Whether there is a batch with this id."""
        return _if_there(lambda: self._records.read_plan(batch)) is not None

    def done_batches(self, batches: Sequence[str]) -> set[str]:
        """Those of these batches that are done."""
        with ThreadPoolExecutor(THREADS) as threads:
            answers = list(threads.map(self.done, batches))
        return {batch for batch, done in zip(batches, answers, strict=True) if done is not None}

    def batches_with(
        self, key: str, batches: Sequence[str], advance: Callable[[int, int], None]
    ) -> list[str]:
        """Those of these batches that a version of the key was planned in, in this order.

        Most plans do not name the key, and looking for its text is quicker than parsing them all.
        """
        needle = json.dumps(key).encode()

        def names_the_key(batch: str) -> bool:
            plan = self._records.key(batch, "plan")
            return needle in read_whole(self.s3, self.lake_bucket, plan)

        found = []
        with ThreadPoolExecutor(THREADS) as threads:
            answers = zip(batches, threads.map(names_the_key, batches), strict=True)
            for number, (batch, hit) in enumerate(answers, 1):
                advance(number, len(batches))
                if hit:
                    found.append(batch)
        return found

    def unreadable_files(self) -> tuple[UnreadableFile, ...]:
        """The versions that S3 refused to the last run; none where there is no record of any."""
        record = Unreadable(
            self.s3, self.landing_bucket, self.lake_bucket, self.pipeline, self.environment
        )
        text = _if_there(lambda: read_whole(self.s3, self.lake_bucket, record.key))
        return (read_record(text) or ()) if text is not None else ()

    def unsettled_files(self, batch: str) -> tuple[UnsettledFile, ...]:
        """The versions of an open batch that S3 did not let go from landing in the last run."""
        record = self._records.find_unsettled(batch)
        return record.files if record else ()

    def all_unsettled(self) -> set[tuple[str, str]]:
        """Key and version id of all files that are loaded and that S3 does not let go."""
        head = self._records.read_head()
        batches = head[0].open if head else ()
        return {file.identity for batch in batches for file in self.unsettled_files(batch)}

    @cached_property
    def _records(self) -> Ledger:
        return Ledger(self.s3, self.lake_bucket, self.pipeline, self.environment)


def planned_at(batch: str) -> datetime:
    """When a batch was planned, in UTC: its id begins with that."""
    return datetime.strptime(batch.partition("-")[0], ID_TIME).replace(tzinfo=UTC)


def _id_before(moment: datetime) -> str:
    """An id behind all batches that were planned before this moment."""
    before = moment.astimezone(UTC) - timedelta(seconds=1)
    return f"{before.strftime(ID_TIME)}-ffffffff"


def _if_there(read: Callable[[], T]) -> T | None:
    try:
        return read()
    except ClientError as error:
        if not is_gone(error):
            raise
        return None
