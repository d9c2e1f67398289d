"""From sample files to the columns and the format with which the job reads every one of them."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from burst.contract import (
    EPOCHS,
    MAX_PRECISION,
    STRUCT,
    Column,
    ColumnType,
    ColumnTypeError,
    FileFormat,
    array_type,
    is_field_name,
    map_type,
    parse_type,
    struct_type,
)
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
        try:
            found, left_out = (
                _json_columns(samples) if layout.kind == "json" else (_parquet_columns(samples), [])
            )
        except RecursionError as error:
            raise InputError(
                f"A value of {layout.kind} is nested too deep for a column."
            ) from error
        layout = replace(layout, doubts=(*layout.doubts, *left_out), rescues=bool(left_out))
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


@dataclass(frozen=True)
class _Rows:
    """Some rows of a CSV sample as texts. header: the columns that the sample has."""

    sample: str
    header: Sequence[str]
    first: int
    texts: Sequence[Any]

    @property
    def numbers(self) -> range:
        return range(self.first, self.first + len(self.texts[0]))


def _csv_texts(samples: Sequence[Sample], layout: Layout) -> list[Texts]:
    return _looked_at(list(_csv_rows(samples, layout)), layout)


def _csv_rows(samples: Sequence[Sample], layout: Layout) -> Iterator[_Rows]:
    format = layout.file_format([Column(name, "string", optional=True) for name in layout.header])
    for sample in samples:
        header = header_of(sample, layout.encoding, layout.delimiter)
        # The header is row 1.
        row = 2
        try:
            for batch in read(sample, format):
                yield _Rows(sample.name, header, row, batch.columns)
                row += batch.num_rows
        except ParseError as error:
            raise contradiction(
                f"{samples[0].name} can be read as {', '.join(layout.evidence)}, but "
                f"{sample.name} cannot: {error}"
            ) from error


def _looked_at(rows: Sequence[_Rows], layout: Layout, without: Sequence[Texts] = ()) -> list[Texts]:
    """What the columns say with the separators of the layout.

    without: what they say without any, which holds for those where no number has one.
    Raises OtherNotationError where a number has others.
    """
    marks = layout.decimal_separator, layout.thousands_separator
    written = [[plain_numbers(texts, *marks) for texts in some.texts] for some in rows]
    found = []
    for place, name in enumerate(layout.header):
        if without and all(
            texts[place].equals(some.texts[place])
            for some, texts in zip(rows, written, strict=True)
        ):
            found.append(without[place])
            continue
        column = Texts(name)
        for some, texts in zip(rows, written, strict=True):
            if name in some.header:
                column.add(texts[place], some.sample, "row", some.numbers)
        found.append(column)
    return found


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
    rows = list(_csv_rows(samples, layout))
    for decimal, thousands in SEPARATORS:
        tried = replace(layout, decimal_separator=decimal, thousands_separator=thousands)
        try:
            texts = _looked_at(rows, tried, without=seen)
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


# An object with more keys than this, of which each has few, has data for keys.
_MANY_KEYS, _SELDOM = 20, 0.25
_STRING = parse_type("string")


@dataclass
class _JsonColumn:
    """What has been seen of one field. kinds: the first place of each kind of value.

    fields, element: what has been seen inside of objects and lists. left_out: what no type can
    take that is inside, in sentences.
    """

    name: str
    kinds: dict[str, Place] = field(default_factory=dict)
    nulls: int = 0
    booleans: int = 0
    lines: int = 0
    numbers: Texts = field(init=False)
    texts: Texts = field(init=False)
    fields: dict[str, _JsonColumn] = field(default_factory=dict)
    objects: int = 0
    element: _JsonColumn | None = None
    lists: int = 0
    left_out: list[str] = field(default_factory=list)
    _waiting: dict[str, tuple[list[str], list[int]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.numbers, self.texts = Texts(self.name, are_numbers=True), Texts(self.name)

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
        elif kind == "an object":
            self.objects += 1
            for name, item in value.items():
                inner = f"{self.name}{_step(name)}"
                self.fields.setdefault(name, _JsonColumn(inner)).add(item, file, line)
        elif kind == "a list":
            self.lists += 1
            self.element = self.element or _JsonColumn(f"{self.name}[]")
            for item in value:
                self.element.add(item, file, line)
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
        for inner in self.fields.values():
            inner.flush(file)
        if self.element:
            self.element.flush(file)

    def finding(self) -> Finding:
        # Asked for twice where objects may be a map.
        self.left_out.clear()
        self.texts.empty = self.numbers.empty = self.nulls
        if len(self.kinds) > 1:
            return self._mixed()
        if "an object" in self.kinds:
            return self._map() or self._struct()
        if "a list" in self.kinds:
            return self._array()
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

    def _inside(self, inner: _JsonColumn) -> tuple[ColumnType, Finding]:
        """The type of what is inside, where no column can say how texts are to be read."""
        found = inner.finding()
        self.left_out += inner.left_out
        kind = found.type
        if found.format:
            kind = "bigint" if found.format in EPOCHS else "string"
        if len(inner.kinds) == 0:
            # What is null everywhere has no kind.
            found = replace(found, undecided=True)
        return parse_type(kind), replace(found, type=kind, format="")

    def _nested(self, kind: ColumnType, evidence: str, parts: Sequence[Finding]) -> Finding:
        inside = tuple(
            (path, kind, why)
            for one in parts
            for path, kind, why in (one.inside or ((one.name, one.type, one.evidence),))
        )
        doubts = tuple(
            doubt if one.inside else f"{one.name}: {doubt}" for one in parts for doubt in one.doubts
        )
        empty = f", {self.nulls:,} null" if self.nulls else ""
        return Finding(self.name, str(kind), evidence + empty, doubts, inside=inside)

    def _struct(self) -> Finding:
        kinds: dict[str, ColumnType] = {}
        parts = []
        for name, inner in self.fields.items():
            if not is_field_name(name) or name.lower() in map(str.lower, kinds):
                why = "is no name for a field of a struct"
                if is_field_name(name):
                    why = "differs from another one in upper and lower case only"
                self.left_out.append(f"{inner.name}: {name!r} {why}")
                continue
            try:
                kinds[name], found = self._inside(inner)
            except InputError as error:
                self.left_out.append(f"{inner.name}: {error}")
                continue
            parts.append(found)
        if not kinds:
            raise InputError(f"the objects of {self.name!r} have no field that a struct can have")
        return self._nested(struct_type(kinds), count(self.objects, "object"), parts)

    def _map(self) -> Finding | None:
        """As a map, where the keys look like data and all values are of one type."""
        seen = sum(inner.lines for inner in self.fields.values())
        many = len(self.fields) > _MANY_KEYS
        if not (
            not all(map(is_field_name, self.fields))
            or not self.fields
            or (many and seen < _SELDOM * self.objects * len(self.fields))
        ):
            return None
        value: ColumnType | None = None
        left_out = list(self.left_out)
        try:
            for inner in self.fields.values():
                kind, found = self._inside(inner)
                if not found.undecided:
                    value = _wider(value, kind) if value else kind
                    if value is None:
                        raise InputError("values of several types")
        except InputError:
            self.left_out = left_out
            return None
        doubt = f"taken as a map, by its {count(len(self.fields), 'different key')}"
        undecided = value is None
        if undecided:
            doubt = "no object has a field, so it may be a map or a struct"
        kind = map_type(_STRING, value or _STRING)
        found = self._nested(kind, count(self.objects, "object"), [])
        return replace(found, doubts=(doubt,), undecided=undecided)

    def _array(self) -> Finding:
        element = self.element or _JsonColumn(f"{self.name}[]")
        kind, found = self._inside(element)
        longest = f"{element.lines:,} elements in {count(self.lists, 'list')}"
        whole = self._nested(array_type(kind), longest, [found])
        return replace(whole, undecided=not element.kinds)

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
    if isinstance(value, dict):
        return "an object"
    return "a text" if isinstance(value, str) else "a list"


def _step(name: str) -> str:
    return f".{name}" if is_field_name(name) else f"[{json.dumps(name, ensure_ascii=False)}]"


def _json_columns(samples: Sequence[Sample]) -> tuple[list[Finding], list[str]]:
    """The columns, and what is left to `_rescued` because no type takes it."""
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
    findings, left_out = [], []
    for column in columns.values():
        try:
            found = column.finding()
            parse_type(found.type)
        except (InputError, ColumnTypeError) as error:
            if not column.kinds.keys() & {"an object", "a list"} or len(column.kinds) > 1:
                raise
            left_out.append(f"{column.name}: {error}")
            continue
        findings.append(replace(found, optional=column.lines < lines))
        left_out += column.left_out
    if not findings and left_out:
        raise InputError(f"There is no field that a column can take: {left_out[0]}.")
    return findings, [f"{one.rstrip('.')}; it is left to _rescued" for one in left_out]


def _objects(sample: Sample) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(sample.body.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            values = json.loads(
                line.decode(), parse_int=_Whole, parse_float=_Number, parse_constant=_Number
            )
        except json.JSONDecodeError as error:
            where = f"{sample.name}, line {number}, column {error.colno}"
            raise InputError(f"{where}: not JSON: {error.msg}.") from error
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
            wider = _wider_text(before[0], kind) if before else kind
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
        Finding(
            name, kind, _evidence(kind, arrow), optional=name in optional, inside=_ends(name, kind)
        )
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


def _evidence(kind: str, arrow: str) -> str:
    return "in the file" if parse_type(kind).is_nested else f"{arrow} in the file"


def _ends(path: str, kind: str) -> tuple[tuple[str, str, str], ...]:
    """The simple types at the ends of a nested one, by their paths."""
    found = parse_type(kind)
    if not found.is_nested:
        return ()
    ends: list[tuple[str, str, str]] = []
    for name, part in found.parts:
        step = f".{name}" if found.kind == STRUCT else "[key]" if name == "key" else "[]"
        ends += _ends(path + step, str(part)) or ((path + step, str(part), ""),)
    return tuple(ends)


def _hive(found: pa.DataType, file: str, name: str) -> str:
    """The type in Hive's spelling; empty where the file has none."""
    if types.is_dictionary(found):
        found = found.value_type
    if types.is_nested(found):
        try:
            return str(parse_type(_hive_nested(found, file, name)))
        except ColumnTypeError as error:
            raise InputError(
                f"{file}: column {name!r} is {found}, which no type of a column takes: {error}. "
                "Leave it out of the file."
            ) from error
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


def _hive_nested(found: pa.DataType, file: str, name: str) -> str:
    def inner(kind: pa.DataType, step: str) -> str:
        # What is null everywhere may be anything.
        return _hive(kind, file, f"{name}{step}") or "string"

    if types.is_struct(found):
        parts = [f"{one.name}:{inner(one.type, f'.{one.name}')}" for one in found]
        return f"struct<{','.join(parts)}>"
    if types.is_map(found):
        return f"map<{inner(found.key_type, '[key]')},{inner(found.item_type, '[]')}>"
    if hasattr(found, "value_type"):
        return f"array<{inner(found.value_type, '[]')}>"
    raise InputError(f"{file}: column {name!r} is {found}, which no type of a column takes.")


def _wider_text(one: str, other: str) -> str | None:
    """The type that takes values of both; None when there is none. Empty is no type yet."""
    if one == other or not other:
        return one
    if not one:
        return other
    wider = _wider(parse_type(one), parse_type(other))
    return str(wider) if wider else None


def _wider(one: ColumnType, other: ColumnType) -> ColumnType | None:
    if one == other:
        return one
    if not one.is_nested and not other.is_nested:
        simple = _wider_simple(str(one), str(other))
        return parse_type(simple) if simple else None
    if one.kind != other.kind:
        return None
    parts = dict(one.parts)
    for name, part in other.parts:
        wider = _wider(parts[name], part) if name in parts else part
        if wider is None:
            return None
        parts[name] = wider
    return ColumnType(one.kind, parts=tuple(parts.items()))


def _wider_simple(one: str, other: str) -> str | None:
    whole = {"smallint": 5, "int": 10, "bigint": 19}
    if one in whole and other in whole:
        return max(one, other, key=whole.__getitem__)
    if one in _FLOATING and other in (*_FLOATING, *whole):
        return one if (one, other) == ("float", "smallint") else "double"
    if other in _FLOATING and one in whole:
        return _wider_simple(other, one)
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
