"""CSV with a header, after RFC 4180: double quotes, LF, CRLF or CR; the settings name the rest.

An empty value is null, quoted or not. Quoted values may hold line breaks. A quote within a quoted
value is doubled or follows the escape character of the settings; in any other place it makes the
file a bad one, because readers differ in what they make of it. The file is cut into blocks at ends
of rows, so that nothing depends on where a block ends. pyarrow finds the values, as texts;
`values.py` decides what they mean.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv

from burst.byte_stream import Guarded
from burst.columns import arrow_schema, arrow_type
from burst.contract import THOUSANDS_SEPARATORS, Column, FileFormat
from burst.parsing.reasons import ParseError, check_names, shown
from burst.parsing.rescue import Rest, what_fits
from burst.parsing.transcode import Transcoded
from burst.parsing.values import EXPECTED, BadValue, convert_or_say_which, from_separated

# A row must fit into a block. What is read at a time is less: it stays in the processor's cache.
BLOCK_BYTES = 8 * 1024**2
READ_BYTES = 2 * 1024**2
HEAD_BYTES = 1024**2
TEXT_BYTES = 256 * 1024
_PIECE = 256 * 1024
# Bits of many bytes at once, in words of so many bits.
_WORD, _LAST_BIT = 64, 63

_BOM = b"\xef\xbb\xbf"
_QUOTE, _LF, _CR = b'"\n\r'
_QUOTED = re.compile(rb'"[^"]*"?')
# What `surrogateescape` makes of bytes that are no text.
_NO_TEXT = re.compile("[\udc80-\udcff]")
_WHOLE = ("smallint", "int", "bigint")
_BY = f"[{re.escape(''.join(THOUSANDS_SEPARATORS))}]"
_SEPARATED = re.compile(
    rf"[+-]?(?:\d+|\d{{1,3}}(?P<by>{_BY})\d{{3}}(?:(?P=by)\d{{3}})*)(?:(?P<point>[.,])\d+)?",
    re.ASCII,
)
_NOT_BLANK = re.compile(rb"[^\r\n]")
_LINE_END = re.compile(rb"\r\n|\r|\n")
_NOT_TEXT = re.compile(r"In CSV column #(\d+): (?:Row #(\d+): )?.*invalid UTF8", re.DOTALL)
_RAGGED = re.compile(
    r"CSV parse error: (?:Row #(\d+): )?Expected (\d+) columns, got (\d+)(?:: (.*))?", re.DOTALL
)


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
    start = stream.read(HEAD_BYTES)
    is_whole = len(start) < HEAD_BYTES
    head = start.removeprefix(_BOM)
    header, size = _header(head, format.delimiter)
    if header is None:
        return
    try:
        check_names(header, format.columns, "The header", format.unknown)
    except ParseError:
        if odd := _NO_TEXT.search("".join(header)):
            raise ParseError(
                f"The header is not UTF-8 text: found the byte 0x{ord(odd[0]) - 0xDC00:02x}. If "
                "it is text, set the input's `encoding`; else it is no csv file."
            ) from None
        raise
    quoting = _Quoting(format)
    # The header is row 1.
    rows = 1
    for block in _blocks(stream, head[size:], quoting, is_whole=is_whole):
        if _NOT_BLANK.search(block):
            batch = _Block(quoting.checked(block, rows), rows, header, format).read()
            rows += batch.num_rows
            yield batch


def _header(head: bytes, delimiter: str) -> tuple[list[str] | None, int]:
    """The column names (None when there is no line), and how many bytes they and their line take.

    Bytes that are no text are kept as surrogates, so that the length is right.
    """
    taken: list[str] = []

    def lines() -> Iterator[str]:
        for line in io.StringIO(head.decode("utf-8", errors="surrogateescape"), newline=""):
            taken.append(line)
            yield line

    reader = csv.reader(lines(), delimiter=delimiter, strict=True)
    try:
        header = next((line for line in reader if line), None)
    except csv.Error as error:
        raise ParseError(f"The header cannot be read: {error}.") from None
    text = "".join(taken).encode("utf-8", errors="surrogateescape")
    if len(text) >= HEAD_BYTES:
        raise ParseError(f"The header is longer than {HEAD_BYTES // 1024**2} MiB.")
    return header, len(text)


def _expected(bad: BadValue, format: FileFormat) -> str:
    """What the column takes; of a number that is written with other separators, with which."""
    point, written = format.decimal_separator, _SEPARATED.fullmatch(str(bad.found))
    if not _is_number(bad.column) or not written:
        return bad.expected
    by, before_decimals = written["by"], written["point"]
    as_set = by in (None, format.thousands_separator) and before_decimals in (None, point)
    # One group of three digits after the point may as well be decimals, as the settings say.
    if as_set or (by == point and not before_decimals):
        return bad.expected
    thousands = repr(format.thousands_separator) if format.thousands_separator else "nothing"
    return (
        f"a number with {point!r} before its decimals and {thousands} between thousands, as the "
        "input's `decimal_separator` and `thousands_separator` say"
    )


def _is_number(column: Column) -> bool:
    return bool(column.decimal) or column.type in ("float", "double", *_WHOLE)


def _blocks(
    stream: io.BufferedReader[Any], head: bytes, quoting: _Quoting, *, is_whole: bool
) -> Iterator[memoryview]:
    """The rows in pieces that end at the end of a row, the last one at the end of the file.

    The pieces share their memory: each is gone when the next one is asked for.
    is_whole: the head is all that there is. Most files are small, and a large buffer costs more
    than to parse them.
    """
    space = len(head) + 1 if is_whole else max(BLOCK_BYTES, len(head) + 1)
    data = bytearray(space)
    data[: len(head)] = head
    filled = len(head)
    while more := stream.readinto(memoryview(data)[filled : filled + READ_BYTES]):
        filled += more
        cut = quoting.end_of_rows(data, filled)
        if not cut and filled == space:
            raise ParseError(
                f"A row is longer than {BLOCK_BYTES // 1024**2} MiB, "
                "or a quoted value has no closing quote."
            )
        if cut:
            yield memoryview(data)[:cut]
        rest = filled - cut
        data[:rest] = data[cut:filled]
        filled = rest
    yield memoryview(data)[:filled]


class _Quoting:
    """Where quotes open and close, and which of them are not where they may be."""

    def __init__(self, format: FileFormat) -> None:
        self._ends = (ord(format.delimiter), _LF, _CR)
        self._escape = (format.escape or "").encode()
        escape = re.escape(self._escape)
        self._escaped = re.compile(escape + rb'(["' + escape + rb"])")
        self._quoted = re.compile(rb'"(?:[^"' + escape + rb"]|" + escape + rb'.|"")*+"', re.DOTALL)

    def end_of_rows(self, data: bytes | bytearray, filled: int) -> int:
        """The length of the whole rows with which the data begin.

        A CR at the very end does not count, as its LF may follow.
        """
        if self._escape and self._escape in data:
            data = self._escaped.sub(b"xx", memoryview(data)[:filled])
        open_ = _count_of_quotes(memoryview(data)[:filled]) % 2
        end = filled
        while True:
            cut = data.rfind(b"\n", 0, end) + 1
            cut = max(cut, data.rfind(b"\r", cut, min(end, filled - 1)) + 1)
            if not cut:
                return 0
            open_ = (open_ + data.count(b'"', cut, end)) % 2
            if not open_:
                return cut
            # Inside a quoted value: no row ends before its opening quote.
            end = data.rfind(b'"', 0, cut)
            open_ = 0

    def checked(self, block: memoryview, rows: int) -> memoryview:
        """The rows with doubled quotes only. Raises ParseError for a quote that must not be there.

        rows: how many rows came before.
        """
        if self._escape and self._escape in bytes(block):
            block = memoryview(self._quoted.sub(self._doubled, block))
        if not _count_of_quotes(block):
            return block
        quotes, beside = self._marks(np.frombuffer(block, np.uint8))
        # A doubled quote closes the value and opens it again.
        inside = _odd_so_far(quotes)
        before, after = beside << 1, beside >> 1
        before[1:] |= beside[:-1] >> _LAST_BIT
        after[:-1] |= beside[1:] << _LAST_BIT
        # A value may begin at the beginning of the block.
        before[0] |= 1
        bad = quotes & ~(inside & before | ~inside & after)
        if bad.any():
            place = _first_one(bad)
            found = "text after a closing quote"
            if _bit(inside, place):
                found = "a quote inside a value that is not quoted"
            raise self._error(block, place, found, rows)
        if _bit(inside, len(block)):
            last = bytes(block).rfind(b'"')
            raise self._error(block, last, "a quoted value that has no closing quote", rows)
        return block

    def _marks(self, data: Any) -> tuple[Any, Any]:
        """A bit for each byte: whether it is a quote, and whether a quote may stand beside it.

        The bit after the last one is of the end of the block.
        """
        size = (len(data) // _WORD + 1) * _WORD // 8
        quotes, beside = np.zeros(size, np.uint8), np.zeros(size, np.uint8)
        # In pieces that stay in the processor's cache.
        for start in range(0, len(data), _PIECE):
            piece = data[start : start + _PIECE]
            marked = piece == _QUOTE
            place = slice(start // 8, (start + len(piece) + 7) // 8)
            quotes[place] = np.packbits(marked, bitorder="little")
            for byte in self._ends:
                marked |= piece == byte
            beside[place] = np.packbits(marked, bitorder="little")
        beside[len(data) // 8] |= 1 << len(data) % 8
        return quotes.view("<u8"), beside.view("<u8")

    def _doubled(self, quoted: re.Match[bytes]) -> bytes:
        """A quoted value with its escapes as doubled quotes."""
        value = quoted[0]
        if self._escape not in value:
            return value
        return self._escaped.sub(lambda m: b'""' if m[1] == b'"' else m[1], value)

    def _error(self, data: memoryview, where: int, found: str, rows: int) -> ParseError:
        block = bytes(data[: where + 20])
        # The value's own row counts, even if it has just begun.
        begun = _LINE_END.split(_QUOTED.sub(b"q", block[:where]) + b"q")
        row = rows + sum(1 for line in begun if line)
        here = shown(block[max(0, where - 20) : where + 20])
        by_escape = f" or follows {self._escape.decode()!r}" if self._escape else ""
        return ParseError(
            f"Row {row}: found {found}, at {here}; expected a quote only around a whole value, "
            f"or inside of it where it is doubled{by_escape}. The file may be cut short, or its "
            "producer may write quotes in another way."
        )


def _count_of_quotes(data: memoryview) -> int:
    """A third of the time of bytes.count, in pieces that stay in the processor's cache."""
    numbers = np.frombuffer(data, np.uint8)
    return sum(
        int(np.count_nonzero(numbers[start : start + _PIECE] == _QUOTE))
        for start in range(0, len(numbers), _PIECE)
    )


def _odd_so_far(bits: Any) -> Any:
    """A bit for each bit: whether the number of ones up to it, itself among them, is odd."""
    odd = bits.copy()
    for distance in (1, 2, 4, 8, 16, 32):
        odd ^= odd << distance
    # Each word as if it were the first; so turn those before which there is an odd number.
    words = odd >> _LAST_BIT
    return np.where(np.bitwise_xor.accumulate(words) ^ words, ~odd, odd)


def _bit(bits: Any, place: int) -> bool:
    return bool(int(bits[place // _WORD]) >> place % _WORD & 1)


def _first_one(bits: Any) -> int:
    """The place of the first bit that is 1."""
    word = int(np.flatnonzero(bits)[0])
    value = int(bits[word])
    return word * _WORD + (value & -value).bit_length() - 1


@dataclass(frozen=True)
class _Block:
    """Some whole rows of the file. rows: how many there are before, the header among them."""

    data: memoryview
    rows: int
    header: list[str]
    format: FileFormat

    def read(self) -> pa.RecordBatch:
        """The rows' values. Raises ParseError."""
        columns = self.format.columns
        conversion = from_separated(self.format.decimal_separator, self.format.thousands_separator)
        texts = self._texts()
        arrays = []
        rest = Rest() if self.format.rescues else None
        first_bad: BadValue | None = None
        for column in columns:
            if column.in_file not in self.header:
                arrays.append(pa.nulls(texts.num_rows, arrow_type(column)))
                continue
            values = texts.column(str(self.header.index(column.in_file)))
            try:
                if rest and self.format.bad_values == "rescue":
                    array, bad_ones = what_fits(values, column, conversion)
                    rest.add_texts(column.in_file, ((at, values[at].as_py()) for at in bad_ones))
                    arrays.append(array)
                else:
                    arrays.append(convert_or_say_which(values, column, conversion))
            except BadValue as bad:
                if first_bad is None or bad.position < first_bad.position:
                    first_bad = bad
        if first_bad:
            raise ParseError(
                f"Row {self.rows + first_bad.position + 1}, column {first_bad.column.in_file!r}: "
                f"found {shown(first_bad.found)}, expected {_expected(first_bad, self.format)}."
            )
        if rest:
            for name in self._unknown():
                values = texts.column(str(self.header.index(name)))
                rest.add_texts(name, enumerate(values.to_pylist()))
            arrays.append(rest.array(texts.num_rows))
        schema = arrow_schema(columns, self.format.rescues)
        batch = pa.RecordBatch.from_arrays(arrays, schema=schema)
        batch.validate(full=True)
        return batch

    def _unknown(self) -> list[str]:
        """The columns whose values are rescued."""
        known = {column.in_file for column in self.format.columns}
        is_on = self.format.unknown == "rescue"
        return [name for name in self.header if is_on and name not in known]

    def _texts(self) -> pa.RecordBatch:
        # By their places, because a name may be there more than once.
        places = [str(place) for place in range(len(self.header))]
        wanted = [
            str(self.header.index(column.in_file))
            for column in self.format.columns
            if column.in_file in self.header
        ]
        wanted += [str(self.header.index(name)) for name in self._unknown()]
        # A byte order mark is one at the beginning of the file only; pyarrow sees many beginnings.
        data = b"\n" + bytes(self.data) if self.data[:3] == _BOM else self.data
        try:
            table = pa.csv.read_csv(
                pa.BufferReader(pa.py_buffer(data)),
                read_options=pa.csv.ReadOptions(
                    block_size=len(data) + 1, use_threads=False, column_names=places
                ),
                parse_options=pa.csv.ParseOptions(
                    delimiter=self.format.delimiter, newlines_in_values=True
                ),
                convert_options=pa.csv.ConvertOptions(
                    column_types=dict.fromkeys(wanted, pa.string()),
                    include_columns=wanted,
                    null_values=["", *self.format.null_texts],
                    strings_can_be_null=True,
                ),
            )
        except pa.ArrowInvalid as error:
            raise ParseError(self._reason(str(error))) from error
        [batch] = table.combine_chunks().to_batches()
        return batch

    def _reason(self, message: str) -> str:
        if match := _NOT_TEXT.match(message):
            name = self.header[int(match[1])]
            return (
                f"Row {self._row(match[2])}, column {name!r}: found bytes that are not UTF-8, "
                f"expected {EXPECTED['string']}."
            )
        if match := _RAGGED.match(message):
            values = "1 value" if match[3] == "1" else f"{match[3]} values"
            return (
                f"Row {self._row(match[1])}: found {values}, expected {match[2]}: "
                f"{shown(match[4] or '')}."
            )
        return f"The file is not readable csv: {message}"

    def _row(self, counted: str | None) -> int:
        """The row in the file; pyarrow counts from 1 in the block."""
        return self.rows + int(counted or 1)
