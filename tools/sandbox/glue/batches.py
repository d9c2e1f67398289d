"""When an EVENT trigger of Glue fires: at its n-th event or at the end of its window.

Pure: no clock, no I/O. The caller brings the time, in seconds on any scale that only grows.

Facts, from the Glue API reference (`EventBatchingCondition`, `StartingEventBatchCondition`):
the window starts when the first event of a batch is received; the trigger fires when the batch
has `BatchSize` events or when `BatchWindow` seconds have passed, whichever is first; without a
window in the trigger it is 900 seconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

MAX_BATCH_SIZE = 100
MAX_BATCH_WINDOW = 900
DEFAULT_BATCH_WINDOW = 900


class Reason(StrEnum):
    """Why a trigger fired."""

    SIZE = "size"
    WINDOW = "window"


@dataclass(frozen=True)
class Firing:
    """One firing of the trigger: the events of its batch, in the order of their arrival."""

    reason: Reason
    event_ids: tuple[str, ...]
    opened_at: float
    fired_at: float


@dataclass(frozen=True)
class EventBatch:
    """The batch that a trigger is collecting, and the two limits that end it.

    Both methods return the next state together with the firing that this step caused, if any.
    """

    batch_size: int = 1
    batch_window: float = DEFAULT_BATCH_WINDOW
    event_ids: tuple[str, ...] = ()
    opened_at: float | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.batch_size <= MAX_BATCH_SIZE:
            raise ValueError(f"batch size {self.batch_size} is not within 1..{MAX_BATCH_SIZE}")
        if not 1 <= self.batch_window <= MAX_BATCH_WINDOW:
            raise ValueError(
                f"batch window {self.batch_window} is not within 1..{MAX_BATCH_WINDOW} seconds"
            )

    @classmethod
    def from_condition(cls, condition: Mapping[str, int] | None) -> "EventBatch":
        """An empty batch with the limits of a trigger's `EventBatchingCondition`.

        A trigger without a condition fires at every event.
        """
        if not condition:
            return cls()
        return cls(
            batch_size=condition.get("BatchSize") or 1,
            batch_window=condition.get("BatchWindow") or DEFAULT_BATCH_WINDOW,
        )

    @property
    def deadline(self) -> float | None:
        """When the window ends; None while no event waits."""
        return None if self.opened_at is None else self.opened_at + self.batch_window

    def receive(self, event_id: str, now: float) -> tuple["EventBatch", Firing | None]:
        """One event arrives.

        An event that arrives at or after the deadline is not part of the batch that ended
        there: that batch fires by its window, and the event opens the next one.
        """
        waiting, overdue = self.tick(now)
        opened_at = now if waiting.opened_at is None else waiting.opened_at
        joined = replace(waiting, event_ids=(*waiting.event_ids, event_id), opened_at=opened_at)
        if overdue or len(joined.event_ids) < joined.batch_size:
            # A batch that can be overdue takes at least two events, so one event never
            # fills the next one as well: a step causes one firing at most.
            return joined, overdue
        return joined._fire(Reason.SIZE, now)

    def tick(self, now: float) -> tuple["EventBatch", Firing | None]:
        """Time passes; the batch fires if its window has ended."""
        if self.deadline is None or now < self.deadline:
            return self, None
        return self._fire(Reason.WINDOW, self.deadline)

    def _fire(self, reason: Reason, fired_at: float) -> tuple["EventBatch", Firing]:
        if self.opened_at is None:
            raise ValueError("an empty batch cannot fire")
        firing = Firing(reason, self.event_ids, self.opened_at, fired_at)
        return replace(self, event_ids=(), opened_at=None), firing
