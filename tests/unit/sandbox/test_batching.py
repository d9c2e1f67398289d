"""The EVENT trigger's batch: the rules of Glue, for any sequence of events and moments."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tools.sandbox.glue.batches import DEFAULT_BATCH_WINDOW, EventBatch, Firing, Reason

sizes = st.integers(1, 100)
windows = st.integers(1, 900)
# Steps of zero and steps that hit a window's end to the second are the interesting ones.
pauses = st.one_of(st.just(0.0), st.integers(1, 900).map(float), st.floats(0.001, 2000))


def play(size: int, window: float, gaps: list[float]) -> tuple[list[Firing], EventBatch]:
    """Feeds one event after each gap; returns what fired and the batch that is left."""
    batch, now, firings = EventBatch(size, window), 0.0, []
    for number, gap in enumerate(gaps):
        now += gap
        batch, firing = batch.receive(f"e{number}", now)
        firings += [firing] if firing else []
    return firings, batch


@given(sizes, windows, st.lists(pauses, max_size=300))
def test_every_event_is_in_exactly_one_firing_or_still_waits_in_order(
    size: int, window: int, gaps: list[float]
) -> None:
    firings, left = play(size, window, gaps)
    fired = [event_id for firing in firings for event_id in firing.event_ids]
    assert fired + list(left.event_ids) == [f"e{number}" for number in range(len(gaps))]


@given(sizes, windows, st.lists(pauses, max_size=300))
def test_it_never_fires_empty_and_never_beyond_its_size_or_window(
    size: int, window: int, gaps: list[float]
) -> None:
    firings, left = play(size, window, gaps)
    for firing in firings:
        assert 1 <= len(firing.event_ids) <= size
        assert firing.fired_at <= firing.opened_at + window
        if firing.reason is Reason.SIZE:
            assert len(firing.event_ids) == size
        else:
            assert len(firing.event_ids) < size
            assert firing.fired_at == firing.opened_at + window
    assert len(left.event_ids) < size


@given(st.integers(2, 100), windows, st.data())
def test_it_fires_at_exactly_the_nth_event(size: int, window: int, data: st.DataObject) -> None:
    # All events within the window: the sum of the gaps stays below it.
    share = window / (size + 1)
    gaps = data.draw(st.lists(st.floats(0, share), min_size=size, max_size=size))
    almost, waiting = play(size, window, gaps[:-1])
    assert almost == []
    _, firing = waiting.receive("last", sum(gaps))
    assert firing is not None
    assert firing.reason is Reason.SIZE
    assert firing.fired_at == sum(gaps)


@given(st.integers(2, 100), windows, st.floats(0, 1e6), st.data())
def test_it_fires_at_exactly_the_windows_end_counted_from_the_first_event(
    size: int, window: int, start: float, data: st.DataObject
) -> None:
    batch, _ = EventBatch(size, window).receive("first", start)
    if size > 2 and data.draw(st.booleans()):
        batch, _ = batch.receive("second", start + window / 2)
    assert batch.deadline == start + window
    before = data.draw(st.floats(start, start + window, exclude_max=True))
    assert batch.tick(before) == (batch, None)
    emptied, firing = batch.tick(start + window)
    assert firing is not None
    assert (firing.reason, firing.fired_at) == (Reason.WINDOW, start + window)
    assert emptied == EventBatch(size, window)


@given(sizes, windows, st.floats(0, 1e6))
def test_time_alone_never_fires_an_empty_batch(size: int, window: int, now: float) -> None:
    batch = EventBatch(size, window)
    assert batch.deadline is None
    assert batch.tick(now) == (batch, None)


def test_an_event_at_the_windows_end_opens_the_next_batch() -> None:
    batch, _ = EventBatch(10, 60).receive("early", 100)
    batch, firing = batch.receive("late", 160)
    assert firing == Firing(Reason.WINDOW, ("early",), 100, 160)
    assert (batch.event_ids, batch.deadline) == (("late",), 220)


def test_a_duplicated_event_counts_twice_as_glue_does_not_deduplicate() -> None:
    firings, _ = play(2, 60, [0, 0])
    batch, _ = EventBatch(2, 60).receive("same", 0)
    _, firing = batch.receive("same", 0)
    assert firing is not None
    assert firing.event_ids == ("same", "same")
    assert len(firings) == 1


@pytest.mark.parametrize(
    ("condition", "size", "window"),
    [
        (None, 1, DEFAULT_BATCH_WINDOW),
        ({}, 1, DEFAULT_BATCH_WINDOW),
        ({"BatchSize": 10}, 10, DEFAULT_BATCH_WINDOW),
        ({"BatchSize": 10, "BatchWindow": 60}, 10, 60),
    ],
)
def test_limits_are_those_of_the_deployed_condition(
    condition: dict[str, int] | None, size: int, window: int
) -> None:
    assert EventBatch.from_condition(condition) == EventBatch(size, window)


@pytest.mark.parametrize(("size", "window"), [(0, 60), (101, 60), (1, 0), (1, 901)])
def test_limits_outside_of_glues_own_are_refused(size: int, window: int) -> None:
    with pytest.raises(ValueError, match="not within"):
        EventBatch(size, window)


@dataclass
class Model:
    """The same rules said another way: a list of moments, cut into batches."""

    size: int
    window: float
    arrivals: list[tuple[str, float]] = field(default_factory=list)

    def batches(self, now: float) -> tuple[list[Firing], list[str]]:
        fired, waiting = [], list(self.arrivals)
        while waiting:
            opened_at = waiting[0][1]
            inside = [a for a in waiting if a[1] < opened_at + self.window][: self.size]
            ids = tuple(event_id for event_id, _ in inside)
            if len(inside) == self.size:
                fired.append(Firing(Reason.SIZE, ids, opened_at, inside[-1][1]))
            elif now >= opened_at + self.window:
                fired.append(Firing(Reason.WINDOW, ids, opened_at, opened_at + self.window))
            else:
                break
            waiting = waiting[len(inside) :]
        return fired, [event_id for event_id, _ in waiting]


class BatchMachine(RuleBasedStateMachine):
    """Events, passing time and ticks in any order, against the model."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.number = 0
        self.batch: EventBatch | None = None
        self.firings: list[Firing] = []

    @precondition(lambda self: self.batch is None)
    @rule(size=st.integers(1, 6), window=st.integers(1, 20))
    def deploy(self, size: int, window: int) -> None:
        self.batch, self.model = EventBatch(size, window), Model(size, window)

    @precondition(lambda self: self.batch is not None)
    @rule()
    def event(self) -> None:
        assert self.batch is not None
        self.number += 1
        self.model.arrivals.append((f"e{self.number}", self.now))
        self.batch, firing = self.batch.receive(f"e{self.number}", self.now)
        self.firings += [firing] if firing else []

    @rule(seconds=st.one_of(st.integers(0, 25).map(float), st.floats(0, 25)))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @precondition(lambda self: self.batch is not None)
    @rule()
    def tick(self) -> None:
        assert self.batch is not None
        self.batch, firing = self.batch.tick(self.now)
        self.firings += [firing] if firing else []

    @invariant()
    def agrees_with_the_model(self) -> None:
        if self.batch is None:
            return
        # What is overdue fires with the next step; ask for it without taking it.
        left, overdue = self.batch.tick(self.now)
        fired, waiting = self.model.batches(self.now)
        assert self.firings + ([overdue] if overdue else []) == fired
        assert list(left.event_ids) == waiting


TestBatchMachine = BatchMachine.TestCase
