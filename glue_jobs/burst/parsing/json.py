"""JSON lines: one object a line, UTF-8.

pyarrow reads a block of lines at a time, about fifteen times as fast as the standard library. It
says little about what is wrong, so a block that it refuses is read once more, line by line, to
find the words. A field that a line leaves out is null; a column which no line has is missing.
"""

from __future__ import annotations

import io
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache
from typing import Any, NoReturn

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json

from burst.byte_stream import Guarded
from burst.columns import arrow_schema, arrow_type, nested_type
from burst.contract import ARRAY, EPOCHS, MAP, STRUCT, WHOLE_BITS, Column, FileFormat, Shape
from burst.parsing import nested
from burst.parsing.reasons import ParseError, UnfitError, names, shown
from burst.parsing.rescue import Fitting, Rest, json_text
from burst.parsing.values import (
    EXPECTED,
    BadValue,
    all_finite,
    convert_or_say_which,
    decimal_array,
    decimal_of,
    expected,
    from_epoch,
    from_texts,
    misfit,
    narrowed,
    wide_decimal,
)

BLOCK_BYTES = 4 * 1024**2
MAX_LINE_BYTES = 16 * 1024**2
_BOM = b"\xef\xbb\xbf"
_FLOATING = ("float", "double")
_TEXTS = ("string", "date", "timestamp", "binary")

# What Arrow's decimals of 256 bits hold beside any scale.
_LONG = 38
_SAMPLE = (_LONG + 1) // 6
_PIECE = 256 * 1024
_LONG_NUMBER = rf"[0-9.]{{{_LONG + 1}}}"
_EXPONENT = r'["\s:,\[][+-]?[0-9.]+[eE][+-]?[0-9]+["\s,}\]]'
# A digit, dot or e as an escape, or a sign as an escape beside an e.
_ESCAPED_NUMBER = r"\\u00(?:3[0-9]|2[eE]|45|65)|[eE]\\u002[bBdD]|\\u002[bBdD][0-9.]+[eE]"
# Arrow gives 0 for numbers that are too small, but only for some that look like this.
_TINY = re.compile(rb"[0-9.][eE]-|0{99}")

# Words for those of Python, of which these are the beginnings.
_NO_JSON = {
    "Expecting ','": "a comma or a closing bracket is missing before this",
    "Expecting ':'": "a colon is missing after the name of a field",
    "Expecting property name": "expected the name of a field, in double quotes",
    "Expecting value": "expected a value: a text in double quotes, a number, true, false, null, "
    "a list or an object",
    "Unterminated string": "a text begins here and has no closing quote",
    "Invalid control character": "a text holds a control character (a tab is written as \\t)",
    "Invalid \\": "a backslash in a text is followed by what JSON does not know",
    "Extra data": "something follows the object, expected one object a line",
}
_TRAILING_COMMA = "a comma with nothing behind it"


def parse(stream: io.BufferedReader[Guarded], format: FileFormat) -> Iterator[pa.RecordBatch]:
    """Batches of the columns, in the pipeline's order. Raises ParseError."""
    columns = format.columns
    unseen = {column for column in columns if not column.optional}
    first_line, rows = 1, 0
    for block in _blocks(stream):
        lines = _lines(block, first_line)
        if lines:
            read = _read_or_rescue if format.rescues else _read
            batch = read(block, lines, format)
            unseen = {column for column in unseen if not _appears(column, batch, lines)}
            rows += batch.num_rows
            yield batch
        first_line += block.count(b"\n")
    if rows and unseen:
        missing = [column.in_file for column in columns if column in unseen]
        raise ParseError(f"No line has the field {names(missing)} (write null for no value).")


def parse_together(
    contents: Sequence[bytes], format: FileFormat
) -> tuple[pa.RecordBatch, list[int]] | None:
    """The rows of small files, read as one block, and how many of them each file has.

    A block takes most of its time whether it has four lines or a hundred. None when a file among
    them may be bad, or is written as few are; then `parse` has to look at each.
    """
    try:
        counts = [_count_lines(content) for content in contents]
        if not any(counts):
            return None
        block = b"\n".join(contents)
        numbers = _numbers_in(block)
        if _needs_each_line(block, numbers, format.columns):
            return None
        table = _table(block, format)
        if table.num_rows != sum(counts):
            return None
        [batch] = table.combine_chunks().to_batches()
        if numbers.tiny or numbers.long:
            _zeros_must_be_zero(batch, _lines(block, 1), format)
        result = _columns_of(batch, format)
    except (ParseError, BadValue, pa.ArrowException):
        return None
    start = 0
    # A column that has a value in each row has one in each file.
    required = [
        column
        for column in format.columns
        if not column.optional and result.column(column.name).null_count
    ]
    for content, count in zip(contents, counts, strict=True):
        part = result.slice(start, count)
        unseen = [column for column in required if not _has_value(column, part)]
        if count and unseen:
            lines = _lines(content, 1)
            if not all(_appears(column, part, lines) for column in unseen):
                return None
        start += count
    return result, counts


def _count_lines(content: bytes) -> int:
    """How many objects a small file has, one a line. Raises ParseError where it may be bad.

    Where each line begins with a brace and ends with one, no object goes on in the next line:
    behind the one brace Arrow takes a comma or a bracket only. So none has parts in two files.
    """
    count = content.count(b"\n") + (not content.endswith(b"\n"))
    plain = content.startswith(b"{") and content.endswith((b"}\n", b"}"))
    if plain and content.count(b"}\n{") == count - 1:
        # A tenth of the work of `_lines`.
        _must_be_text(content, 1)
        return count
    lines = _lines(content, 1)
    if not all(line.rstrip().endswith(b"}") for _, line in lines):
        raise ParseError("A line does not end with its object.")
    return len(lines)


def _blocks(stream: io.BufferedReader[Guarded]) -> Iterator[bytes]:
    """The file in pieces that end at the end of a line."""
    rest = b""
    first = True
    while data := stream.read(BLOCK_BYTES):
        if first:
            data, first = data.removeprefix(_BOM), False
        cut = data.rfind(b"\n") + 1
        if cut:
            yield rest + data[:cut]
            rest = data[cut:]
        else:
            rest += data
        if len(rest) > MAX_LINE_BYTES:
            raise ParseError(f"A line is longer than {MAX_LINE_BYTES // 1024**2} MiB.")
    if rest:
        yield rest


def _lines(block: bytes, first_line: int) -> list[tuple[int, bytes]]:
    """The lines that are not blank, with their numbers; each must look like an object.

    pyarrow 17 ends the process on a line `null`, stops without a word at a NUL and takes bytes
    that are not UTF-8, so these never get there.
    """
    lines = [
        (number, line)
        for number, line in enumerate(block.split(b"\n"), first_line)
        if line and not line.isspace()
    ]
    for number, line in lines:
        if not line.lstrip().startswith(b"{"):
            raise ParseError(f"Line {number}: found {_start(line)}, expected a JSON object.")
    _must_be_text(block, first_line)
    return lines


def _must_be_text(block: bytes, first_line: int) -> None:
    nul = block.find(b"\0")
    if nul >= 0:
        number = first_line + block.count(b"\n", 0, nul)
        raise ParseError(f"Line {number}: found a NUL byte, expected JSON.")
    try:
        block.decode()
    except UnicodeDecodeError as error:
        number = first_line + block.count(b"\n", 0, error.start)
        raise ParseError(f"Line {number}: found bytes that are not UTF-8.") from None


def _start(line: bytes) -> str:
    # Enough for `shown` to cut, at whole characters.
    return shown(line[:400].strip())


def _read(block: bytes, lines: list[tuple[int, bytes]], format: FileFormat) -> pa.RecordBatch:
    """The values of a block's lines. Raises ParseError."""
    numbers = _numbers_in(block)
    if _needs_each_line(block, numbers, format.columns):
        return _read_line_by_line(lines, format)
    try:
        table = _table(block, format)
    except pa.ArrowInvalid as error:
        raise ParseError(_explain(lines, format) or f"Not readable json: {error}") from error
    if table.num_rows != len(lines):
        # Two objects in a line, or one object over several lines.
        raise ParseError(
            _explain(lines, format)
            or f"Found {table.num_rows} objects in {len(lines)} lines, expected one a line."
        )
    [batch] = table.combine_chunks().to_batches()
    if numbers.tiny or numbers.long:
        _zeros_must_be_zero(batch, lines, format)
    return _converted(batch, lines, format)


def _table(block: bytes, format: FileFormat) -> pa.Table:
    """What Arrow makes of a block. Raises ArrowInvalid."""
    return pa.json.read_json(
        pa.BufferReader(block),
        read_options=pa.json.ReadOptions(use_threads=False, block_size=len(block) + 1),
        parse_options=pa.json.ParseOptions(
            explicit_schema=_arrow_reads(format.columns),
            unexpected_field_behavior="ignore" if format.unknown == "drop" else "error",
        ),
    )


@lru_cache
def _arrow_reads(columns: tuple[Column, ...]) -> pa.Schema:
    """What Arrow makes of the lines: texts as texts, decimals so wide that none wraps around."""
    return pa.schema([(column.in_file, _arrow_reads_as(column)) for column in columns])


def _arrow_reads_as(column: Column) -> Any:
    if shape := column.shape:
        return nested_type(shape, {part.in_file: _arrow_reads_as(part) for part in shape.parts})
    if column.decimal:
        return wide_decimal(_LONG, column.decimal[1])
    if column.format in EPOCHS:
        return pa.int64()
    return pa.string() if _is_text_first(column) else arrow_type(column)


def _is_text_first(column: Column) -> bool:
    return column.type in _TEXTS and column.format not in EPOCHS


@dataclass(frozen=True)
class _Numbers:
    """What kinds of numbers there may be in a block, found without looking at its structure.

    long: of more than 38 digits. exponent, tiny: with an exponent, with one below 0.
    """

    long: bool
    exponent: bool
    tiny: bool


def _numbers_in(block: bytes) -> _Numbers:
    data = np.frombuffer(block, np.uint8)
    long = exponent = tiny = False
    # In pieces that stay in the processor's cache; what begins in one may end in the next.
    for start in range(0, len(data), _PIECE):
        piece = data[start : start + _PIECE + _LONG + 1]
        digits = piece - np.uint8(ord("0")) < 10
        digits |= piece == ord(".")
        # A run of 39 digits meets six of these places one after the other.
        one = digits[::_SAMPLE]
        two = one[:-1] & one[1:]
        long = long or bool((two[:-4] & two[2:-2] & two[4:]).any())
        letters = (piece[1:] | np.uint8(0x20)) == ord("e")
        letters &= digits[:-1]
        if letters.any():
            exponent = True
            after = np.flatnonzero(letters) + 2
            tiny = tiny or bool((piece[after[after < len(piece)]] == ord("-")).any())
    return _Numbers(long, exponent, tiny)


@dataclass(frozen=True)
class _Traits:
    """What counts of the columns, those inside of nested ones among them."""

    decimals: bool
    maps: bool
    nested: bool


@lru_cache
def _traits(columns: tuple[Column, ...]) -> _Traits:
    shapes = [column.shape for column in columns if column.shape]
    inner = _traits(tuple(part for shape in shapes for part in shape.parts)) if shapes else None
    return _Traits(
        decimals=any(column.decimal for column in columns) or bool(inner and inner.decimals),
        maps=any(shape.kind == MAP for shape in shapes) or bool(inner and inner.maps),
        nested=bool(shapes),
    )


def _needs_each_line(block: bytes, numbers: _Numbers, columns: tuple[Column, ...]) -> bool:
    """Whether Arrow cannot read the block: it takes objects for structs only, not for maps."""
    traits = _traits(columns)
    return traits.maps or (traits.decimals and _needs_exact_numbers(block, numbers))


def _needs_exact_numbers(block: bytes, numbers: _Numbers) -> bool:
    """Whether there may be a number of more than 38 digits or with an exponent, also in quotes.

    As decimals Arrow cannot be trusted with these: they wrap around, and some exponents end the
    process (https://github.com/apache/arrow/issues/50964). Few blocks have one. The parts of a
    number in quotes may be written as escapes.
    """
    return (
        (numbers.long and _matches(block, _LONG_NUMBER))
        or (numbers.exponent and _matches(block, _EXPONENT))
        # Most blocks have no escape at all, and a single byte is found at once.
        or (b"\\" in block and b"\\u00" in block and _matches(block, _ESCAPED_NUMBER))
    )


def _matches(block: bytes, pattern: str) -> bool:
    text = pa.array([block], pa.large_binary())
    return bool(pc.match_substring_regex(text, pattern)[0].as_py())


def _converted(
    batch: pa.RecordBatch, lines: list[tuple[int, bytes]], format: FileFormat
) -> pa.RecordBatch:
    try:
        return _columns_of(batch, format)
    except BadValue as bad:
        number, line = lines[bad.position]
        raise ParseError(
            # In the words that are the file's, if the standard library has some.
            _explain([(number, line)], format)
            or f"Line {number}, field {bad.name!r}: "
            f"found {shown(bad.found)}, expected {bad.expected}."
        ) from None


def _columns_of(batch: pa.RecordBatch, format: FileFormat) -> pa.RecordBatch:
    """The values as the columns' types. Raises BadValue."""
    arrays = [
        convert_or_say_which(batch.column(column.in_file), column, _from_arrow)
        for column in format.columns
    ]
    result = pa.RecordBatch.from_arrays(arrays, schema=arrow_schema(format.columns))
    result.validate(full=True)
    return result


def _from_arrow(values: Any, column: Column) -> Any:
    if column.shape:
        return nested.converted(values, column, _from_arrow)
    if column.decimal:
        return narrowed(values, column)
    if column.format in EPOCHS:
        return from_epoch(values, column)
    if column.type in _FLOATING and not all_finite(values):
        # Arrow takes NaN and Infinity, which are no JSON.
        raise UnfitError
    return from_texts(values, column) if _is_text_first(column) else values


def _zeros_must_be_zero(
    batch: pa.RecordBatch, lines: list[tuple[int, bytes]], format: FileFormat
) -> None:
    """Raises ParseError where Arrow gives 0 for a number that is too small for a double."""
    for column in format.columns:
        for inner, values in nested.ends(batch.column(column.in_file), column):
            if inner.type not in _FLOATING:
                continue
            zeros = pc.indices_nonzero(pc.fill_null(pc.equal(values, 0.0), False)).to_pylist()
            # Fitting of a nested column there may be any number of values in a line.
            places = lines if column.shape and zeros else [lines[position] for position in zeros]
            for number, line in places:
                if _TINY.search(line) and (wrong := _explain([(number, line)], format)):
                    raise ParseError(wrong)


def _read_line_by_line(lines: list[tuple[int, bytes]], format: FileFormat) -> pa.RecordBatch:
    """The same with the standard library, which takes ten times as long and wraps nothing."""
    if wrong := _explain(lines, format):
        raise ParseError(wrong)
    rows = [json.loads(line, parse_int=Decimal, parse_float=Decimal) for _, line in lines]
    return _converted(_as_arrow_reads(rows, format), lines, format)


def _as_arrow_reads(rows: list[dict[str, Any]], format: FileFormat) -> pa.RecordBatch:
    """What Arrow would make of these values, whose kinds have been checked."""
    arrays = [
        _array_of([row.get(column.in_file) for row in rows], column) for column in format.columns
    ]
    return pa.RecordBatch.from_arrays(arrays, names=[column.in_file for column in format.columns])


def _array_of(values: list[Any], column: Column) -> Any:
    if shape := column.shape:
        return _nested_array(values, shape)
    if column.decimal:
        numbers = [Decimal(value) for value in values if value is not None]
        exact = iter(decimal_array(numbers, column))
        each = [None if value is None else next(exact).as_py() for value in values]
        return pa.array(each, arrow_type(column))
    if column.type in WHOLE_BITS or column.format in EPOCHS:
        whole = [None if value is None else int(value) for value in values]
        return pa.array(whole, _arrow_reads_as(column))
    if column.type in _FLOATING:
        # Through a double, a float would be rounded twice.
        texts = [None if value is None else str(value) for value in values]
        return pc.cast(pa.array(texts, pa.string()), arrow_type(column))
    return pa.array(values, _arrow_reads_as(column))


def _nested_array(values: list[Any], shape: Shape) -> Any:
    """Dictionaries and lists as structs, arrays and maps."""
    there = [value for value in values if value is not None]
    mask = pa.array([value is None for value in values], pa.bool_())
    if shape.kind == STRUCT:
        fields = [
            _array_of([None if one is None else one.get(part.in_file) for one in values], part)
            for part in shape.parts
        ]
        kinds = [
            pa.field(part.in_file, array.type)
            for part, array in zip(shape.parts, fields, strict=True)
        ]
        return pa.StructArray.from_arrays(fields, fields=kinds, mask=mask)
    lengths = [0, *(0 if value is None else len(value) for value in values)]
    offsets = pa.array(np.cumsum(lengths), pa.int32())
    if shape.kind == ARRAY:
        flat = _array_of([item for value in there for item in value], shape.parts[0])
        return pa.ListArray.from_arrays(offsets, flat, mask=mask)
    keys = pa.array([key for value in there for key in value], pa.string())
    items = _array_of([item for value in there for item in value.values()], shape.parts[1])
    return pa.MapArray.from_arrays(offsets, keys, items, mask=mask)


def _read_or_rescue(
    block: bytes, lines: list[tuple[int, bytes]], format: FileFormat
) -> pa.RecordBatch:
    """The values with `_rescued`.

    The quick way where the columns take all; where there are only other fields, these alone are
    read line by line; and else everything is.
    """
    strict = replace(format, bad_values="quarantine")
    try:
        if format.unknown == "rescue" and not _traits(format.columns).nested:
            batch, rest = _read_beside(block, lines, strict)
        else:
            quick = replace(strict, unknown="quarantine") if format.unknown == "rescue" else strict
            batch, rest = _read(block, lines, quick), Rest()
    except ParseError:
        if format.bad_values == "quarantine" and not _traits(format.columns).nested:
            raise
        batch, rest = _read_rescuing(lines, format)
    arrays = [*batch.columns, rest.array(batch.num_rows)]
    return pa.RecordBatch.from_arrays(arrays, schema=arrow_schema(format.columns, True))


def _read_beside(
    block: bytes, lines: list[tuple[int, bytes]], format: FileFormat
) -> tuple[pa.RecordBatch, Rest]:
    """The values, and the fields that are none of the columns."""
    try:
        return _read(block, lines, replace(format, unknown="quarantine")), Rest()
    except ParseError:
        batch = _read(block, lines, replace(format, unknown="drop"))
    known = {column.in_file for column in format.columns}
    rest = Rest()
    for position, (number, line) in enumerate(lines):
        others = [item for item in _pairs(number, line, _Digits, _Digits) if item[0] not in known]
        if twice := _twice(others):
            raise ParseError(f"Line {number} has the field {shown(twice)} twice.")
        for name, value in others:
            if value is not None:
                rest.add(name, position, _as_json(value))
    return batch, rest


def _twice(fields: list[tuple[str, Any]]) -> str | None:
    names_ = [name for name, _ in fields]
    if len(set(names_)) == len(names_):
        return None
    return next(name for name in names_ if names_.count(name) > 1)


class _Digits(str):
    """A number as it is written."""


def _read_rescuing(
    lines: list[tuple[int, bytes]], format: FileFormat
) -> tuple[pa.RecordBatch, Rest]:
    """The values that fit, and the rest. Raises ParseError for what is no reason to rescue."""
    columns = {column.in_file: column for column in format.columns}
    rest = Rest(format.columns)
    rows = []
    for position, (number, line) in enumerate(lines):
        values = _pairs(number, line, _WrittenWhole, _Written)
        if wrong := _wrong(values, columns, format):
            raise ParseError(f"Line {number}{wrong}.")
        row = {}
        for name, value in values:
            if column := columns.get(name):
                keep = _Keep(rest, column, position, format.unknown == "rescue")
                row[name] = _fitted(value, column, "", keep)
            elif value is not None and format.unknown == "rescue":
                rest.add(name, position, _as_json(value))
        rows.append(row)
    batch = _as_arrow_reads(rows, format)
    if format.bad_values == "quarantine":
        return _converted(batch, lines, format), rest
    arrays = []
    for column in format.columns:
        values_ = batch.column(column.in_file)
        # What has not been found yet is a text that is no date, or an instant beyond the calendar.
        array, misfits = Fitting(_from_arrow).what_fits(values_, column)
        for one in misfits:
            value = one.value[0].as_py()
            text = json_text(value) if isinstance(value, str) else json.dumps(value)
            rest.add_inside(column, one.path, one.position, text)
        arrays.append(array)
    result = pa.RecordBatch.from_arrays(arrays, schema=arrow_schema(format.columns))
    result.validate(full=True)
    return result, rest


@dataclass(frozen=True)
class _Keep:
    """Where a column's values go that do not fit. unknown: whether unknown fields go there, too."""

    rest: Rest
    column: Column
    position: int
    unknown: bool

    def add(self, path: str, value: Any) -> None:
        self.rest.add_inside(self.column, path, self.position, _as_json(value))


def _fitted(value: Any, column: Column, path: str, keep: _Keep) -> Any:
    """The value with null in place of what does not fit. path: to it, inside of the column."""
    if value is None:
        return None
    shape = column.shape
    if not shape and _check(column)(value):
        return value
    if shape and shape.kind == STRUCT and isinstance(value, _Pairs):
        found = {}
        for name, item in value:
            step = path + nested.of_field(name)
            if name in shape.fields:
                found[name] = _fitted(item, shape.fields[name], step, keep)
            elif keep.unknown and item is not None:
                keep.add(step, item)
        return found
    if shape and shape.kind == MAP and _has_text_keys(value):
        [_, of_map] = shape.parts
        return {key: _fitted(item, of_map, path + nested.of_key(key), keep) for key, item in value}
    if shape and shape.kind == ARRAY and _is_list(value):
        [element] = shape.parts
        return [
            _fitted(item, element, path + nested.of_element(number), keep)
            for number, item in enumerate(value)
        ]
    keep.add(path, value)
    return None


def _is_list(value: Any) -> bool:
    return isinstance(value, list) and not isinstance(value, _Pairs)


def _has_text_keys(value: Any) -> bool:
    """Whether it is an object, without half of a surrogate pair in its keys."""
    return isinstance(value, _Pairs) and all(_is_text(key) for key, _ in value)


class _Pairs(list[Any]):
    """An object: its fields in their order, also those that are there twice."""


def _as_json(value: Any) -> str:
    """The value as the line has it, every digit kept."""
    if isinstance(value, _Pairs):
        return f"{{{','.join(f'{json_text(name)}:{_as_json(item)}' for name, item in value)}}}"
    if isinstance(value, list):
        return f"[{','.join(map(_as_json, value))}]"
    if isinstance(value, _Digits):
        return str(value)
    if isinstance(value, str):
        return json_text(value)
    return value.text if isinstance(value, _Written) else json.dumps(value)


def _appears(column: Column, batch: pa.RecordBatch, lines: list[tuple[int, bytes]]) -> bool:
    """Whether any line has this field, be it null."""
    if _has_value(column, batch):
        return True
    # A name can be written with escapes, so those lines are candidates too.
    needle = column.in_file.encode()
    return any(
        column.in_file in json.loads(line, parse_int=str)
        for _, line in lines
        if needle in line or b"\\u" in line
    )


def _has_value(column: Column, batch: pa.RecordBatch) -> bool:
    # The batch has the columns by their names in the table.
    return bool(batch.column(column.name).null_count < batch.num_rows)


class _Whole(Decimal):
    """A number that is written without point and exponent."""


class _Written(Decimal):
    """A number that knows how it is written."""

    text: str

    def __new__(cls, text: str) -> _Written:
        number = super().__new__(cls, text)
        number.text = text
        return number


class _WrittenWhole(_Written, _Whole):
    """The same for one that is written without point and exponent."""


def _explain(lines: list[tuple[int, bytes]], format: FileFormat) -> str | None:
    """What is wrong with the first line that is, found with the standard library."""
    columns = {column.in_file: column for column in format.columns}
    for number, line in lines:
        try:
            values = _pairs(number, line)
        except ParseError as error:
            return str(error)
        if wrong := _wrong(values, columns, format):
            return f"Line {number}{wrong}."
    return None


def _pairs(
    number: int,
    line: bytes,
    whole: Callable[[str], Any] = _Whole,
    other: Callable[[str], Any] = Decimal,
) -> list[tuple[str, Any]]:
    """The fields of a line. Raises ParseError when it is no JSON.

    number: of the line. whole, other: what becomes of its numbers.
    """
    try:
        values: list[tuple[str, Any]] = json.loads(
            line,
            parse_int=whole,
            parse_float=other,
            parse_constant=_no_json,
            object_pairs_hook=_Pairs,
        )
    # An exponent may be beyond what decimals have.
    except (ValueError, RecursionError, ArithmeticError) as error:
        where, what = "", str(error)
        if isinstance(error, json.JSONDecodeError):
            # json says line 1, as it sees one line only.
            column, what = no_json(error)
            where = f", column {column}"
        elif isinstance(error, RecursionError):
            what = "values are nested too deep"
        elif isinstance(error, ArithmeticError):
            what = "a number is too large for any reader"
        raise ParseError(f"Line {number}{where}: not JSON: {what}: {_start(line)}.") from None
    return values


def no_json(error: json.JSONDecodeError) -> tuple[int, str]:
    """The column, counted from 1, and what is wrong there; the same in every version of Python.

    Since 3.13 Python has words for a comma before a bracket and points to the comma, and not
    behind it.
    """
    before, after = error.doc[: error.pos].rstrip(), error.doc[error.pos :].strip()
    if error.msg.startswith("Illegal trailing comma"):
        return error.colno, _TRAILING_COMMA
    if error.msg.startswith("Expecting") and before.endswith(",") and after[:1] in ("}", "]"):
        return len(before), _TRAILING_COMMA
    if error.msg.startswith("Expecting") and not after:
        return error.colno, "the line ends before its object does"
    what = next((words for start, words in _NO_JSON.items() if error.msg.startswith(start)), None)
    return error.colno, what or "found what JSON does not have here"


def _no_json(word: str) -> NoReturn:
    raise ValueError(f"{word} is no value in JSON")


def _wrong(
    values: list[tuple[str, Any]], columns: Mapping[str, Column], format: FileFormat, root: str = ""
) -> str | None:
    """What is wrong with the fields of an object. root: the path to it, inside of a column."""
    seen: set[str] = set()
    for name, value in values:
        column = columns.get(name)
        path = root + nested.of_field(name) if root else name
        if column is None and format.unknown == "drop":
            continue
        if column is None and format.unknown == "quarantine":
            return f" has the unknown field {names([path])}; expected are {names(list(columns))}"
        if name in seen:
            return f" has the field {shown(path)} twice"
        seen.add(name)
        if column is None or value is None:
            continue
        if column.shape and not root:
            path = nested.root_of(column)
        if wrong := _wrong_value(value, column, format, path):
            return wrong
    return None


def _wrong_value(value: Any, column: Column, format: FileFormat, path: str) -> str | None:
    shape = column.shape
    if not shape and _check(column)(value):
        return None
    if shape and shape.kind == STRUCT and isinstance(value, _Pairs):
        return _wrong(value, shape.fields, format, path)
    if shape and shape.kind == MAP and isinstance(value, _Pairs):
        if twice := _twice(value):
            return f" has the field {shown(path + nested.of_key(twice))} twice"
        if _has_text_keys(value):
            entries = ((nested.of_key(key), item) for key, item in value)
            return _wrong_item(entries, shape.parts[1], format, path)
    if shape and shape.kind == ARRAY and _is_list(value):
        elements = ((nested.of_element(number), item) for number, item in enumerate(value))
        return _wrong_item(elements, shape.parts[0], format, path)
    if format.bad_values == "rescue":
        return None
    return f", field {shown(path)}: found {_json_text(value)}, expected {_words(column, value)}"


def _wrong_item(
    items: Iterable[tuple[str, Any]], column: Column, format: FileFormat, path: str
) -> str | None:
    """What is wrong with the first item that is. items: with the steps to them."""
    wrong = (
        _wrong_value(item, column, format, path + step) for step, item in items if item is not None
    )
    return next((one for one in wrong if one), None)


def _json_text(value: Any) -> str:
    if isinstance(value, list):
        return "an object" if isinstance(value, _Pairs) else "a list"
    return str(value)[:80] if isinstance(value, Decimal | bool) else shown(value)


@lru_cache
def _check(column: Column) -> Callable[[Any], bool]:
    if _is_text_first(column):
        return _is_text
    if column.type == "boolean":
        return lambda value: isinstance(value, bool)
    if column.type in WHOLE_BITS or column.format in EPOCHS:
        bits = WHOLE_BITS.get(column.type, 64) - 1
        return lambda value: isinstance(value, _Whole) and -(2**bits) <= value < 2**bits
    if column.decimal:
        return lambda value: _fits(value, column)
    return _is_float if column.type == "float" else _is_double


def _is_text(value: Any) -> bool:
    # JSON can write half of a surrogate pair, which is no character.
    return isinstance(value, str) and not any("\ud800" <= char <= "\udfff" for char in value)


def _is_double(value: Any) -> bool:
    """Whether the number is in the range of a double, and 0 only where it is 0."""
    if not isinstance(value, Decimal):
        return False
    double = float(value)
    return math.isfinite(double) and bool(double) == bool(value)


def _is_float(value: Any) -> bool:
    """The same for a float of 32 bits."""
    if not isinstance(value, Decimal):
        return False
    number = pc.cast(pa.array([str(value)]), pa.float32())[0].as_py()
    return math.isfinite(number) and bool(number) == bool(value)


def _fits(value: Any, column: Column) -> bool:
    """A decimal may be a number or a text."""
    number = decimal_of(value) if isinstance(value, str) else value
    return isinstance(number, Decimal) and misfit(number, column) is None


def _words(column: Column, found: Any) -> str:
    if shape := column.shape:
        return "a list" if shape.kind == ARRAY else "an object"
    if column.decimal or column.format in EPOCHS:
        return expected(column, found)
    if column.type == "string" and isinstance(found, str):
        return "a text of whole characters, without half of a surrogate pair"
    if column.format:
        return f"a text with {expected(column, found)}"
    return {
        **EXPECTED,
        "string": "a text",
        "date": "a text with a date",
        "timestamp": "a text with a timestamp",
        "boolean": "true or false",
    }[column.type]
