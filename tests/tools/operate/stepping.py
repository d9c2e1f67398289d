"""Several who work on one lake at once, call by call, in an order that a test decides."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.jobs.memory_s3 import MemoryS3


class Killed(BaseException):
    """The process ended before its next call."""


@dataclass
class Actor:
    """Work that waits before each of its calls to S3, until it is told to go on.

    work: gets its own client of the stand-in. expected: errors with which it may end.
    """

    s3: MemoryS3
    work: Callable[[Any], object]
    expected: tuple[type[Exception], ...] = ()
    over: bool = field(default=False, init=False)
    killed: bool = field(default=False, init=False)
    error: BaseException | None = field(default=None, init=False)
    calls: list[str] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        self._client = self.s3.another_client()
        self._client.meta.events.register("before-call.s3", self._wait)
        self._may_go, self._waits = threading.Semaphore(0), threading.Semaphore(0)
        threading.Thread(target=self._run, daemon=True).start()
        self._waits.acquire()

    def step(self) -> None:
        """Make one call, and go on to the next."""
        self._may_go.release()
        self._waits.acquire()

    def finish(self) -> None:
        while not self.over:
            self.step()

    def kill(self) -> None:
        self.killed = True
        self.finish()

    def _wait(self, model: Any, params: Any, **_: object) -> None:
        self._waits.release()
        self._may_go.acquire()
        if self.killed:
            raise Killed
        self.calls.append(f"{model.name} {params['url_path']}")

    def _run(self) -> None:
        try:
            self.work(self._client)
        except (*self.expected, Killed):
            pass
        except BaseException as error:  # noqa: BLE001 - the test looks at it
            self.error = error
        finally:
            self.over = True
            self._waits.release()
