"""The columns of a pipeline, and what they are in pyarrow and in Spark."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from burst.errors import ArgumentError

# The heavy libraries are imported where they are used: a run that finds nothing needs neither.
if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql.types import DataType, StructType

SIMPLE_TYPES = ("string", "boolean", "int", "bigint", "double", "date", "timestamp")
ALLOWED_TYPES = f"{', '.join(SIMPLE_TYPES)} or decimal(precision,scale) with precision 1 to 38"

SOURCE_KEY, SOURCE_VERSION, BATCH = "_source_key", "_source_version", "_batch"
# Private columns of the reader: which input a row belongs to, and the verdict on that input.
INPUT, STATUS_ROWS, STATUS_REASON, STATUS_UNREAD = "_input", "_rows", "_reason", "_unread"
LINEAGE = (SOURCE_KEY, SOURCE_VERSION, BATCH)
PRIVATE = (INPUT, STATUS_ROWS, STATUS_REASON, STATUS_UNREAD)
# The folders of curated carry these two, so a column of that name would be there twice.
RESERVED = frozenset({*LINEAGE, *PRIVATE, "ingest_date", "batch"})

_DECIMAL = re.compile(r"decimal\((\d{1,2}),\s*(\d{1,2})\)")


@dataclass(frozen=True)
class Column:
    """One column of the files that arrive.

    name: as it stands in the file (CSV header, JSON field, Parquet column), case-sensitive.
    type: string, boolean, int (32 bits), bigint (64 bits), double, decimal(p,s), date or
        timestamp (an instant, microseconds; a value without a zone offset is UTC).
    """

    name: str
    type: str

    @property
    def decimal(self) -> tuple[int, int] | None:
        """Precision (1 to 38) and scale (0 to precision), for decimal columns only."""
        match = _DECIMAL.fullmatch(self.type)
        return (int(match[1]), int(match[2])) if match else None


def parse_columns(text: str, argument: str = "--columns") -> tuple[Column, ...]:
    """Columns from their JSON form, e.g. `[{"name": "sku", "type": "string"}]`.

    argument: what the errors call it.

    Raises ArgumentError when the text is no such list, a type is unknown, or a name is empty,
    reserved or given twice (Spark does not tell upper from lower case in names).
    """
    try:
        items = json.loads(text)
    except ValueError as error:
        raise ArgumentError(f"{argument} is not JSON: {error}.") from error
    if not isinstance(items, list) or not items:
        raise ArgumentError(f"{argument} must be a JSON list with at least one column.")
    columns = tuple(_column(item, argument) for item in items)
    seen: set[str] = set()
    for column in columns:
        folded = column.name.lower()
        if folded in seen:
            raise ArgumentError(
                f"{argument} has {column.name!r} twice (upper and lower case are the same)."
            )
        if folded in RESERVED:
            raise ArgumentError(f"{argument} has {column.name!r}, a name that the job itself uses.")
        seen.add(folded)
    return columns


def _column(item: object, argument: str) -> Column:
    if not isinstance(item, dict) or set(item) != {"name", "type"}:
        raise ArgumentError(f"{argument}: {item!r} must be an object with name and type.")
    name, kind = item["name"], item["type"]
    if not isinstance(name, str) or not name.strip():
        raise ArgumentError(f"{argument}: the name {name!r} must be a text that is not empty.")
    column = Column(name, kind if isinstance(kind, str) else repr(kind))
    if not _known(column):
        raise ArgumentError(
            f"{argument}: {name!r} has the type {kind!r}; allowed are {ALLOWED_TYPES}."
        )
    return column


def _known(column: Column) -> bool:
    if column.decimal:
        precision, scale = column.decimal
        return 1 <= precision <= 38 and scale <= precision
    return column.type in SIMPLE_TYPES


def differences(declared: Sequence[Column], found: Mapping[str, str]) -> list[str]:
    """How the columns of a frame differ from the declared ones and the lineage, a sentence each.

    found: the type of each column by name, as Spark spells it.
    """
    wanted = {column.name: _spelled(column) for column in declared} | dict.fromkeys(
        LINEAGE, "string"
    )
    missing = [f"{name} is missing" for name in wanted if name not in found]
    other = [
        f"{name} is {found[name]} and not {kind}"
        for name, kind in wanted.items()
        if found.get(name, kind) != kind
    ]
    return [*missing, *other, *(f"{name} is not declared" for name in found if name not in wanted)]


def _spelled(column: Column) -> str:
    if column.decimal:
        precision, scale = column.decimal
        return f"decimal({precision},{scale})"
    return column.type


def arrow_type(column: Column) -> Any:
    """The pyarrow type of the column's values."""
    import pyarrow as pa

    if column.decimal:
        return pa.decimal128(*column.decimal)
    return {
        "string": pa.string(),
        "boolean": pa.bool_(),
        "int": pa.int32(),
        "bigint": pa.int64(),
        "double": pa.float64(),
        "date": pa.date32(),
        "timestamp": pa.timestamp("us", tz="UTC"),
    }[column.type]


# For each small file again, so they are made once.
@lru_cache
def arrow_schema(columns: tuple[Column, ...]) -> pa.Schema:
    """The columns as a pyarrow schema, in their order."""
    import pyarrow as pa

    return pa.schema([(column.name, arrow_type(column)) for column in columns])


@lru_cache
def read_schema(columns: tuple[Column, ...]) -> pa.Schema:
    """The columns, lineage and private columns, as the reader hands them to Spark (pyarrow)."""
    import pyarrow as pa

    schema = arrow_schema(columns)
    for name in (*LINEAGE, STATUS_REASON, STATUS_UNREAD):
        schema = schema.append(pa.field(name, pa.string()))
    schema = schema.append(pa.field(INPUT, pa.int32()))
    return schema.append(pa.field(STATUS_ROWS, pa.int64()))


def spark_read_schema(columns: Sequence[Column]) -> StructType:
    """The same as `read_schema`, for Spark."""
    from pyspark.sql import types as t

    fields = [t.StructField(column.name, spark_type(column)) for column in columns]
    texts = (*LINEAGE, STATUS_REASON, STATUS_UNREAD)
    fields += [t.StructField(name, t.StringType()) for name in texts]
    fields += [t.StructField(INPUT, t.IntegerType()), t.StructField(STATUS_ROWS, t.LongType())]
    return t.StructType(fields)


def spark_type(column: Column) -> DataType:
    """The Spark type of the column's values."""
    from pyspark.sql import types as t

    if column.decimal:
        return t.DecimalType(*column.decimal)
    simple: dict[str, DataType] = {
        "string": t.StringType(),
        "boolean": t.BooleanType(),
        "int": t.IntegerType(),
        "bigint": t.LongType(),
        "double": t.DoubleType(),
        "date": t.DateType(),
        "timestamp": t.TimestampType(),
    }
    return simple[column.type]
