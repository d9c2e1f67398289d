"""What the values of a column say about its type."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from burst.contract import EPOCHS, MAX_PRECISION, Column
from burst.parsing import BadValue, convert_or_say_which, from_texts

from tools.operate.words import count

# The job's own conversions decide what a text may be.
_TRIED = ("boolean", "bigint", "double", "date", "timestamp")
_FIRST = 100
_PLAIN = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)$"
_PARTS = r"^[+-]?(?P<whole>[0-9]*)\.?(?P<decimals>[0-9]*)$"
_KEPT_AS_TEXT = r"^([+-]?0[0-9]|\+)"
# A day in another order or with other separators than ISO 8601 has, perhaps with a time.
_DAY = re.compile(
    r"(?P<first>[0-9]{1,4})(?P<by>[./-])(?P<second>[0-9]{1,2})(?P=by)(?P<third>[0-9]{2,4})"
    r"(?:(?P<gap>[ T])(?P<hour>[0-9]{1,2}):[0-9]{2}"
    r"(?P<seconds>:[0-9]{2}(?:\.(?P<fraction>[0-9]{1,6}))?)?"
    r"(?P<apart> )?(?P<zone>Z|[+-][0-9]{2}(?::?[0-9]{2})?)?)?"
)
# Texts that many producers write for null.
NULL_WORDS = pa.array(
    [
        "NA",
        "N/A",
        "n/a",
        "#N/A",
        "NULL",
        "null",
        "Null",
        "None",
        "none",
        "NaN",
        "nan",
        "\\N",
        "-",
        "..",
    ]
)
_SEPARATED = r"^[+-]?[0-9]{1,3}([.,'_ \x{a0}\x{202f}\x{2019}]?[0-9]{3})*([.,][0-9]*)?$"
# Whole numbers of columns with such a name may be instants: 2000 to 2100, by their units.
_OF_TIME = re.compile(
    r"(?:^|[^a-z])(?:at|on|time|ts|timestamp|date|epoch|created|updated)(?:$|[^a-z])"
)
_SNAKE = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_YEAR_2000, _YEAR_2100 = 946_684_800, 4_102_444_800
_HAS_ZONE = r"[T ].*(Z|[+-]\d{2}(:?\d{2})?)$"
_WORDS = {
    "boolean": "true or false",
    "bigint": "whole numbers",
    "plain": "numbers",
    "double": "numbers",
    "date": "dates",
    "timestamp": "timestamps",
}
# Numbers of more decimals are measured or computed, and no amounts.
MOST_DECIMALS = 10
ROOM_BEFORE, ROOM_AFTER = 4, 2
# A decimal of 18 digits fits 64 bits.
SHORT_PRECISION = 18


@dataclass(frozen=True)
class Place:
    """Where a value is: `a.csv, row 17`."""

    file: str
    unit: str
    number: int
    value: str

    def __str__(self) -> str:
        shown = self.value if len(self.value) <= 40 else f"{self.value[:37]}..."
        return f"{self.file}, {self.unit} {self.number:,}: {shown!r}"


@dataclass(frozen=True)
class Finding:
    """One column: its type, why, and what is doubtful.

    name: in the file. undecided: no sample has a value. optional: a row or a file lacks it.
    inside: of a nested column what its simple values are: path, type and evidence of each.
    """

    name: str
    type: str
    evidence: str
    doubts: tuple[str, ...] = ()
    undecided: bool = False
    format: str = ""
    optional: bool = False
    inside: tuple[tuple[str, str, str], ...] = ()


@dataclass
class Texts:
    """What has been seen of one column's texts. are_numbers: the file says so itself."""

    name: str
    are_numbers: bool = False
    values: int = 0
    empty: int = 0
    whole_digits: int = 0
    decimals: int = 0
    kept_as_text: Place | None = None
    without_zone: Place | None = None
    example: str = ""
    has_digits: bool = False
    null_words: set[str] = field(default_factory=set)
    has_separators: bool = False
    formats: list[str] | None = None
    least: int | None = None
    most: int | None = None
    # By type: the first value that is not of it, and how many values came before.
    refused: dict[str, tuple[Place, int]] = field(default_factory=dict)

    def add(self, texts: Any, file: str, unit: str, numbers: Iterable[int]) -> None:
        """More texts, null where there is none; ``numbers`` are their rows or lines."""
        places = list(numbers)
        valid = pc.indices_nonzero(pc.is_valid(texts)).to_pylist()
        self.empty += len(texts) - len(valid)
        if not valid:
            return
        if not self.example:
            self.example = texts[valid[0]].as_py()
        self._add_notation(texts)

        def place(position: int) -> Place:
            return Place(file, unit, places[position], texts[position].as_py())

        # Of most columns the first value is none of a type, or else one of the first.
        beginnings = sorted({min(end, len(texts)) for end in (valid[0] + 1, _FIRST, len(texts))})
        for kind in _TRIED:
            if kind not in self.refused:
                try:
                    for end in beginnings:
                        some = texts.slice(0, end)
                        convert_or_say_which(some, Column(self.name, kind), from_texts)
                except BadValue as bad:
                    self._refuse(
                        kind, place(bad.position), bad.position - texts[: bad.position].null_count
                    )
        digits = pc.match_substring_regex(texts, "[0-9]")
        self.has_digits = self.has_digits or bool(pc.any(digits).as_py())
        self._add_numbers(texts, place)
        if "timestamp" not in self.refused and not self.without_zone:
            zoneless = pc.invert(pc.match_substring_regex(texts, _HAS_ZONE))
            self.without_zone = next(
                map(place, pc.indices_nonzero(pc.fill_null(zoneless, False)).to_pylist()), None
            )
        self.values += len(valid)

    def _add_notation(self, texts: Any) -> None:
        """What the texts say about how dates, nulls and numbers are written."""
        self.null_words |= set(texts.filter(pc.is_in(texts, NULL_WORDS)).unique().to_pylist())
        if not self.has_separators:
            numbers = texts.filter(pc.fill_null(pc.match_substring_regex(texts, _SEPARATED), False))
            plain = pc.match_substring_regex(numbers, _PLAIN)
            self.has_separators = bool(pc.any(pc.invert(plain)).as_py())
        if self.formats is None:
            self.formats = formats_of(self.example)
        for format in list(self.formats):
            try:
                convert_or_say_which(texts, _formatted(self.name, format), from_texts)
            except BadValue:
                self.formats.remove(format)

    def _add_numbers(self, texts: Any, place: Any) -> None:
        if "plain" in self.refused:
            return
        plain = pc.match_substring_regex(texts, _PLAIN)
        others = pc.indices_nonzero(pc.fill_null(pc.invert(plain), False))
        if len(others):
            position = others[0].as_py()
            before = position - texts[:position].null_count
            self._refuse("plain", place(position), before)
        parts = pc.extract_regex(texts.filter(pc.fill_null(plain, False)), _PARTS)
        for name in ("whole", "decimals"):
            longest = pc.max(pc.utf8_length(pc.struct_field(parts, name))).as_py() or 0
            attribute = "whole_digits" if name == "whole" else name
            setattr(self, attribute, max(getattr(self, attribute), longest))
        if self.kept_as_text is None:
            kept = pc.fill_null(pc.match_substring_regex(texts, _KEPT_AS_TEXT), False)
            self.kept_as_text = next(map(place, pc.indices_nonzero(kept).to_pylist()), None)
        if "bigint" not in self.refused:
            range_ = pc.min_max(from_texts(texts, Column(self.name, "bigint")))
            ends = [range_["min"].as_py(), range_["max"].as_py()]
            self.least = min(ends[0], self.least if self.least is not None else ends[0])
            self.most = max(ends[1], self.most if self.most is not None else ends[1])

    def _refuse(self, kind: str, place: Place, before_here: int) -> None:
        self.refused[kind] = (place, self.values + before_here)

    def fits(self, kind: str) -> bool:
        """Whether every value seen is of this type; `plain` is a number without exponent."""
        return kind not in self.refused

    def finding(self) -> Finding:
        """The widest type that takes all of the texts."""
        if not self.values:
            return _undecided(self.name, self.empty)
        if self.fits("plain"):
            return self._number()
        for kind in ("boolean", "date", "timestamp"):
            if self.fits(kind):
                return self._found(kind, *self._doubts_of(kind))
        if self.formats:
            return self._found_formats()
        if self.fits("double") and self.has_digits:
            return self._found("double", "some have an exponent or are no finite number")
        return self._found("string", *self._nearly())

    def _number(self) -> Finding:
        if self.kept_as_text:
            return self._found(
                "string",
                f"numbers, but a leading zero or plus sign would get lost ({self.kept_as_text})",
            )
        if self.fits("bigint"):
            if self.fits("boolean") and not self.are_numbers and self.least != self.most:
                return self._found("bigint", "only 0 and 1: it may be meant as boolean")
            return self._perhaps_an_instant()
        return self._found(*self.decimal_type())

    def _perhaps_an_instant(self) -> Finding:
        found = self._found("bigint")
        name = _SNAKE.sub("_", self.name).lower()
        if not _OF_TIME.search(name) or self.least is None or self.most is None:
            return found
        for format, units in EPOCHS.items():
            if _YEAR_2000 * units <= self.least and self.most <= _YEAR_2100 * units:
                unit = format.removeprefix("epoch_")
                doubt = f"taken as {unit} since 1970, by its name and range"
                return replace(found, type="timestamp", format=format, doubts=(doubt,))
        return found

    def _found_formats(self) -> Finding:
        """Dates or instants in a form of their own; text where there are two ways to read them."""
        formats = self.formats or []
        orders = {format.index("M") < format.index("d") for format in formats}
        first = _formatted(self.name, formats[0])
        if len(orders) > 1:
            one = next(format for format in formats if format.startswith("d"))
            other = next(format for format in formats if format.startswith("M"))
            return self._found(
                "string",
                f"{first.type}s of which nobody can tell day and month; give it the type "
                f"{first.type} and the format {one!r} or {other!r}",
            )
        zone = "X" in first.format or first.type == "date"
        doubts = () if zone else ("without a zone offset it is taken as UTC",)
        return replace(self._found(first.type, *doubts), format=first.format)

    def decimal_type(self) -> tuple[str, ...]:
        """The type of numbers that need decimals, with what is doubtful about it."""
        whole, decimals = self.whole_digits, self.decimals
        if decimals > MOST_DECIMALS and self.fits("double"):
            return "double", f"up to {decimals} decimals: taken as measured, not as amounts"
        if whole + decimals > MAX_PRECISION:
            doubt = f"numbers of more than {MAX_PRECISION} digits, which no number type takes"
            return "string", doubt
        scale = decimals and min(decimals + ROOM_AFTER, MAX_PRECISION - whole)
        short = scale + whole + ROOM_BEFORE <= SHORT_PRECISION
        return (f"decimal({SHORT_PRECISION if short else MAX_PRECISION},{scale})",)

    def _doubts_of(self, kind: str) -> tuple[str, ...]:
        if kind == "timestamp" and self.without_zone:
            return (f"a value without a zone offset is taken as UTC ({self.without_zone})",)
        return ()

    def _nearly(self) -> tuple[str, ...]:
        """The type that most values had until one refused it."""
        kind, (place, before) = max(self.refused.items(), key=lambda item: item[1][1])
        if not before:
            return ()
        return (f"text because of {place}; {count(before, 'value')} before it: {_WORDS[kind]}",)

    def _found(self, kind: str, *doubts: str) -> Finding:
        parts = [count(self.values, "value")]
        if self.empty:
            parts.append(f"{self.empty:,} empty")
        if kind == "bigint" and self.least is not None:
            parts.append(f"from {self.least} to {self.most}")
        elif kind.startswith("decimal") or kind == "double":
            parts.append(
                f"up to {self.whole_digits} digits before the point, {self.decimals} after"
            )
        else:
            shown = self.example if len(self.example) <= 30 else f"{self.example[:27]}..."
            parts.append(f"such as {shown!r}")
        return Finding(self.name, kind, ", ".join(parts), doubts)


def _undecided(name: str, rows: int) -> Finding:
    return Finding(
        name,
        "string",
        f"{count(rows, 'row')}, all empty" if rows else "no rows",
        ("no sample has a value, so the type is undecided; string takes anything",),
        undecided=True,
    )


def texts_array(values: list[str | None]) -> Any:
    """The texts as the job's conversions take them."""
    return pa.array(values, pa.string())


def formats_of(text: str) -> list[str]:
    """The formats in which a text is a date or an instant, the strictest first."""
    match = _DAY.fullmatch(text)
    if not match:
        return []
    by, hours = match["by"], [""]
    if match["hour"]:
        rest = ":mm" + (":ss" if match["seconds"] else "")
        rest += f".{'S' * len(match['fraction'])}" if match["fraction"] else ""
        rest += f"{match['apart'] or ''}X" if match["zone"] else ""
        hours = [f"{match['gap']}{hour}{rest}" for hour in ("HH", "H")]
    days: list[tuple[str, ...]] = []
    if len(match["first"]) == 4 and (by != "-" or match["apart"]):
        days = [("yyyy", "MM", "dd"), ("yyyy", "M", "d")]
    elif len(match["third"]) == 4:
        days = [("dd", "MM", "yyyy"), ("d", "M", "yyyy")]
        if by != ".":
            days += [("MM", "dd", "yyyy"), ("M", "d", "yyyy")]
    return [by.join(day) + hour for day in days for hour in hours]


def _formatted(name: str, format: str) -> Column:
    return Column(name, "timestamp" if ":" in format else "date", format=format)


class OtherNotationError(Exception):
    """A number is written with other separators than those that are tried."""


def plain_numbers(texts: Any, decimal: str, thousands: str) -> Any:
    """The texts, with the numbers of this notation as they are without separators.

    Raises OtherNotationError where there is a number with a point that is none in this notation.
    """
    if (decimal, thousands) == (".", ""):
        return texts
    mark = re.escape(thousands)
    whole = rf"(?:[0-9]+|[0-9]{{1,3}}(?:{mark}[0-9]{{3}})+)" if mark else "[0-9]+"
    number = rf"^[+-]?{whole}(?:{re.escape(decimal)}[0-9]*)?$"
    is_number = pc.match_substring_regex(texts, number)
    if decimal != ".":
        plain = pc.and_(pc.match_substring(texts, "."), pc.match_substring_regex(texts, _PLAIN))
        if pc.any(pc.and_not(plain, is_number)).as_py():
            raise OtherNotationError
    written = pc.replace_substring(texts, thousands, "") if thousands else texts
    return pc.if_else(is_number, pc.replace_substring(written, decimal, "."), texts)
