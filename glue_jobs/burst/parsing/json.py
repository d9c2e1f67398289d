"""JSON lines: one object a line, UTF-8.

pyarrow reads a block of lines at a time, about fifteen times as fast as the standard library. It
says little about what is wrong, so a block that it refuses is read once more, line by line, to
find the words. A field that a line leaves out is null; a column which no line has is missing.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.json

from burst.byte_stream import Guarded
from burst.contract import Column, FileFormat
from burst.parsing.reasons import ParseError, names, shown
from burst.parsing.values import BadValue, convert, is_text_first, text_schema

BLOCK_BYTES = 4 * 1024**2
MAX_LINE_BYTES = 16 * 1024**2
_BOM = b"\xef\xbb\xbf"


def parse(stream: io.BufferedReader[Guarded], format: FileFormat) -> Iterator[pa.RecordBatch]:
    """Batches of the columns, in the pipeline's order. Raises ParseError."""
    columns = format.columns
    unseen = set(columns)
    first_line, rows = 1, 0
    for block in _blocks(stream):
        lines = _lines(block, first_line)
        if lines:
            batch = _read(block, lines, format)
            unseen = {column for column in unseen if not _appears(column, batch, lines)}
            rows += batch.num_rows
            yield _converted(batch, lines, columns)
        first_line += block.count(b"\n")
    if rows and unseen:
        missing = [column.name for column in columns if column in unseen]
        raise ParseError(f"No line has the field {names(missing)} (write null for no value).")


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
    if b"\0" in block:
        number = next(number for number, line in lines if b"\0" in line)
        raise ParseError(f"Line {number}: found a NUL byte, expected JSON.")
    try:
        block.decode()
    except UnicodeDecodeError as error:
        number = first_line + block.count(b"\n", 0, error.start)
        raise ParseError(f"Line {number}: found bytes that are not UTF-8.") from None
    return lines


def _start(line: bytes) -> str:
    return shown(line[:60].decode(errors="replace"))


def _read(block: bytes, lines: list[tuple[int, bytes]], format: FileFormat) -> pa.RecordBatch:
    try:
        table = pa.json.read_json(
            pa.BufferReader(block),
            read_options=pa.json.ReadOptions(use_threads=False, block_size=len(block) + 1),
            parse_options=pa.json.ParseOptions(
                explicit_schema=text_schema(format.columns),
                unexpected_field_behavior="ignore" if format.drop_unknown else "error",
            ),
        )
    except pa.ArrowInvalid as error:
        raise ParseError(_explain(lines, format) or f"Not readable json: {error}") from error
    if table.num_rows != len(lines):
        # Two objects in a line, or one object over several lines.
        raise ParseError(
            _explain(lines, format)
            or f"Found {table.num_rows} objects in {len(lines)} lines, expected one a line."
        )
    return table.combine_chunks().to_batches()[0]


def _appears(column: Column, batch: pa.RecordBatch, lines: list[tuple[int, bytes]]) -> bool:
    """Whether any line has this field, be it null."""
    if batch.column(column.name).null_count < batch.num_rows:
        return True
    # A name can be written with escapes, so those lines are candidates too.
    needle = column.name.encode()
    return any(
        column.name in json.loads(line, parse_int=str)
        for _, line in lines
        if needle in line or b"\\u" in line
    )


def _converted(
    batch: pa.RecordBatch, lines: list[tuple[int, bytes]], columns: tuple[Column, ...]
) -> pa.RecordBatch:
    try:
        return convert(batch, columns)
    except BadValue as bad:
        raise ParseError(
            f"Line {lines[bad.position][0]}, field {bad.column.name!r}: "
            f"found {shown(bad.found)}, expected {bad.expected}."
        ) from None


def _explain(lines: list[tuple[int, bytes]], format: FileFormat) -> str | None:
    """What is wrong with the first line that is, found with the standard library."""
    for number, line in lines:
        try:
            values = json.loads(
                line, parse_int=Decimal, parse_float=Decimal, object_pairs_hook=list
            )
        except (ValueError, RecursionError) as error:
            # json says line 1, as it sees one line only.
            where = f", column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
            what = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
            return f"Line {number}{where}: not JSON: {what}: {_start(line)}."
        columns = {column.name: column for column in format.columns}
        if wrong := _wrong(values, columns, drop_unknown=format.drop_unknown):
            return f"Line {number}{wrong}."
    return None


def _wrong(
    values: list[tuple[str, Any]], columns: dict[str, Column], *, drop_unknown: bool
) -> str | None:
    seen: set[str] = set()
    for name, value in values:
        column = columns.get(name)
        if column is None and drop_unknown:
            continue
        if column is None:
            return f" has the unknown field {names([name])}; expected are {names(list(columns))}"
        if name in seen:
            return f" has the field {name!r} twice"
        seen.add(name)
        if value is not None and not _check(column)(value):
            found = "an object or a list" if isinstance(value, list) else _json_text(value)
            return f", field {name!r}: found {found}, expected {_words(column)}"
    return None


def _json_text(value: Any) -> str:
    return str(value)[:80] if isinstance(value, Decimal | bool) else shown(value)


def _check(column: Column) -> Callable[[Any], bool]:
    if column.type == "string" or is_text_first(column):
        return _is_text
    if column.type == "boolean":
        return lambda value: isinstance(value, bool)
    if column.type in ("int", "bigint"):
        bits = 31 if column.type == "int" else 63
        return lambda value: (
            isinstance(value, Decimal)
            and value.as_tuple().exponent == 0
            and -(2**bits) <= value < 2**bits
        )
    if column.decimal:
        return lambda value: _fits(value, *(column.decimal or (0, 0)))
    return lambda value: isinstance(value, Decimal | float)


def _is_text(value: Any) -> bool:
    # JSON can write half of a surrogate pair, which is no character.
    return isinstance(value, str) and not any("\ud800" <= char <= "\udfff" for char in value)


def _fits(value: Any, precision: int, scale: int) -> bool:
    """pyarrow takes a decimal as a JSON number or as a text."""
    try:
        number = Decimal(value)
    except (ArithmeticError, TypeError, ValueError):
        return False
    _, digits, exponent = number.as_tuple()
    if not isinstance(exponent, int):
        return False
    return -exponent <= scale and len(digits) + exponent <= precision - scale


def _words(column: Column) -> str:
    if column.decimal:
        return f"a number that fits {column.type}"
    return {
        "string": "a text",
        "date": "a text with a date",
        "timestamp": "a text with a timestamp",
        "boolean": "true or false",
        "int": "a whole number of 32 bits",
        "bigint": "a whole number of 64 bits",
        "double": "a number",
    }[column.type]
