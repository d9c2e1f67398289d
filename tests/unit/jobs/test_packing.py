"""Rows in pieces, between the pass that reads the files and the one that writes their rows."""

from __future__ import annotations

import tracemalloc
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pytest
from burst.columns import read_schema
from burst.contract import INPUT, PRIVATE, RESCUED, SIMPLE_TYPES, STATUS_ROWS, Column, FileFormat
from burst.reader import made_up_rows
from burst.spark.packing import PIECE, PIECE_BYTES, kept_names, pack, row_names, unpack
from hypothesis import given
from hypothesis import strategies as st

FORMAT = FileFormat("json", (Column("n", "bigint"), Column("s", "string")), "rescue")
KINDS = (
    *SIMPLE_TYPES,
    "array<struct<aB:map<string,timestamp>,c:decimal(5,2)>>",
    "decimal(10,2)",
    "decimal(38,38)",
)

ROWS = st.fixed_dictionaries(
    {
        "n": st.none() | st.integers(-(2**63), 2**63 - 1),
        "s": st.none() | st.text(max_size=20) | st.sampled_from(["x" * 3 * PIECE_BYTES]),
        RESCUED: st.none() | st.sampled_from(['{"u":"1"}']),
        INPUT: st.integers(0, 3),
        STATUS_ROWS: st.none() | st.integers(0, 9),
    }
)


def batches_of(found: Sequence[Sequence[dict[str, Any]]]) -> list[pa.RecordBatch]:
    """What the reader would give."""
    schema = read_schema(FORMAT.columns, FORMAT.rescues)
    return [pa.RecordBatch.from_pylist(list(rows), schema=schema) for rows in found]


def pieces_of(packed: Sequence[pa.RecordBatch]) -> list[pa.RecordBatch]:
    """What Spark hands on: the pieces alone."""
    return [batch.filter(batch.column(PIECE).is_valid()).select([PIECE]) for batch in packed]


def chosen(rows: Sequence[dict[str, Any]], names: Sequence[str]) -> list[dict[str, Any]]:
    return [{name: row[name] for name in names} for row in rows]


@given(
    found=st.lists(st.lists(ROWS, max_size=20), max_size=4),
    without=st.sets(st.integers(0, 3)),
)
def test_rows_come_out_as_they_went_in_but_for_those_of_files_that_failed(
    found: list[list[dict[str, Any]]], without: set[int]
) -> None:
    read = batches_of(found)
    rows = [row for batch in read for row in batch.to_pylist()]

    packed = list(pack(read, FORMAT))
    unpacked = list(unpack(pieces_of(packed), FORMAT, without=sorted(without)))

    data = [row for row in rows if row[STATUS_ROWS] is None and row[INPUT] not in without]
    assert [row for batch in unpacked for row in batch.to_pylist()] == chosen(
        data, row_names(FORMAT)
    )
    kept = [row for batch in packed for row in batch.to_pylist()]
    verdicts = [row for row in rows if row[STATUS_ROWS] is not None]
    assert chosen([row for row in kept if row[PIECE] is None], kept_names(FORMAT)) == chosen(
        verdicts, kept_names(FORMAT)
    )
    assert all(len(row[PIECE]) <= PIECE_BYTES for row in kept if row[PIECE] is not None)


@pytest.mark.parametrize("kind", KINDS)
def test_values_of_every_type_come_out_as_they_went_in(kind: str) -> None:
    format = FileFormat("csv", (Column("v", kind),))
    read = list(made_up_rows("b", format))

    [unpacked] = unpack(pieces_of(list(pack(read, format))), format)

    unpacked.validate(full=True)
    names = [name for name in read[0].schema.names if name not in PRIVATE]
    assert unpacked.equals(read[0].slice(0, 1).select(names))


def test_tasks_whose_pieces_spark_puts_together_all_come_out() -> None:
    row = dict.fromkeys(("n", "s", RESCUED, STATUS_ROWS), None)
    tasks = [pack(batches_of([[{**row, "n": number, INPUT: 0}]]), FORMAT) for number in range(3)]

    pieces = [piece for packed in tasks for piece in pieces_of(list(packed))]
    rows = [row for batch in unpack(pieces, FORMAT) for row in batch.to_pylist()]

    assert [row["n"] for row in rows] == [0, 1, 2]


def test_what_was_handed_on_is_given_back() -> None:
    """pyarrow 22 never gives back the bytes of a memoryview of which it makes a value."""
    text = "".join(map(str, range(20_000)))
    [batch] = batches_of([[{"n": 1, "s": text, RESCUED: None, INPUT: 0, STATUS_ROWS: None}]])
    tracemalloc.start()
    try:
        size = sum(piece.nbytes for piece in pack([batch] * 100, FORMAT))
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size > 1_000_000
    assert held < size / 10
