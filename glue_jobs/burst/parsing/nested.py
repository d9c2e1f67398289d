"""Structs, arrays and maps: taken apart, so that their values are read as those of columns are.

A path says where a value is inside of a column: `.price` in a struct, `[0]` in an array, `["de"]`
in a map. In an array the numbers are those of the file, from 0.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import types

from burst.columns import arrow_type
from burst.contract import ARRAY, MAP, STRUCT, Column, Shape
from burst.parsing.reasons import UnfitError

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_STEP = re.compile(r'\.([A-Za-z_][A-Za-z0-9_]*)|\[([0-9]*)\]|\[("(?:[^"\\]|\\.)*")\]', re.ASCII)


# The steps to any element or value, and to any key.
ANY, KEY = "[]", "[key]"


def of_field(name: str) -> str:
    """The step to a field of a struct."""
    return f".{name}" if _PLAIN.fullmatch(name) else of_key(name)


def of_element(number: int) -> str:
    """The step to an element of an array."""
    return f"[{number}]"


def of_key(key: object) -> str:
    """The step to a value of a map."""
    return f"[{json.dumps(str(key))}]"


def root_of(column: Column) -> str:
    """How the paths of a nested column begin."""
    return column.in_file if _PLAIN.fullmatch(column.in_file) else of_key(column.in_file)


def key_of(name: str, columns: Iterable[Column]) -> str:
    """A name at the top as `_rescued` has it: in brackets where it could be taken for a path."""
    roots = [root_of(column) for column in columns if column.shape]
    like = tuple(f"{root}{step}" for root in roots for step in ".[")
    return of_key(name) if roots and name.startswith(('["', *like)) else name


@dataclass(frozen=True)
class Inside:
    """Where something is inside of a nested column. steps: fields by name, None for any element."""

    column: Column
    steps: tuple[str | None, ...]


def inside(key: str, columns: Iterable[Column]) -> Inside | None:
    """What a key of `_rescued` points to; None where it is a name at the top."""
    for column in columns:
        root = root_of(column)
        if not column.shape or not key.startswith((f"{root}.", f"{root}[")):
            continue
        steps: list[str | None] = []
        current: Column | None = column
        for match in _STEP.finditer(key, len(root)):
            shape = current.shape if current else None
            if shape and shape.kind != STRUCT:
                steps.append(None)
                current = shape.parts[-1]
            else:
                name = match[1] or (json.loads(match[3]) if match[3] else match[2])
                steps.append(name)
                current = shape.fields.get(name) if shape else None
        return Inside(column, tuple(steps))
    return None


def general(key: str, columns: Sequence[Column]) -> str:
    """A key of `_rescued` without numbers and keys: what the same place of any row is called."""
    found = inside(key, columns)
    if not found:
        return key
    return root_of(found.column) + "".join(
        ANY if step is None else of_field(step) for step in found.steps
    )


# From a position in an array of parts to the position in the array that they are part of, and the
# step between them.
Place = Callable[[int], tuple[int, str]]


@dataclass(frozen=True)
class Part:
    """The values of one part of a nested column, one after the other.

    step: to any of them; `[]` in arrays and maps, `[key]` for the keys of a map.
    """

    column: Column
    values: Any
    step: str
    place: Place


def parts_of(values: Any, shape: Shape) -> list[Part]:
    """The parts of values of this shape. A field that the values lack has nulls."""
    if shape.kind == STRUCT:
        return [_field(values, column) for column in shape.parts]
    lengths = lengths_of(values)
    parents = np.repeat(np.arange(len(lengths)), lengths)
    first = np.cumsum(lengths) - lengths
    if shape.kind == ARRAY:
        [column] = shape.parts

        def element(at: int) -> tuple[int, str]:
            return int(parents[at]), of_element(at - int(first[parents[at]]))

        return [Part(column, _as_list(values).flatten(), ANY, element)]
    entries = _as_list(values).flatten()
    keys, items = entries.field(0), entries.field(1)

    def entry(at: int) -> tuple[int, str]:
        return int(parents[at]), of_key(keys[at].as_py())

    key_column, item_column = shape.parts
    return [Part(key_column, keys, KEY, entry), Part(item_column, items, ANY, entry)]


def _field(values: Any, column: Column) -> Part:
    step = of_field(column.in_file)
    index = values.type.get_field_index(column.in_file)
    # Flattened, a field is null where its struct is.
    child = values.flatten()[index] if index >= 0 else pa.nulls(len(values), arrow_type(column))
    return Part(column, child, step, lambda at: (at, step))


def lengths_of(values: Any) -> Any:
    """How many elements or entries each of the arrays or maps has; null has none."""
    return pc.fill_null(pc.list_value_length(_as_list(values)), 0).to_numpy(zero_copy_only=False)


def _as_list(values: Any) -> Any:
    kind = values.type
    if types.is_map(kind):
        entry = pa.struct([("key", kind.key_type), ("value", kind.item_type)])
        return values.cast(pa.list_(entry))
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        return values
    return values.cast(pa.list_(kind.value_type))


def rebuilt(values: Any, shape: Shape, parts: Sequence[Any], kind: Any) -> Any:
    """The parts as values of this type again, null where the values are.

    kind: the pyarrow type; it has the names of the table.
    """
    mask = values.is_null() if values.null_count else None
    if shape.kind == STRUCT:
        return pa.StructArray.from_arrays(parts, fields=list(kind), mask=mask)
    ends = np.cumsum(lengths_of(values), dtype=np.int64)
    offsets = pa.array(np.concatenate([[0], ends]), pa.int32())
    if shape.kind == ARRAY:
        return pa.ListArray.from_arrays(offsets, *parts, type=kind, mask=mask)
    return pa.MapArray.from_arrays(offsets, *parts, type=kind, mask=mask)


def has_twin_keys(values: Any, keys: Any) -> bool:
    """Whether a map has a key twice, of which readers take the one or the other, or fail."""
    lengths = lengths_of(values)
    table = pa.table({"map": np.repeat(np.arange(len(lengths)), lengths), "key": keys})
    return bool(table.group_by(["map", "key"]).aggregate([]).num_rows < len(keys))


def converted(values: Any, column: Column, leaf: Callable[[Any, Column], Any]) -> Any:
    """The values as the column's type. Raises UnfitError, or what the conversion raises.

    leaf: converts the values of a simple column.
    """
    shape = column.shape
    if not shape:
        return leaf(values, column)
    if types.is_null(values.type):
        return pa.nulls(len(values), arrow_type(column))
    arrays = [converted(part.values, part.column, leaf) for part in parts_of(values, shape)]
    if shape.kind == MAP and has_twin_keys(values, arrays[0]):
        raise UnfitError
    return rebuilt(values, shape, arrays, arrow_type(column))


def ends(values: Any, column: Column) -> Iterator[tuple[Column, Any]]:
    """The simple columns that a column is made of, each with its values."""
    if not column.shape:
        yield column, values
        return
    for part in parts_of(values, column.shape):
        yield from ends(part.values, part.column)


def is_of_kind(found: Any, shape: Shape) -> bool:
    """Whether values of this pyarrow type have this shape, whatever their parts are."""
    if shape.kind == STRUCT:
        return bool(types.is_struct(found))
    if shape.kind == MAP:
        return bool(types.is_map(found))
    return bool(
        types.is_list(found)
        or types.is_large_list(found)
        or types.is_fixed_size_list(found)
        or types.is_list_view(found)
        or types.is_large_list_view(found)
    )
