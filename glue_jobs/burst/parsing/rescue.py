"""What a file has and the columns do not take, kept per row: the column `_rescued`.

A row's rest is one JSON object: by the name in the file, the value as it is there. What is null in
the file is left out, and a row that has nothing else has null. Values of CSV and Parquet are texts;
values of JSON stay JSON, with every digit.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import types

from burst.columns import arrow_type
from burst.contract import Column
from burst.parsing.values import Conversion, UnfitError


class Rest:
    """The rest of the rows of a batch. Positions are from 0."""

    def __init__(self) -> None:
        self._rows: dict[int, list[str]] = {}

    def add(self, name: str, position: int, value: str) -> None:
        """One value, as JSON."""
        self._rows.setdefault(position, []).append(f"{json_text(name)}:{value}")

    def add_texts(self, name: str, texts: Iterable[tuple[int, str | None]]) -> None:
        for position, text in texts:
            if text is not None:
                self.add(name, position, json_text(text))

    def array(self, rows: int) -> Any:
        """One text or null for each of so many rows."""
        if not self._rows:
            return pa.nulls(rows, pa.string())
        found = (self._rows.get(row) for row in range(rows))
        return pa.array([f"{{{','.join(one)}}}" if one else None for one in found], pa.string())


def json_text(text: str) -> str:
    """The text in JSON, readable; half of a surrogate pair, which UTF-8 has not, as an escape."""
    found = json.dumps(text, ensure_ascii=False)
    return found if found.isascii() or _is_utf_8(found) else json.dumps(text)


def _is_utf_8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def what_fits(values: Any, column: Column, conversion: Conversion) -> tuple[Any, list[int]]:
    """The converted array with null where a value does not fit, and the positions of those."""
    pieces: list[Any] = []
    bad: list[int] = []
    waiting = [(0, len(values))]
    while waiting:
        start, end = waiting.pop()
        try:
            pieces.append(conversion(values.slice(start, end - start), column))
        except (UnfitError, pa.ArrowInvalid):
            if end - start == 1:
                bad.append(start)
                pieces.append(pa.nulls(1, arrow_type(column)))
            else:
                middle = (start + end) // 2
                waiting += [(middle, end), (start, middle)]
    return pa.concat_arrays(pieces), bad


def texts_of(values: Any) -> list[str | None]:
    """The values of any Arrow array as texts, from which they can be had back exactly."""
    if types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if types.is_temporal(values.type) and not types.is_interval(values.type):
        return _times(values)
    return [_text(value) for value in values]


def _times(values: Any) -> list[str | None]:
    if types.is_duration(values.type):
        return [None if one.value is None else f"{one.value} {values.type.unit}" for one in values]
    written = pc.cast(values, pa.string()).to_pylist()
    return [
        # Arrow writes no year beyond its calendar.
        f"{value.value} since 1970-01-01 ({values.type})" if text and text[0] == "<" else text
        for text, value in zip(written, values, strict=True)
    ]


def _text(value: Any) -> str | None:
    found = _plain(value)
    if found is None or isinstance(found, str):
        return found
    return json.dumps(found, ensure_ascii=False, separators=(",", ":"))


def _plain(value: Any) -> Any:
    """A value as what JSON has: what is nested as lists and objects, all else as text."""
    if not value.is_valid:
        return None
    kind = value.type
    if types.is_map(kind):
        entries = value.values
        keys, items = entries.field(0), entries.field(1)
        return [[_plain(key), _plain(item)] for key, item in zip(keys, items, strict=True)]
    if types.is_nested(kind):
        if types.is_struct(kind):
            return {field.name: _plain(value[at]) for at, field in enumerate(kind)}
        return [_plain(item) for item in value.values]
    if types.is_temporal(kind):
        return _times(pa.array([value.value], pa.int64()).cast(_storage(kind)).view(kind))[0]
    if types.is_boolean(kind):
        return str(value.as_py()).lower()
    plain = value.as_py()
    if isinstance(plain, bytes):
        return base64.b64encode(plain).decode()
    return repr(plain) if isinstance(plain, float) else str(plain)


def _storage(kind: pa.DataType) -> pa.DataType:
    return pa.int32() if kind.bit_width == 32 else pa.int64()
