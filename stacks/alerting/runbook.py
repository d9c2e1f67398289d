"""The rows of the runbook that messages lead to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

# The page in this repository, for messages that have no address to link to.
PAGE = "docs/runbook.md"


class Section(Enum):
    """A row of the runbook: its anchor in the page, and its first words."""

    QUARANTINE = ("file-in-quarantine", "a file in quarantine")
    RUN_FAILED = ("run-failed", "a run that failed")
    EVENTS_FAILED = ("events-failed", "events that did not reach Glue")
    DEAD_LETTERS = ("dead-letters", "messages in the dead-letter queue")
    DRIFT = ("new-columns", "columns that nobody declared")
    FILES_WAIT = ("files-wait", "files that wait too long")


@dataclass(frozen=True)
class Runbook:
    """Where the runbook can be read: an address without a fragment, or None where none is set."""

    url: str | None

    def at(self, section: Section) -> str:
        """The end of a message: where to read what to do."""
        anchor, title = section.value
        if self.url:
            return f"Runbook: {self.url}#{anchor}"
        return f"Runbook: {PAGE}, '{title}'."
