"""Sample files as `burst new` and `burst try` read them: the bytes, or the beginning of them."""

from __future__ import annotations

import gzip
import io
import sys
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from tools import streams
from tools.operate.errors import InputError
from tools.operate.files import must_not_be_folders
from tools.operate.words import size

MIB = 1024**2
STANDARD_INPUT = "-"
# What all samples together may take, as unpacked text, so that an answer takes seconds.
TOTAL_BYTES = 64 * MIB
MOST_BYTES, LEAST_BYTES = 16 * MIB, MIB
GZIP, PARQUET = b"\x1f\x8b", b"PAR1"
_BOM = b"\xef\xbb\xbf"
# What each line end of UTF-16 looks like, by the byte order mark.
_LF_16 = {b"\xff\xfe": b"\n\0", b"\xfe\xff": b"\0\n"}


@dataclass(frozen=True)
class Sample:
    """One file, unpacked.

    name: as it was typed. body: its bytes, or the beginning of them. read: in words, how much was
        read; empty for all of it. zipped: whether the file is compressed with gzip.
    """

    name: str
    body: bytes
    read: str = ""
    zipped: bool = False

    @property
    def key(self) -> str:
        """A key under which the job reads the bytes as they are here, which is unpacked."""
        return self.name.removesuffix(".gz").removesuffix(".GZ")

    @property
    def is_parquet(self) -> bool:
        return self.body.startswith(PARQUET)


def read_samples(names: Sequence[str], *, total: int = TOTAL_BYTES) -> list[Sample]:
    """The files of these names; `-` is standard input.

    total: bytes that all of them together may take. Raises `InputError` for what is no file, is
    empty, is gzip data without the name, or the other way round.
    """
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InputError(f"These files are given more than once: {', '.join(twice)}.")
    limit = min(MOST_BYTES, max(LEAST_BYTES, total // max(1, len(names))))
    return [_read(name, limit) for name in names]


def open_file(name: str) -> BinaryIO:
    """The file of this name, or standard input; raises `InputError` for what is no file."""
    if name == STANDARD_INPUT:
        if streams.input_was_closed():
            raise InputError("Standard input is closed, so - has nothing to read.")
        return sys.stdin.buffer
    path = Path(name)
    must_not_be_folders([path])
    try:
        return path.open("rb")
    except OSError as error:
        raise InputError(f"{name} cannot be read: {error.strerror}.") from error


def _read(name: str, limit: int) -> Sample:
    file = open_file(name)
    try:
        head = file.read(4)
        if not head:
            raise InputError(f"{name} is empty, so it says nothing about columns; give another.")
        if head == PARQUET:
            return _parquet(name, file, limit)
        return _text(name, head, file, limit)
    except OSError as error:
        raise InputError(f"{name} cannot be read: {error.strerror or error}.") from error
    finally:
        if name != STANDARD_INPUT:
            file.close()


def _text(name: str, head: bytes, file: BinaryIO, limit: int) -> Sample:
    zipped = head.startswith(GZIP)
    named_zipped = name.lower().endswith(".gz")
    if zipped and not named_zipped and name != STANDARD_INPUT:
        raise InputError(
            f"{name} is gzip data, and the job decompresses only keys that end in .gz. "
            f"Rename it to {name}.gz, and have the producer do the same."
        )
    if named_zipped and not zipped:
        raise InputError(
            f"{name} ends in .gz but is not gzip data, and the job would refuse it. Name it "
            "without .gz, or compress it."
        )
    source = _Joined(head, file)
    body = _unzipped(name, source, limit) if zipped else source.read(limit + 1)
    if not body:
        raise InputError(f"{name} is empty, so it says nothing about columns; give another.")
    if body.startswith(GZIP):
        raise InputError(f"{name} is compressed twice; compress it once.")
    if len(body) <= limit:
        return Sample(name, body, zipped=zipped)
    kept = _whole_rows(body[:limit])
    if not kept:
        raise InputError(
            f"{name} has no line end in its first {size(limit)}, so it is neither csv nor json "
            "lines."
        )
    return Sample(name, kept, f"the first {size(len(kept))}", zipped)


def _unzipped(name: str, source: _Joined, limit: int) -> bytes:
    try:
        with gzip.GzipFile(fileobj=source) as unpacked:
            return unpacked.read(limit + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(f"{name}: the gzip data is damaged or cut short: {error}.") from error


def _whole_rows(text: bytes) -> bytes:
    """The text up to the end of a row: a line end that is not inside a quoted value.

    Empty without a line end. Where no line end seems to be outside of quotes, the parser is to say
    what is wrong with them, so it is the last line end.
    """
    line_end = _LF_16.get(text[:2]) or (b"\n" if b"\n" in text else b"\r")
    in_json = text.removeprefix(_BOM).startswith(b"{")
    end = last = 0
    at = len(text)
    quotes = _quotes(text, 0, at)
    while (found := text.rfind(line_end, 0, at)) >= 0:
        quotes -= _quotes(text, found, at)
        at = found
        # In UTF-16 the two bytes of a character stay together.
        if found % len(line_end):
            continue
        end = found + len(line_end)
        last = last or end
        if in_json or quotes % 2 == 0:
            return text[:end]
    return text[:last]


def _quotes(text: bytes, start: int, end: int) -> int:
    return text.count(b'"', start, end) - text.count(b'\\"', start, end)


def _parquet(name: str, file: BinaryIO, limit: int) -> Sample:
    if name.lower().endswith(".gz"):
        raise InputError(f"{name} ends in .gz but is a Parquet file; name it without .gz.")
    if name == STANDARD_INPUT:
        body = PARQUET + file.read(limit + 1)
        if len(body) > limit:
            raise InputError(
                f"The Parquet file on standard input is larger than {size(limit)}, and its "
                "description is at its end. Save it to a file and name that."
            )
        return Sample(name, body)
    length = file.seek(0, io.SEEK_END)
    file.seek(0)
    if length <= limit:
        return Sample(name, file.read())
    try:
        return _first_rows(name, file, limit)
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{name} is not readable Parquet: {str(error).rstrip('.')}.") from error


def _first_rows(name: str, file: BinaryIO, limit: int) -> Sample:
    """The first rows of a large Parquet file, as a Parquet file."""
    source = pq.ParquetFile(file)
    out = io.BytesIO()
    rows = 0
    with pq.ParquetWriter(out, source.schema_arrow) as writer:
        for batch in source.iter_batches(16 * 1024):
            writer.write_batch(batch)
            rows += batch.num_rows
            if out.tell() >= limit:
                break
    return Sample(name, out.getvalue(), f"the first {rows:,} rows")


class _Joined(io.RawIOBase):
    """What was read already, and then the rest: standard input cannot go back."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        super().__init__()
        self._head = head
        self._rest = rest

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        taken = size if size >= 0 else len(self._head)
        head, self._head = self._head[:taken], self._head[taken:]
        return head + self._rest.read(size - len(head) if size >= 0 else -1)
