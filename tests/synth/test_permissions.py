"""What the GitHub roles may call is data: each entry has one purpose and stays within it."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from stacks.policies.permissions import BOUNDS, PARTS, Part

each_part = pytest.mark.parametrize("part", [*PARTS, *BOUNDS], ids=lambda part: part.sid)


@pytest.mark.parametrize("parts", [PARTS, BOUNDS], ids=["parts", "bounds"])
def test_no_two_entries_have_one_sid(parts: tuple[Part, ...]) -> None:
    assert [sid for sid, count in Counter(part.sid for part in parts).items() if count > 1] == []


@each_part
def test_every_action_is_one_action_of_the_service_whose_resources_are_named(part: Part) -> None:
    services = {name.partition(":")[0] for name in part.resources} - {"*"}
    for action in (*part.read, *part.change):
        assert re.fullmatch(r"[a-z0-9]+:[A-Za-z]+", action)
        assert not services or action.partition(":")[0] in services


@each_part
def test_no_action_stands_twice(part: Part) -> None:
    actions = (*part.read, *part.change)
    assert len(actions) == len(set(actions)) > 0


@each_part
def test_resources_are_those_of_the_environment_or_tagged_as_its_own(part: Part) -> None:
    for name in part.resources:
        is_its_own = "{environment}" in name or "{database}" in name or name == "glue:catalog"
        # A key has an id that nobody can foresee, and some actions know no resource.
        assert is_its_own or name in ("*", "kms:key/*")


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.sid)
def test_what_a_plan_calls_changes_nothing(part: Part) -> None:
    for action in part.read:
        assert re.match(r"\w+:(Get|List|Describe|Decrypt$)", action)


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.sid)
def test_every_entry_says_for_which_types_of_resources_it_is(part: Part) -> None:
    assert all(kind.startswith("aws_") for kind in part.types)
    assert part.types
