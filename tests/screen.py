"""What a person sees of what a program printed to a terminal: its escapes carried out."""

from __future__ import annotations

import re

_TOKEN = re.compile(r"\x1b\[(\??[\d;]*)([A-Za-z])|\x1b[^\[]|[\r\n]|[^\x1b\r\n]+")
ALTERNATE = "?1049"


class Screen:
    """An endless sheet of lines: nothing scrolls away. Lines that are too long do not wrap.

    Knows what rich prints: moves up and to the left, clearing, and the alternate screen, of which
    nothing is left once it is closed.
    """

    def __init__(self) -> None:
        self._lines: list[str] = [""]
        self._row = self._column = 0
        self._below: tuple[list[str], int, int] | None = None

    @classmethod
    def of(cls, text: str) -> Screen:
        screen = cls()
        for found in _TOKEN.finditer(text):
            screen._take(found)
        return screen

    @property
    def lines(self) -> list[str]:
        """Lines from top to bottom, without blanks at their ends, and without empty ones below."""
        return "\n".join(line.rstrip() for line in self._lines).rstrip().split("\n")

    def _take(self, found: re.Match[str]) -> None:
        token, number, command = found[0], found[1], found[2]
        if command:
            self._control(number, command)
        elif token == "\n":
            self._row += 1
            self._column = 0
            self._lines += [""] * (self._row + 1 - len(self._lines))
        elif token == "\r":
            self._column = 0
        elif not token.startswith("\x1b"):
            line = self._lines[self._row].ljust(self._column)
            after = self._column + len(token)
            self._lines[self._row] = line[: self._column] + token + line[after:]
            self._column = after

    def _control(self, number: str, command: str) -> None:
        if command == "A":
            self._row = max(0, self._row - int(number or 1))
        elif command == "H":
            self._row = self._column = 0
        elif command == "K":
            keep = "" if number == "2" else self._lines[self._row][: self._column]
            self._lines[self._row] = keep
        elif command == "J":
            self._lines, self._row, self._column = [""], 0, 0
        elif command == "h" and number == ALTERNATE:
            self._below = (self._lines, self._row, self._column)
            self._lines, self._row, self._column = [""], 0, 0
        elif command == "l" and number == ALTERNATE and self._below:
            self._lines, self._row, self._column = self._below
