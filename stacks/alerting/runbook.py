"""The sections of the README's runbook that a message leads to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Section(Enum):
    """A row of the runbook: the anchor in the README, and its first words."""

    QUARANTINE = ("file-in-quarantine", "a file in quarantine")
    RUN_FAILED = ("run-failed", "a run that failed")
    EVENTS_FAILED = ("events-failed", "events that did not reach Glue")
    DEAD_LETTERS = ("dead-letters", "messages in the dead-letter queue")
    FILES_WAIT = ("files-wait", "files that wait too long")


@dataclass(frozen=True)
class Runbook:
    """Where the runbook is: an address without fragment, or None where only its title is known."""

    url: str | None

    def at(self, section: Section) -> str:
        """The end of a message: where to read what to do."""
        anchor, title = section.value
        if self.url:
            return f"Runbook: {self.url}#{anchor}"
        return f"Runbook: README.md, '{title}'."
