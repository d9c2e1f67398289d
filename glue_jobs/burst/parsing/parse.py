"""From one file's bytes to record batches of exactly the pipeline's columns.

A file is good or bad as a whole. `ParseError` means bad, and its text is the reason that people
read in quarantine. Whatever goes wrong with the transport is no fault of the file and is raised
as it is. Memory is bounded by the size of a block, not by the size of the file.
"""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO, cast

import pyarrow as pa

from burst.byte_stream import Bytes, Guarded
from burst.contract import FileFormat, Format
from burst.parsing import csv as parse_csv
from burst.parsing import json as parse_json
from burst.parsing import parquet as parse_parquet
from burst.parsing.reasons import ParseError, shown

_GZIP = b"\x1f\x8b"
# First bytes that tell what a file is when it is not what it should be.
_MAGIC = {
    _GZIP: "gzip data (the key of a compressed file must end in .gz)",
    b"PAR1": "a Parquet file",
    b"PK\x03\x04": "a zip archive",
    b"ORC": "an ORC file",
    b"Obj\x01": "an Avro file",
    b"\x28\xb5\x2f\xfd": "zstd data (only gzip is decompressed)",
    b"BZh": "bzip2 data (only gzip is decompressed)",
    b"\xfd7zXZ\x00": "xz data (only gzip is decompressed)",
}
# What no text has, but for a line end or a tab. A header may well begin with "ORC".
_CONTROLS = frozenset(range(32)) - frozenset(b"\t\n\r")
# First bytes of texts: the byte order mark in each encoding that has one.
_MARKS = {b"\xef\xbb\xbf": "utf-8", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


# How many of the first bytes are looked at.
LOOK_BYTES = 256

Parser = Callable[["io.BufferedReader[Guarded]", FileFormat], Iterator[pa.RecordBatch]]

_PARSERS: dict[Format, Parser] = {
    "csv": parse_csv.parse,
    "json": parse_json.parse,
    "parquet": parse_parquet.parse,
}
# Formats of which small files can be read as one.
_TOGETHER: dict[
    Format, Callable[[Sequence[bytes], FileFormat], tuple[pa.RecordBatch, list[int]] | None]
] = {"json": parse_json.parse_together}
# What a file of a binary format begins with. The other formats are text.
_OWN_MAGIC: dict[Format, bytes] = {"parquet": b"PAR1"}


def parse(stream: Bytes, *, key: str, format: FileFormat) -> Iterator[pa.RecordBatch]:
    """Parse one object's bytes. A key that ends in `.gz` is unzipped first.

    Empty files, and CSV files that are a header only, are good and have no rows. Raises ParseError
    when the file is bad, which may be after some batches; the stream's own errors come as they are.
    """
    transport = Guarded(stream)
    content = transport
    zipped = _is_zipped(key)
    # GzipFile wants to look ahead, so it gets a buffer.
    source = io.BufferedReader(transport)
    if zipped:
        content = Guarded(cast(Bytes, gzip.GzipFile(fileobj=cast(BinaryIO, source), mode="rb")))
    buffered = io.BufferedReader(content, buffer_size=256 * 1024)
    try:
        if zipped:
            _must_be_gzip(source)
        if _starts(buffered, format, zipped=zipped):
            yield from _PARSERS[format.kind](buffered, format)
        # Should a parser have taken an error for the end of the file.
        if transport.error or content.error:
            raise EOFError
    except (ParseError, pa.ArrowException, OSError, EOFError, zlib.error, UnicodeError) as error:
        if transport.error:
            raise transport.error from error
        if content.error:
            raise ParseError(_gzip_problem(content.error)) from error
        if isinstance(error, pa.ArrowException):
            raise ParseError(f"The file is not readable {format.kind}: {error}") from error
        raise
    except RecursionError as error:
        raise ParseError("A value is nested too deep to be read.") from error


def goes_together(key: str, format: FileFormat) -> bool:
    """Whether a small file with this key can be read together with others."""
    return format.kind in _TOGETHER and not format.rescues and not _is_zipped(key)


def parse_together(
    contents: Sequence[bytes], *, format: FileFormat
) -> tuple[pa.RecordBatch, list[int]] | None:
    """The rows of these files, one file after the other, and how many of them each has.

    Gives what `parse` gives, in a part of the time. None where `parse` has to look at each file.
    """
    return _TOGETHER[format.kind](contents, format)


def _is_zipped(key: str) -> bool:
    return key.lower().endswith(".gz")


def _must_be_gzip(source: io.BufferedReader[Guarded]) -> None:
    head = source.peek(2)[:2]
    if head and not _GZIP.startswith(head):
        raise ParseError(
            "The key ends in .gz, but the file is not gzip data: it begins with "
            f"{shown(bytes(source.peek(20)[:20]))}. Name it without .gz, or compress it."
        )


def _gzip_problem(error: Exception) -> str:
    if isinstance(error, gzip.BadGzipFile) and str(error).startswith("Not a gzipped file"):
        return "After the gzip data come other bytes, expected the end of the file."
    return f"The gzip data is damaged or cut short: {error}."


def _starts(buffered: io.BufferedReader[Guarded], format: FileFormat, *, zipped: bool) -> bool:
    """False when there is not one byte; ParseError when the first bytes are of another format."""
    head = buffered.peek(LOOK_BYTES)[:LOOK_BYTES]
    if zipped and head.startswith(_GZIP):
        raise ParseError(
            "The file is compressed twice: what its gzip data holds is gzip data again, expected "
            f"{format.kind}. Compress it once."
        )
    own = _OWN_MAGIC.get(format.kind)
    binary = own is not None or bool(_CONTROLS.intersection(head))
    for magic, what in _MAGIC.items():
        if binary and magic != own and head.startswith(magic):
            raise ParseError(f"The file is {what}, expected {format.kind}.")
    for mark, encoding in _MARKS.items():
        if head.startswith(mark) and encoding != format.encoding:
            raise ParseError(
                f"The file is text in {encoding.upper()} "
                f"({format.encoding.upper()} is expected), expected {format.kind}."
            )
    return bool(head)
