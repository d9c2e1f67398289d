"""The EVENT triggers: they collect the events of a workflow until a batch is complete."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tools.sandbox.glue.batches import EventBatch, Firing
from tools.sandbox.glue.definitions import EventTrigger, GlueAccount
from tools.sandbox.glue.notice_board import NoticeBoard
from tools.sandbox.glue.notices import OpenWindow, WindowOpened


class Triggers:
    """Collects events and fires. The caller holds the engine's lock.

    Args:
        clock: seconds on a scale that only grows; deadlines are on it.
        fire: is called with the workflow and its complete batch.
    """

    def __init__(
        self,
        glue: GlueAccount,
        board: NoticeBoard,
        *,
        clock: Callable[[], float],
        fire: Callable[[str, Firing], None],
    ) -> None:
        self._glue = glue
        self._board = board
        self._clock = clock
        self._fire = fire
        self._batches: dict[str, EventBatch] = {}

    def receive(self, workflow_name: str, event_id: str) -> None:
        """An event has arrived for a workflow."""
        trigger = self._glue.event_trigger(workflow_name)
        if trigger is None or not trigger.listens:
            what = f"is {trigger.state}" if trigger else "does not exist"
            self._board.report_problem(
                f"Workflow {workflow_name} received an event, but its EVENT trigger {what}: "
                "nothing starts."
            )
            return
        before = self._batch_of(workflow_name, trigger)
        if before is None:
            return
        batch, firing = before.receive(event_id, self._clock())
        self._batches[workflow_name] = batch
        if firing:
            self._fire_safely(workflow_name, firing)
        if batch.deadline is not None and batch.opened_at != before.opened_at:
            self._board.announce(
                WindowOpened(
                    workflow=workflow_name,
                    trigger=trigger.name,
                    batch_size=batch.batch_size,
                    batch_window=batch.batch_window,
                    deadline=batch.deadline,
                )
            )

    def fire_overdue(self) -> None:
        """Fires every trigger whose window has ended."""
        now = self._clock()
        for workflow_name, batch in list(self._batches.items()):
            self._batches[workflow_name], firing = batch.tick(now)
            if firing:
                self._fire_safely(workflow_name, firing)

    @property
    def seconds_to_next_deadline(self) -> float | None:
        """Until the first window ends; None while no window is open."""
        deadlines = [b.deadline for b in self._batches.values() if b.deadline is not None]
        return max(0.0, min(deadlines) - self._clock()) if deadlines else None

    def open_windows(self) -> Iterator[OpenWindow]:
        """Every batch that is being collected."""
        now = self._clock()
        for workflow_name, batch in self._batches.items():
            if batch.deadline is not None:
                trigger = self._glue.event_trigger(workflow_name)
                yield OpenWindow(
                    workflow=workflow_name,
                    trigger=trigger.name if trigger else "",
                    events=len(batch.event_ids),
                    batch_size=batch.batch_size,
                    batch_window=batch.batch_window,
                    deadline=batch.deadline,
                    seconds_left=max(0.0, batch.deadline - now),
                )

    def _batch_of(self, workflow_name: str, trigger: EventTrigger) -> EventBatch | None:
        """The batch being collected, or an empty one with the limits that are deployed now.

        A batch keeps the limits that it began with; a changed trigger counts from the next one.
        """
        collecting = self._batches.get(workflow_name)
        if collecting is not None and collecting.event_ids:
            return collecting
        try:
            return EventBatch.from_condition(trigger.batching_condition)
        except ValueError as error:
            self._board.report_problem(f"Trigger {trigger.name} cannot fire: {error}.")
            return None

    def _fire_safely(self, workflow_name: str, firing: Firing) -> None:
        try:
            self._fire(workflow_name, firing)
        except Exception as error:  # noqa: BLE001 (the other triggers must go on)
            self._board.report_problem(f"Workflow {workflow_name} could not be started: {error!r}")
