"""Texts to dates and timestamps, with the position of the first text that is neither."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from burst.columns import arrow_schema, arrow_type
from burst.contract import Column

_DAY_ONLY = r"^\d{4}-\d{2}-\d{2}$"
_HAS_ZONE = r"^.{10}[T ].*(Z|[+-]\d{2}(:?\d{2})?)$"
_EXPECTED = {
    "date": "a date such as 2025-01-31",
    "timestamp": "a timestamp such as 2025-01-31T23:59:59.123456Z (at most 6 decimals)",
}


@dataclass(frozen=True)
class BadValue(Exception):
    """The value at this position of the batch (from 0) is not of the column's type."""

    position: int
    column: Column
    found: object
    expected: str


def is_text_first(column: Column) -> bool:
    """True for the types which the parsers hand over as text, to be converted here."""
    return column.type in _EXPECTED


@lru_cache
def text_schema(columns: tuple[Column, ...]) -> pa.Schema:
    """The columns' schema with text in place of dates and timestamps."""
    return pa.schema(
        [
            pa.field(field.name, pa.string() if is_text_first(column) else field.type)
            for field, column in zip(arrow_schema(columns), columns, strict=True)
        ]
    )


def convert(batch: pa.RecordBatch, columns: tuple[Column, ...]) -> pa.RecordBatch:
    """The batch with dates and timestamps in place of their texts. Raises BadValue."""
    arrays = [
        _convert(batch.column(column.name), column)
        if is_text_first(column)
        else batch.column(column.name)
        for column in columns
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=arrow_schema(columns))


def _convert(texts: Any, column: Column) -> Any:
    try:
        return _cast(texts, column)
    except pa.ArrowInvalid:
        position = next(i for i in range(len(texts)) if not _valid(texts.slice(i, 1), column))
        found = texts[position].as_py()
        raise BadValue(position, column, found, _EXPECTED[column.type]) from None


def _cast(texts: Any, column: Column) -> Any:
    if column.type == "date":
        return pc.cast(texts, arrow_type(column))
    try:
        # A hundredth of the work, and what most files are: every text has a zone offset.
        return pc.cast(texts, arrow_type(column))
    except pa.ArrowInvalid:
        return _cast_with_and_without_zone(texts, column)


def _cast_with_and_without_zone(texts: Any, column: Column) -> Any:
    # Arrow refuses to mix texts with and without a zone offset, files do mix them.
    with_time = pc.if_else(
        pc.match_substring_regex(texts, _DAY_ONLY),
        pc.binary_join_element_wise(texts, "T00:00:00", ""),
        texts,
    )
    with_zone = pc.if_else(
        pc.match_substring_regex(with_time, _HAS_ZONE),
        with_time,
        pc.binary_join_element_wise(with_time, "Z", ""),
    )
    return pc.cast(with_zone, arrow_type(column))


def _valid(texts: Any, column: Column) -> bool:
    try:
        _cast(texts, column)
    except pa.ArrowInvalid:
        return False
    return True
