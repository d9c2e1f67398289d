"""Several runs of the job at once, call by call, in an order that a test decides.

Each run is a thread with its own client. It stops before each of its calls to S3, until it is told
to go on. So only one of them runs at any time, and the same choices give the same history.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import cast

from burst.errors import TakenOverError
from mypy_boto3_s3 import S3Client

from tests.jobs.memory_s3 import MemoryS3
from tests.jobs.one_process import OneProcess, ProcessDied
from tests.jobs.world import World


def as_another(world: World) -> World:
    """The same buckets through the client of another process."""
    return replace(world, s3=cast(S3Client, cast(MemoryS3, world.s3).another_client()))


@dataclass
class Run:
    """One run that waits before each call. arguments: of the job."""

    world: World
    arguments: dict[str, str | int | float]
    process: OneProcess = field(init=False)
    error: BaseException | None = field(default=None, init=False)
    taken_over: TakenOverError | None = field(default=None, init=False)
    over: bool = field(default=False, init=False)
    killed: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self.world = as_another(self.world)
        self.process = OneProcess(on_call=self._wait)
        # Handed to and fro: the run may make a call; the run waits, or is over.
        self._may_go, self._waits = threading.Semaphore(0), threading.Semaphore(0)
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()
        self._waits.acquire()

    @property
    def client(self) -> MemoryS3:
        return cast(MemoryS3, self.world.s3)

    @property
    def calls(self) -> int:
        """How many calls it has made."""
        return len(self.process.calls) - 1

    def step(self) -> None:
        """Make one call, and go on to the next."""
        self._may_go.release()
        self._waits.acquire()

    def steps(self, count: int | None = None) -> None:
        """Make this many calls, or all there are."""
        made = 0
        while not self.over and (count is None or made < count):
            self.step()
            made += 1

    def kill(self) -> None:
        """The process ends before the call that it is about to make."""
        self.killed = True
        while not self.over:
            self.step()

    def _wait(self, _: int) -> None:
        self._waits.release()
        self._may_go.acquire()
        if self.killed:
            self.process.died = True
            raise ProcessDied

    def _work(self) -> None:
        try:
            self.world.drain_plain(self.process, **self.arguments)
        except TakenOverError as error:
            self.taken_over = error
        except ProcessDied:
            pass
        except BaseException as error:  # noqa: BLE001 - the test looks at it
            self.error = error
        finally:
            self.over = True
            self._waits.release()


@contextmanager
def histories(runs: list[Run]) -> Iterator[None]:
    """A failure says what each run had done; in the end no thread is left behind."""
    try:
        yield
        for run in runs:
            if run.error:
                raise run.error
    except BaseException as error:
        for number, run in enumerate(runs):
            end = "killed" if run.killed else "over" if run.over else "waiting"
            error.add_note(f"Run {number} ({end}): " + "\n  ".join(run.process.calls))
        raise
    finally:
        for run in runs:
            run.kill()


Check = Callable[[], None]
