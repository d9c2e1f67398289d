"""Schedules as EventBridge spells them, checked before AWS would refuse them.

The grammar is that of the EventBridge user guide, "Creating a rule that runs on a schedule": what
is written nowhere there is refused here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator

OFF = "off"
# PutRule, `ScheduleExpression`.
MAX_LENGTH = 256

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_RATE = re.compile(r"rate\(([1-9]\d*) (minute|hour|day)(s?)\)", re.ASCII)
_CRON = re.compile(r"cron\(([^()]*)\)")


@dataclass(frozen=True)
class _Field:
    """One of the six fields of a cron expression.

    names: what may stand for the numbers from ``low`` on.
    alone: patterns of values that stand alone in the field, beside numbers, ranges and steps.
    """

    title: str
    low: int
    high: int
    names: tuple[str, ...] = ()
    alone: str | None = None

    def problem(self, text: str) -> str | None:
        """Why the text is not allowed in this field; None if it can."""
        if self.alone and (special := re.fullmatch(self.alone, text, re.ASCII)):
            numbers = [value for value in special.groups() if value is not None]
            wrong = next((value for value in numbers if self._number(value) is None), None)
            return None if wrong is None else self._outside(wrong)
        problems = (self._problem_of_item(item) for item in text.split(","))
        return next((problem for problem in problems if problem), None)

    def _problem_of_item(self, item: str) -> str | None:
        base, slash, step = item.partition("/")
        # The step of "every tenth" is a count and not one of the field's values.
        if slash and not (step.isascii() and step.isdigit() and 1 <= int(step) <= self.high):
            return f"the step {step!r} in its field {self.title} is not within 1 to {self.high}"
        if base == "*":
            return None
        ends = base.split("-")
        if len(ends) > 2:
            return f"its field {self.title} has {item!r}, which is no number, range or step"
        wrong = next((end for end in ends if self._number(end) is None), None)
        return None if wrong is None else self._outside(wrong)

    def _number(self, text: str) -> int | None:
        if text in self.names:
            return self.low + self.names.index(text)
        if not re.fullmatch(r"\d{1,4}", text, re.ASCII):
            return None
        return int(text) if self.low <= int(text) <= self.high else None

    def _outside(self, text: str) -> str:
        names = f" or {self.names[0]} to {self.names[-1]}" if self.names else ""
        return f"{text!r} in its field {self.title} is not within {self.low} to {self.high}{names}"


_DAY_OF_MONTH = _Field("day of month", 1, 31, alone=r"\?|L|(\w+)W")
_DAY_OF_WEEK = _Field("day of week", 1, 7, _DAYS, alone=r"\?|(\w+)?L|(\w+)#[1-5]")
_FIELDS = (
    _Field("minutes", 0, 59),
    _Field("hours", 0, 23),
    _DAY_OF_MONTH,
    _Field("month", 1, 12, _MONTHS),
    _DAY_OF_WEEK,
    _Field("year", 1970, 2199),
)


def _checked(text: str) -> str:
    if text != OFF and (problem := schedule_problem(text)):
        raise ValueError(problem)
    return text


# A `rate(...)` or `cron(...)` expression of an EventBridge rule, or `off`.
Schedule = Annotated[str, AfterValidator(_checked)]


def schedule_problem(text: str) -> str | None:
    """Why EventBridge would not take this as a rule's schedule; None if it would."""
    if len(text) > MAX_LENGTH:
        return f"it is longer than {MAX_LENGTH} characters"
    if rate := _RATE.fullmatch(text):
        return _problem_of_rate(int(rate[1]), rate[2], plural=bool(rate[3]))
    if cron := _CRON.fullmatch(text):
        return _problem_of_cron(cron[1].split())
    if text.startswith("rate("):
        return "a rate is a whole number of 1 or more, one space, and minutes, hours or days"
    return "it is neither a rate nor a cron expression"


def _problem_of_rate(value: int, unit: str, *, plural: bool) -> str | None:
    if plural == (value > 1):
        return None
    right = f"{unit}s" if value > 1 else unit
    return f"after {value} the unit is {right!r}"


def _problem_of_cron(values: list[str]) -> str | None:
    if len(values) != len(_FIELDS):
        titles = ", ".join(field.title for field in _FIELDS)
        return f"a cron expression has six fields ({titles}), this one has {len(values)}"
    for field, value in zip(_FIELDS, values, strict=True):
        if problem := field.problem(value):
            return problem
    days = [value for field, value in zip(_FIELDS, values, strict=True) if field in _EITHER_DAY]
    if days.count("?") != 1:
        return "exactly one of its fields day of month and day of week must be '?'"
    return None


_EITHER_DAY = (_DAY_OF_MONTH, _DAY_OF_WEEK)
