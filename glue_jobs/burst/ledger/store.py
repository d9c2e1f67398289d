"""Where the records lie, and how they are read and written.

    ledger/<pipeline>/head.json                   who may write, and which batches may be open
                      <batch id>/plan.json        before anything is read
                                 result.json      the commit point
                                 unsettled.json   only where S3 refuses to let a file go
                                 attempts.json    only where it did not go through at once
                                 set-aside.json   only where a person gave up some of its files
                                 done.json        landing holds nothing of it that can be moved
                      drift/<day>/<names>.json    what the columns do not take (`drift.py`)
                      unreadable.json             what S3 does not let the job read

A plan, a result and a done record are written once: whoever is second is refused, and finds what
the first one wrote.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from burst.batch import BATCH_ID
from burst.contract import LEDGER, folder
from burst.errors import LedgerError
from burst.ledger.records import (
    REMEDY,
    AttemptsRecord,
    DoneRecord,
    Head,
    Origin,
    PlanRecord,
    RecordName,
    ResultRecord,
    SetAsideRecord,
    UnsettledRecord,
)
from burst.s3 import ChangedError, Stored, read_stored, read_whole, write_if

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

R = TypeVar(
    "R",
    PlanRecord,
    ResultRecord,
    DoneRecord,
    UnsettledRecord,
    AttemptsRecord,
    SetAsideRecord,
)

_NAMES: dict[type, RecordName] = {
    PlanRecord: "plan",
    ResultRecord: "result",
    DoneRecord: "done",
    UnsettledRecord: "unsettled",
    AttemptsRecord: "attempts",
    SetAsideRecord: "set-aside",
}
_LOST_PLAN = (
    "The batch has a result.json, so its rows are in curated already. Restore the plan.json (the "
    "bucket keeps deleted objects as earlier versions), then start the job again."
)


@dataclass(frozen=True)
class Entry:
    """The records of one batch, as far as they are there."""

    plan: PlanRecord
    result: ResultRecord | None
    done: DoneRecord | None


@dataclass(frozen=True)
class Ledger:
    """The records of one pipeline in the lake bucket."""

    s3: S3Client
    bucket: str
    pipeline: str
    environment: str

    @property
    def head_key(self) -> str:
        return f"{folder(LEDGER, self.pipeline)}head.json"

    def key(self, batch: str, name: RecordName) -> str:
        return f"{folder(LEDGER, self.pipeline)}{batch}/{name}.json"

    def write(self, record: PlanRecord | ResultRecord | DoneRecord) -> None:
        """Write a record that is not there yet; raises ChangedError when another one is."""
        key = self.key(record.origin.batch, _NAMES[type(record)])
        write_if(self.s3, self.bucket, key, record.to_json().encode(), replaces=None)

    def replace(self, record: UnsettledRecord | AttemptsRecord | SetAsideRecord) -> None:
        """Replace a record that says how things are now. Which of two writes wins, matters not."""
        self.s3.put_object(
            Bucket=self.bucket,
            Key=self.key(record.origin.batch, _NAMES[type(record)]),
            Body=record.to_json().encode(),
            ContentType="application/json",
        )

    def read_head(self) -> tuple[Head, str] | None:
        """The head and its etag; None in a ledger that has none."""
        stored = read_stored(self.s3, self.bucket, self.head_key)
        if stored is None:
            return None
        head = Head.from_json(stored.body, key=self.head_key)
        if (head.pipeline, head.environment) != (self.pipeline, self.environment):
            raise self._foreign(self.head_key, f"of {head.environment}/{head.pipeline}")
        return head, stored.etag

    def write_head(self, head: Head, *, replaces: str | None) -> str:
        """Replace the head that has this etag and return the new one; raises ChangedError."""
        body = head.to_json().encode()
        return write_if(self.s3, self.bucket, self.head_key, body, replaces=replaces)

    def batches(self, *, after: str | None = None) -> dict[str, set[str]]:
        """The names of each batch's records, oldest batch first; those after this one only."""
        found: dict[str, set[str]] = {}
        for batch, name in self._names(after):
            found.setdefault(batch, set()).add(name)
        return dict(sorted(found.items()))

    def open_batches(self) -> list[tuple[PlanRecord, ResultRecord | None]]:
        """Batches that a run began and none has finished, oldest first, with their result if any.

        Raises LedgerError when one of their records is damaged, missing or belongs elsewhere.
        """
        found = self.read_head()
        batches = found[0].open if found else self.unfinished()
        entries = map(self.entry, batches)
        return [(entry.plan, entry.result) for entry in entries if entry.done is None]

    def unfinished(self) -> tuple[str, ...]:
        """Batches without a done record, oldest first; lists the whole ledger.

        This is for a ledger without a head. With a head, a batch that it does not name was never
        begun, although it may have a plan.
        """
        return _unfinished(self.batches())

    def entry(self, batch: str) -> Entry:
        """All records of one batch. Raises LedgerError when they do not belong together."""
        stored = read_stored(self.s3, self.bucket, self.key(batch, "plan"))
        result = self.find_result(batch)
        if stored is None:
            lost = _LOST_PLAN if result else REMEDY["plan"]
            raise LedgerError(f"{self.key(batch, 'plan')} is missing. {lost}")
        plan = self._own(PlanRecord, batch, stored)
        if result is None:
            return Entry(plan, None, None)
        planned = [file.identity for file in plan.inputs]
        if result.replaced_by is None and [file.identity for file in result.files] != planned:
            raise LedgerError(
                f"{self.key(batch, 'result')} is damaged: its files are not those of the plan "
                f"beside it. {REMEDY['result']}"
            )
        return Entry(plan, result, self.find_done(batch))

    def read_plan(self, batch: str) -> PlanRecord:
        return self._read(PlanRecord, batch)

    def read_result(self, batch: str) -> ResultRecord:
        return self._read(ResultRecord, batch)

    def read_done(self, batch: str) -> DoneRecord:
        return self._read(DoneRecord, batch)

    def find_result(self, batch: str) -> ResultRecord | None:
        return self._find(ResultRecord, batch)

    def find_done(self, batch: str) -> DoneRecord | None:
        return self._find(DoneRecord, batch)

    def find_unsettled(self, batch: str) -> UnsettledRecord | None:
        return self._find(UnsettledRecord, batch)

    def find_attempts(self, batch: str) -> AttemptsRecord | None:
        return self._find(AttemptsRecord, batch)

    def find_set_aside(self, batch: str) -> SetAsideRecord | None:
        return self._find(SetAsideRecord, batch)

    def _read(self, kind: type[R], batch: str) -> R:
        key = self.key(batch, _NAMES[kind])
        return self._own(kind, batch, Stored(read_whole(self.s3, self.bucket, key), ""))

    def _find(self, kind: type[R], batch: str) -> R | None:
        stored = read_stored(self.s3, self.bucket, self.key(batch, _NAMES[kind]))
        return None if stored is None else self._own(kind, batch, stored)

    def _own(self, kind: type[R], batch: str, stored: Stored) -> R:
        key = self.key(batch, _NAMES[kind])
        record = kind.from_json(stored.body, key=key)
        origin = record.origin
        named = (origin.batch, origin.pipeline, origin.environment)
        if named != (batch, self.pipeline, self.environment):
            what = f"of batch {origin.batch} of {origin.environment}/{origin.pipeline}"
            raise self._foreign(key, what)
        return record

    def _foreign(self, key: str, what: str) -> LedgerError:
        return LedgerError(
            f"s3://{self.bucket}/{key} is the record {what}: it was copied here from elsewhere. "
            "Move it back, then start the job again."
        )

    def _names(self, after: str | None) -> Iterator[tuple[str, str]]:
        prefix = folder(LEDGER, self.pipeline)
        listing = self.s3.get_paginator("list_objects_v2")
        if after is None:
            pages = listing.paginate(Bucket=self.bucket, Prefix=prefix)
        else:
            # "0" comes right after "/", so this is behind all records of that batch.
            start = f"{prefix}{after}0"
            pages = listing.paginate(Bucket=self.bucket, Prefix=prefix, StartAfter=start)
        for page in pages:
            for item in page.get("Contents", []):
                batch, _, name = item["Key"].removeprefix(prefix).partition("/")
                if BATCH_ID.fullmatch(batch):
                    yield batch, name.removesuffix(".json")


def _unfinished(batches: Mapping[str, set[str]]) -> tuple[str, ...]:
    return tuple(
        batch
        for batch, names in batches.items()
        if names & {"plan", "result"} and "done" not in names
    )


@dataclass
class Claim:
    """This run's claim to a pipeline: the head of the ledger, as this run knows it.

    Each change of the head is conditional on the one before. So once another run has taken the
    head, this one can name no other batch, and ChangedError tells it.

    origin: of a record about this batch. run: a name that no other run has.
    headless: whether the ledger has batches and no head, so that it had to be listed.
    """

    ledger: Ledger
    origin: Callable[[str], Origin]
    run: str
    open: tuple[str, ...] = ()
    taken: bool = False
    headless: bool = False
    _revision: int = 0
    _etag: str | None = None

    def look(self) -> None:
        """Read the head, and which batches it names.

        A ledger without one was written by the job before, or its head was lost. Then the whole
        ledger is listed. What was only planned is closed, so that nobody can commit it any more:
        its files still lie in landing and are planned again.
        """
        found = self.ledger.read_head()
        if found:
            head, self._etag = found
            self.open, self._revision, self.headless = head.open, head.revision, False
            return
        batches = self.ledger.batches()
        self.open, self._revision, self._etag = _unfinished(batches), 0, None
        self.headless = bool(batches)
        for batch in self.open:
            if self.ledger.find_result(batch) is None:
                self._close(batch)

    def take(self) -> bool:
        """End the right of any other run; False when another one has changed the head meanwhile."""
        try:
            self.change(self.open)
        except ChangedError:
            self.look()
            return False
        self.taken = True
        return True

    def change(self, batches: tuple[str, ...]) -> None:
        """Name these batches as the ones that may be open; raises ChangedError."""
        origin = self.origin("")
        head = Head(
            pipeline=self.ledger.pipeline,
            environment=self.ledger.environment,
            run=self.run,
            revision=self._revision + 1,
            open=batches,
            job_run_id=origin.job_run_id,
            workflow_run_id=origin.workflow_run_id,
            at=origin.at,
        )
        self._etag = self.ledger.write_head(head, replaces=self._etag)
        self.open, self._revision = batches, head.revision

    @property
    def moment(self) -> str:
        """A name that this run has between two changes of the head, and no other run has ever."""
        return f"{self.run} {self._revision}"

    def is_held(self) -> bool:
        """Whether the head is still the one that this run wrote."""
        found = self.ledger.read_head()
        return found is not None and found[0].run == self.run

    def _close(self, batch: str) -> None:
        """End a batch that is not committed, unless another run commits it first."""
        result = ResultRecord(self.origin(batch), None, 0, 0, {}, files=(), replaced_by=())
        with suppress(ChangedError):
            self.ledger.write(result)
