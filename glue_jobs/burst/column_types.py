"""The types of columns as text, in Hive's spelling: `array<struct<sku:string,qty:int>>`.

Standard library only, as the contract uses it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache

SIMPLE_TYPES = (
    "string",
    "boolean",
    "smallint",
    "int",
    "bigint",
    "float",
    "double",
    "date",
    "timestamp",
    "binary",
)
# Hive's and Spark's limit.
MAX_PRECISION = 38
# Keys of a map. Hive takes any simple type; floating ones are never found again.
KEY_TYPES = ("string", "smallint", "int", "bigint")
# Of types in types. No engine has a limit; a settings file that people read needs one.
MAX_DEPTH = 12
# AWS Glue web API reference, Column, Type.
MAX_LENGTH = 131_072
ALLOWED_TYPES = (
    f"{', '.join(SIMPLE_TYPES)}, decimal(p,s) with 1 <= p <= {MAX_PRECISION} and 0 <= s <= p, "
    "struct<name:type,...>, array<type> or map<type,type>"
)

STRUCT, ARRAY, MAP = "struct", "array", "map"
_NESTED = (STRUCT, ARRAY, MAP)
_DECIMAL = "decimal"
_WORD = re.compile(r"[A-Za-z0-9_]*", re.ASCII)
# "For complex types, only alphanumeric characters, underscore (_), and period (.) are allowed in
# column names" (Athena user guide, "Name databases, tables, and columns"); a point is what stands
# between names in queries.
_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,254}", re.ASCII)


class ColumnTypeError(ValueError):
    """A text is no type; the message says at which character, and why."""


@dataclass(frozen=True)
class ColumnType:
    """One type.

    kind: a simple type, decimal, struct, array or map. digits: precision and scale of a decimal.
    parts: of a struct its fields by name, as the files spell it; of an array its element; of a map
        its key and its value.
    """

    kind: str
    digits: tuple[int, int] | None = None
    parts: tuple[tuple[str, ColumnType], ...] = ()

    def __str__(self) -> str:
        if self.digits:
            return f"{self.kind}({self.digits[0]},{self.digits[1]})"
        if self.kind == STRUCT:
            return f"struct<{','.join(f'{name}:{part}' for name, part in self.parts)}>"
        if self.parts:
            return f"{self.kind}<{','.join(str(part) for _, part in self.parts)}>"
        return self.kind

    @property
    def is_nested(self) -> bool:
        return self.kind in _NESTED

    @property
    def in_table(self) -> ColumnType:
        """The type with its fields' names as tables have them, in lower case.

        Athena's engine lowers them when it reads the catalog (Trino, HiveTypeTranslator).
        """
        return ColumnType(
            self.kind,
            self.digits,
            tuple((name.lower(), part.in_table) for name, part in self.parts),
        )


def is_field_name(text: str) -> bool:
    """Whether a field of a struct can have this name."""
    return _FIELD.fullmatch(text) is not None


def struct_type(fields: dict[str, ColumnType]) -> ColumnType:
    return ColumnType(STRUCT, parts=tuple(fields.items()))


def array_type(element: ColumnType) -> ColumnType:
    return ColumnType(ARRAY, parts=(("element", element),))


def map_type(key: ColumnType, value: ColumnType) -> ColumnType:
    return ColumnType(MAP, parts=(("key", key), ("value", value)))


def with_field(kind: ColumnType, steps: Sequence[str | None], part: ColumnType) -> ColumnType:
    """The type with another field. steps: to it; None is any element of an array or a map."""
    step, *rest = steps
    if kind.kind == STRUCT and step is not None:
        fields = dict(kind.parts)
        fields[step] = with_field(fields[step], rest, part) if rest else part
        return struct_type(fields)
    *key, (name, value) = kind.parts
    inner = with_field(value, rest, part) if rest else part
    return ColumnType(kind.kind, parts=(*key, (name, inner)))


def part_at(kind: ColumnType, steps: Sequence[str | None]) -> ColumnType | None:
    """The type at this place; None where there is none."""
    for step in steps:
        if not kind.is_nested:
            return None
        parts = dict(kind.parts)
        found = parts.get(step) if kind.kind == STRUCT and step else kind.parts[-1][1]
        if found is None:
            return None
        kind = found
    return kind


def united(one: ColumnType, other: ColumnType) -> ColumnType:
    """The first type with the second one's fields as well; the second one where they differ."""
    if one.kind != other.kind or not one.is_nested:
        return other
    fields = dict(one.parts)
    for name, part in other.parts:
        fields[name] = united(fields[name], part) if name in fields else part
    return ColumnType(one.kind, parts=tuple(fields.items()))


def changes(before: ColumnType, after: ColumnType, path: str) -> Iterator[str]:
    """What changes from one type to another, in words for a review.

    path: how the column is called; the words have the path to each place.
    """
    if before == after:
        return
    if before.kind != after.kind or not before.is_nested:
        yield f"{path} becomes {after} and was {before}"
        return
    if before.kind == STRUCT:
        old, new = dict(before.parts), dict(after.parts)
        for name, part in new.items():
            inner = f"{path}.{name}"
            if name not in old:
                yield f"the field {inner} {part} is new: null in rows that are there already"
            else:
                yield from changes(old[name], part, inner)
        for name in old:
            if name not in new:
                yield f"the field {path}.{name} is gone"
        if list(old) != list(new) and set(old) == set(new) and old == new:
            yield f"the fields of {path} are in another order"
        return
    for (name, old_part), (_, new_part) in zip(before.parts, after.parts, strict=True):
        yield from changes(old_part, new_part, f"{path}[{'' if name != 'key' else 'key'}]")


@lru_cache
def parse_type(text: str) -> ColumnType:
    """The type that a text is. Raises `ColumnTypeError`."""
    if len(text) > MAX_LENGTH:
        raise ColumnTypeError(f"it has {len(text):,} characters, {MAX_LENGTH:,} are allowed")
    reader = _Reader(text)
    found = reader.type(1)
    reader.end()
    return found


class _Reader:
    """Reads a type from the left to the right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def type(self, depth: int) -> ColumnType:
        start = self._at
        kind = self._word()
        if kind not in (*SIMPLE_TYPES, _DECIMAL, *_NESTED):
            raise self._no_type(kind, start)
        if kind in SIMPLE_TYPES:
            return ColumnType(kind)
        if kind == _DECIMAL:
            return self._decimal(start)
        if depth > MAX_DEPTH:
            raise self._error(start, f"more than {MAX_DEPTH} types are in each other")
        self._take("<")
        if kind == STRUCT:
            found = ColumnType(kind, parts=tuple(self._fields(depth)))
        elif kind == ARRAY:
            found = array_type(self.type(depth + 1))
        else:
            found = self._map(depth)
        self._take(">")
        return found

    def end(self) -> None:
        if self._at < len(self._text):
            raise self._error(self._at, f"expected the end, found {self._rest()}")

    def _fields(self, depth: int) -> Iterator[tuple[str, ColumnType]]:
        seen: set[str] = set()
        while True:
            start = self._at
            name = self._word()
            if not is_field_name(name):
                raise self._error(
                    start,
                    f"expected the name of a field (1 to 255 letters, digits and _, not beginning "
                    f"with a digit), found {self._rest(start)}",
                )
            if name.lower() in seen:
                raise self._error(
                    start, f"the field {name!r} is there twice (upper and lower case are the same)"
                )
            seen.add(name.lower())
            self._take(":")
            yield name, self.type(depth + 1)
            if self._text[self._at : self._at + 1] != ",":
                return
            self._at += 1

    def _map(self, depth: int) -> ColumnType:
        start = self._at
        key = self.type(depth + 1)
        if key.kind not in KEY_TYPES:
            raise self._error(start, f"the key of a map is {', '.join(KEY_TYPES)}, not {key}")
        self._take(",")
        return map_type(key, self.type(depth + 1))

    def _decimal(self, start: int) -> ColumnType:
        self._take("(")
        precision = self._number()
        self._take(",")
        scale = self._number()
        self._take(")")
        if not (1 <= precision <= MAX_PRECISION and scale <= precision):
            raise self._error(
                start,
                f"a decimal has a precision from 1 to {MAX_PRECISION} and a scale from 0 to the "
                "precision",
            )
        return ColumnType(_DECIMAL, (precision, scale))

    def _number(self) -> int:
        start = self._at
        word = self._word()
        if not word.isdecimal() or len(word) > 2 or str(int(word)) != word:
            raise self._error(start, f"expected a number such as 10, found {self._rest(start)}")
        return int(word)

    def _word(self) -> str:
        match = _WORD.match(self._text, self._at)
        word = match[0] if match else ""
        self._at += len(word)
        return word

    def _take(self, expected: str) -> None:
        if self._text[self._at : self._at + 1] != expected:
            raise self._error(self._at, f"expected {expected!r}, found {self._rest()}")
        self._at += 1

    def _no_type(self, word: str, start: int) -> ColumnTypeError:
        if not word:
            return self._error(start, f"expected a type, found {self._rest(start)}")
        known = (*SIMPLE_TYPES, _DECIMAL, *_NESTED)
        meant = _ALIASES.get(word.lower()) or next(
            iter(get_close_matches(word.lower(), known, n=1, cutoff=0.6)), None
        )
        hint = f" (did you mean {meant!r}?)" if meant else ""
        return self._error(start, f"there is no type {word!r}{hint}")

    def _rest(self, start: int | None = None) -> str:
        at = self._at if start is None else start
        rest = self._text[at : at + 12]
        if not rest:
            return "the end"
        more = "..." if len(self._text) > at + 12 else ""
        return f"{rest!r}{more}" if rest[0] != " " else "a space, which types do not have"

    def _error(self, at: int, why: str) -> ColumnTypeError:
        return ColumnTypeError(f"at character {at + 1}: {why}" if at else why)


# Names that other systems have for these types.
_ALIASES = {
    "integer": "int",
    "long": "bigint",
    "int64": "bigint",
    "int32": "int",
    "short": "smallint",
    "tinyint": "smallint",
    "bool": "boolean",
    "text": "string",
    "varchar": "string",
    "char": "string",
    "str": "string",
    "real": "float",
    "number": "decimal",
    "numeric": "decimal",
    "datetime": "timestamp",
    "timestamptz": "timestamp",
    "bytes": "binary",
    "list": "array",
    "object": "struct",
    "row": "struct",
    "record": "struct",
    "dict": "map",
}
