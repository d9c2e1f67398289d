"""What the values of a column say about its type."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from burst.contract import MAX_PRECISION, Column
from burst.parsing import BadValue, convert_or_say_which, from_texts

from tools.operate.words import count

# The job's own conversions decide what a text may be.
_TRIED = ("boolean", "bigint", "double", "date", "timestamp")
_PLAIN = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)$"
_PARTS = r"^[+-]?(?P<whole>[0-9]*)\.?(?P<decimals>[0-9]*)$"
_KEPT_AS_TEXT = r"^([+-]?0[0-9]|\+)"
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
    """One column: its type, why, and what is doubtful. undecided: no sample has a value."""

    name: str
    type: str
    evidence: str
    doubts: tuple[str, ...] = ()
    undecided: bool = False


@dataclass
class Texts:
    """What has been seen of one column's texts."""

    name: str
    values: int = 0
    empty: int = 0
    whole_digits: int = 0
    decimals: int = 0
    kept_as_text: Place | None = None
    without_zone: Place | None = None
    example: str = ""
    has_digits: bool = False
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

        def place(position: int) -> Place:
            return Place(file, unit, places[position], texts[position].as_py())

        for kind in _TRIED:
            if kind not in self.refused:
                try:
                    convert_or_say_which(texts, Column(self.name, kind), from_texts)
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
            if self.fits("boolean"):
                return self._found("bigint", "only 0 and 1: it may be meant as boolean")
            return self._found("bigint")
        return self._found(*self.decimal_type())

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
        f"{count(rows, 'row')}, all empty",
        ("no sample has a value, so the type is undecided; string takes anything",),
        undecided=True,
    )


def texts_array(values: list[str | None]) -> Any:
    """The texts as the job's conversions take them."""
    return pa.array(values, pa.string())
