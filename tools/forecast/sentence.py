"""Arrivals from a sentence.

For instance `10 files in 2 minutes, 6 times a day; 3000 files of 20 KB in 5 minutes,
once a day`.

Each part between semicolons is one kind of burst. The same seed gives the same arrivals.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from tools.forecast.errors import ForecastError
from tools.forecast.trace import DAY, MICROSECONDS, Trace
from tools.operate.words import days as days_words

# A Monday, so that weeks are whole. No forecast depends on the date.
START = datetime(2025, 1, 6, tzinfo=UTC)
DEFAULT_BYTES = 100_000
MAX_FILES = 20_000_000

_UNITS = {
    "b": 1, "byte": 1, "bytes": 1,
    "kb": 10**3, "mb": 10**6, "gb": 10**9,
    "kib": 2**10, "mib": 2**20, "gib": 2**30,
}  # fmt: skip
_SECONDS = {"s": 1, "second": 1, "m": 60, "minute": 60, "min": 60, "h": 3_600, "hour": 3_600}
_PERIODS = {"hour": 3_600, "day": 86_400, "week": 7 * 86_400, "month": 30 * 86_400}
_TIMES = {"once": 1.0, "twice": 2.0}

_NUMBER = r"(\d[\d,_]*(?:\.\d+)?)"
_PART = re.compile(
    rf"{_NUMBER}\s*files?"
    rf"(?:\s+of\s+{_NUMBER}\s*([a-z]+))?"
    rf"(?:\s+(?:in|within)\s+{_NUMBER}\s*([a-z]+))?"
    rf"\s*,?\s+(?:(once|twice)|{_NUMBER}\s*times?)\s+(?:an?|per|every)\s+(hour|day|week|month)",
    re.IGNORECASE,
)
_EXAMPLE = (
    '"10 files in 2 minutes, 6 times a day; 3000 files of 20 KB in 5 minutes, once a day". Each '
    "part is N files [of SIZE UNIT] [in N UNIT], N times (or once, twice) an hour, a day, a week "
    "or a month; units are B, KB, MB, GB, and seconds, minutes, hours"
)


@dataclass(frozen=True)
class BurstKind:
    """Bursts of one kind: how many files, how large on average, within how long, how often."""

    files: int
    mean_bytes: int
    seconds: float
    per_day: float


def parse_sentence(text: str) -> tuple[BurstKind, ...]:
    """The kinds of bursts that a sentence names; ForecastError where it cannot be read."""
    parts = [part.strip(" .") for part in text.split(";")]
    parts = [part for part in parts if part]
    if not parts:
        raise ForecastError(f"--like is empty. Write for instance {_EXAMPLE}.")
    return tuple(_kind(part) for part in parts)


def trace_like(text: str, *, days: int = 30, seed: int = 1) -> Trace:
    """A trace of `days` days (1 or more) as the sentence says; the same seed, the same trace."""
    kinds = parse_sentence(text)
    expected = sum(kind.files * kind.per_day for kind in kinds) * days
    if expected > MAX_FILES:
        raise ForecastError(
            f"--like describes about {expected:,.0f} files in {days_words(days)}; at most "
            f"{MAX_FILES:,} are allowed. Use fewer --days."
        )
    generator = np.random.default_rng(seed)
    start = int(START.timestamp()) * MICROSECONDS
    times, sizes = [], []
    for kind in kinds:
        for begin in _begins(kind, days, generator):
            spread = generator.integers(0, max(1, round(kind.seconds * MICROSECONDS)), kind.files)
            times.append(start + begin + np.sort(spread))
            # Files of one producer differ by some half around their mean.
            factors = generator.lognormal(mean=-0.125, sigma=0.5, size=kind.files)
            sizes.append(np.maximum(1, (factors * kind.mean_bytes)).astype(np.int64))
    if not times:
        raise ForecastError(
            f"--like gives no burst within {days_words(days)}: {text!r}. Use more --days."
        )
    return Trace.of_arrays(
        np.concatenate(times), np.concatenate(sizes), source=f"--like {text!r}", days=float(days)
    )


def _begins(kind: BurstKind, days: int, generator: np.random.Generator) -> list[int]:
    """When bursts begin, in microseconds from the start: evenly dealt out, each moved by chance."""
    count = max(1, round(kind.per_day * days)) if kind.per_day * days >= 0.5 else 0
    every = days * DAY / max(count, 1)
    offsets = generator.random(count)
    return [int((place + offset) * every) for place, offset in enumerate(offsets)]


def _kind(part: str) -> BurstKind:
    match = _PART.fullmatch(part)
    if not match:
        raise ForecastError(f"--like: {part!r} cannot be read. Write for instance {_EXAMPLE}.")
    files, size, unit, span, span_unit, word, times, period = match.groups()
    count = _number(files)
    if not count >= 1 or count != int(count):
        raise ForecastError(
            f"--like: {part!r} has {files} files; a whole number from 1 is allowed."
        )
    return BurstKind(
        files=int(count),
        mean_bytes=_bytes(part, size, unit),
        seconds=_span(part, span, span_unit),
        per_day=_times(part, word, times) * 86_400 / _PERIODS[period.lower()],
    )


def _bytes(part: str, size: str | None, unit: str | None) -> int:
    if size is None or unit is None:
        return DEFAULT_BYTES
    if unit.lower() not in _UNITS:
        raise ForecastError(
            f"--like: {part!r} has the unit {unit!r}; allowed are B, KB, MB, GB, KiB, MiB and GiB."
        )
    return max(1, round(_number(size) * _UNITS[unit.lower()]))


def _span(part: str, span: str | None, unit: str | None) -> float:
    if span is None or unit is None:
        return 1.0
    name = unit.lower()
    name = name if name in _SECONDS else name.removesuffix("s")
    if name not in _SECONDS:
        raise ForecastError(
            f"--like: {part!r} has the unit {unit!r}; allowed are seconds, minutes and hours."
        )
    return _number(span) * _SECONDS[name]


def _times(part: str, word: str | None, times: str | None) -> float:
    if word is not None:
        return _TIMES[word.lower()]
    number = _number(times or "0")
    if number <= 0:
        raise ForecastError(f"--like: {part!r} is 0 times; a number above 0 is allowed.")
    return number


def _number(text: str) -> float:
    return float(text.replace(",", "").replace("_", ""))
