"""What differs between two values."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.review.difference import Difference, differences, is_set, path_text, value_text
from tools.review.plan import UNKNOWN

SCALARS = st.none() | st.booleans() | st.integers(-2, 2) | st.text("ab[{", max_size=3)
JSON = st.recursive(
    SCALARS,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text("ab"), below, max_size=3),
    max_leaves=8,
)


@given(JSON)
def test_a_value_does_not_differ_from_itself(value: Any) -> None:
    assert list(differences(value, json.loads(json.dumps(value)))) == []


@given(JSON, JSON)
def test_every_difference_stands_where_its_path_says(one: Any, other: Any) -> None:
    for item in differences(one, other):
        assert at(one, item.path) == item.before
        assert at(other, item.path) == item.after


@given(JSON, JSON)
def test_differences_the_other_way_round_are_the_same(one: Any, other: Any) -> None:
    there = {item.path for item in differences(one, other)}
    assert {item.path for item in differences(other, one)} == there


@given(JSON, JSON)
def test_different_values_have_a_difference(one: Any, other: Any) -> None:
    if without_null(one) != without_null(other):
        assert list(differences(one, other))


def without_null(value: Any) -> Any:
    """With what counts as equal made equal, as text, because 1 == True in Python."""
    return repr(_plain(value))


def _plain(value: Any) -> Any:
    if isinstance(value, str) and value.lstrip().startswith(("{", "[")):
        try:
            return _plain(json.loads(value))
        except ValueError:
            return value
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in sorted(value.items()) if v is not None}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def at(value: Any, path: tuple[str | int, ...]) -> Any:
    for part in path:
        value = json.loads(value) if isinstance(value, str) else value
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def test_json_in_a_text_is_compared_by_what_it_says() -> None:
    one = {"policy": '{"a": 1, "b": [1]}'}
    assert list(differences(one, {"policy": '{"b":[1],"a":1}'})) == []
    assert list(differences(one, {"policy": '{"b":[1],"a":2}'})) == [
        Difference(("policy", "a"), 1, 2)
    ]


def test_number_and_truth_are_not_the_same() -> None:
    assert list(differences({"a": 1}, {"a": True})) == [Difference(("a",), 1, True)]


def test_unknown_differs_from_everything_even_from_itself() -> None:
    assert list(differences({"a": UNKNOWN}, {"a": UNKNOWN}))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "(not set)"),
        ("", '""'),
        (" a", '" a"'),
        ("a b", "a b"),
        (True, "true"),
        (3, "3"),
        (["ä"], '["ä"]'),
        (UNKNOWN, "(known after apply)"),
    ],
)
def test_values_are_shown_so_that_one_sees_them(value: Any, text: str) -> None:
    assert value_text(value) == text


def test_path_is_written_as_terraform_writes_it() -> None:
    assert path_text(("rule", 0, "expiration", 1, "days")) == "rule[0].expiration[1].days"


@pytest.mark.parametrize("value", [None, "", 0, False, [], {}])
def test_provider_has_many_ways_to_say_nothing(value: Any) -> None:
    assert not is_set(value)


@pytest.mark.parametrize("value", ["0", 1, True, [0], {"a": None}, UNKNOWN])
def test_anything_else_is_something(value: Any) -> None:
    assert is_set(value)
