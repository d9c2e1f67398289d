"""One value changes, and every other character stays."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import example
from tools.operate.json_text import with_member, without_member

NAMES = st.text(max_size=5)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)


@given(
    document=st.dictionaries(NAMES, VALUES, max_size=4),
    path=st.lists(NAMES, max_size=3),
    target=st.dictionaries(NAMES, VALUES, max_size=4),
    name=NAMES,
    indent=st.sampled_from([None, 0, 2]),
    ascii_only=st.booleans(),
)
def test_document_becomes_what_it_would_become_as_data(
    document: dict[str, Any],
    path: list[str],
    target: dict[str, Any],
    name: str,
    indent: int | None,
    ascii_only: bool,
) -> None:
    inner = target
    for key in reversed(path):
        inner = {**document, key: inner}
    text = json.dumps(inner, indent=indent, ensure_ascii=ascii_only)

    changed = json.loads(with_member(text, path, name, True))

    expected = json.loads(text)
    place = expected
    for key in path:
        place = place[key]
    place[name] = True
    assert changed == expected


@given(
    target=st.dictionaries(NAMES, VALUES, min_size=1, max_size=4),
    data=st.data(),
    indent=st.sampled_from([None, 0, 2]),
)
def test_member_is_removed_as_it_would_be_from_the_data(
    target: dict[str, Any], data: st.DataObject, indent: int | None
) -> None:
    name = data.draw(st.sampled_from(sorted(target)))
    text = json.dumps({"a": target, "b": 1}, indent=indent)
    rest = {key: value for key, value in target.items() if key != name}
    assert json.loads(without_member(text, ("a",), name)) == {"a": rest, "b": 1}


def test_member_that_was_added_is_removed_with_its_line() -> None:
    before = example.SETTINGS.read_text(encoding="utf-8")
    path = ("context", "environments", "prod", "pipelines", "orders")
    added = with_member(before, path, "paused", True)
    assert without_member(added, path, "paused") == before


def test_new_member_gets_a_line_of_its_own_and_nothing_else_changes() -> None:
    before = example.SETTINGS.read_text(encoding="utf-8")
    path = ("context", "environments", "prod", "pipelines", "orders")
    after = with_member(before, path, "paused", True)
    added = [line for line in after.splitlines() if line not in before.splitlines()]
    assert added == ['            "paused": true,']
    assert after.replace('            "paused": true,\n', "", 1) == before


def test_existing_member_changes_in_place() -> None:
    text = '{ "a" : {"paused" :  true , "b": 1} }\n'
    assert with_member(text, ("a",), "paused", False) == '{ "a" : {"paused" :  false , "b": 1} }\n'


def test_second_environment_of_the_same_shape_is_left_alone() -> None:
    text = '{"dev": {"orders": {"x": 1}}, "prod": {"orders": {"x": 1}}}'
    changed = json.loads(with_member(text, ("prod", "orders"), "paused", True))
    assert changed["dev"] == {"orders": {"x": 1}}
    assert changed["prod"]["orders"]["paused"] is True


def test_path_that_leads_nowhere_is_an_error() -> None:
    with pytest.raises(KeyError):
        with_member('{"a": 1}', ("a", "b"), "paused", True)
