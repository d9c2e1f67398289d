"""What the stacks, the job and the tools agree on, each fact once.

Standard library only: the stacks import this module (and nothing else of the job) before anything
heavy is loaded, and a run that finds nothing must end at once. In all three places the module is
called `burst.contract`, as on Glue, so that there is one copy of its classes in a process.
"""

from __future__ import annotations

import importlib.util
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass
from fractions import Fraction
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Annotated, Any, Literal, Self, TypeVar, get_args, get_type_hints

from burst.column_types import ALLOWED_TYPES as ALLOWED_TYPES
from burst.column_types import ARRAY as ARRAY
from burst.column_types import MAP as MAP
from burst.column_types import MAX_PRECISION as MAX_PRECISION
from burst.column_types import SIMPLE_TYPES as SIMPLE_TYPES
from burst.column_types import STRUCT as STRUCT
from burst.column_types import ColumnType as ColumnType
from burst.column_types import ColumnTypeError as ColumnTypeError
from burst.column_types import array_type as array_type
from burst.column_types import changes as changes
from burst.column_types import is_field_name as is_field_name
from burst.column_types import map_type as map_type
from burst.column_types import parse_type as parse_type
from burst.column_types import part_at as part_at
from burst.column_types import struct_type as struct_type
from burst.column_types import united as united
from burst.column_types import with_field as with_field
from burst.errors import ArgumentError

Part = TypeVar("Part")

# The lake bucket's folders. All but the code's have a folder per pipeline.
CURATED, ARCHIVE, QUARANTINE, LEDGER = "curated", "archive", "quarantine", "ledger"
ARTIFACTS = "artifacts"
# In the ledger's folder of a pipeline: what tells once a day of columns that nobody declared.
DRIFT = "drift"
Area = Literal["archive", "quarantine"]
# What is appended to the key of a file in quarantine: the object that says why it is there.
REASON_SUFFIX = ".reason.json"


def folder(name: str, pipeline: str) -> str:
    """A pipeline's folder in one of the lake's folders, as a prefix of its keys."""
    return f"{name}/{pipeline}/"


@dataclass(frozen=True)
class Partition:
    """One level of the folders of curated, `<name>=<value>/`.

    value: of a batch, by its id.
    projection: the properties with which Athena derives the values (Athena user guide, "Supported
        types for partition projection"); None for a folder that is no partition of the table.
    comment: what the table says of it.
    """

    name: str
    value: Callable[[str], str]
    projection: Mapping[str, str] | None = None
    comment: str = ""


def _day(batch: str) -> str:
    return f"{batch[:4]}-{batch[4:6]}-{batch[6:8]}"


# From the outermost folder to the innermost. No batch can have a day before the range: it is the
# day on which the batch was planned.
LAYOUT = (
    Partition(
        "ingest_date",
        _day,
        {
            "type": "date",
            "format": "yyyy-MM-dd",
            "range": "2025-01-01,NOW",
            "interval": "1",
            "interval.unit": "DAYS",
        },
        "YYYY-MM-DD, in UTC.",
    ),
    Partition("batch", str),
)
PARTITIONS = tuple(partition.name for partition in LAYOUT)
# The folder of curated into which attempts write. Athena and Spark read no folder whose name begins
# with an underscore.
STAGING = "_staging"
# The columns that the job adds to every row.
SOURCE_KEY, SOURCE_VERSION, BATCH = "_source_key", "_source_version", "_batch"
LINEAGE = (SOURCE_KEY, SOURCE_VERSION, BATCH)
# Private columns of the reader: which input a row belongs to, and the verdict on that input.
INPUT, STATUS_ROWS, STATUS_REASON, STATUS_UNREAD = "_input", "_rows", "_reason", "_unread"
PRIVATE = (INPUT, STATUS_ROWS, STATUS_REASON, STATUS_UNREAD)
# A file's column of such a name would be in the table twice.
RESERVED = frozenset({*LINEAGE, *PRIVATE, *PARTITIONS})
# What a file has and the columns do not take, by row, where the settings say so.
RESCUED = "_rescued"

METRICS_NAMESPACE = "Burst"
# The events in the log with which a run ends well: landing is empty, or the time is up.
DRAINED, OUT_OF_TIME = "drained", "out_of_time"

Format = Literal["csv", "json", "parquet"]
Compression = Literal["snappy", "zstd"]
Encoding = Literal["utf-8", "utf-16", "iso-8859-1", "iso-8859-15", "cp1252"]
# What a column that is not declared does: it makes the file a bad one, it is left out, or its
# values are kept in `_rescued`.
UnknownColumns = Literal["quarantine", "drop", "rescue"]
# What a value that does not fit its column does: it makes the file a bad one, or it is kept there.
BadValues = Literal["quarantine", "rescue"]
# The transform that gives the rows as they come, without a module.
NO_TRANSFORM = "none"
# What a transform may do with the number of rows.
RowChanges = Literal["none", "drop", "multiply", "any"]
INPUT_FORMATS: tuple[Format, ...] = get_args(Format)
ENCODINGS: tuple[Encoding, ...] = get_args(Encoding)
COMPRESSIONS: tuple[Compression, ...] = get_args(Compression)
UNKNOWN_COLUMNS: tuple[UnknownColumns, ...] = get_args(UnknownColumns)
BAD_VALUES: tuple[BadValues, ...] = get_args(BadValues)
ROW_CHANGES: tuple[RowChanges, ...] = get_args(RowChanges)

WHOLE_BITS = {"smallint": 16, "int": 32, "bigint": 64}
# Also with a space behind the comma, which Hive's spelling has not.
_DECIMAL = re.compile(r"decimal\((\d{1,2}),\s*(\d{1,2})\)", re.ASCII)

# Any ASCII character but letters, digits, the double quote, line ends and NUL.
DELIMITER_PATTERN = r'[^A-Za-z0-9"\r\n\x00\x80-\U0010ffff]'
_DELIMITER = re.compile(DELIMITER_PATTERN)

# What stands before the decimals, and between each three digits before them.
DECIMAL_SEPARATORS = (".", ",")
THOUSANDS_SEPARATORS = ("", ",", ".", " ", "'", "_", "\u00a0", "\u202f", "\u2019")
MAX_NULL_TEXTS = 20

# Formats of columns: instants as whole numbers, by the units in a second, and bytes as text.
EPOCHS = {"epoch_seconds": 1, "epoch_milliseconds": 1000}
BINARY_FORMATS = ("base64", "hex")
ALLOWED_FORMATS = (
    "for date and timestamp a pattern of yyyy, MM, M, dd, d, HH, H, mm, ss, S (each a decimal), X "
    "(zone offset) and . / - : , _ T or spaces, such as dd.MM.yyyy; for timestamp also "
    f"{' and '.join(EPOCHS)}; for binary {' and '.join(BINARY_FORMATS)}"
)
_FIELDS = {
    "yyyy": ("year", r"\d{4}"),
    "MM": ("month", r"\d{2}"),
    "M": ("month", r"\d{1,2}"),
    "dd": ("day", r"\d{2}"),
    "d": ("day", r"\d{1,2}"),
    "HH": ("hour", r"\d{2}"),
    "H": ("hour", r"\d{1,2}"),
    "mm": ("minute", r"\d{2}"),
    "ss": ("second", r"\d{2}"),
    "X": ("zone", r"Z|[+-]\d{2}(?::?\d{2})?"),
    **{"S" * count: ("fraction", rf"\d{{{count}}}") for count in range(1, 7)},
}
_DAY, _CLOCK = ("year", "month", "day"), ("hour", "minute", "second", "fraction")
_PATTERN = re.compile(r"yyyy|MM?|dd?|HH?|mm|ss|S{1,6}|X|[-./:, _T]", re.ASCII)


@lru_cache
def date_pattern(text: str, kind: str) -> str | None:
    """The regular expression (RE2's and Python's) of a date's or timestamp's format.

    Its groups are year, month, day and, for a timestamp, hour, minute, second, fraction and zone,
    as far as the format has them. None where the format is not allowed: it must have the whole day,
    no part of the time without the one above it, and nothing but a separator beside a field that
    may be one digit long.
    """
    parts = _PATTERN.findall(text)
    names = [_FIELDS[part][0] for part in parts if part in _FIELDS]
    clock = [name for name in _CLOCK if name in names]
    if (
        "".join(parts) != text
        or len(set(names)) < len(names)
        or not set(_DAY) <= set(names)
        or (kind == "date" and len(names) > len(_DAY))
        or clock != list(_CLOCK[: len(clock)])
        or ("zone" in names and not clock)
        or any(
            first in _FIELDS and second in _FIELDS and {first, second} & {"M", "d", "H"}
            for first, second in pairwise(parts)
        )
    ):
        return None
    return (
        "^"
        + "".join(
            "(?P<{}>{})".format(*_FIELDS[part]) if part in _FIELDS else f"[{part}]"
            for part in parts
        )
        + "$"
    )


MIB = 1024**2


class MetricName:
    """The names of the metrics that the job publishes, beside those of its phases."""

    FILES = "Files"
    BAD_FILES = "BadFiles"
    ROWS = "Rows"
    ROWS_WRITTEN = "RowsWritten"
    BYTES = "Bytes"
    OLDEST_OUTSTANDING_SECONDS = "OldestOutstandingSeconds"
    UNREADABLE_FILES = "UnreadableFiles"
    UNSETTLED_FILES = "UnsettledFiles"
    RESCUED_FILES = "RescuedFiles"


# The phases of a batch, in their order.
PHASES = ("read", "write", "settle")


def phase_metric(phase: str) -> str:
    """The name of the metric that says how many seconds a phase of a batch took."""
    return f"{phase.title()}Seconds"


def metric_dimensions(environment: str, pipeline: str) -> dict[str, str]:
    """The dimensions of every metric that the job publishes."""
    return {"Environment": environment, "Pipeline": pipeline}


# Asked for with each value that is read one by one.
@lru_cache
def _decimal_digits(kind: str) -> tuple[int, int] | None:
    match = _DECIMAL.fullmatch(kind)
    return (int(match[1]), int(match[2])) if match else None


@dataclass(frozen=True)
class Column:
    """One column of the files that arrive.

    name: in the table, and in the file unless there is a source.
    type: string, boolean, smallint (16 bits), int (32 bits), bigint (64 bits), float (32 bits),
        double, decimal(p,s), date, timestamp (an instant, microseconds; a value without a zone
        offset is UTC), binary, struct<name:type,...>, array<type> or map<type,type>.
    source: name in the file (CSV header, JSON field, Parquet column), case-sensitive.
    optional: whether a file may lack it; its values are null then.
    format: how the values are written, where it is not the way of docs/values.md.
    """

    name: str
    type: str
    source: str = ""
    optional: bool = False
    format: str = ""

    @property
    def in_file(self) -> str:
        """The column's name in the files."""
        return self.source or self.name

    @property
    def has_known_format(self) -> bool:
        if not self.format:
            return True
        if self.type == "binary":
            return self.format in BINARY_FORMATS
        if self.type == "timestamp" and self.format in EPOCHS:
            return True
        is_time = self.type in ("date", "timestamp")
        return is_time and date_pattern(self.format, self.type) is not None

    @property
    def decimal(self) -> tuple[int, int] | None:
        """Precision (1 to 38) and scale (0 to precision), for decimal columns only."""
        return _decimal_digits(self.type)

    @property
    def hive_type(self) -> str:
        """The type as Hive, Spark and the Glue Data Catalog spell it."""
        if self.decimal:
            precision, scale = self.decimal
            return f"decimal({precision},{scale})"
        return str(parse_type(self.type).in_table) if self.shape else self.type

    @property
    def shape(self) -> Shape | None:
        """What a nested column is made of; None for a simple one."""
        # Asked for with each value that is read one by one.
        return shape_of(self.type) if "<" in self.type else None

    @property
    def leaves(self) -> tuple[Column, ...]:
        """The simple columns that the column is made of: itself, or those at its ends."""
        if not (shape := self.shape):
            return (self,)
        return tuple(leaf for part in shape.parts for leaf in part.leaves)

    @property
    def has_known_type(self) -> bool:
        if self.decimal:
            precision, scale = self.decimal
            return 1 <= precision <= MAX_PRECISION and scale <= precision
        return self.type in SIMPLE_TYPES or self.shape is not None


@dataclass(frozen=True)
class Shape:
    """What a nested column is made of.

    kind: struct, array or map. parts: the fields of a struct; the element of an array; key and
    value of a map. Their names are those of the table; a field's source is its name in the files.
    """

    kind: str
    parts: tuple[Column, ...]

    @cached_property
    def fields(self) -> Mapping[str, Column]:
        """The fields of a struct by their names in the files."""
        return {part.in_file: part for part in self.parts}


@lru_cache
def shape_of(text: str) -> Shape | None:
    """What a nested type is made of; None for another type, or where the text is no type."""
    try:
        found = parse_type(text)
    except ColumnTypeError:
        return None
    if not found.is_nested:
        return None
    parts = (
        Column(name.lower(), str(part), "" if name == name.lower() else name)
        for name, part in found.parts
    )
    return Shape(found.kind, tuple(parts))


@dataclass(frozen=True)
class Argument:
    """How a field of the job's specification travels as one of the job's arguments.

    name: without the hyphens; for what people set, also the name of the setting.
    read, write: from text and to text. `read` raises ValueError, or ArgumentError
        where the sentence names the argument itself.
    least, most: the range that the settings allow, which may be narrower than what `read` takes.
    implied: the value that is not written, because a job without the argument does the same.
    only_for: the input format that has this argument; None for all.
    """

    name: str
    read: Callable[[str], Any] = str
    write: Callable[[Any], str] = str
    least: float | None = None
    most: float | None = None
    only_for: Format | None = None
    implied: Any = None

    @property
    def flag(self) -> str:
        return f"--{self.name}"


def _number(
    kind: type[int] | type[float], low: float, high: float, allowed: str
) -> Callable[[str], float]:
    def read(text: str) -> float:
        try:
            value = kind(text)
        except ValueError:
            value = math.nan
        # Not-a-number is in no range.
        if not low <= value <= high or value == math.inf:
            raise ValueError(f"{text!r} is not allowed, give {allowed}")
        return value

    return read


_COUNT = _number(int, 1, math.inf, "a whole number of 1 or more")
_SHARE = _number(float, 0, 1, "a number from 0 to 1")


def _choice(*allowed: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in allowed:
            choices = ", ".join(map(repr, allowed))
            raise ValueError(f"invalid choice: {text!r} (choose from {choices})")
        return text

    return read


def _filled(name: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if not text.strip():
            raise ArgumentError(f"--{name} is empty.")
        return text

    return read


def _filled_uri(text: str) -> str:
    return _filled("curated_uri")(text).rstrip("/")


def _input_format(text: str) -> str:
    if text not in INPUT_FORMATS:
        *others, last = INPUT_FORMATS
        raise ArgumentError(
            f"--input_format is {text!r}; allowed are {', '.join(others)} and {last}."
        )
    return text


def _delimiter(text: str) -> str:
    """One character, as it is or as JSON text, which keeps a tab or a space on its way."""
    if len(text) > 1:
        try:
            text = json.loads(text)
        except ValueError:
            text = ""
    if not isinstance(text, str) or not _DELIMITER.fullmatch(text):
        raise ValueError("give one ASCII character, no letter, digit or quote")
    return text


def _escape(text: str) -> str:
    """No character, or one that is allowed as a delimiter, as it is or as JSON text."""
    return "" if text in ("", '""') else _delimiter(text)


def _null_texts(text: str) -> tuple[str, ...]:
    found = json.loads(text)
    if not isinstance(found, list) or not all(isinstance(item, str) and item for item in found):
        raise ValueError("give a JSON list of texts that are not empty")
    return tuple(found)


def _separator(*allowed: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        return _choice(*allowed)(json.loads(text))

    return read


def _transform(name: str) -> str:
    if name == NO_TRANSFORM:
        return name
    # Looked up, not imported: a transform imports pyspark, and a run may find nothing to do.
    if not name.isidentifier() or importlib.util.find_spec(f"transforms.{name}") is None:
        raise ArgumentError(
            f"--transform is {name!r}, but there is no module glue_jobs/transforms/{name}.py."
        )
    return name


def parse_columns(text: str, argument: str = "--columns") -> tuple[Column, ...]:
    """Columns from their JSON form, e.g. `[{"name": "sku", "type": "string"}]`.

    argument: what the errors call it.

    Raises ArgumentError when the text is no such list, a type or format is unknown, or a name is
    empty, reserved or there twice (Spark does not tell upper from lower case in names).
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
        if folded in RESERVED or (folded == RESCUED and argument == "--columns"):
            raise ArgumentError(f"{argument} has {column.name!r}, a name that the job itself uses.")
        seen.add(folded)
    in_file = [column.in_file for column in columns]
    if twice := next((name for name in in_file if in_file.count(name) > 1), None):
        raise ArgumentError(f"{argument} takes {twice!r} of the files twice.")
    return columns


def _column(item: object, argument: str) -> Column:
    if not isinstance(item, dict) or not {"name", "type"} <= set(item) <= {*_COLUMN_DEFAULTS}:
        raise ArgumentError(
            f"{argument}: {item!r} must be an object with name and type, and may have source, "
            "optional and format."
        )
    name, kind = item["name"], item["type"]
    if not isinstance(name, str) or not name.strip():
        raise ArgumentError(f"{argument}: the name {name!r} must be a text that is not empty.")
    rest = {key: value for key, value in item.items() if key not in ("name", "type")}
    for key, value in rest.items():
        if type(value) is not type(_COLUMN_DEFAULTS[key]):
            raise ArgumentError(f"{argument}: {name!r} has the {key} {value!r}.")
    column = Column(name, kind if isinstance(kind, str) else repr(kind), **rest)
    if not column.has_known_type:
        raise ArgumentError(
            f"{argument}: {name!r} has the type {kind!r}: {_problem(column.type)}; allowed are "
            f"{ALLOWED_TYPES}."
        )
    if not column.has_known_format:
        raise ArgumentError(
            f"{argument}: {name!r} of type {kind} has the format {column.format!r}; allowed are "
            f"{ALLOWED_FORMATS}."
        )
    return column


def _problem(kind: str) -> str:
    try:
        parse_type(kind)
    except ColumnTypeError as error:
        return str(error)
    return "it is not known"


def _curated_columns(text: str) -> tuple[Column, ...]:
    return parse_columns(text, "--curated_columns")


def _columns_json(columns: Sequence[Column]) -> str:
    return json.dumps([column_fields(column) for column in columns], separators=(",", ":"))


def column_fields(column: Column) -> dict[str, Any]:
    """The column as JSON data; what it does not set is left out."""
    return {
        key: getattr(column, key)
        for key, default in _COLUMN_DEFAULTS.items()
        if key in ("name", "type") or getattr(column, key) != default
    }


_COLUMN_DEFAULTS = {"name": "", "type": "", "source": "", "optional": False, "format": ""}


@dataclass(frozen=True)
class FileFormat:
    """How the files of a pipeline are to be read.

    kind: csv (with a header), json (one object per line) or parquet.
    columns: the columns that a file must have (but for those that are optional), in any order.
    unknown: what other columns do. bad_values: what values do that do not fit their columns.
    delimiter, encoding: of csv only.
    escape: of csv only; a quote inside a quoted value that follows this character, another one than
        the delimiter, is part of the value. Empty: such a quote is doubled.
    null_texts: of csv only; texts that mean null, beside the empty one.
    decimal_separator, thousands_separator: of csv only; in numbers. Empty: no thousands are marked.
    """

    kind: Annotated[Format, Argument("input_format", _input_format)]
    columns: Annotated[tuple[Column, ...], Argument("columns", parse_columns, _columns_json)]
    unknown: Annotated[UnknownColumns, Argument("unknown_columns", _choice(*UNKNOWN_COLUMNS))] = (
        "quarantine"
    )
    bad_values: Annotated[
        BadValues, Argument("bad_values", _choice(*BAD_VALUES), implied="quarantine")
    ] = "quarantine"
    delimiter: Annotated[str, Argument("csv_delimiter", _delimiter, json.dumps, only_for="csv")] = (
        ","
    )
    encoding: Annotated[Encoding, Argument("csv_encoding", _choice(*ENCODINGS), only_for="csv")] = (
        "utf-8"
    )
    escape: Annotated[str, Argument("csv_escape", _escape, json.dumps, only_for="csv")] = ""
    null_texts: Annotated[
        tuple[str, ...],
        Argument("csv_null_texts", _null_texts, json.dumps, only_for="csv", implied=()),
    ] = ()
    decimal_separator: Annotated[
        str,
        Argument(
            "csv_decimal_separator",
            _separator(*DECIMAL_SEPARATORS),
            json.dumps,
            only_for="csv",
            implied=".",
        ),
    ] = "."
    thousands_separator: Annotated[
        str,
        Argument(
            "csv_thousands_separator",
            _separator(*THOUSANDS_SEPARATORS),
            json.dumps,
            only_for="csv",
        ),
    ] = ""

    @property
    def rescues(self) -> bool:
        """Whether the rows have the column `_rescued`."""
        return "rescue" in (self.unknown, self.bad_values)


@dataclass(frozen=True)
class Bounds:
    """How much one batch may hold, and when it is too bad to go on.

    max_files: files in one batch, 1 or more.
    max_bytes: bytes in one batch, as stored in S3, 1 or more. A larger file is a batch by itself.
    max_bad_fraction: 0 to 1. The run stops when more than this share of a batch's files is bad ...
    min_bad_files: ... and at least this many are, 1 or more.
    """

    max_files: Annotated[int, Argument("max_files_per_batch", _COUNT, least=1, most=100_000)] = (
        10_000
    )
    max_bytes: Annotated[int, Argument("max_bytes_per_batch", _COUNT, least=MIB, most=1024**4)] = (
        10 * 1024**3
    )
    max_bad_fraction: Annotated[float, Argument("max_bad_fraction", _SHARE, least=0, most=1)] = 0.5
    min_bad_files: Annotated[int, Argument("min_bad_files", _COUNT, least=1, most=100_000)] = 5

    def are_exceeded_by(self, bad: int, files: int) -> bool:
        """Whether this many bad files of a batch's files stop the run.

        The share is compared as it is written: 0.29 * 100 is less than 29 in floating point.
        """
        return bad >= self.min_bad_files and bad > Fraction(str(self.max_bad_fraction)) * files


@dataclass(frozen=True)
class Output:
    """What the rows of curated look like, and how the Parquet files are written.

    file_bytes: about this many bytes of input, as stored, go into one file.
    columns: what the transform must give besides the lineage columns; None to take what it gives.
    row_changes: whether the transform may drop rows, multiply them, or both (any).
    """

    compression: Annotated[Compression, Argument("compression", _choice(*COMPRESSIONS))] = "snappy"
    file_bytes: Annotated[
        int, Argument("target_file_bytes", _COUNT, least=MIB, most=4096 * MIB)
    ] = 128 * MIB
    columns: Annotated[
        tuple[Column, ...] | None, Argument("curated_columns", _curated_columns, _columns_json)
    ] = None
    row_changes: Annotated[RowChanges, Argument("row_changes", _choice(*ROW_CHANGES))] = "none"


@dataclass(frozen=True)
class TimeLimit:
    """How long a run may take batches.

    timeout_minutes: after which Glue stops the run. Glue does not tell the run, so the stack does;
        None for no limit.
    reserve: 0 to 1. With less than this share of the time left no other batch is begun.
    """

    timeout_minutes: Annotated[
        int | None, Argument("timeout_minutes", _COUNT, least=1, most=10_080)
    ] = None
    reserve: Annotated[float, Argument("time_reserve", _SHARE, least=0, most=0.9)] = 0.25


@dataclass(frozen=True)
class JobSpec:
    """What one pipeline's job does: the stack writes it into the job, the script reads it back.

    job_run_id, workflow_run_id: Glue's own, set for each run; None where Glue gives none.
    """

    environment: Annotated[str, Argument("environment", _filled("environment"))]
    pipeline: Annotated[str, Argument("pipeline", _filled("pipeline"))]
    landing_bucket: Annotated[str, Argument("landing_bucket", _filled("landing_bucket"))]
    prefix: Annotated[str, Argument("prefix", _filled("prefix"))]
    lake_bucket: Annotated[str, Argument("lake_bucket", _filled("lake_bucket"))]
    curated_uri: Annotated[str, Argument("curated_uri", _filled_uri)]
    format: FileFormat
    transform: Annotated[str, Argument("transform", _transform)]
    suffix: Annotated[str, Argument("suffix")] = ""
    bounds: Bounds = Bounds()
    output: Output = Output()
    time: TimeLimit = TimeLimit()
    job_run_id: Annotated[str | None, Argument("JOB_RUN_ID")] = None
    workflow_run_id: Annotated[str | None, Argument("WORKFLOW_RUN_ID")] = None

    def to_arguments(self) -> dict[str, str]:
        """The arguments by flag, as they are in the job's `default_arguments`.

        What has no value is left out, and so is what the input format does not have.
        """
        return {
            argument.flag: argument.write(value)
            for argument, value in _values(self)
            if value not in (None, "", argument.implied)
            and argument.only_for in (None, self.format.kind)
        }

    @classmethod
    def from_arguments(cls, argv: Sequence[str]) -> Self:
        """Read the arguments as Glue passes them (`--name value`), whatever else Glue adds.

        Raises ArgumentError when one is missing or its value is not allowed.
        """
        given = _given(cls, argv)
        spec: Self = _build(cls, given)
        if spec.format.escape == spec.format.delimiter:
            raise ArgumentError(
                f"--csv_escape and --csv_delimiter are both {spec.format.escape!r}; they must "
                "differ."
            )
        if spec.format.decimal_separator == spec.format.thousands_separator:
            raise ArgumentError(
                "--csv_decimal_separator and --csv_thousands_separator are both "
                f"{spec.format.decimal_separator!r}; they must differ."
            )
        for argument in arguments_of(FileFormat).values():
            if argument.only_for not in (None, spec.format.kind) and argument.name in given:
                raise ArgumentError(
                    f"{argument.flag} is for {argument.only_for} only, and --input_format is "
                    f"{spec.format.kind!r}."
                )
        return spec


def part_from_arguments(part: type[Part], argv: Sequence[str]) -> Part:
    """One part of the specification alone, such as `FileFormat`: for programs that are no job.

    The other arguments are not looked at, so a transform that is not on this machine does not
    matter. Raises ArgumentError as `JobSpec.from_arguments` does.
    """
    built: Part = _build(part, _given(part, argv))
    return built


@lru_cache
def arguments_of(part: Any) -> Mapping[str, Argument]:
    """The arguments of one of these dataclasses by field, without those of its parts."""
    hints = get_type_hints(part, include_extras=True)
    return {
        field.name: extra
        for field in fields(part)
        for extra in getattr(hints[field.name], "__metadata__", ())
        if isinstance(extra, Argument)
    }


@lru_cache
def _parts_of(spec: Any) -> Mapping[str, type]:
    """The fields of one of these dataclasses that have arguments themselves."""
    hints = get_type_hints(spec)
    return {
        field.name: hints[field.name] for field in fields(spec) if is_dataclass(hints[field.name])
    }


def _values(spec: Any) -> list[tuple[Argument, Any]]:
    kind: Any = type(spec)
    own = [(argument, getattr(spec, name)) for name, argument in arguments_of(kind).items()]
    parts = [getattr(spec, name) for name in _parts_of(kind)]
    return [*own, *(item for part in parts for item in _values(part))]


def _given(spec: type, argv: Sequence[str]) -> dict[str, Any]:
    """The values that were given, by the name of the argument.

    argparse would take a value that begins with a hyphen, as a prefix may, for another argument.
    """
    kinds = (spec, *_parts_of(spec).values())
    arguments = {item.flag: item for kind in kinds for item in arguments_of(kind).values()}
    given: dict[str, Any] = {}
    items = iter(argv)
    for flag in items:
        if flag not in arguments:
            continue
        argument, text = arguments[flag], next(items, None)
        try:
            if text is None:
                raise ValueError("expected one argument")
            given[argument.name] = argument.read(text)
        except ValueError as error:
            raise ArgumentError(f"Argument {flag}: {error}.") from None
    required = [flag for kind in kinds for flag in _required(kind)]
    if missing := [flag for flag in required if flag.removeprefix("--") not in given]:
        raise ArgumentError(f"The following arguments are required: {', '.join(missing)}.")
    return given


def _required(part: Any) -> list[str]:
    own = arguments_of(part)
    return [own[f.name].flag for f in fields(part) if f.name in own and f.default is MISSING]


def _build(part: type, given: Mapping[str, Any]) -> Any:
    """The dataclass with the values that were given, and its defaults for the others."""
    own = {
        name: given[argument.name]
        for name, argument in arguments_of(part).items()
        if argument.name in given
    }
    return part(**own, **{name: _build(kind, given) for name, kind in _parts_of(part).items()})
