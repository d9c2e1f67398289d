"""Files to rows. One pass gives the rows and, after each file's rows, the verdict on the file.

The stream of record batches has the pipeline's columns, the lineage columns and four private
columns. A row with `_rows` set is not data: it says how many rows the file `_input` gave, or why it
is bad; its `_rescued`, where there is one, counts the file's rows by what they have there. Once the
verdicts are known, the rows of a file that failed half-way can be dropped.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from burst.batch import InputFile
from burst.columns import arrow_schema, read_schema
from burst.contract import (
    BATCH,
    INPUT,
    RESCUED,
    SOURCE_KEY,
    SOURCE_VERSION,
    STATUS_REASON,
    STATUS_ROWS,
    STATUS_UNREAD,
    Column,
    FileFormat,
)
from burst.parsing import ParseError, general_name, goes_together, parse, parse_together
from burst.row_engine import FileOutcome
from burst.s3 import Fetched, Refused, fetch

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# Small files' rows go to Spark together, in pieces of at least this many rows or bytes.
FLUSH_ROWS = 32 * 1024
FLUSH_BYTES = 8 * 1024**2
# Small files are parsed together, in blocks of about this many bytes.
TOGETHER_BYTES = 1024**2

# Producers may write keys of their own where others have names; a record is no place for these.
MOST_NAMES = 100
# The key and the version of the row that comes from no file.
MADE_UP = "made-up"

GONE = "The version was deleted from landing by someone else before it was read."


def read_files(
    s3: S3Client,
    *,
    bucket: str,
    batch: str,
    inputs: Sequence[tuple[int, InputFile]],
    format: FileFormat,
    threads: int,
) -> Iterator[pa.RecordBatch]:
    """All rows and verdicts of these inputs (position in the batch, file).

    threads: how many small files are fetched at a time.

    Raises what S3 or the network raise; a file that is bad is a verdict.
    """
    schema = read_schema(format.columns, format.rescues)
    waiting = _Waiting(schema)
    for group in _groups(fetch(s3, bucket, inputs, threads=threads), format):
        lineages = [_lineage(fetched, batch) for fetched in group]
        if together := _read_together(group, format):
            rows, counts = together
            waiting.add_rows(_with_lineage(rows, lineages, counts, schema))
            for lineage, count in zip(lineages, counts, strict=True):
                waiting.add_verdict(FileOutcome(count), lineage)
            if waiting.is_full:
                yield from waiting.take()
            continue
        for fetched, lineage in zip(group, lineages, strict=True):
            for piece in _read_file(fetched, format):
                if isinstance(piece, FileOutcome):
                    waiting.add_verdict(piece, lineage)
                else:
                    waiting.add_rows(_with_lineage(piece, [lineage], [piece.num_rows], schema))
                if waiting.is_full:
                    yield from waiting.take()
    yield from waiting.take()


def made_up_rows(batch: str, format: FileFormat) -> Iterator[pa.RecordBatch]:
    """What `read_files` gives for a file of one row, but there is no file: its values are made up.

    They are values on which no transform should raise: `1`, or a day of 2025.
    """
    schema = read_schema(format.columns, format.rescues)
    lineage = {SOURCE_KEY: MADE_UP, SOURCE_VERSION: MADE_UP, BATCH: batch, INPUT: 0}
    columns = arrow_schema(format.columns, format.rescues)
    values = [_ordinary(kind) for kind in arrow_schema(format.columns).types]
    # Of most rows nothing is rescued.
    values += [pa.nulls(1, pa.string())] if format.rescues else []
    row = pa.RecordBatch.from_arrays(values, schema=columns)
    waiting = _Waiting(schema)
    waiting.add_rows(_with_lineage(row, [lineage], [1], schema))
    waiting.add_verdict(FileOutcome(1), lineage)
    yield from waiting.take()


def _ordinary(kind: pa.DataType) -> pa.Array:
    if pa.types.is_struct(kind):
        values = [_ordinary(field.type) for field in kind]
        return pa.StructArray.from_arrays(values, fields=list(kind))
    if pa.types.is_map(kind):
        key, item = _ordinary(kind.key_type), _ordinary(kind.item_type)
        return pa.MapArray.from_arrays(pa.array([0, 1], pa.int32()), key, item)
    if pa.types.is_list(kind):
        element = _ordinary(kind.value_type)
        return pa.ListArray.from_arrays(pa.array([0, 1], pa.int32()), element)
    if pa.types.is_decimal(kind):
        return pa.array([Decimal(1).scaleb(-kind.scale)], kind)
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return pa.array(["2025-01-31"]).cast(pa.date32()).cast(kind)
    if pa.types.is_binary(kind):
        return pa.array([b"1"], kind)
    return pa.array([1]).cast(kind)


def _lineage(fetched: Fetched, batch: str) -> dict[str, Any]:
    return {
        SOURCE_KEY: fetched.file.key,
        SOURCE_VERSION: fetched.file.version_id,
        BATCH: batch,
        INPUT: fetched.index,
    }


def _groups(fetched: Iterable[Fetched], format: FileFormat) -> Iterator[list[Fetched]]:
    """Files that may be read together; any other file is alone."""
    group: list[Fetched] = []
    size = 0
    for item in fetched:
        if isinstance(item.content, io.BytesIO) and goes_together(item.file.key, format):
            group.append(item)
            size += item.file.size
            if size >= TOGETHER_BYTES:
                yield group
                group, size = [], 0
        else:
            yield [item]
    if group:
        yield group


class _Waiting:
    """Rows and verdicts of small files, until there are enough of them to go on together."""

    def __init__(self, schema: pa.Schema) -> None:
        self._schema = schema
        self._pieces: list[pa.RecordBatch] = []
        self._verdicts: list[dict[str, Any]] = []
        self._rows = self._bytes = 0

    def add_rows(self, piece: pa.RecordBatch) -> None:
        self._pieces.append(piece)
        self._rows += piece.num_rows
        self._bytes += piece.nbytes

    def add_verdict(self, outcome: FileOutcome, lineage: dict[str, Any]) -> None:
        self._verdicts.append(
            {
                **lineage,
                STATUS_ROWS: outcome.rows,
                STATUS_REASON: outcome.reason,
                STATUS_UNREAD: outcome.unread,
                RESCUED: json.dumps(outcome.rescued) if outcome.rescued else None,
            }
        )
        self._rows += 1

    @property
    def is_full(self) -> bool:
        return self._rows >= FLUSH_ROWS or self._bytes >= FLUSH_BYTES

    def take(self) -> list[pa.RecordBatch]:
        """Everything that waits. A file's verdict comes after its rows, never before."""
        pieces, verdicts = self._pieces, self._verdicts
        self._pieces, self._verdicts, self._rows, self._bytes = [], [], 0, 0
        if verdicts:
            pieces.append(pa.RecordBatch.from_pylist(verdicts, schema=self._schema))
        if not pieces:
            return []
        table = pa.Table.from_batches(pieces, self._schema)
        batches: list[pa.RecordBatch] = table.combine_chunks().to_batches()
        return batches


def _read_together(
    group: Sequence[Fetched], format: FileFormat
) -> tuple[pa.RecordBatch, list[int]] | None:
    """All rows of the group, and how many each file has; None where each must be read alone."""
    if len(group) == 1:
        return None
    contents = [item.content.getvalue() for item in group if isinstance(item.content, io.BytesIO)]
    together = parse_together(contents, format=format)
    # A block of tiny rows has millions, and each of them gets a key of up to 1 KiB.
    return together if together and together[0].num_rows <= FLUSH_ROWS else None


def _read_file(fetched: Fetched, format: FileFormat) -> Iterator[pa.RecordBatch | FileOutcome]:
    """The file's rows in pieces, and at the end what they amount to."""
    if isinstance(fetched.content, Refused):
        yield FileOutcome(0, fetched.content.reason, "unreadable")
        return
    if fetched.content is None:
        yield FileOutcome(0, GONE, "gone")
        return
    if fetched.file.is_folder_marker:
        yield FileOutcome(0)
        return
    rows = 0
    rescued: dict[str, int] = {}
    try:
        for piece in parse(fetched.content, key=fetched.file.key, format=format):
            rows += piece.num_rows
            if format.rescues:
                _count_rescued(piece, rescued, format.columns)
            # A block of tiny rows has millions, and each of them gets a key of up to 1 KiB.
            for start in range(0, piece.num_rows, FLUSH_ROWS):
                yield piece.slice(start, FLUSH_ROWS)
    except ParseError as error:
        yield FileOutcome(0, str(error))
    else:
        yield FileOutcome(rows, rescued=rescued)


def _count_rescued(
    piece: pa.RecordBatch, rescued: dict[str, int], columns: Sequence[Column]
) -> None:
    """Add how many rows of the piece have which names in `_rescued`."""
    nested = [column for column in columns if column.shape]
    for text in piece.column(RESCUED).drop_null().to_pylist():
        for name in dict.fromkeys(general_name(key, nested) for key in json.loads(text)):
            if name in rescued or len(rescued) < MOST_NAMES:
                rescued[name] = rescued.get(name, 0) + 1


def _with_lineage(
    rows: pa.RecordBatch,
    lineages: Sequence[dict[str, Any]],
    counts: Sequence[int],
    schema: pa.Schema,
) -> pa.RecordBatch:
    """The rows with where they come from: `counts` of them from each, one after the other."""
    places = pa.array(np.repeat(np.arange(len(counts)), counts))
    arrays = list(rows.columns)
    for field in list(schema)[len(arrays) :]:
        values = [lineage.get(field.name) for lineage in lineages]
        arrays.append(pa.array(values, field.type).take(places))
    return pa.RecordBatch.from_arrays(arrays, schema=schema)
