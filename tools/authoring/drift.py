"""What came that no column takes: from the ledger, and from `_rescued` in curated."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc
import pyarrow.parquet as pq
from burst import drift
from burst.contract import RESCUED, Column, FileFormat
from burst.parsing import BadValue, convert_or_say_which, from_texts
from burst.s3 import read_whole

from tools.authoring.evidence import NULL_WORDS, Finding, Texts, texts_array
from tools.authoring.inference import column_of, infer
from tools.authoring.layout import table_names
from tools.authoring.samples import TOTAL_BYTES, Sample
from tools.operate.errors import InputError
from tools.operate.ledger import FileResult, PipelineLedger, ResultRecord, planned_at
from tools.operate.rescued import taken_by_now
from tools.operate.rows import parquet_files

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# How much of curated is read for examples and types, the newest first.
MOST_FILES, MOST_ROWS = 20, 20_000
EXAMPLES = 3
# What a column of this type may become, so that Athena and Spark read the files that are there as
# they are (Athena user guide, "Handling schema updates": Parquet, changing a column's data type).
WIDER: Mapping[str, Sequence[str]] = {
    "smallint": ("int", "bigint"),
    "int": ("bigint",),
    "float": ("double",),
}


@dataclass(frozen=True)
class Came:
    """One name in the files.

    since, last: when the first and the last batch with it was planned, within the time looked at.
    files, rows: with a value in `_rescued`; shares of the report's.
    column: the declared column that does not take these values; None for one that nobody declared.
    proposal: the column as it could be declared; None where there is no one way, and why says so.
    empty: optional columns without a value in the rows that have this one: it may be one of them
        under another name.
    """

    name: str
    since: datetime
    last: datetime
    files: int
    rows: int
    examples: tuple[str, ...] = ()
    column: Column | None = None
    proposal: Column | None = None
    why: str = ""
    empty: tuple[str, ...] = ()


@dataclass(frozen=True)
class Report:
    """What came since a moment.

    files, rows: all that were loaded. looked: rows of `_rescued` that were read for types.
    """

    since: datetime
    files: int
    rows: int
    looked: int
    came: tuple[Came, ...]


@dataclass
class _Seen:
    """The values of one name in the rows that were read, as JSON has them."""

    values: list[Any] = field(default_factory=list)
    # Of optional columns: in how many of these rows they have a value.
    filled: Counter[str] = field(default_factory=Counter)


def look(
    ledger: PipelineLedger,
    format: FileFormat,
    since: datetime,
    replaced: AbstractSet[str] = frozenset(),
) -> Report:
    """What came since then, the most rows first.

    format: how the files are read by the settings as they are now. replaced: batches whose rows a
    replay has removed; they count for nothing.
    """
    names = ledger.batches(since=since)
    committed = [b for b, records in names.items() if "result" in records and b not in replaced]
    results = [result for result in ledger.results(committed) if result.replaced_by is None]
    loaded = [file for result in results for file in result.files if file.outcome == "curated"]
    came = _counted(results)
    seen, looked = _read(ledger.s3, [one for one in results if drift.rescued(one)], format)
    files = {name: file for file in loaded for name in file.rescued}
    proposed = _Proposals(ledger.s3, ledger.lake_bucket, format, seen, files)
    return Report(
        since,
        len(loaded),
        sum(file.rows for file in loaded),
        looked,
        tuple(
            proposed.explained(one)
            for one in sorted(came.values(), key=lambda one: (-one.rows, one.name))
        ),
    )


def _counted(results: Iterable[ResultRecord]) -> dict[str, Came]:
    came: dict[str, Came] = {}
    for result in results:
        # As `burst replay --since` counts.
        at = planned_at(result.origin.batch)
        for file in result.files:
            for name, rows in file.rescued.items():
                one = came.get(name, Came(name, at, at, 0, 0))
                came[name] = replace(
                    one,
                    since=min(one.since, at),
                    last=max(one.last, at),
                    files=one.files + 1,
                    rows=one.rows + rows,
                )
    return came


def _read(
    s3: S3Client, results: Sequence[ResultRecord], format: FileFormat
) -> tuple[dict[str, _Seen], int]:
    """The values by name, and how many rows they are from."""
    seen: dict[str, _Seen] = {}
    looked = files = 0
    optional = [column.name for column in format.columns if column.optional]
    for source in _sources(s3, results):
        file = pq.ParquetFile(source)
        there = [name for name in (RESCUED, *optional) if name in file.schema_arrow.names]
        if RESCUED not in there:
            continue
        table = file.read(there)
        table = table.filter(pc.is_valid(table[RESCUED])).slice(0, MOST_ROWS - looked)
        for row in table.to_pylist():
            for name, value in json.loads(row.pop(RESCUED)).items():
                one = seen.setdefault(name, _Seen())
                one.values.append(value)
                one.filled.update(name for name, other in row.items() if other is not None)
        looked += table.num_rows
        files += 1
        if files >= MOST_FILES or looked >= MOST_ROWS:
            break
    return seen, looked


def _sources(s3: S3Client, results: Sequence[ResultRecord]) -> Iterator[Any]:
    for result in reversed(results):
        if result.output:
            yield from parquet_files(s3, result.output)


@dataclass(frozen=True)
class _Proposals:
    s3: S3Client
    lake_bucket: str
    format: FileFormat
    seen: Mapping[str, _Seen]
    files: Mapping[str, FileResult]

    def explained(self, came: Came) -> Came:
        """With examples, and with what could be declared."""
        seen = self.seen.get(came.name, _Seen())
        shown = dict.fromkeys(map(_shown, seen.values))
        came = replace(came, examples=tuple(list(shown)[:EXAMPLES]))
        declared = next((one for one in self.format.columns if one.in_file == came.name), None)
        if declared and came.name in taken_by_now(self.format.columns, self.format.bad_values):
            return replace(came, column=declared, why="declared by now; a replay fills it in")
        if declared:
            return self._widened(replace(came, column=declared), declared, seen.values)
        if not seen.values:
            return replace(came, why="its rows are no longer in curated")
        try:
            column, why = self._inferred(came.name, seen.values)
        except InputError as error:
            return replace(came, why=str(error))
        same = {one.name for one in self.format.columns if one.type == column.type}
        empty = [one.name for one in self.format.columns if one.optional and one.name in same]
        return replace(
            came,
            proposal=column,
            why=why,
            empty=tuple(name for name in empty if not seen.filled[name]),
        )

    def _inferred(self, name: str, values: list[Any]) -> tuple[Column, str]:
        """A column that takes the values; raises `InputError` where there is none."""
        found = self._finding(name, values)
        taken = {column.name: column.name for column in self.format.columns}
        named = table_names([*taken, name])[name]
        named = f"{name}_2" if name in taken else named
        column = column_of(replace(found, optional=True), named)
        return column, "; ".join((found.evidence, *found.doubts))

    def _finding(self, name: str, values: list[Any]) -> Finding:
        if self.format.kind == "json":
            lines = "".join(json.dumps({name: value}) + "\n" for value in values)
            return infer([Sample("_rescued", lines.encode())]).findings[0]
        if self.format.kind == "parquet":
            # The files say it themselves.
            file = self.files[name]
            if file.destination is None or file.size > TOTAL_BYTES:
                raise InputError(f"{file.key} is too large to be looked at here")
            body = read_whole(self.s3, self.lake_bucket, file.destination)
            found = infer([Sample(file.key, body)]).findings
            return next(one for one in found if one.name == name)
        texts = Texts(name)
        texts.add(texts_array(list(map(_text, values))), "_rescued", "row", _rows(values))
        return texts.finding()

    def _widened(self, came: Came, declared: Column, values: list[Any]) -> Came:
        if not values:
            return replace(came, why="its rows are no longer in curated")
        texts = texts_array([_text(value) for value in values])
        if _takes(declared, texts):
            return replace(came, why="declared by now; a replay fills it in")
        is_text = any(isinstance(value, str) for value in values)
        for kind in () if self.format.kind == "json" and is_text else WIDER.get(declared.type, ()):
            wider = replace(declared, type=kind)
            if _takes(wider, texts):
                return replace(came, proposal=wider, why=f"{kind} takes all values that were read")
        words = sorted(set(texts.filter(pc.is_in(texts, NULL_WORDS)).to_pylist()))
        if self.format.kind == "csv" and words and len(set(texts.to_pylist())) == len(words):
            shown = ", ".join(map(repr, words))
            return replace(came, why=f"if {shown} means null, put it into null_texts")
        return replace(came, why=f"no type beside {declared.type} takes them and keeps the others")


def _takes(column: Column, texts: Any) -> bool:
    try:
        convert_or_say_which(texts, column, from_texts)
    except BadValue:
        return False
    return True


def _text(value: Any) -> str:
    if isinstance(value, bool | dict | list):
        return json.dumps(value)
    return str(value)


def _rows(values: Sequence[object]) -> range:
    return range(1, len(values) + 1)


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else f"{text[:37]}..."
