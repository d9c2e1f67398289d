"""The records of the ledger: what each batch was to read, what became of it, and that it is done.

A record is checked when it is read. One that is damaged stops the run: guessing here could lose
a file or load it twice.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, is_dataclass
from datetime import datetime
from typing import Any, Literal, Self, cast, get_args

from burst.batch import BATCH_ID, InputFile
from burst.errors import LedgerError

# 1: rows were written under their final names, before the commit. 2: they are staged first.
RECORD_FORMAT = 2
FORMATS = (1, 2)
RecordName = Literal["head", "plan", "result", "done", "unsettled", "attempts", "set-aside"]
Outcome = Literal["curated", "quarantined", "gone", "unreadable"]
# A record as it comes from S3, or from a test.
Text = str | bytes

REMEDY: Mapping[RecordName, str] = {
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
        "Restore an earlier version of this object; or delete it: the batch is settled, and only "
        "the tools read this record."
    ),
    "head": (
        "Restore an earlier version of this object; or delete it: the next run then looks through "
        "the whole ledger for open batches."
    ),
    "unsettled": "Delete it: the next run writes it again.",
    "attempts": "Delete it: the next runs find out again what is wrong with the batch.",
    "set-aside": "Delete it, and set the files aside again.",
}


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
    """The inputs of a batch. They never change: a resumed batch reads exactly these.

    format: 1 where the job before wrote it, and perhaps rows under their final names.
    part_of: for a part of a batch that failed, that batch, the first of all; None for any other.
    part_of_files: how many files that batch had.
    """

    origin: Origin
    inputs: tuple[InputFile, ...]
    format: int = RECORD_FORMAT
    part_of: str | None = None
    part_of_files: int | None = None

    @property
    def family(self) -> str:
        """The batch as it was planned, before any part of it."""
        return self.part_of or self.origin.batch

    @property
    def family_files(self) -> int:
        """How many files that batch had."""
        return self.part_of_files or len(self.inputs)

    def to_json(self) -> str:
        return _dump("plan", vars(self))

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
        part_of = record.text_or_none("part_of") if "part_of" in record.values else None
        return cls(
            _origin(record),
            inputs,
            record.count("format"),
            part_of,
            record.count_or_none("part_of_files"),
        )


@dataclass(frozen=True)
class FileResult:
    """What became of one input.

    outcome: `curated` (rows in curated, bytes in archive), `quarantined` (no row, bytes and reason
        in quarantine), `gone` (someone deleted the version before it was read) or `unreadable` (S3
        does not hand it out: it stays in landing, and may be an input again).
    rows: rows that the file gave; 0 unless curated.
    destination: its key in the lake bucket; None when gone or unreadable.
    rescued: by name in the file, how many rows have a value in `_rescued`. The record leaves it out
        where there is none.
    """

    key: str
    version_id: str
    size: int
    outcome: Outcome
    rows: int
    reason: str | None
    destination: str | None
    rescued: Mapping[str, int] = field(default_factory=dict)

    @property
    def identity(self) -> tuple[str, str]:
        return self.key, self.version_id


@dataclass(frozen=True)
class StagedFile:
    """One Parquet file of an attempt. name: in its folder. size: in bytes. etag: "" outside S3."""

    name: str
    size: int
    etag: str


@dataclass(frozen=True)
class ResultRecord:
    """The outcome of a batch. Once it is written, the batch counts.

    output: the folder of its Parquet files; None when there was no row to write.
    rows: read from the files. rows_written: by the transform; None in records that do not say so.
    bytes: of all inputs, as stored. seconds: per phase.
    attempt: whose stage holds the rows; None where nothing has to be published, as in format 1.
    staged: the files to publish, and no others.
    replaced_by: the batches that took the place of this one, which then counts for nothing: it has
        no files. None for a batch that counts.
    """

    origin: Origin
    output: str | None
    rows: int
    bytes: int
    seconds: Mapping[str, float]
    files: tuple[FileResult, ...]
    attempt: str | None = None
    staged: tuple[StagedFile, ...] = ()
    replaced_by: tuple[str, ...] | None = None
    rows_written: int | None = None
    format: int = RECORD_FORMAT

    def to_json(self) -> str:
        return _dump("result", vars(self))

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
            rows_written=record.count_or_none("rows_written"),
            format=record.count("format"),
            **_staging(record),
        )


@dataclass(frozen=True)
class UnsettledFile:
    """A version that S3 refuses to copy or to delete. since: when that was found, in UTC."""

    key: str
    version_id: str
    reason: str
    since: datetime

    @property
    def identity(self) -> tuple[str, str]:
        return self.key, self.version_id


@dataclass(frozen=True)
class UnsettledRecord:
    """What keeps a committed batch open, as the last run found it."""

    origin: Origin
    files: tuple[UnsettledFile, ...]

    def to_json(self) -> str:
        return _dump("unsettled", vars(self))

    @classmethod
    def from_json(cls, text: Text, *, key: str) -> Self:
        record = _Fields.record(text, key=key, name="unsettled")
        files = tuple(
            UnsettledFile(
                key=item.text("key"),
                version_id=item.text("version_id"),
                reason=item.text("reason"),
                since=item.time("since"),
            )
            for item in record.items("files")
        )
        return cls(_origin(record), files)


@dataclass(frozen=True)
class BadFile:
    """A version that a try found to be bad, and why."""

    key: str
    version_id: str
    reason: str

    @property
    def identity(self) -> tuple[str, str]:
        return self.key, self.version_id


@dataclass(frozen=True)
class AttemptsRecord:
    """How often a batch was tried that is not committed, and what the last try found.

    begun: attempts that were begun since the batch was planned or stopped. One that the run did not
        survive leaves no other trace.
    failed: those of them that ended with an error.
    proven: whether one of them was made by a run that had loaded other rows before.
    error: how the last attempt that failed ended; None when none did.
    files: what is known to be bad. The files of a batch that was stopped, or the single one.
    """

    origin: Origin
    begun: int
    failed: int = 0
    proven: bool = False
    error: str | None = None
    files: tuple[BadFile, ...] = ()

    def to_json(self) -> str:
        return _dump("attempts", vars(self))

    @classmethod
    def from_json(cls, text: Text, *, key: str) -> Self:
        record = _Fields.record(text, key=key, name="attempts")
        return cls(
            origin=_origin(record),
            begun=record.count("begun"),
            failed=record.count("failed"),
            proven=record.flag("proven"),
            error=record.text_or_none("error"),
            files=tuple(
                BadFile(item.text("key"), item.text("version_id"), item.text("reason"))
                for item in record.items("files")
            ),
        )


@dataclass(frozen=True)
class SetAsideRecord:
    """What a person decided: these files of a batch are wrong, and not the columns.

    files: key and version id. The job stops no batch for them. by: the local user who decided.
    """

    origin: Origin
    files: tuple[tuple[str, str], ...]
    by: str

    def to_json(self) -> str:
        files = [{"key": key, "version_id": version} for key, version in self.files]
        return _dump("set-aside", {**vars(self), "files": files})

    @classmethod
    def from_json(cls, text: Text, *, key: str) -> Self:
        record = _Fields.record(text, key=key, name="set-aside")
        files = tuple((item.text("key"), item.text("version_id")) for item in record.items("files"))
        return cls(_origin(record), files, record.text("by"))


@dataclass(frozen=True)
class Head:
    """Who may write, and which batches may be open: `ledger/<pipeline>/head.json`.

    run: a name that no other run has. revision: grows with each change, so no two heads are alike.
    open: batches that may be open, oldest first. Nothing else in the ledger is.
    """

    pipeline: str
    environment: str
    run: str
    revision: int
    open: tuple[str, ...]
    job_run_id: str | None
    workflow_run_id: str | None
    at: datetime

    def to_json(self) -> str:
        return _text({"format": RECORD_FORMAT, "record": "head", **vars(self)})

    @classmethod
    def from_json(cls, text: Text, *, key: str) -> Self:
        record = _Fields.record(text, key=key, name="head")
        batches = record.texts("open")
        if not all(map(BATCH_ID.fullmatch, batches)):
            raise record.damaged("open", list(batches), "ids of batches")
        return cls(
            pipeline=record.text("pipeline"),
            environment=record.text("environment"),
            run=record.text("run"),
            revision=record.count("revision"),
            open=batches,
            job_run_id=record.text_or_none("job_run_id"),
            workflow_run_id=record.text_or_none("workflow_run_id"),
            at=record.time("at"),
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
        return _dump("done", vars(self))

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


def _dump(name: RecordName, fields: Mapping[str, Any]) -> str:
    origin = vars(fields["origin"])
    rest = {field: value for field, value in fields.items() if field != "origin"}
    return _text({"format": RECORD_FORMAT, "record": name, **origin, **rest})


def _text(record: Mapping[str, Any]) -> str:
    """JSON for people, too: a line for each field, and one for each item of a list.

    A record may have a hundred thousand files, and json's own indentation takes ten times as long.
    """
    fields = [f"{_ENCODER.encode(name)}: {_value_text(value)}" for name, value in record.items()]
    return "{\n " + ",\n ".join(fields) + "\n}\n"


def _value_text(value: object) -> str:
    if isinstance(value, list | tuple) and value:
        return "[\n  " + ",\n  ".join(map(_ENCODER.encode, value)) + "\n ]"
    return _ENCODER.encode(value)


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, FileResult) and not value.rescued:
        return {name: part for name, part in vars(value).items() if name != "rescued"}
    if is_dataclass(value):
        return vars(value)
    raise TypeError(f"a record cannot hold {value!r}")


_ENCODER = json.JSONEncoder(default=_plain)


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


def _staging(record: _Fields) -> dict[str, Any]:
    if record.count("format") == 1:
        return {}
    replaced = record.values.get("replaced_by")
    return {
        "attempt": record.text_or_none("attempt"),
        "staged": tuple(
            StagedFile(item.text("name"), item.count("size"), item.text("etag"))
            for item in record.items("staged")
        ),
        "replaced_by": None if replaced is None else record.texts("replaced_by"),
    }


def _rescued(item: _Fields) -> dict[str, int]:
    if "rescued" not in item.values:
        return {}
    counts = item.part("rescued")
    return {name: counts.count(name) for name in counts.values}


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
        rescued=_rescued(item),
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
            raise LedgerError(f"{key} is damaged: not JSON ({error}). {REMEDY[name]}") from error
        if not isinstance(values, dict):
            raise LedgerError(f"{key} is damaged: not a JSON object. {REMEDY[name]}")
        record = cls(values, key, name)
        if values.get("format") not in FORMATS:
            raise LedgerError(
                f"{key} has the record format {values.get('format')!r}, this job reads the formats "
                f"1 and 2. Deploy the version of the job that wrote it. {REMEDY[name]}"
            )
        if values.get("record") != name:
            raise record.damaged("record", values.get("record"), repr(name))
        return record

    def damaged(self, field: str, found: object, expected: str) -> LedgerError:
        return LedgerError(
            f"{self.key} is damaged: {self.path}{field} is {found!r:.200}, expected {expected}. "
            f"{REMEDY[self.name]}"
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

    def count_or_none(self, field: str) -> int | None:
        return self.count(field) if self.values.get(field) is not None else None

    def flag(self, field: str) -> bool:
        value = self.values.get(field)
        if not isinstance(value, bool):
            raise self.damaged(field, value, "true or false")
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
