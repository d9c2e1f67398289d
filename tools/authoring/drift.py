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
from burst.contract import (
    EPOCHS,
    RESCUED,
    Column,
    ColumnType,
    FileFormat,
    is_field_name,
    parse_type,
    part_at,
    with_field,
)
from burst.parsing import (
    BadValue,
    Inside,
    convert_or_say_which,
    from_texts,
    general_name,
    inside,
)
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
    what: what it is, where that is more than the column says: inside of a nested column.
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
    what: str = ""
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
            for key, value in json.loads(row.pop(RESCUED)).items():
                name = general_name(key, format.columns)
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
        if found := inside(came.name, self.format.columns):
            return self._explained_inside(came, found, seen.values)
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

    def _explained_inside(self, came: Came, found: Inside, values: list[Any]) -> Came:
        """With a field that could be added to a struct, or why none is."""
        came = replace(came, column=found.column)
        whole = parse_type(found.column.type)
        place = part_at(whole, found.steps)
        if place:
            came = replace(came, what=f"values that {place} does not take")
            declared = Column(came.name, str(place))
            texts = texts_array([_text(value) for value in values])
            if values and (declared.shape or _takes(declared, texts)):
                return replace(came, why="declared by now; a replay fills it in")
            return replace(came, why=f"{place} does not take them")
        came = replace(came, what="a field that no struct declares")
        *_, name = found.steps
        around = part_at(whole, found.steps[:-1])
        taken = {other.lower() for other, _ in around.parts} if around else set()
        if name is None or not is_field_name(name) or name.lower() in taken:
            return replace(came, why=f"{name!r} can be no name of a field there")
        if not values:
            return replace(came, why="its rows are no longer in curated")
        try:
            kind, why = self._type_inside(came.name, found, values)
        except InputError as error:
            return replace(came, why=str(error))
        wider = replace(found.column, type=str(with_field(whole, found.steps, kind)))
        return replace(came, proposal=wider, why=why, what=f"{came.what}, could be {kind}")

    def _type_inside(self, name: str, found: Inside, values: list[Any]) -> tuple[ColumnType, str]:
        """The type of a field inside of a column, and why."""
        if self.format.kind == "parquet":
            whole = self._finding(found.column.in_file, values, name)
            kind = part_at(parse_type(whole.type), found.steps)
            if kind is None:
                raise InputError("the file that has it was not found")
            return kind, "the type in the file"
        *_, field_name = found.steps
        one = self._finding(str(field_name), values)
        # Inside, nothing says how a text is to be read.
        kind = parse_type("string" if one.format and one.type != "timestamp" else one.type)
        if one.format in EPOCHS:
            kind = parse_type("bigint")
        return kind, one.evidence

    def _inferred(self, name: str, values: list[Any]) -> tuple[Column, str]:
        """A column that takes the values; raises `InputError` where there is none."""
        found = self._finding(name, values)
        taken = {column.name: column.name for column in self.format.columns}
        named = table_names([*taken, name])[name]
        named = f"{name}_2" if name in taken else named
        column = column_of(replace(found, optional=True), named)
        return column, "; ".join((found.evidence, *found.doubts))

    def _finding(self, name: str, values: list[Any], came: str = "") -> Finding:
        """What a name's values say. came: as the files' records name it, where it is another."""
        if self.format.kind == "json":
            lines = "".join(json.dumps({name: value}) + "\n" for value in values)
            found = infer([Sample("_rescued", lines.encode())])
            [one] = found.findings
            return replace(one, doubts=(*one.doubts, *found.doubts))
        if self.format.kind == "parquet":
            # The files say it themselves.
            file = self.files[came or name]
            if file.destination is None or file.size > TOTAL_BYTES:
                raise InputError(f"{file.key} is too large to be looked at here")
            body = read_whole(self.s3, self.lake_bucket, file.destination)
            columns = infer([Sample(file.key, body)]).findings
            return next(one for one in columns if one.name == name)
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
