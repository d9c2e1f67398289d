"""Makes text from outside harmless to look at."""

from __future__ import annotations

import re

_ESCAPE_SEQUENCE = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")


def on_one_line(text: str) -> str:
    """The text with everything that one would not see, or that would act, written as an escape.

    Line ends, control characters, characters that turn the direction of writing, halves of a pair.
    """
    return "".join(c if c.isprintable() else _escape(c) for c in text)


def on_many_lines(text: str) -> str:
    """The same for text of many lines; the colours of a terminal are left out."""
    plain = _ESCAPE_SEQUENCE.sub("", text).replace("\r\n", "\n").replace("\t", "    ")
    return "\n".join(on_one_line(line) for line in plain.split("\n"))


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
