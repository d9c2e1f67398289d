"""What Glue passes to the script, as one validated value."""

from __future__ import annotations

import argparse
import importlib.util
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, NoReturn

from burst.columns import Column, parse_columns
from burst.errors import ArgumentError

Format = Literal["csv", "json", "parquet"]
FORMATS: dict[str, Format] = {"csv": "csv", "json": "json", "parquet": "parquet"}


@dataclass(frozen=True)
class FileFormat:
    """How the files of a pipeline are to be read.

    kind: csv (with header), json (one object a line) or parquet.
    columns: exactly the columns that a file must have, in any order.
    """

    kind: Format
    columns: tuple[Column, ...]


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
        format=FileFormat(FORMATS[given.input_format], parse_columns(given.columns)),
        transform=_transform(given.transform),
        bounds=Bounds(
            max_files=given.max_files_per_batch,
            max_bytes=given.max_bytes_per_batch,
            max_bad_fraction=given.max_bad_fraction,
            min_bad_files=given.min_bad_files,
        ),
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
