"""Why a file is bad, in words for the person who reads the reason in quarantine."""

from __future__ import annotations

import re

from burst.contract import Column, UnknownColumns

MAX_REASON = 500
_LONGEST_SHOWN = 78
_HALF = re.compile("[\ud800-\udfff]")
_NO_CHARACTER = "\N{REPLACEMENT CHARACTER}"


class UnfitError(Exception):
    """Some value of an array is not of the column's type, or would not stay what it is."""


class ParseError(Exception):
    """This file cannot be read as what it should be; the text is the reason."""

    def __init__(self, reason: str) -> None:
        # The reason is stored as UTF-8, which has no half of a surrogate pair.
        text = _HALF.sub(_NO_CHARACTER, reason)
        super().__init__(text if len(text) <= MAX_REASON else text[: MAX_REASON - 3] + "...")


def names(items: list[str]) -> str:
    """A list of column names for a reason, at most ten."""
    more = f" and {len(items) - 10} more" if len(items) > 10 else ""
    return ", ".join(map(shown, items[:10])) + more


def shown(value: object) -> str:
    """What a file has, for a reason: quoted, and cut with an ellipsis when it is long.

    White space is a blank, and what cannot be printed a replacement character: whoever reads the
    reason need not know how Python writes them.
    """
    text = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
    cut = text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 1]}…"
    plain = "".join(
        char if char.isprintable() else " " if char.isspace() else _NO_CHARACTER for char in cut
    )
    quote = '"' if "'" in plain and '"' not in plain else "'"
    return f"{quote}{plain}{quote}"


def check_names(
    found: list[str], columns: tuple[Column, ...], where: str, unknown: UnknownColumns
) -> None:
    """Raises ParseError unless the names are exactly the columns', in any order, each once.

    An optional column may be missing. unknown: whether there may be others; those that are rescued
    must be there once, too.
    """
    expected = [column.in_file for column in columns]
    needed = [column.in_file for column in columns if not column.optional]
    if missing := [name for name in needed if name not in found]:
        what = "column" if len(missing) == 1 else "columns"
        raise ParseError(f"{where} has no {what} {names(missing)}; it has {names(found)}.")
    others = [name for name in found if name not in expected]
    if others and unknown == "quarantine":
        raise ParseError(
            f"{where} has the unknown column {names(others)}; expected are {names(expected)}."
        )
    once = dict.fromkeys([*expected, *others] if unknown == "rescue" else expected)
    if twice := [name for name in once if found.count(name) > 1]:
        raise ParseError(f"{where} has the column {names(twice)} more than once.")
