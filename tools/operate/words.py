"""Numbers, sizes and times in words."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Sequence
from datetime import datetime
from difflib import get_close_matches

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def count(number: int, one: str, many: str | None = None) -> str:
    """A number with its noun: 1 file, 2 files."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def days(number: float) -> str:
    """So many days: 1 day, 1.5 days."""
    return f"{number:g} day{'' if number == 1 else 's'}"


def size(number: float) -> str:
    """Bytes in the largest unit that leaves a number of 1 or more."""
    for unit in _UNITS[:-1]:
        if number < 1024:
            return f"{number:.0f} B" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1024
    return f"{number:.1f} {_UNITS[-1]}"


def duration(seconds: float, units: int = 2) -> str:
    """Seconds in the two largest units, or so many: 45 s, 3 min 20 s, 2 h 5 min, 3 d."""
    left = round(seconds)
    parts: list[str] = []
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        whole, left = divmod(left, length)
        if whole or parts:
            parts.append(f"{whole} {unit}")
    return " ".join(part for part in parts[:units] if not part.startswith("0 ")) or "0 s"


def nested_text(value: object, most: int = 80) -> str:
    """A dictionary or a list as JSON, cut where it is longer than so many characters."""
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= most else f"{text[: most - 3]}..."


def ago(at: datetime, now: datetime, units: int = 2) -> str:
    """How long ago."""
    return f"{duration(max(0.0, (now - at).total_seconds()), units)} ago"


def timestamp(at: datetime) -> str:
    """A time in UTC, to the second."""
    return f"{at:%Y-%m-%d %H:%M:%S}Z"


def range_words(least: float | None, most: float | None) -> str:
    """A range as a reader says it: 1 to 1,000, or 1 or more."""
    if least is None:
        return f"{most:,} or less"
    return f"{least:,} or more" if most is None else f"{least:,} to {most:,}"


def did_you_mean(word: str, known: Sequence[str]) -> str:
    """What to say behind a name that there is not; "" where no name resembles it."""
    close = get_close_matches(word, known, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def there_is_no(what: str, name: str, known: Sequence[str], where: str) -> str:
    """The sentence for a name that there is not, with the one that was meant and those there are.

    what: environment or pipeline. where: begins with "in".
    """
    return (
        f"There is no {what} {name!r}{did_you_mean(name, known)} {where}. There are: "
        f"{', '.join(known)}."
    )


def at_words(text: str, width: int, hang: int = 0) -> str:
    """The text with lines that a terminal of this width breaks at no other place than a blank.

    What is set in stays as it is: a command or a difference is there to be copied. So does a word
    that is longer than a line. A point of a list (•) goes on below its text.
    hang: by how many columns every line but the first is set in.
    """
    if hang:
        room = max(1, width - hang)
        # What the first line begins with has the room of the others' blanks.
        head, rest = text[:hang], text[hang:]
        return head + at_words(rest, room).replace("\n", "\n" + " " * hang)
    return "\n".join(
        line
        if len(line) <= width or line[:1] in (" ", "+", "-", "@")
        else textwrap.fill(
            line,
            width,
            subsequent_indent="  " if line.startswith("• ") else "",
            break_long_words=False,
            break_on_hyphens=False,
        )
        for line in text.split("\n")
    )
