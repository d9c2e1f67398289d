"""What happens in a sandbox, line by line, for a terminal that stays open."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from botocore.exceptions import ClientError
from burst.errors import LedgerError

from tools.sandbox.alert_lines import QuarantinedFile, quarantine_lines, quarantined
from tools.sandbox.glue.engine import GlueEngine
from tools.sandbox.glue.notices import JobRunChanged, MessagePublished, Notice
from tools.sandbox.view import narrate
from tools.sandbox.work import Work

# Files of one batch go to quarantine within this time.
GATHER_SECONDS = 2.0

Print = Callable[[datetime, str], None]
# What a job run that has ended well has done; None where that is not to be told.
WorkOf = Callable[[JobRunChanged], Work | None]


class Narrator:
    """Turns notices into lines. Messages about files in quarantine are gathered into one line.

    Args:
        print_line: prints a line with its time.
        work_of: asked for each job run that has succeeded.
    """

    def __init__(self, print_line: Print, work_of: WorkOf = lambda notice: None) -> None:
        self._print = print_line
        self._work_of = work_of
        self._gathered: list[QuarantinedFile] = []
        self._since: datetime | None = None

    @property
    def gathers(self) -> bool:
        """Whether messages wait for `flush`."""
        return bool(self._gathered)

    def take(self, notice: Notice) -> None:
        """Prints what is worth a line. Whatever else happens comes after what was gathered."""
        file = quarantined(notice.message) if isinstance(notice, MessagePublished) else None
        if file is not None:
            self._gathered.append(file)
            self._since = self._since or notice.at
            return
        work, why = None, ""
        if isinstance(notice, JobRunChanged) and notice.state == "SUCCEEDED":
            try:
                work = self._work_of(notice)
            except (LedgerError, ClientError) as error:
                why = f" What it did cannot be read: {error}"
        if line := narrate(notice, work):
            self.flush()
            self._print(notice.at, f"{line}{why}")

    def flush(self) -> None:
        """Prints what was gathered."""
        files, since = self._gathered, self._since
        self._gathered, self._since = [], None
        if since is not None:
            for line in quarantine_lines(files):
                self._print(since, line)


@contextmanager
def narrated(
    engine: GlueEngine, print_line: Print, work_of: WorkOf = lambda notice: None
) -> Iterator[None]:
    """Print a line for every step of the engine that people care about, while the block runs."""
    notices: queue.SimpleQueue[Notice | None] = queue.SimpleQueue()
    thread = threading.Thread(
        target=_narrate,
        args=(notices, Narrator(print_line, work_of)),
        name="narrator",
        daemon=True,
    )
    thread.start()
    unsubscribe = engine.subscribe(notices.put)
    try:
        yield
    finally:
        unsubscribe()
        notices.put(None)
        thread.join(GATHER_SECONDS)


def _narrate(notices: queue.SimpleQueue[Notice | None], narrator: Narrator) -> None:
    while True:
        try:
            notice = notices.get(timeout=GATHER_SECONDS if narrator.gathers else None)
        except queue.Empty:
            narrator.flush()
            continue
        if notice is None:
            narrator.flush()
            return
        narrator.take(notice)
