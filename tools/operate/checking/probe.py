"""The files that `burst check` sends: made of the pipeline's own columns, in its own format.

A probe says what it is: its key and every text in it do. What makes the bad one bad is certain in
each format, whatever the columns are.
"""

from __future__ import annotations

import base64
import gzip
import io
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from burst.contract import ARRAY, BINARY_FORMATS, EPOCHS, STRUCT, Column, FileFormat, Format

from tools.operate.errors import InputError
from tools.operate.probes import MARK, Kind, probe_key

if TYPE_CHECKING:
    from tools.operate.deployment import DeployedPipeline

WRONG_LINE = b"burst check: this is no object\n"
ENDINGS: dict[Format, str] = {"csv": ".csv", "json": ".json", "parquet": ".parquet"}


@dataclass(frozen=True)
class ProbeFile:
    """One file to send. rows: that it holds; 0 for the bad one, which is not to be loaded."""

    kind: Kind
    key: str
    body: bytes
    rows: int


def probe_files(
    pipeline: DeployedPipeline,
    format: FileFormat,
    *,
    check: str,
    now: datetime,
    with_row: bool,
    with_bad: bool,
) -> tuple[ProbeFile, ...]:
    """A good file and, where asked for, a bad one.

    check: the id of this call of `burst check`, which makes the keys unique.
    with_row: whether the good file holds a row; without it, the file is good and has none.

    Raises `InputError` where the format is Parquet and pyarrow is not installed.
    """
    ending = ending_of(pipeline, format.kind)
    rows = 1 if with_row else 0
    body = good_body(format, rows, now)
    files = [ProbeFile("good", probe_key(pipeline.prefix, check, "good", ending), body, rows)]
    if with_bad:
        files.append(
            ProbeFile("bad", probe_key(pipeline.prefix, check, "bad", ending), bad_body(format), 0)
        )
    zipped = ending.lower().endswith(".gz")
    return tuple(_zipped(file) if zipped else file for file in files)


def ending_of(pipeline: DeployedPipeline, kind: Format) -> str:
    """The pipeline's suffix, or the usual one of the format."""
    return pipeline.suffix or ENDINGS[kind]


def _zipped(file: ProbeFile) -> ProbeFile:
    # No time in it, so that the same probe is the same bytes.
    return ProbeFile(file.kind, file.key, gzip.compress(file.body, mtime=0), file.rows)


def good_body(format: FileFormat, rows: int, now: datetime) -> bytes:
    """A file that the job reads, with this many rows (0 or 1); raises `InputError`."""
    values = [value_of(column, now) for column in format.columns]
    names = _names(format)
    if format.kind == "csv":
        return _csv(format, names, [[_in_csv(value, format) for value in values]] * rows)
    if format.kind == "json":
        row = {name: _in_json(value) for name, value in zip(names, values, strict=True)}
        # An empty line where there is no row: S3 keeps it as any other byte.
        return (json.dumps(row) * rows + "\n").encode()
    return _parquet(format, [values] * rows)


def bad_body(format: FileFormat) -> bytes:
    """A file that no setting lets the job read: a row of CSV with a value too many, a line that is
    no object of JSON, or no Parquet."""
    if format.kind == "csv":
        names = _names(format)
        return _csv(format, names, [[MARK] * (len(names) + 1)])
    return WRONG_LINE


def _names(format: FileFormat) -> list[str]:
    return [column.in_file for column in format.columns]


def value_of(column: Column, now: datetime) -> Any:
    """A value of the column's type that fits every precision, and that divides nothing by zero;
    as text or number where the column has a format."""
    if shape := column.shape:
        values = [value_of(part, now) for part in shape.parts]
        if shape.kind == STRUCT:
            return dict(zip(shape.fields, values, strict=True))
        return values if shape.kind == ARRAY else {values[0]: values[1]}
    if column.decimal:
        precision, scale = column.decimal
        return Decimal(1 if precision > scale else 0)
    moment = now.astimezone(UTC).replace(microsecond=0)
    value = {
        "string": MARK,
        "boolean": False,
        "smallint": 1,
        "int": 1,
        "bigint": 1,
        "float": 1.0,
        "double": 1.0,
        "date": moment.date(),
        "timestamp": moment,
        "binary": MARK.encode(),
    }[column.type]
    return _formatted(value, moment, column.format) if column.format else value


def _formatted(value: Any, moment: datetime, format: str) -> Any:
    if format in EPOCHS:
        return int(moment.timestamp()) * EPOCHS[format]
    if format in BINARY_FORMATS:
        return value.hex() if format == "hex" else base64.b64encode(value).decode()
    return _FIELD.sub(lambda field: _field(field[0], moment), format)


_FIELD = re.compile("yyyy|MM?|dd?|HH?|mm|ss|S+|X")


def _field(field: str, moment: datetime) -> str:
    number = {
        "y": moment.year,
        "M": moment.month,
        "d": moment.day,
        "H": moment.hour,
        "m": moment.minute,
        "s": moment.second,
        "S": 0,
    }.get(field[0])
    return "Z" if number is None else f"{number:0{len(field)}}"


def text_of(value: Any) -> str:
    """The value as text, as docs/values.md has it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%SZ}"
    return value.decode() if isinstance(value, bytes) else str(value)


def _in_csv(value: Any, format: FileFormat) -> str:
    text = text_of(value)
    return text.replace(".", format.decimal_separator) if isinstance(value, float) else text


def _in_json(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _in_json(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_in_json(item) for item in value]
    return value if isinstance(value, bool | int | float) else text_of(value)


def _csv(format: FileFormat, header: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    lines = [header, *rows]
    text = "".join(
        format.delimiter.join(_quoted(cell, format.delimiter) for cell in line) + "\n"
        for line in lines
    )
    return text.encode(format.encoding)


def _quoted(cell: str, delimiter: str) -> str:
    """In quotes where it must be. Only names in the header can hold quotes, which are doubled
    there, whatever the escape character of the values is."""
    if not any(special in cell for special in (delimiter, '"', "\r", "\n")):
        return cell
    doubled = cell.replace('"', '""')
    return f'"{doubled}"'


def _parquet(format: FileFormat, rows: Sequence[Sequence[Any]]) -> bytes:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
        from burst.columns import arrow_type, nested_type
    except ModuleNotFoundError as error:
        raise InputError(
            "A probe in Parquet is written with pyarrow: run `pipenv sync --dev`."
        ) from error

    def kind(column: Column) -> Any:
        if shape := column.shape:
            return nested_type(shape, {part.in_file: kind(part) for part in shape.parts})
        if not column.format:
            return arrow_type(column)
        return pa.int64() if column.format in EPOCHS else pa.string()

    arrays = [
        pa.array([row[position] for row in rows], kind(column))
        for position, column in enumerate(format.columns)
    ]
    sink = io.BytesIO()
    pq.write_table(pa.table(arrays, names=_names(format)), sink)
    return sink.getvalue()
