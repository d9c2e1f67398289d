"""What the columns of a pipeline are in Spark."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

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
)

# Imported where it is used: a run that finds nothing does not need it.
if TYPE_CHECKING:
    from pyspark.sql.types import DataType, StructType


def spark_read_schema(columns: Sequence[Column], rescues: bool = False) -> StructType:
    """The same as `read_schema`, for Spark."""
    from pyspark.sql import types as t

    fields = [t.StructField(column.name, spark_type(column)) for column in columns]
    texts = (*([RESCUED] if rescues else []), *LINEAGE, STATUS_REASON, STATUS_UNREAD)
    fields += [t.StructField(name, t.StringType()) for name in texts]
    fields += [t.StructField(INPUT, t.IntegerType()), t.StructField(STATUS_ROWS, t.LongType())]
    return t.StructType(fields)


def spark_type(column: Column) -> DataType:
    """The Spark type of the column's values."""
    from pyspark.sql import types as t

    if column.decimal:
        return t.DecimalType(*column.decimal)
    if shape := column.shape:
        parts = [spark_type(part) for part in shape.parts]
        if shape.kind == STRUCT:
            names = [part.name for part in shape.parts]
            return t.StructType(list(map(t.StructField, names, parts)))
        if shape.kind == ARRAY:
            return t.ArrayType(parts[0])
        return t.MapType(parts[0], parts[1])
    simple: dict[str, DataType] = {
        "string": t.StringType(),
        "boolean": t.BooleanType(),
        "smallint": t.ShortType(),
        "int": t.IntegerType(),
        "bigint": t.LongType(),
        "float": t.FloatType(),
        "double": t.DoubleType(),
        "date": t.DateType(),
        "timestamp": t.TimestampType(),
        "binary": t.BinaryType(),
    }
    return simple[column.type]
