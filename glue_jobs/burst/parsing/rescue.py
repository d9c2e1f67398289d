"""What a file has and the columns do not take, kept per row: the column `_rescued`.

A row's rest is one JSON object: by the name in the file, the value as it is there. What is inside
of a nested column is under its path, such as `items[0].price`. What is null in the file is left
out, and a row that has nothing else has null. Values of CSV and Parquet are texts; values of JSON
stay JSON, with every digit.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import types

from burst.columns import arrow_type
from burst.contract import MAP, STRUCT, Column, Shape
from burst.parsing import nested
from burst.parsing.reasons import UnfitError
from burst.parsing.values import Conversion


class Rest:
    """The rest of the rows of a batch. Positions are from 0."""

    def __init__(self, columns: Sequence[Column] = ()) -> None:
        self._rows: dict[int, list[str]] = {}
        self._nested = [column for column in columns if column.shape]

    def add(self, name: str, position: int, value: str) -> None:
        """One value of a name at the top, as JSON."""
        key = nested.key_of(name, self._nested) if self._nested else name
        self._rows.setdefault(position, []).append(f"{json_text(key)}:{value}")

    def add_inside(self, column: Column, path: str, position: int, value: str) -> None:
        """One value of a nested column, or all of it where there is no path, as JSON."""
        if not path:
            self.add(column.in_file, position, value)
            return
        key = nested.root_of(column) + path
        self._rows.setdefault(position, []).append(f"{json_text(key)}:{value}")

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


@dataclass(frozen=True)
class Misfit:
    """Something inside of a nested column that does not fit.

    position: of the row. value: an array of this one value, as the file has it.
    """

    position: int
    path: str
    value: Any


@dataclass(frozen=True)
class Fitting:
    """How the values of a nested column are looked at one by one.

    conversion: of the simple columns at its ends. unfit: the places, as `parts_of` names them,
    whose type can have no value of the column's. keep_unknown: whether fields that a struct does
    not declare are kept.
    """

    conversion: Conversion
    unfit: frozenset[str] = frozenset()
    keep_unknown: bool = False

    def what_fits(self, values: Any, column: Column, place: str = "") -> tuple[Any, list[Misfit]]:
        """The converted array with null in place of what does not fit, and all of that."""
        shape = column.shape
        if place in self.unfit:
            return pa.nulls(len(values), arrow_type(column)), _all_of(values)
        if types.is_null(values.type):
            return pa.nulls(len(values), arrow_type(column)), []
        if not shape:
            array, bad = what_fits(values, column, self.conversion)
            return array, [Misfit(at, "", values.slice(at, 1)) for at in bad]
        misfits: list[Misfit] = []
        arrays = []
        for part in nested.parts_of(values, shape):
            array, inner = self.what_fits(part.values, part.column, place + part.step)
            arrays.append(array)
            for one in inner:
                parent, step = part.place(one.position)
                misfits.append(Misfit(parent, step + one.path, one.value))
        if shape.kind == MAP and (arrays[0].null_count or nested.has_twin_keys(values, arrays[0])):
            # No map can hold these keys, so all of it is what does not fit.
            return self._whole_maps(values, column, place)
        if shape.kind == STRUCT and self.keep_unknown:
            misfits += _unknown_fields(values, shape)
        return nested.rebuilt(values, shape, arrays, arrow_type(column)), misfits

    def _whole_maps(self, values: Any, column: Column, place: str) -> tuple[Any, list[Misfit]]:
        if len(values) == 1:
            return pa.nulls(1, arrow_type(column)), _all_of(values)
        middle = len(values) // 2
        first, bad = self.what_fits(values.slice(0, middle), column, place)
        second, more = self.what_fits(values.slice(middle), column, place)
        bad += [Misfit(one.position + middle, one.path, one.value) for one in more]
        return pa.concat_arrays([first, second]), bad


def _all_of(values: Any) -> list[Misfit]:
    valid = pc.indices_nonzero(pc.is_valid(values)).to_pylist()
    return [Misfit(at, "", values.slice(at, 1)) for at in valid]


def _unknown_fields(values: Any, shape: Shape) -> list[Misfit]:
    return [
        Misfit(one.position, nested.of_field(field.name), one.value)
        for field, child in zip(values.type, values.flatten(), strict=True)
        if field.name not in shape.fields
        for one in _all_of(child)
    ]


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
