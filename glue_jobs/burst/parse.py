"""From one file's bytes to record batches of exactly the pipeline's columns.

A file is good or bad as a whole. `ParseError` means bad, and its text is the reason that people
read in quarantine. Whatever goes wrong with the transport is no fault of the file and is raised
as it is. Memory is bounded by the size of a block, not by the size of the file.
"""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, BinaryIO, Protocol, cast

import pyarrow as pa

from burst.arguments import FileFormat, Format
from burst.columns import Column

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MAX_REASON = 500
# First bytes that tell what a file is when it is not what it should be.
_MAGIC = {
    b"\x1f\x8b": "gzip data (the key of a compressed file must end in .gz)",
    b"PAR1": "a Parquet file",
    b"PK\x03\x04": "a zip archive",
    b"\xff\xfe": "text in UTF-16 (UTF-8 is expected)",
    b"\xfe\xff": "text in UTF-16 (UTF-8 is expected)",
    b"ORC": "an ORC file",
    b"Obj\x01": "an Avro file",
}


class ParseError(Exception):
    """This file cannot be read as what it should be; the text is the reason."""

    def __init__(self, reason: str) -> None:
        # The reason is stored as UTF-8, which has no half of a surrogate pair.
        text = reason.encode(errors="backslashreplace").decode()
        super().__init__(text if len(text) <= MAX_REASON else text[: MAX_REASON - 3] + "...")


class Bytes(Protocol):
    """What a parser needs of a stream; botocore's StreamingBody has it."""

    def read(self, amt: int, /) -> bytes: ...


class Guarded(io.RawIOBase):
    """A stream that remembers the first error of what lies under it.

    The parsers see an error of the stream as some failure to read. Only here it is still known
    where it came from.
    """

    def __init__(self, source: Bytes) -> None:
        super().__init__()
        self._source = source
        self.error: Exception | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        try:
            data = self._source.read(len(view))
        except Exception as error:
            self.error = self.error or error
            raise
        view[: len(data)] = data
        return len(data)


Parser = Callable[["io.BufferedReader[Guarded]", tuple[Column, ...]], Iterator[pa.RecordBatch]]


def parse(stream: Bytes, *, key: str, format: FileFormat) -> Iterator[pa.RecordBatch]:
    """Parse one object's bytes. A key that ends in `.gz` is unzipped first.

    Empty files, and CSV files that are a header only, are good and have no rows. Raises ParseError
    when the file is bad, which may be after some batches; the stream's own errors come as they are.
    """
    transport = Guarded(stream)
    content = transport
    if key.lower().endswith(".gz"):
        # GzipFile wants to look ahead, hence the buffer.
        unzipped = gzip.GzipFile(fileobj=cast(BinaryIO, io.BufferedReader(transport)), mode="rb")
        content = Guarded(cast(Bytes, unzipped))
    buffered = io.BufferedReader(content, buffer_size=256 * 1024)
    try:
        if _starts(buffered, format.kind):
            yield from _parser(format.kind)(buffered, format.columns)
        # Should a parser have taken an error for the end of the file.
        if transport.error or content.error:
            raise EOFError
    except (ParseError, pa.ArrowException, OSError, EOFError, zlib.error, UnicodeError) as error:
        if transport.error:
            raise transport.error from error
        if content.error:
            raise ParseError(f"The gzip data is damaged or cut short: {content.error}.") from error
        if isinstance(error, pa.ArrowException):
            raise ParseError(f"The file is not readable {format.kind}: {error}") from error
        raise


def _starts(buffered: io.BufferedReader[Guarded], kind: Format) -> bool:
    """False when there is not one byte; ParseError when the first bytes are of another format."""
    head = buffered.peek(4)[:4]
    for magic, what in _MAGIC.items():
        if head.startswith(magic) and not (kind == "parquet" and magic == b"PAR1"):
            raise ParseError(f"The file is {what}, expected {kind}.")
    return bool(head)


def _parser(kind: Format) -> Parser:
    from burst import parse_csv, parse_json, parse_parquet

    return {"csv": parse_csv.parse, "json": parse_json.parse, "parquet": parse_parquet.parse}[kind]


def names(items: list[str]) -> str:
    """A list of column names for a reason, at most ten."""
    more = f" and {len(items) - 10} more" if len(items) > 10 else ""
    return ", ".join(repr(item[:80]) for item in items[:10]) + more


def shown(value: object) -> str:
    """A value for a reason: quoted, and cut when it is long."""
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def check_names(found: list[str], columns: tuple[Column, ...], where: str) -> None:
    """Raises ParseError unless the names are exactly the columns', in any order, each once."""
    expected = [column.name for column in columns]
    if missing := [name for name in expected if name not in found]:
        raise ParseError(f"{where} has no column {names(missing)}; it has {names(found)}.")
    if unknown := [name for name in found if name not in expected]:
        raise ParseError(
            f"{where} has the unknown column {names(unknown)}; expected are {names(expected)}."
        )
    if twice := sorted({name for name in found if found.count(name) > 1}):
        raise ParseError(f"{where} has the column {names(twice)} more than once.")
