"""The lines of a log, and what is said about them."""

from __future__ import annotations

import re
from collections.abc import Callable

from rich.console import Console
from rich.text import Text

from tools.operate import runs
from tools.operate.answer import Answer, print_text
from tools.operate.logs import LogLine
from tools.operate.words import timestamp

# Log4j as Spark sets it up: date and time, and then the level.
_LEVEL = re.compile(r"[\d/:.,T\- Z]*\[?(TRACE|DEBUG|INFO|WARN|ERROR|FATAL)\b")


def notes(answer: Answer) -> Callable[[str], None]:
    """Prints to stderr, for people only: stdout has the lines and nothing else."""
    console = Console(stderr=True, highlight=False)

    def say(text: str) -> None:
        if not answer.as_json:
            print_text(console, text, style="dim")

    return say


def head(run: runs.Run) -> str:
    """Which run it is."""
    # A run that waits has not started; Glue shows when it was asked for.
    since = "since" if run.state == "WAITING" else "started"
    return f"Run {run.shown_id}, {run.state}, {since} {timestamp(run.started_at)}:"


def line_text(line: LogLine) -> Text:
    """The time of day, what kind of line it is, and the line itself, uncut."""
    text = Text(
        f"{line.at:%H:%M:%S} {_label(line):<6} ", style="dim", no_wrap=True, overflow="ignore"
    )
    return text.append(line.text, style="not dim")


def _label(line: LogLine) -> str:
    """What the script prints is output; of the rest its level, or stderr where it has none.

    The log group `error` has all that is written to stderr, most of which is no error.
    """
    if line.kind == "output":
        return line.kind
    level = _LEVEL.match(line.text)
    return level[1].lower() if level else "stderr"


def no_lines(run: runs.Run, *, follow: bool) -> str:
    """Why there is nothing to show, and what to do."""
    if run.state in runs.ACTIVE and not follow:
        return "It has no log lines yet. --follow waits for them."
    if run.state in runs.FAILED:
        return (
            "It has no log lines: it never started, or its log is older than the log group keeps. "
            f"Glue says: {run.error or 'nothing'}"
        )
    return "It has no log lines, or they are older than the log group keeps."
