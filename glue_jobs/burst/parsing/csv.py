"""CSV with a header: double quotes, LF or CRLF; delimiter and encoding as the settings say.

An empty value is null, quoted or not. Quoted values may hold line breaks. pyarrow's streaming
reader does the work; here are the header's check and the reasons in words.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.csv

from burst.byte_stream import Guarded
from burst.contract import Column, FileFormat
from burst.parsing.reasons import ParseError, check_names, shown
from burst.parsing.transcode import Transcoded
from burst.parsing.values import BadValue, convert, text_schema

# A row must fit into a block; a block is what is in memory at a time.
BLOCK_BYTES = 8 * 1024**2
HEAD_BYTES = 1024**2
TEXT_BYTES = 256 * 1024

_BAD_VALUE = re.compile(r"In CSV column #(\d+): Row #(\d+): (.*)", re.DOTALL)
_RAGGED = re.compile(
    r"CSV parse error: Row #(\d+): Expected (\d+) columns, got (\d+)(?:: (.*))?", re.DOTALL
)
_QUOTED_VALUE = re.compile(r"value '(.*)'|converting '(.*)' to|string '(.*)' is", re.DOTALL)


def parse(stream: io.BufferedReader[Guarded], format: FileFormat) -> Iterator[pa.RecordBatch]:
    """Batches of the columns, in the pipeline's order. Raises ParseError."""
    if format.encoding == "utf-8":
        yield from _parse(stream, format)
        return
    text = Transcoded(stream, format.encoding)
    try:
        yield from _parse(io.BufferedReader(text, TEXT_BYTES), format)
    except (ParseError, pa.ArrowException, OSError, UnicodeError) as error:
        if text.problem:
            raise ParseError(text.problem) from error
        raise
    # Should the parser have taken the error for the end of the file.
    if text.problem:
        raise ParseError(text.problem)


def _parse(stream: io.BufferedReader[Any], format: FileFormat) -> Iterator[pa.RecordBatch]:
    """The same for a stream of UTF-8."""
    columns = format.columns
    source = _Counted(stream)
    head = source.look(HEAD_BYTES)
    header, more = _header(head, format.delimiter)
    if header is None:
        return
    check_names(header, columns, "The header", drop_unknown=format.drop_unknown)
    if not more:
        return
    rows = 0
    try:
        for batch in _reader(source, format):
            try:
                yield convert(batch, columns)
            except BadValue as bad:
                # The header is row 1.
                raise ParseError(
                    f"Row {rows + bad.position + 2}, column {bad.column.name!r}: "
                    f"found {shown(bad.found)}, expected {bad.expected}."
                ) from None
            rows += batch.num_rows
    except (pa.ArrowInvalid, KeyError) as error:
        raise ParseError(_reason(str(error), header, columns)) from error
    if source.quotes % 2:
        raise ParseError(
            f"The number of double quotes is odd ({source.quotes}): a quoted value has no end, "
            "or a quote inside a value is not doubled. The file may be cut short."
        )


class _Counted(io.RawIOBase):
    """The stream, counting double quotes as they pass.

    pyarrow takes an open quote as closed by the end of the file, and with it all rows in between
    as one value. An odd number of quotes gives that away.
    """

    def __init__(self, stream: io.BufferedReader[Any]) -> None:
        super().__init__()
        self._stream = stream
        self._head = b""
        self.quotes = 0

    def look(self, size: int) -> bytes:
        """The first bytes, which are read again afterwards."""
        self._head = self._stream.read(size)
        return self._head

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or size < 0:
            size = BLOCK_BYTES
        data = self._head[:size]
        self._head = self._head[size:]
        if len(data) < size:
            data += self._stream.read(size - len(data))
        self.quotes += data.count(b'"')
        return data


def _header(head: bytes, delimiter: str) -> tuple[list[str] | None, bool]:
    """The column names (None when there is no line), and whether anything follows them."""
    text = head.decode("utf-8-sig", errors="replace")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    lines = (line for line in reader if line)
    try:
        header = next(lines, None)
    except csv.Error as error:
        raise ParseError(f"The header cannot be read: {error}.") from None
    try:
        more = len(head) >= HEAD_BYTES or next(lines, None) is not None
    except csv.Error:
        # There is a row; what is wrong with it is pyarrow's to say.
        more = True
    return header, more


def _reader(source: _Counted, format: FileFormat) -> pa.csv.CSVStreamingReader:
    schema = text_schema(format.columns)
    return pa.csv.open_csv(
        pa.PythonFile(source, mode="r"),
        read_options=pa.csv.ReadOptions(block_size=BLOCK_BYTES, use_threads=False),
        parse_options=pa.csv.ParseOptions(delimiter=format.delimiter, newlines_in_values=True),
        convert_options=pa.csv.ConvertOptions(
            column_types=schema,
            include_columns=schema.names,
            null_values=[""],
            strings_can_be_null=True,
        ),
    )


def _reason(message: str, header: list[str], columns: tuple[Column, ...]) -> str:
    if match := _BAD_VALUE.match(message):
        name = header[int(match[1])]
        kind = next(column.type for column in columns if column.name == name)
        return (
            f"Row {match[2]}, column {name!r}: found {_found(match[3])}, expected {_words(kind)}."
        )
    if match := _RAGGED.match(message):
        return (
            f"Row {match[1]}: found {match[3]} values, expected {match[2]}: "
            f"{shown(match[4] or '')}."
        )
    if "straddling" in message:
        return (
            f"A row is longer than {BLOCK_BYTES // 1024**2} MiB, "
            "or a quoted value has no closing quote."
        )
    return f"The file is not readable csv: {message}"


def _found(detail: str) -> str:
    if "invalid UTF8" in detail:
        return "bytes that are not UTF-8"
    if match := _QUOTED_VALUE.search(detail):
        return shown(next(group for group in match.groups() if group is not None))
    if "Rescaling" in detail:
        return "more decimals than fit"
    return f"a value that does not fit ({detail})"


def _words(kind: str) -> str:
    return {
        "string": "text in UTF-8",
        "int": "a whole number of 32 bits",
        "bigint": "a whole number of 64 bits",
        "double": "a number",
        "boolean": "true or false",
    }.get(kind, f"a {kind}")
