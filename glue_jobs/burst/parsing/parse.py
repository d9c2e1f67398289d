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
from typing import BinaryIO, cast

import pyarrow as pa

from burst.byte_stream import Bytes, Guarded
from burst.contract import FileFormat, Format
from burst.parsing import csv as parse_csv
from burst.parsing import json as parse_json
from burst.parsing import parquet as parse_parquet
from burst.parsing.reasons import ParseError

# First bytes that tell what a file is when it is not what it should be.
_MAGIC = {
    b"\x1f\x8b": "gzip data (the key of a compressed file must end in .gz)",
    b"PAR1": "a Parquet file",
    b"PK\x03\x04": "a zip archive",
    b"ORC": "an ORC file",
    b"Obj\x01": "an Avro file",
}
# First bytes of texts: the byte order mark in each encoding that has one.
_MARKS = {b"\xef\xbb\xbf": "utf-8", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


Parser = Callable[["io.BufferedReader[Guarded]", FileFormat], Iterator[pa.RecordBatch]]

_PARSERS: dict[Format, Parser] = {
    "csv": parse_csv.parse,
    "json": parse_json.parse,
    "parquet": parse_parquet.parse,
}


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
        if _starts(buffered, format):
            yield from _PARSERS[format.kind](buffered, format)
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


def _starts(buffered: io.BufferedReader[Guarded], format: FileFormat) -> bool:
    """False when there is not one byte; ParseError when the first bytes are of another format."""
    head = buffered.peek(4)[:4]
    for magic, what in _MAGIC.items():
        if head.startswith(magic) and not (format.kind == "parquet" and magic == b"PAR1"):
            raise ParseError(f"The file is {what}, expected {format.kind}.")
    for mark, encoding in _MARKS.items():
        if head.startswith(mark) and encoding != format.encoding:
            raise ParseError(
                f"The file is text in {encoding.upper()} "
                f"({format.encoding.upper()} is expected), expected {format.kind}."
            )
    return bool(head)
