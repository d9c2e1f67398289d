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
from functools import lru_cache
from typing import Annotated, Any, Literal, Self, TypeVar, get_args, get_type_hints

from burst.errors import ArgumentError

Part = TypeVar("Part")

# The lake bucket's folders. All but the code's have a folder per pipeline.
CURATED, ARCHIVE, QUARANTINE, LEDGER = "curated", "archive", "quarantine", "ledger"
ARTIFACTS = "artifacts"
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

METRICS_NAMESPACE = "Burst"
# The events in the log with which a run ends well: landing is empty, or the time is up.
DRAINED, OUT_OF_TIME = "drained", "out_of_time"

Format = Literal["csv", "json", "parquet"]
Compression = Literal["snappy", "zstd"]
Encoding = Literal["utf-8", "utf-16", "iso-8859-1", "iso-8859-15", "cp1252"]
# What a column that is not declared does: it makes the file a bad one, or it is left out.
UnknownColumns = Literal["quarantine", "drop"]
# What a transform may do with the number of rows.
RowChanges = Literal["none", "drop", "multiply", "any"]
INPUT_FORMATS: tuple[Format, ...] = get_args(Format)
ENCODINGS: tuple[Encoding, ...] = get_args(Encoding)
COMPRESSIONS: tuple[Compression, ...] = get_args(Compression)
UNKNOWN_COLUMNS: tuple[UnknownColumns, ...] = get_args(UnknownColumns)
ROW_CHANGES: tuple[RowChanges, ...] = get_args(RowChanges)

SIMPLE_TYPES = ("string", "boolean", "int", "bigint", "double", "date", "timestamp")
# Hive's and Spark's limit.
MAX_PRECISION = 38
ALLOWED_TYPES = (
    f"{', '.join(SIMPLE_TYPES)} or decimal(precision,scale) with precision 1 to {MAX_PRECISION}"
)
_DECIMAL = re.compile(r"decimal\((\d{1,2}),\s*(\d{1,2})\)", re.ASCII)

# Any ASCII character but letters, digits, the double quote, line ends and NUL.
DELIMITER_PATTERN = r'[^A-Za-z0-9"\r\n\x00\x80-\U0010ffff]'
_DELIMITER = re.compile(DELIMITER_PATTERN)

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


# The phases of a batch, in their order.
PHASES = ("read", "write", "settle")


def phase_metric(phase: str) -> str:
    """The name of the metric that says how many seconds a phase of a batch took."""
    return f"{phase.title()}Seconds"


def metric_dimensions(environment: str, pipeline: str) -> dict[str, str]:
    """The dimensions of every metric that the job publishes."""
    return {"Environment": environment, "Pipeline": pipeline}


@dataclass(frozen=True)
class Column:
    """One column of the files that arrive.

    name: as in the file (CSV header, JSON field, Parquet column), case-sensitive.
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

    @property
    def hive_type(self) -> str:
        """The type as Hive, Spark and the Glue Data Catalog spell it."""
        if self.decimal:
            precision, scale = self.decimal
            return f"decimal({precision},{scale})"
        return self.type

    @property
    def has_known_type(self) -> bool:
        if self.decimal:
            precision, scale = self.decimal
            return 1 <= precision <= MAX_PRECISION and scale <= precision
        return self.type in SIMPLE_TYPES


@dataclass(frozen=True)
class Argument:
    """How a field of the job's specification travels as one of the job's arguments.

    name: without the hyphens; for what people set, also the name of the setting.
    read, write: from text and to text. `read` raises ValueError, or ArgumentError
        where the sentence names the argument itself.
    least, most: the range that the settings allow, which may be narrower than what `read` takes.
    only_for: the input format that has this argument; None for all.
    """

    name: str
    read: Callable[[str], Any] = str
    write: Callable[[Any], str] = str
    least: float | None = None
    most: float | None = None
    only_for: Format | None = None

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


def _drops_unknown(text: str) -> bool:
    return _choice(*UNKNOWN_COLUMNS)(text) == "drop"


def _unknown_columns(drops: bool) -> UnknownColumns:
    return "drop" if drops else "quarantine"


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


def _transform(name: str) -> str:
    # Looked up, not imported: a transform imports pyspark, and a run may find nothing to do.
    if not name.isidentifier() or importlib.util.find_spec(f"transforms.{name}") is None:
        raise ArgumentError(
            f"--transform is {name!r}, but there is no module glue_jobs/transforms/{name}.py."
        )
    return name


def parse_columns(text: str, argument: str = "--columns") -> tuple[Column, ...]:
    """Columns from their JSON form, e.g. `[{"name": "sku", "type": "string"}]`.

    argument: what the errors call it.

    Raises ArgumentError when the text is no such list, a type is unknown, or a name is empty,
    reserved or there twice (Spark does not tell upper from lower case in names).
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
    if not column.has_known_type:
        raise ArgumentError(
            f"{argument}: {name!r} has the type {kind!r}; allowed are {ALLOWED_TYPES}."
        )
    return column


def _curated_columns(text: str) -> tuple[Column, ...]:
    return parse_columns(text, "--curated_columns")


def _columns_json(columns: Sequence[Column]) -> str:
    return json.dumps(
        [{"name": column.name, "type": column.type} for column in columns], separators=(",", ":")
    )


@dataclass(frozen=True)
class FileFormat:
    """How the files of a pipeline are to be read.

    kind: csv (with a header), json (one object per line) or parquet.
    columns: exactly the columns that a file must have, in any order.
    drop_unknown: whether other columns are left out; otherwise they make the file a bad one.
    delimiter, encoding: of csv only.
    escape: of csv only; a quote inside a quoted value that follows this character, another one than
        the delimiter, is part of the value. Empty: such a quote is doubled.
    """

    kind: Annotated[Format, Argument("input_format", _input_format)]
    columns: Annotated[tuple[Column, ...], Argument("columns", parse_columns, _columns_json)]
    drop_unknown: Annotated[bool, Argument("unknown_columns", _drops_unknown, _unknown_columns)] = (
        False
    )
    delimiter: Annotated[str, Argument("csv_delimiter", _delimiter, json.dumps, only_for="csv")] = (
        ","
    )
    encoding: Annotated[Encoding, Argument("csv_encoding", _choice(*ENCODINGS), only_for="csv")] = (
        "utf-8"
    )
    escape: Annotated[str, Argument("csv_escape", _escape, json.dumps, only_for="csv")] = ""


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
            if value not in (None, "") and argument.only_for in (None, self.format.kind)
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
