"""The ledger: what each batch was to read, what became of it, and that it is done.

    ledger/<pipeline>/<batch id>/plan.json      before anything is read
                                 result.json    the commit point
                                 done.json      landing holds nothing of it that can be moved
                      checkpoint.json           saves listing them all, see checkpoint.py
                      unreadable.json           what S3 does not hand out, see unreadable.py

A record is checked when it is read. One that is damaged stops the run: guessing here could lose
a file or load it twice.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar, cast, get_args

from burst.batch import BATCH_ID, InputFile
from burst.errors import LedgerError
from burst.s3 import read_whole

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

RECORD_FORMAT = 1
RecordName = Literal["plan", "result", "done"]
Outcome = Literal["curated", "quarantined", "gone", "unreadable"]
# A record as it comes from S3, or from a test.
Text = str | bytes
R = TypeVar("R", "PlanRecord", "ResultRecord")

_REMEDY: dict[RecordName, str] = {
    "plan": (
        "Restore an earlier version of this object; or, if the batch has no result.json, delete "
        "the batch's folders under ledger/ and curated/: its files are still in landing and the "
        "next run takes them again."
    ),
    "result": (
        "Restore an earlier version of this object. Do not delete it: the batch's rows are in "
        "curated already, and without this record they would be loaded a second time."
    ),
    "done": (
        "Restore an earlier version of this object; or delete it, and the checkpoint.json of the "
        "pipeline: the next run then settles the batch again, which does no harm."
    ),
}


_LOST_PLAN = (
    "The batch has a result.json, so its rows are in curated already. Restore the plan.json (the "
    "bucket keeps deleted objects as earlier versions), then start the job again."
)


@dataclass(frozen=True)
class Origin:
    """Which batch a record is about, and which run of which job wrote it."""

    batch: str
    pipeline: str
    environment: str
    transform: str
    job_run_id: str | None
    workflow_run_id: str | None
    at: datetime


@dataclass(frozen=True)
class PlanRecord:
    """The inputs of a batch. They never change: a resumed batch reads exactly these."""

    origin: Origin
    inputs: tuple[InputFile, ...]

    def to_json(self) -> str:
        return _dump("plan", asdict(self))

    @classmethod
    def from_json(cls, text: Text, *, key: str) -> Self:
        record = _Fields.record(text, key=key, name="plan")
        inputs = tuple(
            InputFile(
                key=item.text("key"),
                version_id=item.text("version_id"),
                etag=item.text("etag"),
                size=item.count("size"),
                last_modified=item.time("last_modified"),
            )
            for item in record.items("inputs")
        )
        if not inputs:
            raise record.damaged("inputs", [], "at least one input")
        return cls(_origin(record), inputs)


@dataclass(frozen=True)
class FileResult:
    """What became of one input.

    outcome: `curated` (rows in curated, bytes in archive), `quarantined` (no row, bytes and reason
        in quarantine), `gone` (someone deleted the version before it was read) or `unreadable` (S3
        does not hand it out: it stays in landing, and may be an input again).
    rows: rows that the file gave; 0 unless curated.
    destination: its key in the lake bucket; None when gone or unreadable.
    """

    key: str
    version_id: str
    size: int
    outcome: Outcome
    rows: int
    reason: str | None
    destination: str | None


@dataclass(frozen=True)
class ResultRecord:
    """The outcome of a batch. Once it is written, the batch counts.

    output: the folder of its Parquet files; None when there was no row to write.
    bytes: of all inputs, as stored. seconds: per phase.
    """

    origin: Origin
    output: str | None
    rows: int
    bytes: int
    seconds: Mapping[str, float]
    files: tuple[FileResult, ...]

    def to_json(self) -> str:
        return _dump("result", asdict(self))

    @classmethod
    def from_json(cls, text: Text, *, key: str) -> Self:
        record = _Fields.record(text, key=key, name="result")
        seconds = record.part("seconds")
        return cls(
            origin=_origin(record),
            output=record.text_or_none("output"),
            rows=record.count("rows"),
            bytes=record.count("bytes"),
            seconds={phase: seconds.number(phase) for phase in seconds.values},
            files=tuple(_file_result(item) for item in record.items("files")),
        )


@dataclass(frozen=True)
class DoneRecord:
    """Every file of the batch is settled, or known to be unreadable.

    unreadable: files that stay in landing because S3 does not hand them out.
    missing: destinations that could not be filled because the version was deleted by someone else
        after it had been read; empty unless someone interfered.
    """

    origin: Origin
    archived: int
    quarantined: int
    gone: int
    unreadable: int
    missing: tuple[str, ...]

    def to_json(self) -> str:
        return _dump("done", asdict(self))

    @classmethod
    def from_json(cls, text: Text, *, key: str) -> Self:
        record = _Fields.record(text, key=key, name="done")
        return cls(
            origin=_origin(record),
            archived=record.count("archived"),
            quarantined=record.count("quarantined"),
            gone=record.count("gone"),
            unreadable=record.count("unreadable"),
            missing=record.texts("missing"),
        )


@dataclass(frozen=True)
class Ledger:
    """The records of one pipeline in the lake bucket."""

    s3: S3Client
    bucket: str
    pipeline: str
    environment: str

    def key(self, batch: str, name: RecordName) -> str:
        return f"ledger/{self.pipeline}/{batch}/{name}.json"

    def write(self, record: PlanRecord | ResultRecord | DoneRecord) -> None:
        names: dict[type, RecordName] = {
            PlanRecord: "plan",
            ResultRecord: "result",
            DoneRecord: "done",
        }
        self.s3.put_object(
            Bucket=self.bucket,
            Key=self.key(record.origin.batch, names[type(record)]),
            Body=record.to_json().encode(),
            ContentType="application/json",
        )

    def batches(self, *, after: str | None = None) -> dict[str, set[str]]:
        """The names of each batch's records, oldest batch first; those after this one only."""
        found: dict[str, set[str]] = {}
        for batch, name in self._names(after):
            found.setdefault(batch, set()).add(name)
        return dict(sorted(found.items()))

    def open_batches(
        self, found: Mapping[str, set[str]] | None = None
    ) -> list[tuple[PlanRecord, ResultRecord | None]]:
        """Batches with a plan but without a done record, oldest first, with their result if any.

        found: what `batches` gave; left out, the whole ledger is looked through. Raises LedgerError
        when one of their records is damaged, missing or belongs to something else.
        """
        found = self.batches() if found is None else found
        return [
            self._open(batch, names)
            for batch, names in found.items()
            if names & {"plan", "result"} and "done" not in names
        ]

    def _open(self, batch: str, names: set[str]) -> tuple[PlanRecord, ResultRecord | None]:
        if "plan" not in names:
            raise LedgerError(f"{self.key(batch, 'plan')} is missing. {_LOST_PLAN}")
        plan = self.read_plan(batch)
        if "result" not in names:
            return plan, None
        result = self.read_result(batch)
        planned = [(file.key, file.version_id) for file in plan.inputs]
        if [(file.key, file.version_id) for file in result.files] != planned:
            raise LedgerError(
                f"{self.key(batch, 'result')} is damaged: its files are not those of the plan "
                f"beside it. {_REMEDY['result']}"
            )
        return plan, result

    def read_plan(self, batch: str) -> PlanRecord:
        key = self.key(batch, "plan")
        return self._own(PlanRecord.from_json(self._get(key), key=key), batch, key)

    def read_result(self, batch: str) -> ResultRecord:
        key = self.key(batch, "result")
        return self._own(ResultRecord.from_json(self._get(key), key=key), batch, key)

    def _names(self, after: str | None) -> Iterator[tuple[str, str]]:
        prefix = f"ledger/{self.pipeline}/"
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

    def _get(self, key: str) -> bytes:
        return read_whole(self.s3, self.bucket, key)

    def _own(self, record: R, batch: str, key: str) -> R:
        origin = record.origin
        if (origin.batch, origin.pipeline, origin.environment) != (
            batch,
            self.pipeline,
            self.environment,
        ):
            raise LedgerError(
                f"s3://{self.bucket}/{key} is the record of batch {origin.batch} of "
                f"{origin.environment}/{origin.pipeline}: it was copied here from elsewhere. "
                "Move it back, then start the job again."
            )
        return record


def _dump(name: RecordName, fields: Mapping[str, Any]) -> str:
    origin = fields["origin"]
    rest = {field: value for field, value in fields.items() if field != "origin"}
    record = {"format": RECORD_FORMAT, "record": name, **origin, **rest}
    return json.dumps(record, default=_time_text, indent=1) + "\n"


def _time_text(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"a record cannot hold {value!r}")


def _origin(record: _Fields) -> Origin:
    batch = record.text("batch")
    if not BATCH_ID.fullmatch(batch):
        raise record.damaged("batch", batch, "a batch id such as 20250131T235959Z-0123abcd")
    return Origin(
        batch=batch,
        pipeline=record.text("pipeline"),
        environment=record.text("environment"),
        transform=record.text("transform"),
        job_run_id=record.text_or_none("job_run_id"),
        workflow_run_id=record.text_or_none("workflow_run_id"),
        at=record.time("at"),
    )


def _file_result(item: _Fields) -> FileResult:
    outcome = item.text("outcome")
    if outcome not in get_args(Outcome):
        raise item.damaged("outcome", outcome, "curated, quarantined, gone or unreadable")
    result = FileResult(
        key=item.text("key"),
        version_id=item.text("version_id"),
        size=item.count("size"),
        outcome=cast(Outcome, outcome),
        rows=item.count("rows"),
        reason=item.text_or_none("reason"),
        destination=item.text_or_none("destination"),
    )
    if (result.destination is None) != (outcome in ("gone", "unreadable")):
        raise item.damaged("destination", result.destination, f"what fits to {outcome!r}")
    if (result.reason is None) != (outcome == "curated"):
        raise item.damaged("reason", result.reason, f"what fits to {outcome!r}")
    return result


@dataclass(frozen=True)
class _Fields:
    """A JSON object that is read field by field, each checked."""

    values: Mapping[str, Any]
    key: str
    name: RecordName
    path: str = ""

    @classmethod
    def record(cls, text: Text, *, key: str, name: RecordName) -> _Fields:
        try:
            values = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise LedgerError(f"{key} is damaged: not JSON ({error}). {_REMEDY[name]}") from error
        if not isinstance(values, dict):
            raise LedgerError(f"{key} is damaged: not a JSON object. {_REMEDY[name]}")
        record = cls(values, key, name)
        if values.get("format") != RECORD_FORMAT:
            raise LedgerError(
                f"{key} has the record format {values.get('format')!r}, this job reads format "
                f"{RECORD_FORMAT}. Deploy the version of the job that wrote it. {_REMEDY[name]}"
            )
        if values.get("record") != name:
            raise record.damaged("record", values.get("record"), repr(name))
        return record

    def damaged(self, field: str, found: object, expected: str) -> LedgerError:
        return LedgerError(
            f"{self.key} is damaged: {self.path}{field} is {found!r:.200}, expected {expected}. "
            f"{_REMEDY[self.name]}"
        )

    def _value(self, field: str, kind: type | tuple[type, ...], expected: str) -> Any:
        value = self.values.get(field)
        # To Python True is a number.
        if not isinstance(value, kind) or isinstance(value, bool):
            raise self.damaged(field, value, expected)
        return value

    def text(self, field: str) -> str:
        return cast(str, self._value(field, str, "a text"))

    def text_or_none(self, field: str) -> str | None:
        if field in self.values and self.values[field] is None:
            return None
        return cast(str, self._value(field, str, "a text or null"))

    def texts(self, field: str) -> tuple[str, ...]:
        values = self._value(field, list, "a list of texts")
        if not all(isinstance(value, str) for value in values):
            raise self.damaged(field, values, "a list of texts")
        return tuple(values)

    def count(self, field: str) -> int:
        value = cast(int, self._value(field, int, "a number of 0 or more"))
        if value < 0:
            raise self.damaged(field, value, "a number of 0 or more")
        return value

    def number(self, field: str) -> float:
        return float(self._value(field, (int, float), "a number"))

    def time(self, field: str) -> datetime:
        text = self.text(field)
        try:
            value = datetime.fromisoformat(text)
        except ValueError:
            raise self.damaged(field, text, "a time such as 2025-01-31T23:59:59+00:00") from None
        if value.tzinfo is None:
            raise self.damaged(field, text, "a time with its offset from UTC")
        return value

    def part(self, field: str) -> _Fields:
        value = self._value(field, dict, "an object")
        return _Fields(value, self.key, self.name, f"{self.path}{field}.")

    def items(self, field: str) -> list[_Fields]:
        values = self._value(field, list, "a list")
        for index, value in enumerate(values):
            if not isinstance(value, dict):
                raise self.damaged(f"{field}[{index}]", value, "an object")
        return [
            _Fields(value, self.key, self.name, f"{self.path}{field}[{index}].")
            for index, value in enumerate(values)
        ]
