"""A pipeline's life in random order: whatever happens in whatever order, nothing is lost or twice.

Hypothesis puts together uploads, overwrites, delete markers, files that S3 refuses until someone
restores them, events that come twice or never, runs, runs that die anywhere, runs that overlap,
runs that are asked for while one is active, sweeps, clocks that jump, and producers that go on
while a run is active. After each step the invariants of `invariants.py` hold; at the end a sweep
settles everything.

60 examples by default; 1,000 with `pytest tests/jobs/test_life.py -m full`.
"""

from __future__ import annotations

import contextlib
import itertools
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.jobs.interleaving import Run, histories
from tests.jobs.invariants import Proof, Upload
from tests.jobs.one_process import OneProcess, ProcessDied, use_threads
from tests.jobs.world import as_csv, memory_world, order

Put = Callable[[str, bytes, Iterable[str] | None], Upload]

KEYS = ["orders/a.csv", "orders/b/ü +.csv", "orders/tab\t.csv"]
# A run over no file makes 3 calls, over one file about 13, over several in batches 40 and more.
FEW_CALLS, MANY_CALLS = 16, 45

keys = st.sampled_from(KEYS)
files = st.sampled_from(["one row", "three rows", "empty", "bad at once", "bad at the end"])
places = st.integers(1, FEW_CALLS) | st.integers(1, MANY_CALLS)
deaths = st.tuples(places, st.booleans())


@dataclass(frozen=True)
class Meanwhile:
    """What a producer does while a run is at one of its calls."""

    call: int
    key: str
    file: str


meanwhiles = st.lists(st.builds(Meanwhile, call=places, key=keys, file=files), max_size=2)
batch_sizes = st.sampled_from([1, 2, 10_000])


class Life(RuleBasedStateMachine):
    """A landing bucket, its producers, and whoever starts the job."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(prefix="burst-life-")
        world = memory_world(Path(self.folder.name), page_size=2)
        self.proof = Proof(replace(world, clock=lambda: self.now))
        self.numbers, self.runs = itertools.count(1), itertools.count(1)
        self.events = 0
        self.now = datetime(2025, 1, 31, 23, 59, 50, tzinfo=UTC)

    @initialize(key=keys, file=files)
    def first_file(self, key: str, file: str) -> None:
        self.put(key, file)

    @rule(key=keys, file=files)
    def producer_puts(self, key: str, file: str) -> None:
        self.put(key, file)

    def put(self, key: str, file: str) -> tuple[str, str]:
        """Also an overwrite, as there are few keys."""
        self.events += 1
        return self.upload(key, file)

    @rule(key=keys, file=files)
    def producer_puts_into_an_archive_class(self, key: str, file: str) -> None:
        self.events += 1
        self.upload(key, file, self.proof.archive)

    @precondition(lambda self: self.proof.unreadable())
    @rule(data=st.data())
    def somebody_restores(self, data: st.DataObject) -> None:
        chosen = data.draw(st.sampled_from(sorted(self.proof.unreadable())))
        self.proof.restore(self.proof.uploads[chosen])

    @rule(key=keys, file=files)
    def put_whose_event_is_lost(self, key: str, file: str) -> None:
        self.upload(key, file)

    @rule(key=keys)
    def producer_deletes(self, key: str) -> None:
        world = self.proof.world
        world.s3.delete_object(Bucket=world.landing, Key=key)

    @precondition(lambda self: self.events)
    @rule()
    def event_comes_twice(self) -> None:
        self.events += 1

    @rule(seconds=st.sampled_from([-86_400, -1, 1, 60, 86_400]))
    def clock_jumps(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @precondition(lambda self: self.events)
    @rule(meanwhile=meanwhiles, size=batch_sizes)
    def run(self, meanwhile: list[Meanwhile], size: int) -> None:
        """One run for all events until now, as a batching trigger starts it."""
        self.events = 0
        self.drain(size, meanwhile)

    @rule(meanwhile=meanwhiles, death=deaths, size=batch_sizes)
    def run_dies(self, meanwhile: list[Meanwhile], death: tuple[int, bool], size: int) -> None:
        """An event's run, or a sweep's."""
        self.events = 0
        self.drain(size, meanwhile, *death)

    @rule(row=st.lists(deaths, min_size=2, max_size=4), size=batch_sizes)
    def runs_die_in_a_row(self, row: list[tuple[int, bool]], size: int) -> None:
        self.events = 0
        for death in row:
            self.drain(size, (), *death)
            self.proof.check()

    @precondition(lambda self: self.events)
    @rule(meanwhile=meanwhiles, dies_at=st.none() | places, queued=st.booleans())
    def second_run_while_one_is_active(
        self, meanwhile: list[Meanwhile], dies_at: int | None, queued: bool
    ) -> None:
        """It waits until the first one has ended, however that ends; or it is refused."""
        self.events = 0
        self.drain(2, meanwhile, dies_at)
        if queued:
            self.proof.check()
            self.sweep()

    @rule(
        turns=st.lists(st.integers(1, 30), min_size=1, max_size=12),
        size=batch_sizes,
        kill=st.booleans(),
    )
    def runs_overlap(self, turns: list[int], size: int, kill: bool) -> None:
        """Glue gave a run up and started another one, and the first still executes."""
        self.events = 0
        arguments: dict[str, str | int | float] = {
            "max_files_per_batch": size,
            "max_bad_fraction": 1,
        }
        runs = [
            Run(self.proof.world, {**arguments, "JOB_RUN_ID": f"jr_{next(self.runs)}"})
            for _ in range(2)
        ]
        with histories(runs):
            for number, turn in enumerate(turns):
                runs[number % 2].steps(turn)
                self.proof.check_readers()
            self.proof.lost_runs += len(runs)
            if kill:
                runs[0].kill()
            for run in runs:
                run.steps()

    @rule()
    def sweep(self) -> None:
        """A run without any event takes what lost events left, too."""
        self.events = 0
        self.drain(10_000)
        assert self.proof.outstanding() == self.proof.unreadable()

    @invariant()
    def nothing_is_lost_or_twice(self) -> None:
        self.proof.check()

    def teardown(self) -> None:
        try:
            # A run that takes something also removes what dead runs staged.
            self.put(KEYS[0], "one row")
            self.sweep()
            self.proof.check_settled()
        finally:
            self.folder.cleanup()

    def drain(
        self,
        size: int,
        meanwhile: Sequence[Meanwhile] = (),
        dies_at: int | None = None,
        after: bool = False,
    ) -> None:
        """Run, perhaps not to the end; what a whole run leaves came after its last look began."""
        arrived: dict[tuple[str, str], int] = {}

        def produce(call: int) -> None:
            for item in meanwhile:
                if item.call == call:
                    arrived[self.put(item.key, item.file)] = call

        process = OneProcess(dies_at, after, produce)
        with contextlib.suppress(ProcessDied):
            self.proof.world.drain_plain(
                process,
                max_files_per_batch=size,
                max_bad_fraction=1,
                JOB_RUN_ID=f"jr_{next(self.runs)}",
            )
        self.proof.lost_runs += process.died
        if not process.died:
            began = _last_look(process.calls)
            late = {identity for identity, call in arrived.items() if call > began}
            assert self.proof.outstanding() - self.proof.unreadable() <= late

    def upload(self, key: str, file: str, put: Put | None = None) -> tuple[str, str]:
        put = put or self.proof.put
        count = 3 if file in ("three rows", "bad at the end") else 1
        orders = [order(next(self.numbers)) for _ in range(count)]
        names = [row["order_id"] for row in orders]
        if file == "empty":
            return put(key, b"", []).identity
        if file == "bad at once":
            return put(key, f"no header but {names[0]}\n".encode(), None).identity
        if file == "bad at the end":
            orders[-1]["quantity"] = "many"
            return put(key, as_csv(orders), None).identity
        return put(key, as_csv(orders), names).identity


def _last_look(calls: Sequence[str]) -> int:
    """The number of the call at which the last listing of landing began, over all of its pages.

    A run that finds nothing new may still try what it could not read before.
    """
    looks = [call.startswith("ListObjectVersions ") for call in calls]
    end = len(looks) - looks[::-1].index(True)
    return end - len(list(itertools.takewhile(bool, reversed(looks[:end])))) + 1


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """The same calls in the same order whenever Hypothesis repeats an example."""
    with pytest.MonkeyPatch.context() as patch:
        use_threads(patch, 1)
        yield


def test_good_file_on_which_three_runs_died_may_be_set_aside_and_nothing_is_lost() -> None:
    """Found by the long proof."""
    state = Life()
    state.first_file(key="orders/a.csv", file="one row")
    state.runs_die_in_a_row(row=[(9, False), (9, False)], size=1)
    for _ in range(2):
        state.producer_puts(key="orders/a.csv", file="one row")
    state.second_run_while_one_is_active(meanwhile=[], dies_at=33, queued=True)
    state.nothing_is_lost_or_twice()
    [first, *others] = state.proof.uploads.values()
    assert first.orders is None
    assert all(upload.orders for upload in others)
    state.teardown()


_EXAMPLES = settings(
    deadline=None,
    stateful_step_count=20,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)

TestLife = Life.TestCase
TestLife.settings = settings(_EXAMPLES, max_examples=30)


class LifeInFull(Life):
    """The same, for longer."""


TestLifeInFull = pytest.mark.full(LifeInFull.TestCase)
TestLifeInFull.settings = settings(_EXAMPLES, max_examples=1000)
