"""Makes text from the plan harmless to print."""

from __future__ import annotations

import re

_ESCAPE_SEQUENCE = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")


def on_one_line(text: str) -> str:
    """The text with invisible and active characters written as escapes.

    These are line ends, control characters, changes of the writing direction, and lone surrogates.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else _escape(c) for c in text)


def on_many_lines(text: str) -> str:
    """The same for text of many lines; the colours of a terminal are left out."""
    plain = _ESCAPE_SEQUENCE.sub("", text).replace("\r\n", "\n").replace("\t", "    ")
    return "\n".join(on_one_line(line) for line in plain.split("\n"))


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
