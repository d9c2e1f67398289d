"""The text of `cdktf.json` as data, or a sentence that says where it is no JSON and why."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from stacks.settings.setting import SettingsError

_MARKS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}
_COMMA_BEFORE_END = re.compile(r",\s*\Z")
_BLANK = re.compile(r"[ \t\n\r]*")
_FIRST = re.compile(r'"[^"\n]{0,18}"?|[^\s,:{}\[\]"]{1,20}')
# As other languages write them.
_OTHER_WORDS = {"true": "true", "false": "false", "null": "null", "none": "null"}
_DECODER = json.JSONDecoder()


@dataclass(frozen=True)
class Member:
    """A member of an object, or an element of a list, which has its index (from 0) as its key.

    key_start: where the key begins, of an element the value. start and end: of the value.
    """

    key: str | int
    key_start: int
    start: int
    end: int


class _TwiceError(ValueError):
    """A key stands twice in an object."""


def settings_text(content: bytes, name: str) -> str:
    """The content of a file as text.

    name: what the errors call the file. Raises `SettingsError` for a file that is empty or not
    plain UTF-8.
    """
    if content.startswith(codecs.BOM_UTF8):
        raise _unusable(
            name, 1, 1, "a byte order mark comes before the text", "save it as UTF-8 without one"
        )
    for mark, encoding in _MARKS.items():
        if content.startswith(mark):
            raise _unusable(name, 1, 1, f"the text is {encoding}", "save it as UTF-8")
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        before = content[: error.start].decode()
        cause = f"the byte 0x{content[error.start]:02x} is not UTF-8"
        raise _unusable(name, *_place(before, len(before)), cause, "save it as UTF-8") from error
    if "\0" in text:
        place = _place(text, text.index("\0"))
        raise _unusable(name, *place, "the text has a NUL, as UTF-16 does", "save it as UTF-8")
    if not text.strip():
        raise SettingsError(
            [
                f"{name} is not usable: it is empty; write it again, or take it back from "
                "version control."
            ]
        )
    return text


def parse_document(text: str, name: str) -> Any:
    """The JSON data of the text.

    name: what the errors call the file. Raises `SettingsError` with line and column (both from 1),
    the cause and the fix where it is no JSON, and where a key stands twice in an object.
    """
    try:
        return json.loads(text, object_pairs_hook=_object_without_duplicates)
    except json.JSONDecodeError as error:
        at, cause, fix = _cause(text, error)
        raise _unusable(name, *_place(text, at), cause, fix) from error
    except RecursionError as error:
        raise SettingsError([f"{name} is not usable: it is nested too deeply."]) from error
    except _TwiceError as error:
        raise SettingsError([_twice(text, name)]) from error


def members(text: str, start: int) -> Iterator[Member]:
    """The members of the object or list that begins at ``start``; none where neither does.

    text: valid JSON.
    """
    begin = text[start : start + 1]
    if begin not in ("{", "["):
        return
    at, index = _blank(text, start + 1), 0
    while text[at] not in "}]":
        key: str | int = index
        value = at
        if begin == "{":
            key, end = _DECODER.raw_decode(text, at)
            value = _blank(text, _blank(text, end) + 1)
        _, after = _DECODER.raw_decode(text, value)
        yield Member(key, at, value, after)
        at, index = _blank(text, after), index + 1
        if text[at] == ",":
            at = _blank(text, at + 1)


def place_of(text: str, path: Sequence[str | int]) -> str:
    """Line and column, in words and from 1, of what stands at a path of keys and indexes.

    Where the path leads out of the text it is the place of the last step that is there. text: valid
    JSON.
    """
    at = start = _blank(text, 0)
    for step in path:
        found = next((member for member in members(text, start) if member.key == step), None)
        if found is None:
            break
        at, start = found.key_start, found.start
    return _place_words(*_place(text, at))


def _blank(text: str, at: int) -> int:
    match = _BLANK.match(text, at)
    return match.end() if match else at


def _twice(text: str, name: str) -> str:
    """The sentence for the first key that stands twice in one object."""
    pending: list[tuple[int, tuple[str | int, ...]]] = [(_blank(text, 0), ())]
    while pending:
        start, path = pending.pop(0)
        seen: dict[str | int, int] = {}
        for member in members(text, start):
            if member.key in seen:
                line, column = _place(text, member.key_start)
                first, _ = _place(text, seen[member.key])
                where = ".".join(map(str, path))
                cause = (
                    f"the key {member.key!r} stands twice in "
                    f"{f'the object {where}' if where else 'the outermost object'}, first in line "
                    f"{first}"
                )
                return _unusable_words(name, line, column, cause, "remove one of the two")
            seen[member.key] = member.key_start
            pending.append((member.start, (*path, member.key)))
    return f"{name} is not usable: a key stands twice in one object; remove one of the two."


def _cause(text: str, error: json.JSONDecodeError) -> tuple[int, str, str]:
    """Where the error is (from 0), what it is, and how to correct it."""
    at = error.pos
    rest = text[at:]
    # An object ends where a key should be, or a list where a value should be.
    comma = _COMMA_BEFORE_END.search(text, 0, at)
    following = rest.lstrip()
    if comma is None and following.startswith(","):
        # Python names the comma itself in some versions.
        after = following[1:].lstrip()
        comma_at = at + len(rest) - len(following)
        if after.startswith(("}", "]")):
            return comma_at, "a comma comes before the closing bracket", "remove the comma"
    if comma and following.startswith(("}", "]")):
        return comma.start(), "a comma comes before the closing bracket", "remove the comma"
    if following.startswith(("//", "/*", "#")):
        begin = at + len(rest) - len(following)
        return begin, "JSON has no comments", "remove the comment"
    if following.startswith("'"):
        return at, "a text is in single quotes", 'put it into double quotes ("...")'
    if not following:
        return len(text), "the text ends too early", "close what is open with }, ] or a quote"
    if error.msg.startswith("Expecting ',' delimiter"):
        return at, f"found {_start(rest)}", "put a comma between the two members"
    if error.msg.startswith("Expecting property name"):
        return at, f"found {_start(rest)}", "write the key in double quotes"
    if error.msg.startswith("Extra data"):
        return at, f"found {_start(rest)} after the end", "remove it, or a bracket too many before"
    if error.msg.startswith("Unterminated string"):
        return at, "a text has no closing quote", "close it on the same line"
    if error.msg.startswith("Expecting value"):
        if json_word := _OTHER_WORDS.get(_first(rest).lower()):
            return at, f"found {_start(rest)}", f"write {json_word}"
        return (
            at,
            f"found {_start(rest)}",
            ("write a value: a text in double quotes, a number, true, false, null, {...} or [...]"),
        )
    if error.msg.startswith("Expecting ':'"):
        return at, f"found {_start(rest)} after a key", "put a colon between key and value"
    if error.msg.startswith("Invalid control character"):
        return at, "a text has a line break or a tab in it", r"close the quote, or write \n or \t"
    if error.msg.startswith("Invalid \\"):
        return at, "a backslash begins no escape that JSON has", "double the backslash"
    return at, error.msg[0].lower() + error.msg[1:], "correct the text"


def _start(text: str) -> str:
    """The word, the text in quotes or the sign that stands first."""
    return repr(_first(text))


def _first(text: str) -> str:
    found = _FIRST.match(text)
    return found[0] if found else text[:1]


def _place(text: str, at: int) -> tuple[int, int]:
    """Line and column of a position, both from 1."""
    return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)


def _place_words(line: int, column: int) -> str:
    return f"line {line}, column {column}"


def _unusable(name: str, line: int, column: int, cause: str, fix: str) -> SettingsError:
    return SettingsError([_unusable_words(name, line, column, cause, fix)])


def _unusable_words(name: str, line: int, column: int, cause: str, fix: str) -> str:
    return f"{name} is not usable: {_place_words(line, column)}: {cause}; {fix}."


def _object_without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise _TwiceError(key)
        found[key] = value
    return found
