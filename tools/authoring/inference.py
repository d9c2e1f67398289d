"""From sample files to the columns and the format with which the job reads every one of them."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from burst.contract import EPOCHS, MAX_PRECISION, Column, FileFormat
from burst.parsing import ParseError, is_bytes
from pyarrow import types

from tools.authoring.evidence import (
    Finding,
    OtherNotationError,
    Place,
    Texts,
    plain_numbers,
    texts_array,
)
from tools.authoring.layout import (
    Layout,
    check_names,
    contradiction,
    find_layout,
    header_of,
    read,
    table_names,
    widest,
)
from tools.authoring.samples import Sample
from tools.operate.errors import InputError
from tools.operate.words import count

_CHUNK_LINES = 10_000
_FLOATING = ("float", "double")
# Of decimals and of thousands, the simplest first.
SEPARATORS = [
    (",", ""),
    (".", ","),
    (",", "."),
    *(
        (decimal, mark)
        for mark in (" ", "\u00a0", "\u202f", "'", "\u2019", "_")
        for decimal in ",."
    ),
]


@dataclass(frozen=True)
class Inference:
    """What the samples say. rows: of all samples. doubts: beside those of the columns."""

    format: FileFormat
    findings: tuple[Finding, ...]
    evidence: tuple[str, ...]
    doubts: tuple[str, ...]
    rows: int


def infer(samples: Sequence[Sample]) -> Inference:
    """The format and the widest column types that take all of the samples.

    The job's own parser has read every sample with them before this returns. Raises `InputError`
    for samples that no one pipeline can read, naming the file and the place.
    """
    layout = find_layout(samples)
    if layout.kind == "csv":
        layout, found = _csv_columns(samples, layout)
    else:
        found = _json_columns(samples) if layout.kind == "json" else _parquet_columns(samples)
    findings = tuple(found)
    names = table_names([one.name for one in findings])
    format = layout.file_format([column_of(one, names[one.name]) for one in findings])
    rows = sum(_verified(sample, format) for sample in samples)
    doubts = layout.doubts
    if not rows:
        doubts = (*doubts, "the samples have no row, so every type is undecided")
    return Inference(format, findings, layout.evidence, doubts, rows)


def column_of(found: Finding, name: str) -> Column:
    """The column under its name in the table."""
    source = "" if name == found.name else found.name
    return Column(name, found.type, source, found.optional, found.format)


def _verified(sample: Sample, format: FileFormat) -> int:
    """How many rows the job's parser reads from the sample."""
    try:
        return sum(batch.num_rows for batch in read(sample, format))
    except ParseError as error:
        raise contradiction(f"with the columns of all samples, {sample.name}: {error}") from error


def _csv_columns(samples: Sequence[Sample], layout: Layout) -> tuple[Layout, list[Finding]]:
    """The columns, and the layout with the null texts and the separators that give most types."""
    seen = _csv_texts(samples, layout)
    layout, seen = _with_null_texts(samples, layout, seen)
    layout, seen = _with_separators(samples, layout, seen)
    headers = [header_of(sample, layout.encoding, layout.delimiter) for sample in samples]
    findings = [
        replace(one.finding(), optional=any(one.name not in header for header in headers))
        for one in seen
    ]
    return layout, findings


def _csv_texts(samples: Sequence[Sample], layout: Layout) -> list[Texts]:
    columns = [Texts(name) for name in layout.header]
    format = layout.file_format([Column(name, "string", optional=True) for name in layout.header])
    for sample in samples:
        header = header_of(sample, layout.encoding, layout.delimiter)
        # The header is row 1.
        row = 2
        try:
            for batch in read(sample, format):
                numbers = range(row, row + batch.num_rows)
                for column, texts in zip(columns, batch.columns, strict=True):
                    if column.name in header:
                        written = plain_numbers(
                            texts, layout.decimal_separator, layout.thousands_separator
                        )
                        column.add(written, sample.name, "row", numbers)
                row += batch.num_rows
        except ParseError as error:
            raise contradiction(
                f"{samples[0].name} can be read as {', '.join(layout.evidence)}, but "
                f"{sample.name} cannot: {error}"
            ) from error
    return columns


def _texts_only(seen: Sequence[Texts]) -> set[str]:
    return {one.name for one in seen if one.values and one.finding().type == "string"}


def _with_null_texts(
    samples: Sequence[Sample], layout: Layout, seen: list[Texts]
) -> tuple[Layout, list[Texts]]:
    """Texts are null where a column without them is no text."""
    before = _texts_only(seen)
    words = {word for one in seen if one.name in before for word in one.null_words}
    if not words:
        return layout, seen
    tried = _csv_texts(samples, replace(layout, null_texts=tuple(sorted(words))))
    typed = {one.name for one in tried if one.values} & (before - _texts_only(tried))
    typed |= {one.name for one in tried if one.has_separators or one.formats} & before
    words = {word for one in seen if one.name in typed for word in one.null_words}
    if not words:
        return layout, seen
    where = ", ".join(sorted(typed & {one.name for one in seen if one.null_words & words}))
    shown = ", ".join(map(repr, sorted(words)))
    doubts = [f"{shown} means null in every column, because of the values of {where}"]
    others = sorted(one.name for one in seen if one.name not in typed and one.null_words & words)
    if others:
        doubts.append(f"{', '.join(others)}: has {shown} too, and there it may mean something")
    layout = replace(layout, null_texts=tuple(sorted(words)), doubts=(*layout.doubts, *doubts))
    return layout, _csv_texts(samples, layout)


def _with_separators(
    samples: Sequence[Sample], layout: Layout, seen: list[Texts]
) -> tuple[Layout, list[Texts]]:
    """Numbers may be written with other separators; where there are two ways, they stay texts."""
    before = _texts_only(seen)
    candidates = before & {one.name for one in seen if one.has_separators}
    if not candidates:
        return layout, seen
    found: list[tuple[Layout, list[Texts], dict[str, str]]] = []
    for decimal, thousands in SEPARATORS:
        tried = replace(layout, decimal_separator=decimal, thousands_separator=thousands)
        try:
            texts = _csv_texts(samples, tried)
        except OtherNotationError:
            continue
        kinds = {one.name: one.finding().type for one in texts if one.name in candidates}
        typed = {name: kind for name, kind in kinds.items() if kind != "string"}
        if typed and not _texts_only(texts) - before:
            found.append((tried, texts, typed))
    most = max((len(typed) for *_, typed in found), default=0)
    best = [item for item in found if len(item[2]) == most]
    if not best:
        return layout, seen
    chosen, texts, typed = best[0]
    names = ", ".join(sorted(typed))
    if any(other != typed for *_, other in best):
        doubt = (
            f"{names}: numbers of which nobody can tell whether they have decimals; set "
            "decimal_separator and thousands_separator, and their types"
        )
        return replace(layout, doubts=(*layout.doubts, doubt)), seen
    marks = f"decimals after {chosen.decimal_separator!r}"
    if chosen.thousands_separator:
        marks += f", thousands marked by {chosen.thousands_separator!r}"
    return replace(chosen, evidence=(*layout.evidence, f"{marks} ({names})")), texts


class _Whole(str):
    """A JSON number without point and exponent, as it is written."""


class _Number(str):
    """A JSON number with a point or an exponent, as it is written."""


@dataclass
class _JsonColumn:
    """What has been seen of one field. kinds: the first place of each kind of value."""

    name: str
    kinds: dict[str, Place] = field(default_factory=dict)
    nulls: int = 0
    booleans: int = 0
    lines: int = 0
    numbers: Texts = field(init=False)
    texts: Texts = field(init=False)
    _waiting: dict[str, tuple[list[str], list[int]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.numbers, self.texts = Texts(self.name), Texts(self.name)

    def add(self, value: Any, file: str, line: int) -> None:
        self.lines += 1
        if value is None:
            self.nulls += 1
            return
        kind = _json_kind(value)
        if kind not in self.kinds:
            shown = value if isinstance(value, str) else json.dumps(value)
            self.kinds[kind] = Place(file, "line", line, shown)
        if kind == "a boolean":
            self.booleans += 1
        elif kind in ("a number", "a text"):
            values, lines = self._waiting.setdefault(kind, ([], []))
            values.append(str(value))
            lines.append(line)
            if len(values) >= _CHUNK_LINES:
                self.flush(file)

    def flush(self, file: str) -> None:
        """Look at the values that have been collected; all are of this file."""
        for kind, (values, lines) in self._waiting.items():
            seen = self.numbers if kind == "a number" else self.texts
            try:
                seen.add(texts_array(list(values)), file, "line", lines)
            except UnicodeEncodeError as error:
                raise InputError(
                    f"{file}, field {self.name!r}: a text has half of a surrogate pair, which is "
                    "no character."
                ) from error
        self._waiting.clear()

    def finding(self) -> Finding:
        if nested := self.kinds.get("nested"):
            raise InputError(
                f"{nested}: the field {self.name!r} holds an object or a list. A column is one "
                "value; have the producer write its parts as fields of their own."
            )
        self.texts.empty = self.numbers.empty = self.nulls
        if len(self.kinds) > 1:
            return self._mixed()
        if "a boolean" in self.kinds:
            empty = f", {self.nulls:,} null" if self.nulls else ""
            return Finding(self.name, "boolean", count(self.booleans, "value") + empty)
        if "a number" in self.kinds:
            found = self.numbers.finding()
            return found if found.type != "string" else self._too_long()
        found = self.texts.finding()
        if found.type in ("date", "timestamp", "string") and found.format not in EPOCHS:
            return found
        # In JSON these would have to be written without quotes.
        return Finding(self.name, "string", found.evidence, ("numbers or booleans in quotes",))

    def _too_long(self) -> Finding:
        if self.numbers.fits("double"):
            doubt = f"numbers of more than {MAX_PRECISION} digits lose some as a double"
            return Finding(self.name, "double", count(self.numbers.values, "value"), (doubt,))
        raise InputError(
            f"{self.kinds['a number']}: the field {self.name!r} has numbers of more than "
            f"{MAX_PRECISION} digits, which no type of a column takes; have them written as texts."
        )

    def _mixed(self) -> Finding:
        places = [f"{place} is {kind}" for kind, place in self.kinds.items()]
        texts, numbers = self.texts, self.numbers
        both = set(self.kinds) == {"a number", "a text"}
        if both and texts.fits("plain") and numbers.fits("plain"):
            seen = Texts(self.name, values=texts.values + numbers.values, empty=self.nulls)
            seen.whole_digits = max(texts.whole_digits, numbers.whole_digits)
            seen.decimals = max(texts.decimals, numbers.decimals)
            kind = seen.decimal_type()[0]
            if kind.startswith("decimal"):
                doubt = f"numbers with and without quotes ({'; '.join(places)})"
                return Finding(self.name, kind, count(seen.values, "value"), (doubt,))
        raise contradiction(
            f"the field {self.name!r} has values of several kinds: {'; '.join(places)}."
        )


def _json_kind(value: Any) -> str:
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, _Whole | _Number):
        return "a number"
    return "a text" if isinstance(value, str) else "nested"


def _json_columns(samples: Sequence[Sample]) -> list[Finding]:
    columns: dict[str, _JsonColumn] = {}
    lines = 0
    for sample in samples:
        for number, values in _objects(sample):
            lines += 1
            for name, value in values.items():
                columns.setdefault(name, _JsonColumn(name)).add(value, sample.name, number)
        for column in columns.values():
            column.flush(sample.name)
    check_names(list(columns), samples[0].name if len(samples) == 1 else "The samples", "fields")
    return [replace(column.finding(), optional=column.lines < lines) for column in columns.values()]


def _objects(sample: Sample) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(sample.body.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            values = json.loads(
                line.decode(), parse_int=_Whole, parse_float=_Number, parse_constant=_Number
            )
        except (ValueError, RecursionError) as error:
            raise InputError(f"{sample.name}, line {number}: not JSON: {error}.") from error
        if not isinstance(values, dict):
            raise InputError(f"{sample.name}, line {number}: found no JSON object.")
        yield number, values


def _parquet_columns(samples: Sequence[Sample]) -> list[Finding]:
    found: dict[str, tuple[str, str, str]] = {}
    schemas: dict[str, Any] = {}
    for sample in samples:
        try:
            schemas[sample.name] = pq.ParquetFile(io.BytesIO(sample.body)).schema_arrow
        except (OSError, pa.ArrowException) as error:
            raise InputError(
                f"{sample.name} is not readable Parquet: {str(error).rstrip('.')}."
            ) from error
        check_names(schemas[sample.name].names, sample.name)
    names = widest({file: schema.names for file, schema in schemas.items()})
    for sample in samples:
        schema = schemas[sample.name]
        for name in schema.names:
            kind = _hive(schema.field(name).type, sample.name, name)
            before = found.get(name)
            wider = _wider(before[0], kind) if before else kind
            if before and wider is None:
                raise contradiction(
                    f"column {name!r} is {before[1]} in {before[2]}, but "
                    f"{schema.field(name).type} in {sample.name}."
                )
            if before is None or not before[0]:
                found[name] = (wider or "", str(schema.field(name).type), sample.name)
            else:
                found[name] = (wider or "", *before[1:])
    optional = {name for one in schemas.values() for name in names if name not in one.names}
    return [
        Finding(name, kind, f"{arrow} in the file", optional=name in optional)
        if kind
        else Finding(
            name,
            "string",
            "no value in any file",
            ("the files give it no type, so the type is undecided; string takes texts only",),
            undecided=True,
            optional=name in optional,
        )
        for name, (kind, arrow, _) in ((name, found[name]) for name in names)
    ]


def _hive(found: pa.DataType, file: str, name: str) -> str:
    """The type in Hive's spelling; empty where the file has none."""
    if types.is_dictionary(found):
        found = found.value_type
    simple = (
        ("", types.is_null(found)),
        (
            "string",
            types.is_string(found) or types.is_large_string(found) or types.is_string_view(found),
        ),
        ("boolean", types.is_boolean(found)),
        ("decimal(20,0)", types.is_uint64(found)),
        ("bigint", types.is_int64(found) or types.is_uint32(found)),
        ("int", types.is_int32(found) or types.is_uint16(found)),
        ("smallint", types.is_integer(found)),
        ("float", types.is_float32(found) or types.is_float16(found)),
        ("double", types.is_floating(found)),
        ("date", types.is_date(found)),
        ("timestamp", types.is_timestamp(found)),
        ("binary", is_bytes(found)),
    )
    for kind, fits in simple:
        if fits:
            return kind
    if types.is_decimal(found) and found.precision <= MAX_PRECISION and found.scale >= 0:
        return f"decimal({found.precision},{found.scale})"
    raise InputError(
        f"{file}: column {name!r} is {found}, which no type of a column takes. Leave it out of "
        "the file, or write it as text."
    )


def _wider(one: str, other: str) -> str | None:
    """The type that takes values of both; None when there is none."""
    if one == other or not other:
        return one
    if not one:
        return other
    whole = {"smallint": 5, "int": 10, "bigint": 19}
    if one in whole and other in whole:
        return max(one, other, key=whole.__getitem__)
    if one in _FLOATING and other in (*_FLOATING, *whole):
        return one if (one, other) == ("float", "smallint") else "double"
    if other in _FLOATING and one in whole:
        return _wider(other, one)
    digits = []
    for kind in (one, other):
        if kind in whole:
            digits.append((whole[kind], 0))
        elif decimal := Column("", kind).decimal:
            digits.append((decimal[0] - decimal[1], decimal[1]))
        else:
            return None
    scale = max(scale for _, scale in digits)
    precision = max(before for before, _ in digits) + scale
    return f"decimal({precision},{scale})" if precision <= MAX_PRECISION else None
