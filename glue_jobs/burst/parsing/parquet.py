"""Parquet: columns by name, values only converted where nothing can be lost."""

from __future__ import annotations

import io
import shutil
import tempfile
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import types

from burst.byte_stream import Guarded
from burst.columns import arrow_schema, arrow_type
from burst.contract import Column, FileFormat
from burst.parsing.reasons import ParseError, check_names

BATCH_ROWS = 16 * 1024


def parse(stream: io.BufferedReader[Guarded], format: FileFormat) -> Iterator[pa.RecordBatch]:
    """Batches of the columns, in the pipeline's order. Raises ParseError.

    The footer of a Parquet file is at its end, so the file is put on disk first.
    """
    with tempfile.TemporaryFile(prefix="burst-") as spool:
        shutil.copyfileobj(stream, spool, 1024**2)
        spool.seek(0)
        try:
            yield from _batches(spool, format)
        # pyarrow reports a damaged file as OSError, too.
        except (OSError, pa.ArrowException, UnicodeError) as error:
            raise ParseError(f"The file is not readable parquet: {error}") from error


def _batches(spool: Any, format: FileFormat) -> Iterator[pa.RecordBatch]:
    columns = format.columns
    # Without pre_buffer and with a buffer size, pages are read one after the other.
    file = pq.ParquetFile(
        spool, pre_buffer=False, buffer_size=1024**2, coerce_int96_timestamp_unit="us"
    )
    schema = file.schema_arrow
    check_names(list(schema.names), columns, "The file", drop_unknown=format.drop_unknown)
    for column in columns:
        found = schema.field(column.name).type
        if not _convertible(found, column):
            raise ParseError(f"Column {column.name!r}: found {found}, expected {column.type}.")
    target = arrow_schema(columns)
    row = 0
    wanted = [column.name for column in columns]
    for batch in file.iter_batches(BATCH_ROWS, columns=wanted, use_threads=False):
        arrays = [_cast(batch.column(column.name), column, row) for column in columns]
        row += batch.num_rows
        result = pa.RecordBatch.from_arrays(arrays, schema=target)
        # Parquet's texts are whatever bytes the writer put there.
        result.validate(full=True)
        yield result


def _convertible(found: pa.DataType, column: Column) -> bool:
    if types.is_dictionary(found):
        found = found.value_type
    if types.is_null(found):
        return True
    if column.decimal:
        return bool(types.is_decimal(found) or types.is_integer(found))
    return bool(
        {
            "string": types.is_string(found) or types.is_large_string(found),
            "boolean": types.is_boolean(found),
            "int": types.is_integer(found),
            "bigint": types.is_integer(found),
            "double": types.is_floating(found) or types.is_integer(found),
            "date": types.is_date(found),
            "timestamp": types.is_timestamp(found),
        }[column.type]
    )


def _cast(values: Any, column: Column, first_row: int) -> Any:
    try:
        return pc.cast(values, arrow_type(column), safe=True)
    except pa.ArrowInvalid as error:
        raise ParseError(
            f"Column {column.name!r}, rows {first_row + 1} to {first_row + len(values)}: "
            f"a value does not fit {column.type}: {error}"
        ) from error
