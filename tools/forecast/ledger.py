"""Arrivals and run times from the ledger of a deployed pipeline.

Each plan names the files of a batch with the time of their upload; the plan and the record that the
batch is done say how long it took, its files moved and all. Its rows can be queried a little
earlier, so waits are not understated. A pipeline that has run for a while needs nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import combinations

import numpy as np
import numpy.typing as npt
from burst.batch import ID_TIME
from burst.ledger import DoneRecord, Ledger, PlanRecord

from tools.forecast.errors import ForecastError
from tools.forecast.model import RunTimes, cores_for
from tools.forecast.trace import Trace

THREADS = 16
# Fewer batches say too little about four unknown durations.
ENOUGH_BATCHES = 8
# What is fitted: one value per run, per batch, per file and per megabyte.
FITTED = ("spark_start", "per_batch", "per_file", "per_megabyte")

Floats = npt.NDArray[np.float64]
Records = tuple[PlanRecord, DoneRecord | None]


@dataclass(frozen=True)
class MeasuredTimes:
    """Run times as the ledger shows them.

    slow: how many times as long as expected the batch took that nine of ten batches were quicker
    than. quick: the same for one of ten. batches: how many were measured; 0 where there were too
    few, and the times are the assumed ones.
    """

    times: RunTimes
    quick: float = 1.0
    slow: float = 1.0
    batches: int = 0


def read_ledger(
    ledger: Ledger,
    *,
    since: datetime,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> list[Records]:
    """Plan and done record of each batch that was planned since then, oldest first.

    progress is called with how many of how many batches are read. Raises `LedgerError` for a
    damaged record.
    """
    after = f"{(since - timedelta(seconds=1)).strftime(ID_TIME)}-ffffffff"
    found = [(batch, names) for batch, names in ledger.batches(after=after).items() if names]

    def read(item: tuple[str, set[str]]) -> Records:
        batch, names = item
        return ledger.read_plan(batch), ledger.read_done(batch) if "done" in names else None

    records: list[Records] = []
    threads = ThreadPoolExecutor(THREADS)
    try:
        for one in threads.map(read, [item for item in found if "plan" in item[1]]):
            records.append(one)
            progress(len(records), len(found))
    finally:
        threads.shutdown(cancel_futures=True)
    return records


def trace_of(records: Iterable[Records], *, until: datetime, source: str) -> Trace:
    """The files of these batches, each version once; days are those until that moment.

    Raises ForecastError where there is no batch.
    """
    arrivals = {
        (file.key, file.version_id): (file.last_modified, file.size)
        for plan, _ in records
        for file in plan.inputs
    }
    if not arrivals:
        raise ForecastError(
            f"{source} has no batch in these days, so there is nothing to forecast from. Name more "
            '--days, or describe the arrivals: --like "10 files in 2 minutes, 6 times a day".'
        )
    first = min(time for time, _ in arrivals.values())
    days = max(1.0, math.ceil((until - first) / timedelta(days=1)))
    return Trace.of(arrivals.values(), source=source, days=days)


def measured(
    records: Sequence[Records], assumed: RunTimes, *, workers: int, dpu_per_worker: int
) -> MeasuredTimes:
    """The run times that fit the batches best, none of them negative.

    What the ledger does not show stays as assumed: the start of a job, listings, the end of a
    workflow run. workers, dpu_per_worker: of the job when it ran these batches.
    """
    rows, seconds = [], []
    seen: set[str | None] = set()
    for plan, done in records:
        # A batch that another run took up again includes the time in between.
        if done is None or plan.origin.job_run_id != done.origin.job_run_id:
            continue
        files = len(plan.inputs)
        if done.archived + done.quarantined + done.gone + done.unreadable != files:
            # Smaller batches took its place.
            continue
        cores = min(files, cores_for(workers, dpu_per_worker))
        is_first = plan.origin.job_run_id not in seen
        seen.add(plan.origin.job_run_id)
        size = sum(file.size for file in plan.inputs)
        rows.append((float(is_first), 1.0, files / cores, size / 1e6 / cores))
        seconds.append((done.origin.at - plan.origin.at).total_seconds())
    if len(rows) < ENOUGH_BATCHES:
        return MeasuredTimes(assumed)
    table, spent = np.array(rows), np.array(seconds)
    values = least_squares_without_negatives(table, spent)
    expected = np.maximum(table @ values, 0.001)
    quick, slow = (float(np.quantile(spent / expected, share)) for share in (0.1, 0.9))
    fitted = dict(zip(FITTED, (float(round(value, 6)) for value in values), strict=True))
    return MeasuredTimes(replace(assumed, **fitted), quick, max(1.0, slow), len(rows))


def least_squares_without_negatives(table: Floats, wanted: Floats) -> Floats:
    """The values, 0 or more, with which the columns come closest to what is wanted.

    With so few columns, every set of columns that are not 0 can be tried. Of equally good sets the
    smallest is taken, so that columns that say the same are not split.
    """
    columns = table.shape[1]
    best, best_error = np.zeros(columns), float((wanted**2).sum())
    for count in range(1, columns + 1):
        for chosen in combinations(range(columns), count):
            values = np.linalg.lstsq(table[:, chosen], wanted, rcond=None)[0]
            error = float(((table[:, chosen] @ values - wanted) ** 2).sum())
            if (values >= 0).all() and error < best_error * (1 - 1e-9) - 1e-9:
                best, best_error = np.zeros(columns), error
                best[list(chosen)] = values
    return best
