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
from burst.contract import EPOCHS, Column, FileFormat
from burst.parsing import int96
from burst.parsing.reasons import ParseError, check_names, shown
from burst.parsing.rescue import Rest, texts_of, what_fits
from burst.parsing.values import (
    BadValue,
    convert_or_say_which,
    digits_of,
    from_epoch,
    from_texts,
    narrowed,
    wide_decimal,
    within_calendar,
)

BATCH_ROWS = 16 * 1024
_INSTANT = Column("", "timestamp")
# What int64 and uint64 need at most.
_WHOLE_DIGITS = 20


def parse(stream: io.BufferedReader[Guarded], format: FileFormat) -> Iterator[pa.RecordBatch]:
    """Batches of the columns, in the pipeline's order. Raises ParseError.

    The footer of a Parquet file is at its end, so the file is put on disk first.
    """
    with tempfile.TemporaryFile(prefix="burst-") as spool:
        shutil.copyfileobj(stream, spool, 1024**2)
        try:
            yield from _batches(spool, format)
        # pyarrow reports a damaged file as OSError, too.
        except (OSError, pa.ArrowException, UnicodeError) as error:
            damaged = _damaged_column(spool, format)
            where = f"Column {damaged!r}" if damaged else "The file"
            raise ParseError(f"{where} is not readable parquet: {error}") from error


def _open(spool: Any) -> pq.ParquetFile:
    spool.seek(0)
    # Without pre_buffer and with a buffer size, pages are read one after the other.
    return pq.ParquetFile(
        spool, pre_buffer=False, buffer_size=1024**2, page_checksum_verification=True
    )


def _batches(spool: Any, format: FileFormat) -> Iterator[pa.RecordBatch]:
    columns = format.columns
    file = _open(spool)
    schema = file.schema_arrow
    check_names(list(schema.names), columns, "The file", format.unknown)
    of_96_bits = _int96_columns(file)
    there = [column for column in columns if column.in_file in schema.names]
    unfit = []
    for column in there:
        found = schema.field(column.in_file).type
        if not _convertible(found, column):
            if format.bad_values == "quarantine":
                raise ParseError(
                    f"Column {column.in_file!r}: found {found}, expected {column.type}."
                )
            unfit.append(column)
    wanted = [column.in_file for column in there]
    known = set(wanted)
    if format.unknown == "rescue":
        wanted += [name for name in schema.names if name not in known]
    if of_96_bits & set(wanted):
        int96.add_footer_with_bytes(spool)
        file = _open(spool)
    target = arrow_schema(columns, format.rescues)
    row = 0
    for batch in file.iter_batches(BATCH_ROWS, columns=wanted, use_threads=False):
        rest = Rest()
        arrays = []
        for column in columns:
            if column not in there:
                arrays.append(pa.nulls(batch.num_rows, arrow_type(column)))
            elif format.bad_values == "rescue":
                values = batch.column(column.in_file)
                arrays.append(_fitting(values, column, rest, fits=column not in unfit))
            else:
                arrays.append(_converted(batch.column(column.in_file), column, row))
        if format.rescues:
            for name in wanted:
                if name not in known:
                    rest.add_texts(name, enumerate(_texts(batch.column(name))))
            arrays.append(rest.array(batch.num_rows))
        row += batch.num_rows
        result = pa.RecordBatch.from_arrays(arrays, schema=target)
        # Parquet's texts are whatever bytes the writer put there.
        result.validate(full=True)
        yield result


def _int96_columns(file: pq.ParquetFile) -> set[str]:
    schema = file.schema
    return {
        column.path
        for column in (schema.column(place) for place in range(len(schema)))
        if column.physical_type == "INT96"
    }


def _damaged_column(spool: Any, format: FileFormat) -> str | None:
    """The first column that cannot be read while the footer can."""
    try:
        names = _open(spool).schema_arrow.names
    except (OSError, pa.ArrowException):
        return None
    for column in format.columns:
        if column.in_file in names:
            try:
                for batch in _open(spool).iter_batches(BATCH_ROWS, columns=[column.in_file]):
                    batch.validate(full=True)
            except (OSError, pa.ArrowException):
                return column.in_file
    return None


def _convertible(found: pa.DataType, column: Column) -> bool:
    if types.is_dictionary(found):
        found = found.value_type
    if types.is_null(found):
        return True
    if column.format:
        return bool(types.is_integer(found)) if column.format in EPOCHS else _is_text(found)
    if column.decimal:
        return bool(types.is_decimal(found) or types.is_integer(found))
    return bool(
        {
            "string": _is_text(found),
            "boolean": types.is_boolean(found),
            "smallint": types.is_integer(found),
            "int": types.is_integer(found),
            "bigint": types.is_integer(found),
            "float": types.is_float16(found) or types.is_float32(found) or types.is_integer(found),
            "double": types.is_floating(found) or types.is_integer(found),
            "date": types.is_date(found),
            "timestamp": types.is_timestamp(found),
            "binary": is_bytes(found),
        }[column.type]
    )


def is_bytes(found: pa.DataType) -> bool:
    """Whether the values are bytes without a meaning."""
    return bool(
        types.is_binary(found)
        or types.is_large_binary(found)
        or types.is_fixed_size_binary(found)
        or types.is_binary_view(found)
    )


def _is_text(found: pa.DataType) -> bool:
    return bool(
        types.is_string(found) or types.is_large_string(found) or types.is_string_view(found)
    )


def _converted(values: Any, column: Column, first_row: int) -> Any:
    try:
        return convert_or_say_which(_decoded(values), column, _cast)
    except BadValue as bad:
        raise ParseError(
            f"Column {column.in_file!r}, row {first_row + bad.position + 1}: "
            f"found {_shown(bad.found)} ({values.type}), expected {bad.expected}."
        ) from None


def _fitting(values: Any, column: Column, rest: Rest, *, fits: bool) -> Any:
    """The values as the column has them; null for those that do not fit, which are rescued."""
    if fits:
        values = _decoded(values)
        array, bad = what_fits(values, column, _cast)
    else:
        array = pa.nulls(len(values), arrow_type(column))
        bad = [at for at, valid in enumerate(values.is_valid().to_pylist()) if valid]
    if bad:
        texts = _texts(values.take(pa.array(bad)))
        rest.add_texts(column.in_file, zip(bad, texts, strict=True))
    return array


def _texts(values: Any) -> list[str | None]:
    if types.is_fixed_size_binary(values.type) and values.type.byte_width == int96.WIDTH:
        array, bad = what_fits(values, _INSTANT, _cast)
        texts = texts_of(array)
        for at in bad:
            texts[at] = _shown(values[at].as_py())
        return texts
    return texts_of(_decoded(values))


def _shown(value: object) -> str:
    """A number or an instant as people write it."""
    if isinstance(value, bytes) and len(value) == int96.WIDTH:
        nanoseconds = int.from_bytes(value[:8], "little", signed=True)
        day = int.from_bytes(value[8:], "little", signed=True)
        return f"{nanoseconds} nanoseconds of the Julian day {day}"
    return str(value)[:80] if not isinstance(value, str) else shown(value)


def _decoded(values: Any) -> Any:
    if not types.is_dictionary(values.type):
        return values
    if types.is_string_view(values.type.value_type):
        # Arrow cannot take from views.
        texts = pc.cast(values.dictionary, pa.string())
        values = pa.DictionaryArray.from_arrays(values.indices, texts)
    return values.dictionary_decode()


def _cast(values: Any, column: Column) -> Any:
    if types.is_null(values.type):
        return pc.cast(values, arrow_type(column))
    if column.format in EPOCHS:
        return from_epoch(pc.cast(values, pa.int64()), column)
    if column.format:
        return from_texts(pc.cast(values, pa.string()), column)
    if types.is_fixed_size_binary(values.type) and column.type == "timestamp":
        return within_calendar(int96.to_timestamps(values))
    if column.decimal:
        return _to_decimal(values, column)
    result = pc.cast(values, arrow_type(column), safe=True)
    return within_calendar(result) if column.type in ("date", "timestamp") else result


def _to_decimal(values: Any, column: Column) -> Any:
    """Numbers as the decimals of the column, when they fit as they are.

    Arrow's own cast lets some values wrap around, so the number of whole digits comes first.
    """
    _, scale = digits_of(column)
    if types.is_integer(values.type):
        return narrowed(pc.cast(values, wide_decimal(_WHOLE_DIGITS, scale)), column)
    return narrowed(values, column)
