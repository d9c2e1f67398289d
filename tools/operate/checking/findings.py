"""What `burst check` says: one verdict for each promise, with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What came of a promise."""

    SEEN = "seen"
    NOT_SEEN = "not seen"
    NOT_TRIED = "not tried"


@dataclass(frozen=True)
class Finding:
    """One promise.

    pipeline: "" where it is about the whole environment.
    link: a short name of what it is about, for programs.
    promise: what should be so.
    detail: what was seen, or why it was not seen or not tried, with what to do.
    stops: whether no file can go through where it is not seen.
    """

    pipeline: str
    link: str
    promise: str
    verdict: Verdict
    detail: str = ""
    stops: bool = False

    @property
    def breaks(self) -> bool:
        """Whether it keeps files from being loaded."""
        return self.stops and self.verdict is Verdict.NOT_SEEN


@dataclass(frozen=True)
class Promise:
    """One promise before it is looked at; makes its finding."""

    pipeline: str
    link: str
    text: str
    stops: bool = False

    def seen(self, detail: str = "") -> Finding:
        return self._finding(Verdict.SEEN, detail)

    def not_seen(self, reason: str) -> Finding:
        return self._finding(Verdict.NOT_SEEN, reason)

    def not_tried(self, reason: str) -> Finding:
        return self._finding(Verdict.NOT_TRIED, reason)

    def holds_unless(self, problems: list[str], detail: str = "") -> Finding:
        """Seen where there are no problems."""
        return self.not_seen(" ".join(problems)) if problems else self.seen(detail)

    def _finding(self, verdict: Verdict, detail: str) -> Finding:
        return Finding(self.pipeline, self.link, self.text, verdict, detail, self.stops)
