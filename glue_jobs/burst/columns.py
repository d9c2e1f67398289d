"""The columns of a pipeline in pyarrow, and how those of a frame differ from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from burst.contract import (
    ARRAY,
    INPUT,
    LINEAGE,
    RESCUED,
    STATUS_REASON,
    STATUS_ROWS,
    STATUS_UNREAD,
    STRUCT,
    Column,
    Shape,
)

# Imported where it is used: a run that finds nothing does not need it.
if TYPE_CHECKING:
    import pyarrow as pa


def differences(declared: Sequence[Column], found: Mapping[str, str]) -> list[str]:
    """How a frame's columns differ from the declared ones and the lineage, one sentence each.

    found: the type of each column by name, as Spark spells it.
    """
    wanted = {column.name: column.hive_type for column in declared} | dict.fromkeys(
        LINEAGE, "string"
    )
    missing = [f"{name} is missing" for name in wanted if name not in found]
    other = [
        f"{name} is {found[name]} and not {kind}"
        for name, kind in wanted.items()
        if found.get(name, kind) != kind
    ]
    return [*missing, *other, *(f"{name} is not declared" for name in found if name not in wanted)]


def arrow_type(column: Column) -> Any:
    """The pyarrow type of the column's values."""
    import pyarrow as pa

    if column.decimal:
        return pa.decimal128(*column.decimal)
    if shape := column.shape:
        return nested_type(shape, {part.name: arrow_type(part) for part in shape.parts})
    return {
        "string": pa.string(),
        "boolean": pa.bool_(),
        "smallint": pa.int16(),
        "int": pa.int32(),
        "bigint": pa.int64(),
        "float": pa.float32(),
        "double": pa.float64(),
        "date": pa.date32(),
        "timestamp": pa.timestamp("us", tz="UTC"),
        "binary": pa.binary(),
    }[column.type]


def nested_type(shape: Shape, types: Mapping[str, Any]) -> Any:
    """The pyarrow type of what has this shape. types: of its parts, by name."""
    import pyarrow as pa

    if shape.kind == STRUCT:
        return pa.struct(list(types.items()))
    if shape.kind == ARRAY:
        return pa.list_(*types.values())
    return pa.map_(*types.values())


# Asked for with each small file, so they are made once.
@lru_cache
def arrow_schema(columns: tuple[Column, ...], rescues: bool = False) -> pa.Schema:
    """The columns as a pyarrow schema, in their order.

    rescues: whether `_rescued` follows them.
    """
    import pyarrow as pa

    schema = pa.schema([(column.name, arrow_type(column)) for column in columns])
    return schema.append(pa.field(RESCUED, pa.string())) if rescues else schema


@lru_cache
def read_schema(columns: tuple[Column, ...], rescues: bool = False) -> pa.Schema:
    """The columns, lineage and private columns, as the reader gives them to the row engine."""
    import pyarrow as pa

    schema = arrow_schema(columns, rescues)
    for name in (*LINEAGE, STATUS_REASON, STATUS_UNREAD):
        schema = schema.append(pa.field(name, pa.string()))
    schema = schema.append(pa.field(INPUT, pa.int32()))
    return schema.append(pa.field(STATUS_ROWS, pa.int64()))
