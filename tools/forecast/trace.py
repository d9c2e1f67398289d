"""A trace: when files arrived, and how large they were."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property

import numpy as np
import numpy.typing as npt

from tools.forecast.errors import ForecastError

MICROSECONDS = 1_000_000
HOUR = 3_600 * MICROSECONDS
DAY = 24 * HOUR
# Files that come with less than this between them are one burst: the longest batch window.
BURST_GAP = 900 * MICROSECONDS
DAYS_OF_A_MONTH = 30.4375

Times = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Trace:
    """Arrivals in the order of time.

    times: microseconds since 1970 in UTC, ascending. sizes: bytes, 0 or more, one per time.
    days: how many days the trace stands for, more than 0; costs are scaled from it to a month.
    source: where it is from, for the reader of the forecast. notes: what the reader must know of
    how it was made.
    """

    times: Times
    sizes: Times
    days: float
    source: str
    notes: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        arrivals: Iterable[tuple[datetime, int]],
        *,
        source: str,
        days: float | None = None,
    ) -> Trace:
        """A trace of arrivals in any order.

        days: left out, the whole UTC days from the first arrival to the last.
        Raises ForecastError for no arrival at all, a time without a zone and a negative size.
        """
        stamps: list[int] = []
        sizes: list[int] = []
        for number, (time, size) in enumerate(arrivals, start=1):
            if time.tzinfo is None:
                raise ForecastError(
                    f"{source}: arrival {number} has the time {time.isoformat()} without a zone. "
                    "Add one, for instance Z for UTC."
                )
            if size < 0:
                raise ForecastError(
                    f"{source}: arrival {number} has {size} bytes; 0 or more are allowed."
                )
            stamps.append(_microseconds(time))
            sizes.append(size)
        return cls.of_arrays(
            np.array(stamps, dtype=np.int64),
            np.array(sizes, dtype=np.int64),
            source=source,
            days=days,
        )

    @classmethod
    def of_arrays(
        cls, times: Times, sizes: Times, *, source: str, days: float | None = None
    ) -> Trace:
        """The same of arrays that are valid already but for their order."""
        if not len(times):
            raise ForecastError(f"{source} has no arrivals, so there is nothing to forecast from.")
        if times.min() < 0:
            raise ForecastError(f"{source} has a time before 1970.")
        order = np.argsort(times, kind="stable")
        times, sizes = times[order], sizes[order]
        whole_days = float(times[-1] // DAY - times[0] // DAY + 1)
        return cls(times, sizes, days or whole_days, source)

    def __len__(self) -> int:
        return len(self.times)

    @cached_property
    def burst_of(self) -> Times:
        """The number of each file's burst, from 0."""
        gaps = np.diff(self.times) > BURST_GAP
        return np.concatenate(([0], np.cumsum(gaps))).astype(np.int64)

    @property
    def bursts(self) -> int:
        return int(self.burst_of[-1]) + 1

    @property
    def total_bytes(self) -> int:
        return int(self.sizes.sum())

    @property
    def months(self) -> float:
        """What the trace is of a month."""
        return self.days / DAYS_OF_A_MONTH

    def scaled(self, factor: float, seed: int = 1) -> Trace:
        """The same bursts with another number of files, each near a file that really came.

        factor: above 0; 2 doubles every arrival, 0.5 leaves about every second one out.
        """
        generator = np.random.default_rng(seed)
        whole, part = divmod(factor, 1)
        copies = np.full(len(self), int(whole)) + (generator.random(len(self)) < part)
        if not copies.any():
            copies[0] = 1
        times = np.repeat(self.times, copies)
        # A copy comes up to a second after its original, not at the same microsecond.
        first = np.concatenate(([True], np.diff(np.repeat(np.arange(len(self)), copies)) > 0))
        moved = times + np.where(first, 0, generator.integers(1, MICROSECONDS, len(times)))
        return Trace.of_arrays(
            moved, np.repeat(self.sizes, copies), source=self.source, days=self.days
        )

    def busiest(self, length: int) -> tuple[int, int]:
        """Begin and end of the hour or UTC day (its length in microseconds) with the most files."""
        places, counts = np.unique(self.times // length, return_counts=True)
        place = int(places[counts.argmax()])
        return place * length, (place + 1) * length


def moment(microseconds: int) -> datetime:
    """A time of a trace as a datetime in UTC."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)


def _microseconds(time: datetime) -> int:
    return (time - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
