"""A run begins no batch for which it may have no time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from burst.contract import TimeLimit
from burst.time_budget import TimeBudget

NOON = datetime(2025, 1, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("minutes", "reserve", "passed", "spent"),
    [
        (60, 0.25, 0, False),
        (60, 0.25, 45, False),
        (60, 0.25, 45.1, True),
        (60, 0.25, 61, True),
        (60, 0, 60, False),
        (60, 0, 60.1, True),
        (1, 0.9, 0.11, True),
        # A clock that was set back.
        (60, 0.25, -5, False),
        (None, 0.25, 1_000_000, False),
    ],
)
def test_time_is_up_when_less_than_the_reserve_is_left(
    minutes: int | None, reserve: float, passed: float, spent: bool
) -> None:
    budget = TimeBudget(TimeLimit(minutes, reserve), NOON)

    assert budget.is_spent(NOON + timedelta(minutes=passed)) is spent
