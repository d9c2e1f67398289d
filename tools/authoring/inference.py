"""From sample files to the columns and the format with which the job reads every one of them."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from burst.contract import MAX_PRECISION, Column, FileFormat
from burst.parsing import ParseError
from pyarrow import types

from tools.authoring.evidence import Finding, Place, Texts, texts_array
from tools.authoring.layout import Layout, check_names, contradiction, find_layout, read
from tools.authoring.samples import Sample
from tools.operate.errors import InputError
from tools.operate.words import count

_CHUNK_LINES = 10_000


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
    find = {"csv": _csv_columns, "json": _json_columns, "parquet": _parquet_columns}
    findings = tuple(find[layout.kind](samples, layout))
    format = layout.file_format([Column(one.name, one.type) for one in findings])
    rows = sum(_verified(sample, format) for sample in samples)
    doubts = layout.doubts
    if not rows:
        doubts = (*doubts, "the samples have no row, so every type is undecided")
    return Inference(format, findings, layout.evidence, doubts, rows)


def _verified(sample: Sample, format: FileFormat) -> int:
    """How many rows the job's parser reads from the sample."""
    try:
        return sum(batch.num_rows for batch in read(sample, format))
    except ParseError as error:
        raise contradiction(f"with the columns of all samples, {sample.name}: {error}") from error


def _csv_columns(samples: Sequence[Sample], layout: Layout) -> list[Finding]:
    columns = [Texts(name) for name in layout.header]
    format = layout.file_format([Column(name, "string") for name in layout.header])
    for sample in samples:
        # The header is row 1.
        row = 2
        try:
            for batch in read(sample, format):
                numbers = range(row, row + batch.num_rows)
                for column, texts in zip(columns, batch.columns, strict=True):
                    column.add(texts, sample.name, "row", numbers)
                row += batch.num_rows
        except ParseError as error:
            raise contradiction(
                f"{samples[0].name} can be read as {', '.join(layout.evidence)}, but "
                f"{sample.name} cannot: {error}"
            ) from error
    return [column.finding() for column in columns]


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
    numbers: Texts = field(init=False)
    texts: Texts = field(init=False)
    _waiting: dict[str, tuple[list[str], list[int]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.numbers, self.texts = Texts(self.name), Texts(self.name)

    def add(self, value: Any, file: str, line: int) -> None:
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
        if found.type in ("date", "timestamp", "string"):
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


def _json_columns(samples: Sequence[Sample], layout: Layout) -> list[Finding]:
    columns: dict[str, _JsonColumn] = {}
    for sample in samples:
        for number, values in _objects(sample):
            for name, value in values.items():
                columns.setdefault(name, _JsonColumn(name)).add(value, sample.name, number)
        for column in columns.values():
            column.flush(sample.name)
    check_names(list(columns), samples[0].name if len(samples) == 1 else "The samples", "fields")
    return [column.finding() for column in columns.values()]


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


def _parquet_columns(samples: Sequence[Sample], layout: Layout) -> list[Finding]:
    found: dict[str, tuple[str, str, str]] = {}
    names: list[str] = []
    for sample in samples:
        try:
            schema = pq.ParquetFile(io.BytesIO(sample.body)).schema_arrow
        except (OSError, pa.ArrowException) as error:
            raise InputError(f"{sample.name} is not readable Parquet: {error}.") from error
        check_names(schema.names, sample.name)
        names = names or schema.names
        if differing := sorted(set(names) ^ set(schema.names)):
            raise contradiction(
                f"only one of {samples[0].name} and {sample.name} has the column "
                f"{', '.join(map(repr, differing))}."
            )
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
    return [
        Finding(name, kind, f"{arrow} in the file")
        if kind
        else Finding(
            name,
            "string",
            "no value in any file",
            ("the files give it no type, so the type is undecided; string takes texts only",),
            undecided=True,
        )
        for name, (kind, arrow, _) in found.items()
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
        ("int", types.is_integer(found)),
        ("double", types.is_floating(found)),
        ("date", types.is_date(found)),
        ("timestamp", types.is_timestamp(found)),
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
    whole = {"int": 10, "bigint": 19}
    if one in whole and other in whole:
        return "bigint"
    if "double" in (one, other) and {one, other} & set(whole):
        return "double"
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
