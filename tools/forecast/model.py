"""What a forecast assumes: the settings that are tried, and how long runs take."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace

from tools.forecast.errors import ForecastError
from tools.operate.words import count

# vCPUs of a DPU (AWS Glue developer guide, "Defining job properties": 4 vCPUs and 16 GB).
CORES_PER_DPU = 4
DPU_OF_WORKER = {"G.1X": 1, "G.2X": 2, "G.4X": 4, "G.8X": 8}
# A run in WAITING is given up after 15 minutes or 10 attempts (AWS Glue developer guide,
# "AWS Glue job run statuses").
GIVE_UP_SECONDS = 900.0


def cores_for(workers: int, dpu_per_worker: int) -> int:
    """Cores that read and write; one worker drives."""
    return (workers - 1) * dpu_per_worker * CORES_PER_DPU


@dataclass(frozen=True)
class Candidate:
    """The settings of one pipeline that decide on runs.

    batch_size: events, 1 to 100. batch_window_seconds: 1 to 900. workers: 2 or more.
    max_concurrent_runs: of the workflow, 1 or more; None for no limit.
    sweep_seconds: between two sweeps; None for no sweep.
    glue_version: what a DPU-hour costs depends on it.
    """

    batch_size: int
    batch_window_seconds: int
    workers: int = 2
    worker_type: str = "G.1X"
    max_concurrent_runs: int | None = 3
    sweep_seconds: int | None = 86_400
    max_files_per_batch: int = 10_000
    max_bytes_per_batch: int = 10 * 1024**3
    timeout_minutes: int = 60
    time_reserve: float = 0.25
    glue_version: str = "5.1"

    @property
    def dpu_per_worker(self) -> int:
        return DPU_OF_WORKER[self.worker_type]

    @property
    def cores(self) -> int:
        """Cores that read and write; one worker drives."""
        return cores_for(self.workers, self.dpu_per_worker)

    def __str__(self) -> str:
        events = count(self.batch_size, "event")
        return f"{events}, {self.batch_window_seconds} s, {self.workers} workers"


@dataclass(frozen=True)
class RunTimes:
    """How long the parts of a run take, in seconds. Every one may be set (`--assume NAME=VALUE`).

    event_delay: from the upload to the trigger. S3 delivers "typically within seconds".
    start: from the start of a job run to the script; Glue does not bill it.
    look: from the script's start to the end of its first listing, and for each later one.
    spark_start: once per run that has files: Spark, its session, its first worker.
    per_batch: per batch, whatever is in it: plan, commit, the folder.
    per_file, per_megabyte: of one core, per file and per 1,000,000 bytes as stored.
    finish: after the last listing until the run has ended.
    workflow_end: from the job's end until Glue counts its workflow run as ended.
    """

    event_delay: float = 1.0
    start: float = 15.0
    look: float = 2.0
    spark_start: float = 12.0
    per_batch: float = 4.0
    per_file: float = 0.15
    per_megabyte: float = 0.05
    finish: float = 2.0
    workflow_end: float = 10.0
    give_up: float = GIVE_UP_SECONDS

    @property
    def least_limit(self) -> int:
        """The least `workflow_max_concurrent_runs` with which a refused firing loses nothing.

        A refused firing is harmless while one of the runs that fill the workflow still lists
        landing. Those that no longer do are at most the run that is finishing, and those whose job
        ended less than `workflow_end` ago; jobs run one after another, so they end at least one
        shortest run apart. The tests check this number against every possible order of events.
        """
        until_look = self.start + self.look
        shortest = until_look + self.finish
        longer = max(0.0, self.workflow_end - until_look)
        return 2 + (math.ceil(longer / shortest) if longer else 0)

    def slower(self, factor: float) -> RunTimes:
        """The same with starts and batches that take this many times as long."""
        return replace(
            self,
            start=self.start * factor,
            spark_start=self.spark_start * factor,
            per_batch=self.per_batch * factor,
            per_file=self.per_file * factor,
            per_megabyte=self.per_megabyte * factor,
        )

    def with_values(self, values: dict[str, float]) -> RunTimes:
        """Some of them replaced; ForecastError for an unknown name or a negative value."""
        known = [field.name for field in fields(self)]
        for name, value in values.items():
            if name not in known:
                raise ForecastError(
                    f"There is no assumption {name!r}; allowed are {', '.join(known)}."
                )
            if not 0 <= value < float("inf"):
                raise ForecastError(
                    f"The assumption {name} is {value}; allowed are 0 and more seconds."
                )
        return replace(self, **values)
