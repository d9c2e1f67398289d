"""The life of one process as S3 sees it: numbered calls, and perhaps a sudden end.

botocore announces each call before it is made and after it was answered. That is where a process
"dies" here: before a call has reached S3, or after S3 has carried it out and before anyone hears
of it. From then on the process makes no call, whatever its threads still try.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from burst.s3 import concurrency
from mypy_boto3_s3 import S3Client

READS = ("Get", "Head", "List")
# What `OneProcess` takes: the number of a call, and whether it is after the effect.
Place = tuple[int, bool]


def places_to_die(calls: Sequence[str]) -> list[Place]:
    """Where a run of these calls can die: one place for each state in which it can leave S3.

    That is before its first call, and after the effect of each that changes something. A dead
    process leaves nothing else behind, so it does not matter whether it died after a call or before
    the next one, nor at which of several calls that only read. For calls that come one by one.
    """
    changes = [number for number, call in enumerate(calls, 1) if not call.startswith(READS)]
    return [(1, False), *((number, True) for number in changes)]


def pairs_of_places(
    calls: Sequence[str],
    next_calls: Callable[[OneProcess], Sequence[str]],
    every: tuple[int, int] = (1, 1),
) -> Iterator[tuple[Place, Place]]:
    """Where a run can die, with each place where the next one then can.

    next_calls: those of a run after this process. every: 1 for all first places, 2 for every other
    one, and the same for the second places.
    """
    for first in places_to_die(calls)[:: every[0]]:
        places = places_to_die(next_calls(OneProcess(*first)))
        for second in places[first[0] % every[1] :: every[1]]:
            yield first, second


def use_threads(patch: pytest.MonkeyPatch, threads: int) -> None:
    """Whatever asks S3 does so in this many threads. With one, the calls have one order."""
    patch.setattr(concurrency, "FEWEST", threads)
    patch.setattr(concurrency, "MOST", threads)


class ProcessDied(BaseException):
    """No Exception: nothing in the job may catch the end of its own process."""


@dataclass
class OneProcess:
    """Numbers a run's calls from 1.

    dies_at: the number of the call at which the process ends, None for never.
    after: whether it ends after that call's effect, instead of before.
    on_call: is told each call's number before it is made, to let something happen meanwhile.
    """

    dies_at: int | None = None
    after: bool = False
    on_call: Callable[[int], None] = field(default=lambda _: None)
    calls: list[str] = field(default_factory=list)
    died: bool = False
    _lock: threading.RLock = field(default_factory=threading.RLock)
    # Each thread's own: the number of its call, and whether it is telling on_call.
    _thread: threading.local = field(default_factory=threading.local)

    @contextmanager
    def watching(self, s3: S3Client) -> Iterator[None]:
        """Everything that this client does meanwhile, this process does."""
        events: dict[str, Callable[..., None]] = {
            "before-call.s3": self._before,
            "after-call.s3": self._after,
        }
        for name, handler in events.items():
            s3.meta.events.register(name, handler)
        try:
            yield
        finally:
            for name, handler in events.items():
                s3.meta.events.unregister(name, handler)

    def step(self, what: str) -> None:
        """A moment without a call to S3 at which the process can end as well."""
        with self._lock:
            self._number(what)
            self._die_if(self.dies_at == len(self.calls))

    def last(self) -> str:
        """Where the process ended, in words."""
        return f"{'after' if self.after else 'before'} call {len(self.calls)}: {self.calls[-1]}"

    def _before(self, model: Any, params: Mapping[str, Any], **_: object) -> None:
        if self._telling():
            return
        with self._lock:
            self._number(f"{model.name} {params['url_path']}")
            self._thread.call = number = len(self.calls)
            self._thread.telling = True
            try:
                self.on_call(number)
            finally:
                self._thread.telling = False
            self._die_if(number == self.dies_at and not self.after)

    def _after(self, **_: object) -> None:
        if self._telling():
            return
        with self._lock:
            self._die_if(self.died or (self._thread.call == self.dies_at and self.after))

    def _telling(self) -> bool:
        # Calls that someone else makes while one of ours is on its way are not ours.
        return getattr(self._thread, "telling", False)

    def _number(self, what: str) -> None:
        self._die_if(self.died)
        self.calls.append(what)

    def _die_if(self, so: bool) -> None:
        if so:
            self.died = True
            raise ProcessDied
