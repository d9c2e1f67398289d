"""The messages of the alerts' topic as lines for a terminal: those about many files are one."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from burst.contract import QUARANTINE, REASON_SUFFIX

from tools.operate.ids import short

ALERT = "Alert: "
SHOWN_FILES = 3
_LONG_ID = re.compile(r"\b(?:jr|wr)_[0-9a-f]{9,}")


@dataclass(frozen=True)
class QuarantinedFile:
    """What a message about a file in quarantine says.

    Attributes:
        key: as it was in landing.
        sentence: what is wrong, and what to do.
    """

    pipeline: str
    key: str
    sentence: str


def quarantined(message: str) -> QuarantinedFile | None:
    """The file of a message about quarantine (`stacks/alerting/alerts.py`); else None."""
    try:
        content = json.loads(message)
        # Where a file goes: `destination` in the job's `batch.py`.
        area, pipeline, _, _, key = str(content["reason"]).split("/", 4)
        sentence = str(content["alert"])
    except (ValueError, KeyError, TypeError):
        return None
    if area != QUARANTINE or not key.endswith(REASON_SUFFIX):
        return None
    return QuarantinedFile(pipeline, key.removesuffix(REASON_SUFFIX), sentence)


def quarantine_lines(files: Sequence[QuarantinedFile]) -> list[str]:
    """One line for the files of each pipeline: which they are, and the sentence once."""
    lines = []
    for pipeline in dict.fromkeys(file.pipeline for file in files):
        own = [file for file in files if file.pipeline == pipeline]
        # AWS's message cannot name it; here its command is ready to be typed.
        sentence = own[0].sentence.replace(" PIPELINE ", f" {pipeline} ")
        lines.append(f"{ALERT}pipeline {pipeline}, {_which(own)} {sentence}")
    return lines


def _which(files: Sequence[QuarantinedFile]) -> str:
    """The files, and for more than one that the sentence, which is about one file, is of each."""
    if len(files) == 1:
        return f"{files[0].key}."
    shown = [file.key for file in files[:SHOWN_FILES]]
    left = len(files) - len(shown)
    last = f"{left:,} more" if left else shown.pop()
    return f"{len(files):,} files: {', '.join(shown)} and {last}. The alert of each:"


def for_the_demo(line: str) -> str:
    """The line; an alert names commands that find no account once the demo has ended."""
    if not line.startswith(ALERT):
        return line
    return f"{line} (Here the account goes with the demo, and its table below has the reasons.)"


def alert_line(message: str) -> str:
    """The sentence for people in any other message, with the error; or the message."""
    try:
        content = json.loads(message)
        sentence, error = str(content["alert"]), content.get("error")
    except (ValueError, KeyError, TypeError, AttributeError):
        return f"{ALERT}{message}"
    said = f" It said: {error}" if error else ""
    # As every command shows them; the message has them whole, for AWS.
    return f"{ALERT}{_LONG_ID.sub(lambda found: short(found[0]), sentence)}{said}"
