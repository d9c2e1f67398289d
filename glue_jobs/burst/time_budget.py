"""When a run has to stop taking batches, because Glue would stop it in the middle of one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from burst.contract import TimeLimit


@dataclass(frozen=True)
class TimeBudget:
    """The time of one run. A batch cut off is no harm but done twice, and again not finished."""

    limit: TimeLimit
    started: datetime

    def is_spent(self, now: datetime) -> bool:
        """True when less than the reserve is left of the timeout."""
        if self.limit.timeout_minutes is None:
            return False
        timeout = timedelta(minutes=self.limit.timeout_minutes)
        return timeout - (now - self.started) < timeout * self.limit.reserve
