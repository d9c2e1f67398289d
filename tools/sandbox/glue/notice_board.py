"""Reports what happens to observers, in order and in its own thread."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable

from tools.sandbox.glue.notices import Notice, ProblemFound

MAX_PROBLEMS = 100
JOIN_SECONDS = 20.0

Observer = Callable[[Notice], None]


class NoticeBoard:
    """Delivers every notice to every observer, in the order in which they were announced.

    An observer that fails is a problem and stops nothing else.

    Args:
        changed: is notified when a notice is announced and when every observer has had it; its lock
            guards everything here.
    """

    def __init__(self, changed: threading.Condition) -> None:
        self._changed = changed
        self._observers: list[Observer] = []
        self._problems: deque[str] = deque(maxlen=MAX_PROBLEMS)
        self._notices: queue.SimpleQueue[Notice | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._deliver, name="glue-notices", daemon=True)

    def start(self) -> None:
        """Begins to deliver."""
        self._thread.start()

    def close(self) -> None:
        """Delivers what was announced so far and ends."""
        self._notices.put(None)
        if self._thread.ident is not None and self._thread is not threading.current_thread():
            self._thread.join(JOIN_SECONDS)

    def subscribe(self, observer: Observer) -> Callable[[], None]:
        """Calls `observer` with every notice from now on.

        Returns:
            A function that ends the subscription. It may be called again.
        """
        with self._changed:
            self._observers.append(observer)

        def unsubscribe() -> None:
            with self._changed:
                if observer in self._observers:
                    self._observers.remove(observer)

        return unsubscribe

    @property
    def problems(self) -> tuple[str, ...]:
        """Every problem once, the latest last."""
        with self._changed:
            return tuple(self._problems)

    def announce(self, notice: Notice) -> None:
        """Queues a notice. The lock makes the order of notices that of the changes."""
        with self._changed:
            self._notices.put(notice)
            self._changed.notify_all()

    def report_problem(self, message: str) -> None:
        """Announces a problem, unless it is known already."""
        with self._changed:
            if message not in self._problems:
                self._problems.append(message)
                self.announce(ProblemFound(message=message))

    def _deliver(self) -> None:
        while (notice := self._notices.get()) is not None:
            with self._changed:
                observers = list(self._observers)
            for observer in observers:
                try:
                    observer(notice)
                except Exception as error:  # noqa: BLE001 (a broken view must not stop the runs)
                    with self._changed:
                        self._problems.append(f"An observer failed: {error!r}")
            # Again, for those who wait for what an observer has seen.
            with self._changed:
                self._changed.notify_all()
