"""The row with which a run finds out whether it can load anything."""

from __future__ import annotations

import pytest
from burst.columns import read_schema
from burst.contract import PRIVATE, RESCUED, SIMPLE_TYPES, STATUS_ROWS, Column, FileFormat
from burst.reader import made_up_rows

KINDS = (
    *SIMPLE_TYPES,
    "array<struct<aB:map<string,timestamp>,c:decimal(5,2)>>",
    "decimal(10,2)",
    "decimal(38,38)",
)


@pytest.mark.parametrize("kind", KINDS)
def test_it_has_a_value_of_every_type_and_a_verdict(kind: str) -> None:
    format = FileFormat("csv", (Column("v", kind),))

    rows = [row for batch in made_up_rows("b", format) for row in batch.to_pylist()]
    for batch in made_up_rows("b", format):
        assert batch.schema == read_schema(format.columns)
        batch.validate(full=True)

    row, verdict = rows
    assert all(value is not None for name, value in row.items() if name not in PRIVATE)
    assert verdict[STATUS_ROWS] == 1


def test_nothing_of_it_is_rescued() -> None:
    format = FileFormat("csv", (Column("v", "int"),), "rescue")
    [batch] = made_up_rows("b", format)
    assert batch.schema == read_schema(format.columns, True)
    assert batch.column(RESCUED).to_pylist() == [None, None]
