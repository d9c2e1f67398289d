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
from burst.contract import ARRAY, EPOCHS, STRUCT, Column, FileFormat
from burst.parsing import int96, nested
from burst.parsing.reasons import ParseError, check_names, names, shown
from burst.parsing.rescue import Fitting, Rest, json_text, texts_of, what_fits
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
    unfit: dict[Column, frozenset[str]] = {}
    for column in there:
        found = schema.field(column.in_file).type
        if problem := _problem_inside(found, column, format, nested.root_of(column)):
            raise ParseError(problem)
        places = list(_unfit_places(found, column))
        if places and format.bad_values == "quarantine":
            [place, kind, inner] = places[0]
            name = nested.root_of(column) + place if place else column.in_file
            raise ParseError(f"Column {name!r}: found {kind}, expected {_expected_type(inner)}.")
        unfit[column] = frozenset(place for place, *_ in places)
    wanted = [column.in_file for column in there]
    known = set(wanted)
    if format.unknown == "rescue":
        wanted += [name for name in schema.names if name not in known]
    if any(path == name or path.startswith(f"{name}.") for path in of_96_bits for name in wanted):
        int96.add_footer_with_bytes(spool)
        file = _open(spool)
    target = arrow_schema(columns, format.rescues)
    row = 0
    for batch in file.iter_batches(BATCH_ROWS, columns=wanted, use_threads=False):
        rest = Rest(columns)
        arrays = []
        for column in columns:
            if column not in there:
                arrays.append(pa.nulls(batch.num_rows, arrow_type(column)))
                continue
            values = batch.column(column.in_file)
            if format.bad_values == "quarantine":
                arrays.append(_converted(values, column, row))
                if format.unknown == "rescue" and column.shape:
                    _fitting(values, column, rest, Fitting(_cast, keep_unknown=True))
                continue
            how = Fitting(_cast, unfit[column], keep_unknown=format.unknown == "rescue")
            arrays.append(_fitting(values, column, rest, how))
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


def _problem_inside(
    found: pa.DataType, column: Column, format: FileFormat, path: str
) -> str | None:
    """What is wrong with the names inside of a column, whatever its values are."""
    for part, kind, step in _parts_of_type(found, column):
        if problem := _problem_inside(kind, part, format, path + step):
            return problem
    if not (column.shape and types.is_struct(found)):
        return None
    names_ = [field.name for field in found]
    if twice := next((name for name in names_ if names_.count(name) > 1), None):
        return f"Column {path!r} has the field {twice!r} more than once."
    unknown = [name for name in names_ if name not in column.shape.fields]
    if unknown and column.shape.kind == STRUCT and format.unknown == "quarantine":
        return (
            f"Column {path!r} has the unknown field {names(unknown)}; expected are "
            f"{names(list(column.shape.fields))}."
        )
    return None


def _unfit_places(
    found: pa.DataType, column: Column, place: str = ""
) -> Iterator[tuple[str, pa.DataType, Column]]:
    """Where the type in the file can have no value of the column's, with both types."""
    if column.shape and types.is_null(found):
        return
    if column.shape and nested.is_of_kind(found, column.shape):
        for part, kind, step in _parts_of_type(found, column):
            yield from _unfit_places(kind, part, place + step)
    elif column.shape or not _convertible(found, column):
        yield place, found, column


def _parts_of_type(found: pa.DataType, column: Column) -> Iterator[tuple[Column, pa.DataType, str]]:
    """The parts of a nested column that the file has, their types, and the steps to them."""
    shape = column.shape
    if not shape or not nested.is_of_kind(found, shape):
        return
    if shape.kind == STRUCT:
        for name, part in shape.fields.items():
            # Not found as well where it is there more than once.
            if (index := found.get_field_index(name)) >= 0:
                yield part, found.field(index).type, nested.of_field(name)
    elif shape.kind == ARRAY:
        yield shape.parts[0], found.value_type, nested.ANY
    else:
        yield shape.parts[0], found.key_type, nested.KEY
        yield shape.parts[1], found.item_type, nested.ANY


def _expected_type(column: Column) -> str:
    return column.shape.kind if column.shape else column.type


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
            f"Column {bad.name!r}, row {first_row + bad.position + 1}: "
            f"found {_shown(bad.found)}{_of_type(values.type)}, expected {bad.expected}."
        ) from None


def _of_type(found: pa.DataType) -> str:
    """The type in the file, where it says something about a value."""
    return "" if types.is_nested(found) else f" ({found})"


def _fitting(values: Any, column: Column, rest: Rest, how: Fitting) -> Any:
    """The values as the column has them; null for those that do not fit, which are rescued."""
    values = _decoded(values)
    array, misfits = how.what_fits(values, column)
    if not column.shape and misfits:
        # All at once, as most columns are simple.
        bad = [one.position for one in misfits]
        rest.add_texts(column.in_file, zip(bad, _texts(values.take(pa.array(bad))), strict=True))
        return array
    for one in misfits:
        [text] = _texts(one.value)
        rest.add_inside(column, one.path, one.position, json_text(text or ""))
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
    return shown(value) if isinstance(value, str | bytes) else str(value)[:80]


def _decoded(values: Any) -> Any:
    if not types.is_dictionary(values.type):
        return values
    if types.is_string_view(values.type.value_type):
        # Arrow cannot take from views.
        texts = pc.cast(values.dictionary, pa.string())
        values = pa.DictionaryArray.from_arrays(values.indices, texts)
    return values.dictionary_decode()


def _cast(values: Any, column: Column) -> Any:
    if column.shape:
        return nested.converted(values, column, _cast)
    values = _decoded(values)
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
