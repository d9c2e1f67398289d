"""Rows as a stream of bytes in pieces, so that Spark keeps few values in place of many rows.

Between the pass that reads the files and the one that writes their rows, Spark has to keep them.
Row by row and column by column that is dear. As a stream in Arrow's own format, compressed, it
costs next to nothing, and less memory.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from burst.columns import read_schema
from burst.contract import (
    INPUT,
    LINEAGE,
    PRIVATE,
    RESCUED,
    STATUS_ROWS,
    FileFormat,
)

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

# The column of the pieces.
PIECE = "_piece"
# Spark 3 gives Python so many rows at a time (10,000) however large they are, so each is small: a
# worker and Java hold 40 MiB of them.
PIECE_BYTES = 4 * 1024
# What is read of the pieces at a time, where Arrow asks for a few bytes.
BUFFER_BYTES = 64 * 1024

# Spark runs as many workers as there are cores, so none needs threads for this.
_WRITE = pa.ipc.IpcWriteOptions(compression="lz4", use_threads=False)
_READ = pa.ipc.IpcReadOptions(use_threads=False)


def kept_names(format: FileFormat) -> list[str]:
    """What is kept of each file beside the pieces of its rows: the columns of a verdict."""
    return [*([RESCUED] if format.rescues else []), *LINEAGE, *PRIVATE]


def row_names(format: FileFormat) -> list[str]:
    """What a row consists of: the columns and where it comes from, without what is private."""
    return [
        name for name in read_schema(format.columns, format.rescues).names if name not in PRIVATE
    ]


def pack(batches: Iterable[pa.RecordBatch], format: FileFormat) -> Iterator[pa.RecordBatch]:
    """What `read_files` gives, with its rows as pieces and its verdicts as they are.

    Each batch has the columns of a verdict and the one of the pieces. The pieces make one stream,
    in their order.
    """
    all_of = read_schema(format.columns, format.rescues)
    kept = pa.schema([*map(all_of.field, kept_names(format)), pa.field(PIECE, pa.binary())])
    rows = pa.schema([*map(all_of.field, row_names(format)), all_of.field(INPUT)])
    sink = _Sink()
    stream: Any = None
    for batch in batches:
        is_verdict = pc.is_valid(batch.column(STATUS_ROWS))
        data, verdicts = batch.filter(pc.invert(is_verdict)), batch.filter(is_verdict)
        if data.num_rows:
            stream = stream or pa.ipc.new_stream(sink, rows, options=_WRITE)
            stream.write_batch(data.select(rows.names))
            yield _cut(sink.take(), kept)
        if verdicts.num_rows:
            names = kept_names(format)
            columns = dict(zip(names, verdicts.select(names).columns, strict=True))
            yield _filled(columns, verdicts.num_rows, kept)
    if stream:
        stream.close()
        yield _cut(sink.take(), kept)


def unpack(
    batches: Iterable[pa.RecordBatch], format: FileFormat, *, without: Sequence[int] = ()
) -> Iterator[pa.RecordBatch]:
    """The rows again, but for those of some inputs. batches: the pieces alone, in their order."""
    source = io.BufferedReader(_Pieces(batches), BUFFER_BYTES)
    left_out = pa.array(without, pa.int32())
    # One stream after the other, should Spark have put several tasks' pieces together.
    while source.peek(1):
        for batch in pa.ipc.open_stream(source, options=_READ):
            if len(left_out):
                batch = batch.filter(pc.invert(pc.is_in(batch.column(INPUT), left_out)))
            yield batch.select(row_names(format))


def _cut(data: bytes, kept: pa.Schema) -> pa.RecordBatch:
    # Over the bytes as they are. Arrow would never give a memoryview of them back.
    ends = pa.array([*range(0, len(data), PIECE_BYTES), len(data)], pa.int32())
    buffers = [None, ends.buffers()[1], pa.py_buffer(data)]
    pieces = pa.Array.from_buffers(pa.binary(), len(ends) - 1, buffers)
    return _filled({PIECE: pieces}, len(pieces), kept)


def _filled(columns: Mapping[str, pa.Array], rows: int, schema: pa.Schema) -> pa.RecordBatch:
    """These columns, with nothing in the others."""
    arrays = [
        columns[field.name] if field.name in columns else pa.nulls(rows, field.type)
        for field in schema
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


class _Sink(io.RawIOBase):
    """Where Arrow writes to."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: ReadableBuffer, /) -> int:
        part = bytes(data)
        self._parts.append(part)
        return len(part)

    def take(self) -> bytes:
        """What was written since it was last taken."""
        parts, self._parts = self._parts, []
        return b"".join(parts)


class _Pieces(io.RawIOBase):
    """The pieces as one stream of bytes."""

    def __init__(self, batches: Iterable[pa.RecordBatch]) -> None:
        super().__init__()
        self._pieces = (piece.as_buffer() for batch in batches for piece in batch.column(0))
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        filled = 0
        while filled < len(view):
            if not self._rest:
                piece = next(self._pieces, None)
                if piece is None:
                    break
                self._rest = memoryview(piece).cast("B")
            part = self._rest[: len(view) - filled]
            view[filled : filled + len(part)] = part
            self._rest = self._rest[len(part) :]
            filled += len(part)
        return filled
