"""A sentence says which arrivals to play."""

from __future__ import annotations

import pytest

from tools.forecast.errors import ForecastError
from tools.forecast.sentence import BurstKind, parse_sentence, trace_like

STORY = "10 files in 2 minutes, 6 times a day; 3000 files of 20 KB in 5 minutes, once a day"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("10 files in 2 minutes, 6 times a day", BurstKind(10, 100_000, 120, 6)),
        ("3000 files of 20 KB in 5 minutes, once a day", BurstKind(3000, 20_000, 300, 1)),
        ("1 file twice an hour", BurstKind(1, 100_000, 1, 48)),
        (
            "1,000 files of 1.5 MiB within 90 s 3 times per week",
            BurstKind(1000, 1_572_864, 90, 3 / 7),
        ),
        ("5 FILES OF 1 gb IN 1 HOUR, Once Every Month.", BurstKind(5, 10**9, 3600, 1 / 30)),
    ],
)
def test_sentence_is_read(text: str, kind: BurstKind) -> None:
    assert parse_sentence(text) == (kind,)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "--like is empty"),
        (" ; ", "--like is empty"),
        ("many files", "'many files' cannot be read"),
        ("10 files", "'10 files' cannot be read"),
        ("10 files once a day; nonsense", "'nonsense' cannot be read"),
        ("0 files once a day", "0 files; a whole number from 1"),
        ("2.5 files once a day", "2.5 files; a whole number from 1"),
        ("-3 files once a day", "'-3 files once a day' cannot be read"),
        ("1 file of 3 pounds once a day", "the unit 'pounds'; allowed are B"),
        ("1 file in 3 moons, once a day", "the unit 'moons'; allowed are seconds"),
        ("1 file 0 times a day", "0 times; a number above 0"),
        ("10,000,000 files once an hour", "at most 20,000,000"),
        ("1 file once a month", "no burst within 3 days"),
    ],
)
def test_sentence_that_cannot_be_used_is_refused_with_the_part_and_what_is_allowed(
    text: str, words: str
) -> None:
    with pytest.raises(ForecastError) as caught:
        trace_like(text, days=3)
    assert words in str(caught.value)


def test_trace_has_the_files_bursts_and_sizes_of_the_sentence() -> None:
    trace = trace_like(STORY, days=30)
    assert len(trace) == 30 * (6 * 10 + 3000)
    assert trace.days == 30
    assert 180 <= trace.bursts <= 210
    small = trace.total_bytes - 30 * 60 * 100_000
    assert small == pytest.approx(30 * 3000 * 20_000, rel=0.05)


def test_same_seed_gives_the_same_arrivals_and_another_seed_others() -> None:
    first, again, other = (trace_like(STORY, days=2, seed=seed) for seed in (7, 7, 8))
    assert (first.times == again.times).all()
    assert (first.sizes == again.sizes).all()
    assert len(first) == len(other)
    assert (first.times != other.times).any()
