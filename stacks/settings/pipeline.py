"""What one pipeline may be set to: its files, its batches, its job."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from burst.contract import (
    ALLOWED_FORMATS,
    ALLOWED_TYPES,
    BAD_VALUES,
    BINARY_FORMATS,
    DELIMITER_PATTERN,
    ENCODINGS,
    INPUT_FORMATS,
    MAP,
    MAX_NULL_TEXTS,
    MIB,
    NO_TRANSFORM,
    PARTITIONS,
    ROW_CHANGES,
    THOUSANDS_SEPARATORS,
    UNKNOWN_COLUMNS,
    BadValues,
    Bounds,
    ColumnTypeError,
    Compression,
    Encoding,
    FileFormat,
    Format,
    Output,
    RowChanges,
    TimeLimit,
    UnknownColumns,
    arguments_of,
    parse_type,
)
from burst.contract import Column as JobColumn
from pydantic import ValidationInfo, field_validator

from stacks.settings.producers import Producers
from stacks.settings.schedule import Schedule
from stacks.settings.setting import Settings, job_setting, one_of, setting

_FILE_BYTES = arguments_of(Output)["file_bytes"]
LEAST_FILE_MEGABYTES = int(_FILE_BYTES.least or MIB) // MIB
MOST_FILE_MEGABYTES = int(_FILE_BYTES.most or MIB) // MIB

# DPUs that a worker counts for (AWS Glue API reference, CreateJob, WorkerType).
DPUS: Mapping[str, int] = {"G.1X": 1, "G.2X": 2, "G.4X": 4, "G.8X": 8}
# AWS Glue API reference, NumberOfWorkers: "299 for G.1X, and 149 for G.2X", which is the same
# number of DPUs; it says nothing of the larger ones, so they get as many DPUs.
MOST_DPUS_PER_JOB = 299


class Column(Settings):
    """One column of a pipeline's files, in the order of the output."""

    name: str = setting(
        allowed="1 to 255 lower-case letters, digits and _, beginning with a letter",
        description="Name in the curated table, and in the file unless there is a `source`.",
        pattern=r"^[a-z][a-z0-9_]{0,254}$",
    )
    type: str = setting(
        allowed=ALLOWED_TYPES,
        description="Type in Hive's spelling, as in the Glue Data Catalog. The fields of a struct "
        "are named as in the files; the table has their names in lower case.",
    )

    @field_validator("name")
    @classmethod
    def _not_reserved(cls, name: str) -> str:
        if name in PARTITIONS:
            raise ValueError("the name is taken by a partition of the curated table")
        return name

    @field_validator("type")
    @classmethod
    def _known_type(cls, text: str) -> str:
        # The catalog takes Hive's spelling only, which has no space.
        try:
            parse_type(text)
        except ColumnTypeError as error:
            raise ValueError(str(error)) from None
        return text

    @property
    def hive_type(self) -> str:
        """The type as the catalog has it."""
        return _as_job_column(self).hive_type


class InputColumn(Column):
    """One column of a pipeline's files, as they write it."""

    source: str | None = setting(
        None,
        allowed="1 to 255 characters, or left out where it is the same",
        description="Name in the file, letter by letter: header, field or Parquet column.",
        min_length=1,
        max_length=255,
    )
    optional: bool = setting(
        False,
        allowed="true or false",
        description="Whether a file may lack the column; its rows then have null. JSON producers "
        "often leave out what is null.",
    )
    format: str | None = setting(
        None,
        allowed=ALLOWED_FORMATS,
        description="How the files write the values, where [values](values.md) does not say so: "
        "then this is the only way that is accepted.",
    )

    @field_validator("format")
    @classmethod
    def _known_format(cls, text: str | None, info: ValidationInfo) -> str | None:
        kind = info.data.get("type")
        if text and kind and not JobColumn("", kind, format=text).has_known_format:
            raise ValueError(f"a {kind} has no such format")
        return text

    @property
    def in_file(self) -> str:
        """The column's name in the files."""
        return self.source or self.name


# Settings of the input that mean something for csv only, by their names in `FileFormat`.
CSV_ONLY = (
    "delimiter",
    "encoding",
    "escape",
    "null_texts",
    "decimal_separator",
    "thousands_separator",
)


class InputSettings(Settings):
    """What the producer's files look like."""

    format: Format = setting(
        allowed=one_of(INPUT_FORMATS),
        description="Format of the files: csv has a header line, json one object per line. A key "
        "that ends in `.gz` is decompressed (csv, json).",
    )
    columns: tuple[InputColumn, ...] = setting(
        allowed="a list of one or more columns with different names",
        description="Columns that every file must have: `name` and `type` each, and where needed "
        "`source`, `optional` and `format`.",
    )
    unknown_columns: UnknownColumns = setting(
        UNKNOWN_COLUMNS[0],
        allowed=one_of(UNKNOWN_COLUMNS),
        description="What other columns do: they make the file a bad one, they are left out, or "
        "their values are kept in the column `_rescued`, per row as JSON. A missing column makes "
        "the file a bad one unless it is `optional`.",
    )
    bad_values: BadValues = setting(
        BAD_VALUES[0],
        allowed=one_of(BAD_VALUES),
        description="What a value does that its column does not take: it makes the file a bad one, "
        "or the column is null and the value is kept in `_rescued`.",
    )
    delimiter: str = setting(
        FileFormat.delimiter,
        allowed="one ASCII character that is no letter, digit, double quote or line end; csv only",
        description="What stands between the values of a line (csv).",
        pattern=f"^{DELIMITER_PATTERN}$",
    )
    encoding: Encoding = setting(
        FileFormat.encoding,
        allowed=f"{one_of(ENCODINGS)}; csv only",
        description="Encoding of the text (csv); utf-16 begins with a byte order mark.",
    )

    escape: str = setting(
        FileFormat.escape,
        allowed='an empty text or one ASCII character as for the delimiter, such as "\\", but not '
        "the same one; csv only",
        description="What comes before a double quote that is part of a quoted value (csv). Empty: "
        "such a quote is doubled. Spark and Hadoop write a backslash.",
        pattern=f"^({DELIMITER_PATTERN})?$",
    )
    null_texts: tuple[str, ...] = setting(
        FileFormat.null_texts,
        allowed=f"a list of up to {MAX_NULL_TEXTS} different texts of 1 to 64 characters; csv only",
        description='Texts that mean null in any column, such as "NA" (csv), letter by letter, '
        "quoted or not. An empty value always does.",
    )
    decimal_separator: Literal[".", ","] = setting(
        ".",
        allowed="a point or a comma; csv only",
        description="What stands before the decimals of a number (csv).",
    )
    thousands_separator: str = setting(
        FileFormat.thousands_separator,
        allowed="an empty text, or one of , . ' _, a space, a no-break space (U+00A0, U+202F) or "
        "U+2019, but not the decimal separator; csv only",
        description="What may stand between each three digits before the decimals (csv).",
    )

    @property
    def rescues(self) -> bool:
        """Whether the rows have the column `_rescued`."""
        return "rescue" in (self.unknown_columns, self.bad_values)

    @field_validator("escape")
    @classmethod
    def _not_the_delimiter(cls, escape: str, info: ValidationInfo) -> str:
        if escape and escape == info.data.get("delimiter"):
            raise ValueError("it is the delimiter, too")
        return escape

    @field_validator("null_texts")
    @classmethod
    def _short_and_different(cls, texts: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(texts)) < len(texts):
            raise ValueError("a text is there more than once")
        if len(texts) > MAX_NULL_TEXTS or not all(1 <= len(text) <= 64 for text in texts):
            raise ValueError("it is too long, or a text is empty or too long")
        return texts

    @field_validator("thousands_separator")
    @classmethod
    def _known_and_another(cls, separator: str, info: ValidationInfo) -> str:
        if separator not in THOUSANDS_SEPARATORS:
            raise ValueError("it is no separator of thousands")
        if separator == info.data.get("decimal_separator"):
            raise ValueError("it is the decimal separator, too")
        return separator

    @field_validator(*CSV_ONLY)
    @classmethod
    def _only_for_csv(cls, value: Any, info: ValidationInfo) -> Any:
        kind = info.data.get("format", "csv")
        if kind != "csv":
            raise ValueError(f"the format is {kind}, which has none to choose; leave it out")
        return value

    @field_validator("columns")
    @classmethod
    def _different_names(
        cls, columns: tuple[InputColumn, ...], info: ValidationInfo
    ) -> tuple[InputColumn, ...]:
        if not columns:
            raise ValueError("there is no column")
        _must_differ([column.name for column in columns])
        _must_differ([column.in_file for column in columns])
        kind = info.data.get("format")
        nested = [one.name for one in columns if _as_job_column(one).shape]
        if kind == "csv" and nested:
            raise ValueError(
                f"{', '.join(nested)} is nested, which csv cannot hold; give it the type string"
            )
        bare = [one.name for one in columns if one.type == "binary" and not one.format]
        if kind in ("csv", "json") and bare:
            raise ValueError(
                f"{', '.join(bare)} of type binary needs a format, "
                f"{one_of(BINARY_FORMATS)}: these files are text"
            )
        if kind == "json":
            _must_be_texts_in_json(columns)
        return columns


def _as_job_column(column: Column) -> JobColumn:
    return JobColumn(column.name, column.type)


def _must_be_texts_in_json(columns: Sequence[Column]) -> None:
    """Raises ValueError for nested types that no JSON text can say."""
    for column in columns:
        for inner in _parts(_as_job_column(column)):
            if inner.type == "binary":
                raise ValueError(
                    f"{column.name} has binary inside, for which json has no form; give it the "
                    "type string"
                )
            if inner.shape and inner.shape.kind == MAP and inner.shape.parts[0].type != "string":
                raise ValueError(
                    f"{column.name} has a map with keys of type {inner.shape.parts[0].type}; in "
                    "json they are string"
                )


def _parts(column: JobColumn) -> Iterator[JobColumn]:
    """A nested column and its parts at any depth; nothing of a simple one."""
    for part in column.shape.parts if column.shape else ():
        yield part
        yield from _parts(part)
    if column.shape:
        yield column


def _once_each(columns: tuple[Column, ...]) -> tuple[Column, ...]:
    _must_differ([column.name for column in columns])
    return columns


def _must_differ(names: Sequence[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"these names are there more than once: {', '.join(twice)}")


class OutputSettings(Settings):
    """What the rows in curated look like, and how the Parquet files are written."""

    added_columns: tuple[Column, ...] = setting(
        (),
        allowed="a list of columns that the files do not have, with different names",
        description="Columns that the transform adds: `name` and `type` each. To change the type "
        "of a column, drop it and add it.",
    )
    dropped_columns: tuple[str, ...] = setting(
        (),
        allowed="a list of names of columns that the files have, each once",
        description="Columns of the files that the transform leaves out.",
    )

    compression: Compression = setting(
        Output.compression,
        allowed="snappy (quick) or zstd (smaller)",
        description="Compression of the Parquet files.",
    )
    row_changes: RowChanges = setting(
        Output.row_changes,
        allowed=one_of(ROW_CHANGES),
        description="Whether the transform may drop rows, multiply them, or both (any). A "
        "transform that does what it may not stops the run; nothing of the batch is loaded.",
    )
    target_file_megabytes: int = setting(
        Output.file_bytes // MIB,
        allowed=f"a whole number from {LEAST_FILE_MEGABYTES} to {MOST_FILE_MEGABYTES}",
        description="Megabytes (of 1,024 KiB) of input, as stored, that go into one Parquet file. "
        "A smaller batch gives one file.",
        ge=LEAST_FILE_MEGABYTES,
        le=MOST_FILE_MEGABYTES,
    )

    @field_validator("added_columns")
    @classmethod
    def _different_names(cls, columns: tuple[Column, ...]) -> tuple[Column, ...]:
        return _once_each(columns)

    @field_validator("dropped_columns")
    @classmethod
    def _each_once(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        _must_differ(names)
        return names


class JobSettings(Settings):
    """Size and version of the Glue job."""

    worker_type: Literal["G.1X", "G.2X", "G.4X", "G.8X"] = setting(
        "G.1X",
        allowed="G.1X, G.2X, G.4X or G.8X",
        description="Size of a worker (Glue API `Job.WorkerType`).",
    )
    number_of_workers: int = setting(
        2,
        allowed="a whole number, 2 or more (one worker drives, the others read and write), up to "
        + ", ".join(f"{MOST_DPUS_PER_JOB // dpus} of {name}" for name, dpus in DPUS.items()),
        description="Most workers that auto scaling may use (Glue API `Job.NumberOfWorkers`).",
        ge=2,
    )
    timeout_minutes: int = job_setting(
        TimeLimit,
        "timeout_minutes",
        default=60,
        most_is=" (seven days)",
        description="Minutes after which Glue stops a run (Glue API `Job.Timeout`).",
    )
    time_reserve: float = job_setting(
        TimeLimit,
        "reserve",
        description="Share of the timeout that must be left for a run to begin another batch. "
        "It must be more than one batch takes; files that wait are for the next run.",
    )
    glue_version: Literal["5.1", "6.0"] = setting(
        "5.1",
        allowed="5.1 or 6.0 (before 5.1, boto3 has no conditional writes, which the job needs)",
        description="Glue version; 5.1 runs Spark 3.5.6 and Python 3.11, 6.0 runs Spark 4.1.1 and "
        "Python 3.13, where a cast or a sum of a transform that goes wrong is an error and not "
        "null.",
    )

    @field_validator("number_of_workers")
    @classmethod
    def _no_more_than_glue_gives(cls, number: int, info: ValidationInfo) -> int:
        worker_type = info.data.get("worker_type")
        if worker_type and number * DPUS[worker_type] > MOST_DPUS_PER_JOB:
            raise ValueError(f"a job has {MOST_DPUS_PER_JOB // DPUS[worker_type]} at most")
        return number


class PipelineSettings(Settings):
    """One kind of file: where it lands, when its job starts, how it is read."""

    prefix: str = setting(
        allowed="1 to 256 letters, digits and !-_.'() in folders, ending in / and not "
        "beginning with it",
        description="Keys of the landing bucket that belong to this pipeline.",
        pattern=r"^([A-Za-z0-9!_.'()-]+/)+$",
        max_length=256,
    )
    suffix: str | None = setting(
        None,
        allowed="1 to 64 letters, digits and !-_.'(), or left out",
        description="End of the keys that belong to this pipeline; others are left alone.",
        pattern=r"^[A-Za-z0-9!_.'()-]{1,64}$",
    )
    producers: Producers = setting(
        (),
        allowed="a list of ARNs of roles, users or accounts, each once, such as "
        "arn:aws:iam::111122223333:role/shop or arn:aws:iam::111122223333:root; no wildcards, no "
        "services",
        description="Who may put objects under the prefix, beside whom the account's own policies "
        "allow it: `s3:PutObject` in the policy of the landing bucket, over TLS only.",
    )
    paused: bool = setting(
        False,
        allowed="true or false",
        description="Whether new files start no run: the rule is disabled, files wait in landing. "
        "`burst pause` and `burst resume` change it; after resuming, start one run.",
    )
    batch_size: int = setting(
        allowed="a whole number from 1 to 100",
        description="Events after which the job starts at once (`EventBatchingCondition`).",
        ge=1,
        le=100,
    )
    batch_window_seconds: int = setting(
        900,
        allowed="a whole number from 1 to 900",
        description="Seconds after a batch's first event at which the job starts anyway.",
        ge=1,
        le=900,
    )
    sweep: Schedule = setting(
        "rate(1 day)",
        allowed="off, rate(N unit) with minute, hour or day (minutes, hours or days where N is "
        "more than 1), or cron(minutes hours day-of-month month day-of-week year), in UTC",
        description="When the pipeline looks into landing without an event, for files whose event "
        "was lost. Each time is one short run.",
    )
    input: InputSettings = setting(
        allowed="an object with `format` and `columns`",
        description="What the files look like.",
    )
    transform: str | None = setting(
        None,
        allowed="the name of a module in glue_jobs/transforms, without .py, or none",
        description="Module that transforms the rows; the pipeline's name where left out. With "
        "none the rows are loaded as they come, and there is no module.",
        pattern=r"^[a-z][a-z0-9_]*$",
    )
    workflow_max_concurrent_runs: int = setting(
        3,
        allowed="a whole number from 3 to 1000",
        description="Most runs of the workflow at once (Glue API `Workflow.MaxConcurrentRuns`): "
        "one runs, one waits, and one has ended its job but not yet its workflow run. Glue refuses "
        "further firings of a burst, which cost nothing; the waiting run takes their files.",
        le=1000,
    )
    max_files_per_batch: int = job_setting(
        Bounds,
        "max_files",
        description="Most files in one batch; a run takes as many batches as there are.",
    )
    max_bytes_per_batch: int = job_setting(
        Bounds,
        "max_bytes",
        least_is=" (1 MiB)",
        most_is=" (1 TiB)",
        description="Most bytes in one batch, as stored. A larger file is a batch by itself.",
    )
    max_bad_fraction: float = job_setting(
        Bounds,
        "max_bad_fraction",
        most_is=" (never stop)",
        description="The run stops when more than this share of a batch's files is bad ...",
    )
    min_bad_files: int = job_setting(
        Bounds,
        "min_bad_files",
        description="... and at least this many files of the batch are: in a small batch a few bad "
        "files are just bad files.",
    )
    output: OutputSettings = setting(
        OutputSettings(),
        allowed="an object with settings of the output; its columns must fit those of the input",
        description="What the rows in curated look like, and how the Parquet files are written.",
    )
    job: JobSettings = setting(
        JobSettings(),
        allowed="an object with settings of the job",
        description="Size and version of the Glue job.",
    )

    @field_validator("output")
    @classmethod
    def _columns_fit_the_input(cls, output: OutputSettings, info: ValidationInfo) -> OutputSettings:
        if "input" not in info.data:
            return output  # It is wrong itself, and named.
        changed = bool(output.added_columns or output.dropped_columns)
        if changed and info.data.get("transform") == NO_TRANSFORM:
            raise ValueError(
                "the transform is none, so the rows stay as they come and no column is added or "
                "dropped; name a module as transform"
            )
        names = [column.name for column in info.data["input"].columns]
        added = [column.name for column in output.added_columns]
        unknown = [name for name in output.dropped_columns if name not in names]
        if unknown:
            raise ValueError(f"the files have no column {', '.join(unknown)} that could be dropped")
        kept = [name for name in names if name not in output.dropped_columns]
        there = [name for name in added if name in kept]
        if there:
            raise ValueError(
                f"the files have {', '.join(there)} already; drop it as well if the transform "
                f"changes its type"
            )
        if not kept and not added:
            raise ValueError("every column is dropped and none is added")
        return output

    @property
    def curated_columns(self) -> tuple[Column, ...]:
        """What the transform must give beside the lineage columns, in the order of the table."""
        kept = (c for c in self.input.columns if c.name not in self.output.dropped_columns)
        return (*kept, *self.output.added_columns)

    @field_validator("workflow_max_concurrent_runs")
    @classmethod
    def _one_runs_one_waits_and_one_ends(cls, number: int) -> int:
        if number < 3:
            raise ValueError(
                "Glue refuses a firing beyond the limit, so a run must be able to wait while one "
                "runs and another one ends; otherwise files could wait for the next event or the "
                "sweep"
            )
        return number
