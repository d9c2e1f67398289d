"""The settings of a pipeline in cdktf.json as a candidate, and a candidate as settings."""

from __future__ import annotations

import re
from pathlib import Path

from stacks.settings import OFF, EnvironmentSettings, PipelineSettings, read_environments
from tools.forecast.errors import ForecastError
from tools.forecast.model import Candidate
from tools.operate.deployment import PROJECT_FOLDER
from tools.operate.words import there_is_no

# The project's, as for every other command, whatever folder it is called in.
SETTINGS_FILE = PROJECT_FOLDER / "cdktf.json"
# What is assumed where nobody names a pipeline: Glue's own longest window.
DEFAULT = Candidate(batch_size=100, batch_window_seconds=900)
DEFAULT_REGION = "eu-central-1"

_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
_UNIT_SECONDS = {"minute": 60, "hour": 3_600, "day": 86_400}


def read_pipeline(
    environment: str, pipeline: str, file: Path | None = None
) -> tuple[EnvironmentSettings, PipelineSettings]:
    """The named settings; ForecastError where there are none of that name."""
    file = file or SETTINGS_FILE
    environments = read_environments(file)
    if environment not in environments:
        raise ForecastError(
            there_is_no("environment", environment, [*environments], f"in {file.name}")
        )
    pipelines = environments[environment].pipelines
    if pipeline not in pipelines:
        where = f"in the environment {environment!r} of {file.name}"
        raise ForecastError(there_is_no("pipeline", pipeline, [*pipelines], where))
    return environments[environment], pipelines[pipeline]


def candidate_of(settings: PipelineSettings) -> Candidate:
    """What of a pipeline's settings decides on its runs."""
    return Candidate(
        batch_size=settings.batch_size,
        batch_window_seconds=settings.batch_window_seconds,
        workers=settings.job.number_of_workers,
        worker_type=settings.job.worker_type,
        max_concurrent_runs=settings.workflow_max_concurrent_runs,
        sweep_seconds=_sweep_seconds(settings.sweep),
        max_files_per_batch=settings.max_files_per_batch,
        max_bytes_per_batch=settings.max_bytes_per_batch,
        timeout_minutes=settings.job.timeout_minutes,
        time_reserve=settings.job.time_reserve,
        glue_version=settings.job.glue_version,
    )


def _sweep_seconds(sweep: str) -> int | None:
    """Seconds between two sweeps; a cron expression counts as once a day."""
    if sweep == OFF:
        return None
    rate = _RATE.fullmatch(sweep)
    return int(rate[1]) * _UNIT_SECONDS[rate[2]] if rate else _UNIT_SECONDS["day"]


def changes_of(candidate: Candidate) -> dict[tuple[str, ...], object]:
    """The settings to write for a candidate: path below the pipeline, and value."""
    return {
        ("batch_size",): candidate.batch_size,
        ("batch_window_seconds",): candidate.batch_window_seconds,
        ("job", "number_of_workers"): candidate.workers,
    }
