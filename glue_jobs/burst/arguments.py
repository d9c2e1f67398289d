"""What Glue passes to the script, as one validated value."""

from __future__ import annotations

import argparse
import importlib.util
import json
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, NoReturn

from burst.columns import Column, parse_columns
from burst.errors import ArgumentError

Format = Literal["csv", "json", "parquet"]
Compression = Literal["snappy", "zstd"]
FORMATS: dict[str, Format] = {"csv": "csv", "json": "json", "parquet": "parquet"}
ENCODINGS = ("utf-8", "utf-16", "iso-8859-1", "iso-8859-15", "cp1252")

# Any character of ASCII but letters, digits, the quote, the ends of a line and NUL.
_DELIMITER = re.compile(r'[^A-Za-z0-9"\r\n\x00\x80-\U0010ffff]')


@dataclass(frozen=True)
class FileFormat:
    """How the files of a pipeline are to be read.

    kind: csv (with header), json (one object a line) or parquet.
    columns: exactly the columns that a file must have, in any order.
    drop_unknown: whether other columns are left out; without it they make the file a bad one.
    delimiter, encoding: of csv; a name in ENCODINGS.
    """

    kind: Format
    columns: tuple[Column, ...]
    drop_unknown: bool = False
    delimiter: str = ","
    encoding: str = "utf-8"


@dataclass(frozen=True)
class Bounds:
    """How much one batch may hold, and when it is too bad to go on.

    max_files: files in one batch, 1 or more.
    max_bytes: bytes in one batch as they lie in S3, 1 or more. A larger file is a batch of its own.
    max_bad_fraction: 0 to 1. The run stops when more than this share of a batch's files is bad ...
    min_bad_files: ... and at least so many are, 1 or more.
    """

    max_files: int = 10_000
    max_bytes: int = 10 * 1024**3
    max_bad_fraction: float = 0.5
    min_bad_files: int = 5


@dataclass(frozen=True)
class Output:
    """What the rows of curated look like, and how the Parquet files are written.

    file_bytes: about so many bytes of input, as stored, go into one file.
    columns: what the transform must give beside the lineage columns; None to take what it gives.
    """

    compression: Compression = "snappy"
    file_bytes: int = 128 * 1024**2
    columns: tuple[Column, ...] | None = None


@dataclass(frozen=True)
class TimeLimit:
    """How long a run may take batches.

    timeout_minutes: after which Glue stops the run, which does not tell it; None for no limit.
    reserve: 0 to 1. With less than this share of the time left no other batch is begun.
    """

    timeout_minutes: int | None = None
    reserve: float = 0.25


@dataclass(frozen=True)
class JobArguments:
    """One run's arguments. The last four are Glue's own and absent where Glue gives none."""

    environment: str
    pipeline: str
    landing_bucket: str
    prefix: str
    suffix: str
    lake_bucket: str
    curated_uri: str
    format: FileFormat
    transform: str
    bounds: Bounds = Bounds()
    output: Output = Output()
    time: TimeLimit = TimeLimit()
    job_name: str | None = None
    job_run_id: str | None = None
    workflow_name: str | None = None
    workflow_run_id: str | None = None


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ArgumentError(f"{message[:1].upper()}{message[1:]}.")


def parse_arguments(argv: Sequence[str]) -> JobArguments:
    """Read the arguments as Glue passes them (`--name value`), whatever else Glue adds.

    Raises ArgumentError when one is missing or its value is not allowed. Abbreviations are not
    taken: Glue's own `--job-bookmark-option` must never become one of ours.
    """
    given, _ = _parser().parse_known_args(list(argv))
    if given.input_format not in FORMATS:
        raise ArgumentError(
            f"--input_format is {given.input_format!r}; allowed are csv, json and parquet."
        )
    return JobArguments(
        environment=_filled("environment", given.environment),
        pipeline=_filled("pipeline", given.pipeline),
        landing_bucket=_filled("landing_bucket", given.landing_bucket),
        prefix=given.prefix,
        suffix=given.suffix,
        lake_bucket=_filled("lake_bucket", given.lake_bucket),
        curated_uri=_filled("curated_uri", given.curated_uri).rstrip("/"),
        format=_file_format(given),
        transform=_transform(given.transform),
        bounds=Bounds(
            max_files=given.max_files_per_batch,
            max_bytes=given.max_bytes_per_batch,
            max_bad_fraction=given.max_bad_fraction,
            min_bad_files=given.min_bad_files,
        ),
        output=Output(given.compression, given.target_file_bytes, _curated_columns(given)),
        time=TimeLimit(given.timeout_minutes, given.time_reserve),
        job_name=given.JOB_NAME,
        job_run_id=given.JOB_RUN_ID,
        workflow_name=given.WORKFLOW_NAME,
        workflow_run_id=given.WORKFLOW_RUN_ID,
    )


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="burst_job.py", allow_abbrev=False, add_help=False)
    for name in ("environment", "pipeline", "landing_bucket", "prefix", "lake_bucket"):
        parser.add_argument(f"--{name}", required=True)
    for name in ("curated_uri", "input_format", "columns", "transform"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--suffix", default="")
    bounds = Bounds()
    count = _number(int, 1, math.inf, "a whole number of 1 or more")
    fraction = _number(float, 0, 1, "a number from 0 to 1")
    parser.add_argument("--max_files_per_batch", type=count, default=bounds.max_files)
    parser.add_argument("--max_bytes_per_batch", type=count, default=bounds.max_bytes)
    parser.add_argument("--max_bad_fraction", type=fraction, default=bounds.max_bad_fraction)
    parser.add_argument("--min_bad_files", type=count, default=bounds.min_bad_files)
    parser.add_argument("--unknown_columns", choices=("quarantine", "drop"), default="quarantine")
    parser.add_argument("--csv_delimiter", type=_delimiter)
    parser.add_argument("--csv_encoding", choices=ENCODINGS)
    output, time = Output(), TimeLimit()
    parser.add_argument("--compression", choices=("snappy", "zstd"), default=output.compression)
    parser.add_argument("--target_file_bytes", type=count, default=output.file_bytes)
    parser.add_argument("--curated_columns")
    parser.add_argument("--timeout_minutes", type=count, default=time.timeout_minutes)
    parser.add_argument("--time_reserve", type=fraction, default=time.reserve)
    for name in ("JOB_NAME", "JOB_RUN_ID", "WORKFLOW_NAME", "WORKFLOW_RUN_ID"):
        parser.add_argument(f"--{name}")
    return parser


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
            raise argparse.ArgumentTypeError(f"{text!r} is not allowed, give {allowed}")
        return value

    return read


def _delimiter(text: str) -> str:
    """One character, as it is or as JSON text, which keeps a tab or a space on its way."""
    if len(text) > 1:
        try:
            text = json.loads(text)
        except ValueError:
            text = ""
    if not isinstance(text, str) or not _DELIMITER.fullmatch(text):
        raise argparse.ArgumentTypeError("give one ASCII character, no letter, digit or quote")
    return text


def _file_format(given: argparse.Namespace) -> FileFormat:
    kind = FORMATS[given.input_format]
    for name in ("csv_delimiter", "csv_encoding"):
        if kind != "csv" and getattr(given, name) is not None:
            raise ArgumentError(f"--{name} is for csv only, and --input_format is {kind!r}.")
    return FileFormat(
        kind,
        parse_columns(given.columns),
        drop_unknown=given.unknown_columns == "drop",
        delimiter=given.csv_delimiter or ",",
        encoding=given.csv_encoding or "utf-8",
    )


def _curated_columns(given: argparse.Namespace) -> tuple[Column, ...] | None:
    if given.curated_columns is None:
        return None
    return parse_columns(given.curated_columns, "--curated_columns")


def _filled(name: str, value: str) -> str:
    if not value.strip():
        raise ArgumentError(f"--{name} is empty.")
    return value


def _transform(name: str) -> str:
    # Looked up, not imported: a transform imports pyspark, and a run may find nothing to do.
    if not name.isidentifier() or importlib.util.find_spec(f"transforms.{name}") is None:
        raise ArgumentError(
            f"--transform is {name!r}, but there is no module glue_jobs/transforms/{name}.py."
        )
    return name
