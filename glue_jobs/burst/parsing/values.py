"""Texts to values, by the rules of docs/values.md.

Arrow converts fast, but it takes more than the rules allow (hexadecimal numbers, year 0) and does
not always notice what it loses (decimals that wrap around, exponents beyond its tables). So a
column of texts is vetted first, all of it at once; Arrow sees what it certainly converts right; and
what it gave is checked for its range. The rare texts that are left are converted one by one.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Context, Decimal, Inexact
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from burst.columns import arrow_type
from burst.contract import ARRAY, EPOCHS, MAP, MAX_PRECISION, Column, date_pattern
from burst.parsing import nested
from burst.parsing.reasons import UnfitError

EXPECTED = {
    "string": "text in UTF-8",
    "boolean": "true, false, 1 or 0",
    "smallint": "a whole number of 16 bits",
    "int": "a whole number of 32 bits",
    "bigint": "a whole number of 64 bits",
    "float": "a number in the range of a float (32 bits)",
    "double": "a number in the range of a double",
    "date": "a date such as 2025-01-31, from year 0001 to 9999",
    "timestamp": "a timestamp such as 2025-01-31T23:59:59.123456Z (at most 6 decimals), "
    "from year 0001 to 9999",
    "binary": "bytes",
}
_YEARS = "from year 0001 to 9999"

FIRST_DAY, LAST_DAY = date.min, date.max
FIRST_INSTANT = datetime.min.replace(tzinfo=UTC)
LAST_INSTANT = datetime.max.replace(tzinfo=UTC)

_DIGITS = b"0123456789"
_PLUS, _NINE = b"+9"
_DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,9})?", re.ASCII)
_DAY_ONLY = r"^\d{4}-\d{2}-\d{2}$"
_HAS_ZONE = r"^.{10}[T ].*(Z|[+-]\d{2}(:?\d{2})?)$"
_NOT_FINITE = r"(?i)^[+-]?(nan|inf|infinity)$"
# A text with a digit other than 0 before the exponent is a number other than 0.
_NOT_ZERO = r"^[^eE]*[1-9]"
_TRUE = pa.array(["true", "True", "TRUE", "1"])
_FALSE = pa.array(["false", "False", "FALSE", "0"])
# Arrow's decimals of 256 bits hold 76 digits.
_WIDE_PRECISION = 76
_EXACT = Context(prec=2 * _WIDE_PRECISION, traps=[Inexact])


@dataclass(frozen=True)
class BadValue(Exception):
    """The value at this position of the batch (from 0) is not of the column's type.

    path: to the value inside of a nested column.
    """

    position: int
    column: Column
    found: object
    expected: str
    path: str = ""

    @property
    def name(self) -> str:
        """The column in the files, with the path."""
        return f"{nested.root_of(self.column)}{self.path}" if self.path else self.column.in_file


Conversion = Callable[[Any, Column], Any]


def convert_or_say_which(values: Any, column: Column, conversion: Conversion) -> Any:
    """The converted array. Raises BadValue for the first value that cannot be converted."""
    try:
        return conversion(values, column)
    except (UnfitError, pa.ArrowInvalid):
        position = _first_bad(values, column, conversion)
        path, inner, value = _innermost(values.slice(position, 1), column, conversion)
        found = _found(value)
        raise BadValue(position, column, found, expected(inner, found), path) from None


def _innermost(one: Any, column: Column, conversion: Conversion) -> tuple[str, Column, Any]:
    """The path to what is wrong in an array of one value, its column, and the value there."""
    for part in nested.parts_of(one, column.shape) if column.shape else ():
        for at in range(len(part.values)):
            inner = part.values.slice(at, 1)
            try:
                conversion(inner, part.column)
            except (UnfitError, pa.ArrowInvalid):
                path, last, value = _innermost(inner, part.column, conversion)
                return part.place(at)[1] + path, last, value
    return "", column, one[0]


def _found(value: Any) -> object:
    """The value as Python's own; a day or an instant that Python does not know as its number."""
    try:
        return value.as_py()
    except (OverflowError, ValueError):
        return f"{value.value} since 1970-01-01"


def _first_bad(values: Any, column: Column, conversion: Conversion) -> int:
    """The position of the first value that the conversion refuses, found by halving."""
    low, high = 0, len(values)
    while high - low > 1:
        middle = (low + high) // 2
        try:
            conversion(values.slice(low, middle - low), column)
        except (UnfitError, pa.ArrowInvalid):
            high = middle
        else:
            low = middle
    return low


def expected(column: Column, found: object) -> str:
    """What the column takes, in words; for a decimal also what is wrong with this one."""
    if column.format:
        return _expected_format(column)
    if shape := column.shape:
        if shape.kind == MAP:
            return "a map with each key once"
        return "a list" if shape.kind == ARRAY else "a struct"
    if not column.decimal:
        return EXPECTED[column.type]
    number = found if isinstance(found, Decimal) else decimal_of(str(found))
    why = number is not None and misfit(number, column)
    return f"a number that fits {column.type}{f' ({why})' if why else ''}"


def _expected_format(column: Column) -> str:
    if column.format in EPOCHS:
        unit = column.format.removeprefix("epoch_")
        return f"a whole number, the {unit} since 1970-01-01, {_YEARS}"
    if column.type == "binary":
        return f"bytes in {column.format}"
    return f"a {column.type} in the form {column.format}, {_YEARS}"


def from_texts(texts: Any, column: Column) -> Any:
    """An array of the column's type. Raises UnfitError or ArrowInvalid when a text is not one."""
    if column.decimal:
        return _decimals(texts, column)
    if column.format:
        return _formatted(texts, column)
    return _CONVERSIONS[column.type](texts, column)


@lru_cache
def from_separated(decimal: str, thousands: str) -> Conversion:
    """`from_texts` for numbers with these separators; an empty one separates no thousands."""
    if (decimal, thousands) == (".", ""):
        return from_texts
    point, comma = re.escape(decimal), re.escape(thousands)
    grouped = rf"^[+-]?\d{{1,3}}(?:{comma}\d{{3}})+(?:{point}\d*)?(?:[eE][+-]?\d+)?$"

    def convert(texts: Any, column: Column) -> Any:
        if not (column.decimal or column.type in _NUMBERS):
            return from_texts(texts, column)
        if thousands:
            whole = pc.replace_substring(texts, thousands, "")
            texts = pc.if_else(pc.match_substring_regex(texts, grouped), whole, texts)
        if decimal != ".":
            if (_content(texts)[0] == ord(".")).any():
                raise UnfitError
            texts = pc.replace_substring(texts, decimal, ".")
        return from_texts(texts, column)

    return convert


def _formatted(texts: Any, column: Column) -> Any:
    """Dates, instants and bytes that are written in the column's own format."""
    if column.format in EPOCHS:
        return from_epoch(_whole_numbers(texts, _EPOCH), column)
    if column.type == "binary":
        each = texts.dictionary_encode()
        values = [_decoded(text, column.format) for text in each.dictionary.to_pylist()]
        return pa.array(values, pa.binary()).take(each.indices)
    parts = pc.extract_regex(texts, date_pattern(column.format, column.type) or "")
    # What does not match is null.
    if parts.null_count > texts.null_count:
        raise UnfitError
    found = {field.name: pc.struct_field(parts, field.name) for field in parts.type}
    pieces = [found["year"]]
    for separator, name in zip("--T::", ("month", "day", "hour", "minute", "second"), strict=True):
        if name in found:
            pieces += [separator, pc.utf8_lpad(found[name], 2, "0")]
        elif column.type == "timestamp":
            pieces += [f"{separator}00"]
    if "fraction" in found:
        pieces += [".", found["fraction"]]
    if column.type == "timestamp":
        pieces += [found.get("zone", "Z")]
    written = pc.binary_join_element_wise(*pieces, "")
    return _CONVERSIONS[column.type](written, column)


def from_epoch(numbers: Any, column: Column) -> Any:
    """Whole numbers as the instants that they count to. Raises UnfitError or ArrowInvalid."""
    unit = "s" if EPOCHS[column.format] == 1 else "ms"
    counted = pc.cast(numbers, pa.int64()).view(pa.timestamp(unit, tz="UTC"))
    return within_calendar(pc.cast(counted, arrow_type(column)))


def _decoded(text: str, format: str) -> bytes:
    try:
        if format == "hex":
            return binascii.unhexlify(text)
        found = base64.b64decode(text, validate=True)
    except ValueError:
        raise UnfitError from None
    # Bits that are left over at the end must be 0, so that no two texts mean the same.
    if base64.b64encode(found).decode() != text:
        raise UnfitError
    return found


def _strings(texts: Any, column: Column) -> Any:
    return texts


def _booleans(texts: Any, column: Column) -> Any:
    true, false = pc.is_in(texts, _TRUE), pc.is_in(texts, _FALSE)
    known = pc.or_(true, false)
    if pc.count(known.filter(known), mode="all").as_py() < len(texts) - texts.null_count:
        raise UnfitError
    return pc.if_else(pc.is_valid(texts), true, None)


def _whole_numbers(texts: Any, column: Column) -> Any:
    lowest, highest = _range_of(texts)
    if lowest < _PLUS or highest > _NINE:
        raise UnfitError
    if lowest == _PLUS:
        # Arrow takes a plus sign before every number but whole ones.
        texts = pc.replace_substring_regex(texts, r"^\+(\d)", r"\1")
    return pc.cast(texts, arrow_type(column))


def _doubles(texts: Any, column: Column) -> Any:
    if not _is_plain(texts) and _other_than(texts, _DIGITS + b"+-.eE"):
        words = pc.match_substring_regex(texts, _NOT_FINITE)
        _only_allowed(pc.if_else(words, "0", texts), _DIGITS + b"+-.eE")
    else:
        words = None
    values = pc.cast(texts, arrow_type(column))
    if not all_finite(values):
        infinite = pc.invert(pc.is_finite(values))
        if words is None or pc.any(pc.and_not(infinite, words)).as_py():
            raise UnfitError
    zeros = _numbers_of(values) == 0
    if np.count_nonzero(zeros) > values.null_count:
        # A number that is not zero may be too small for a double.
        tiny = pc.match_substring_regex(texts.filter(pa.array(zeros)), _NOT_ZERO)
        if pc.any(tiny).as_py():
            raise UnfitError
    return values


def all_finite(doubles: Any) -> bool:
    """Whether no value of these doubles or floats is infinite or not a number."""
    return bool(np.isfinite(_numbers_of(doubles)).all())


def _numbers_of(doubles: Any) -> Any:
    """The numbers as they are in memory; a null is some number, mostly 0."""
    _, data = doubles.buffers()
    kind = np.dtype(doubles.type.to_pandas_dtype())
    return np.frombuffer(data or b"", kind, len(doubles), offset=kind.itemsize * doubles.offset)


def _decimals(texts: Any, column: Column) -> Any:
    plain = _is_plain(texts)
    if plain and _are_short(texts, column):
        return pc.cast(texts, arrow_type(column))
    _, scale = digits_of(column)
    length = pc.max(pc.binary_length(texts)).as_py() or 0
    if plain and length + scale <= _WIDE_PRECISION:
        return narrowed(pc.cast(texts, wide_decimal(length, scale)), column)
    each = texts.dictionary_encode()
    numbers = [decimal_of(text) for text in each.dictionary.to_pylist()]
    return decimal_array(numbers, column).take(each.indices)


def _are_short(texts: Any, column: Column) -> bool:
    """Whether all numbers surely fit, because there are so few bytes on both sides of their points.

    False is no answer, as it is where some have a point and others have none.
    """
    precision, scale = digits_of(column)
    content, offsets = _content(texts)
    lengths = np.diff(offsets)
    filled = slice(None) if lengths.all() else np.flatnonzero(lengths)
    starts, lengths = (offsets[:-1] - offsets[0])[filled], lengths[filled]
    signed = content[starts] < ord(".")
    points = np.flatnonzero(content == ord("."))
    if not len(points):
        return bool((lengths - signed).max(initial=0) <= precision - scale)
    if len(points) != len(starts):
        return False
    before = points - starts
    after = lengths - before - 1
    # Below 0 where the point is in another text.
    if before.min() < 0 or after.min() < 0:
        return False
    return bool((before - signed).max() <= precision - scale and after.max() <= scale)


def decimal_of(text: str | None) -> Decimal | None:
    """The number that a text is, exactly; None when it is not one."""
    return Decimal(text) if text is not None and _DECIMAL.fullmatch(text) else None


def decimal_array(numbers: Sequence[Decimal | None], column: Column) -> Any:
    """Exact numbers as an array of the column's type. Raises UnfitError for None and misfits."""
    step = Decimal(1).scaleb(-digits_of(column)[1])
    exact = []
    for number in numbers:
        if number is None or misfit(number, column):
            raise UnfitError
        exact.append((number or Decimal(0)).quantize(step, context=_EXACT))
    return pa.array(exact, arrow_type(column))


def misfit(number: Decimal, column: Column) -> str | None:
    """Why a number does not fit the decimal column; None when it does.

    Nothing is rounded. Zeros at either end do not count.
    """
    precision, scale = digits_of(column)
    if not number:
        return None
    _, digits, exponent = number.as_tuple()
    if not isinstance(exponent, int):
        return "it is no finite number"
    zeros = next(count for count, digit in enumerate(reversed(digits)) if digit)
    whole, decimals = len(digits) + exponent, -(exponent + zeros)
    whole -= next(count for count, digit in enumerate(digits) if digit)
    if whole > precision - scale:
        return f"it has {whole} whole digits, {precision - scale} fit"
    if decimals > scale:
        return f"it has {decimals} decimals, {scale} fit"
    return None


def wide_decimal(whole_digits: int, scale: int) -> pa.DataType:
    """A decimal in which numbers of this many whole digits cannot wrap around."""
    if whole_digits + scale <= MAX_PRECISION:
        return pa.decimal128(MAX_PRECISION, scale)
    return pa.decimal256(_WIDE_PRECISION, scale)


def narrowed(decimals: Any, column: Column) -> Any:
    """Decimals of any precision and scale as the column's type, when they fit as they are.

    Arrow's safe cast lets some values wrap around, so the whole digits are looked at first. It does
    refuse to drop decimals. Raises UnfitError or ArrowInvalid.
    """
    precision, scale = digits_of(column)
    range_ = pc.min_max(decimals)
    bound = Decimal(10).scaleb(precision - scale - 1, _EXACT)
    for value in (range_["min"].as_py(), range_["max"].as_py()):
        if value is not None and value.copy_abs() >= bound:
            raise UnfitError
    return pc.cast(decimals, arrow_type(column))


def digits_of(column: Column) -> tuple[int, int]:
    if column.decimal is None:
        raise TypeError(f"{column.name!r} is no decimal column")
    return column.decimal


def _dates(texts: Any, column: Column) -> Any:
    return within_calendar(pc.cast(texts, arrow_type(column)))


def _timestamps(texts: Any, column: Column) -> Any:
    try:
        # A hundredth of the work, and what most files are: every text has a zone offset.
        values = pc.cast(texts, arrow_type(column))
    except pa.ArrowInvalid:
        values = _with_and_without_zone(texts, column)
    return within_calendar(values)


def _with_and_without_zone(texts: Any, column: Column) -> Any:
    # Arrow refuses to mix texts with and without a zone offset, files do mix them.
    with_time = pc.if_else(
        pc.match_substring_regex(texts, _DAY_ONLY),
        pc.binary_join_element_wise(texts, "T00:00:00", ""),
        texts,
    )
    with_zone = pc.if_else(
        pc.match_substring_regex(with_time, _HAS_ZONE),
        with_time,
        pc.binary_join_element_wise(with_time, "Z", ""),
    )
    return pc.cast(with_zone, arrow_type(column))


def within_calendar(values: Any) -> Any:
    """The dates or instants, when all are in the years 0001 to 9999. Raises UnfitError."""
    numbers = values.view(pa.int32() if pa.types.is_date32(values.type) else pa.int64())
    first, last = _calendar(values.type)
    range_ = pc.min_max(numbers)
    low, high = range_["min"].as_py(), range_["max"].as_py()
    if low is not None and not first <= low <= high <= last:
        raise UnfitError
    return values


@lru_cache
def _calendar(kind: pa.DataType) -> tuple[int, int]:
    if pa.types.is_date32(kind):
        first, last = pa.scalar(FIRST_DAY, kind), pa.scalar(LAST_DAY, kind)
    else:
        first, last = pa.scalar(FIRST_INSTANT, kind), pa.scalar(LAST_INSTANT, kind)
    return first.value, last.value


_CONVERSIONS: dict[str, Conversion] = {
    "string": _strings,
    "boolean": _booleans,
    "smallint": _whole_numbers,
    "int": _whole_numbers,
    "bigint": _whole_numbers,
    "float": _doubles,
    "double": _doubles,
    "date": _dates,
    "timestamp": _timestamps,
}
_NUMBERS = ("smallint", "int", "bigint", "float", "double")
_EPOCH = Column("", "bigint")


def _is_plain(texts: Any) -> bool:
    """Whether there are only digits, signs and points, and what no number can have (`,` and `/`).

    Arrow refuses these two itself.
    """
    lowest, highest = _range_of(texts)
    return lowest >= _PLUS and highest <= _NINE


def _range_of(texts: Any) -> tuple[int, int]:
    """The lowest and the highest byte of all texts."""
    content, _ = _content(texts)
    return int(content.min(initial=_NINE)), int(content.max(initial=_PLUS))


def _other_than(texts: Any, allowed: bytes) -> bytes:
    """The bytes of the texts that are not allowed; a twentieth of the time of a pattern."""
    return bytes(_content(texts)[0]).translate(None, allowed)


def _only_allowed(texts: Any, allowed: bytes) -> None:
    if _other_than(texts, allowed):
        raise UnfitError


def _content(texts: Any) -> tuple[Any, Any]:
    """The bytes of all texts, one after the other, and where each text begins, with the end."""
    _, offsets, data = texts.buffers()
    if not len(texts):
        return np.zeros(0, np.uint8), np.zeros(1, np.int32)
    places = np.frombuffer(offsets, np.int32, len(texts) + 1, offset=4 * texts.offset)
    content = np.frombuffer(data or b"", np.uint8)
    return content[places[0] : places[-1]], places
