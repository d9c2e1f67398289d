"""The review speaks of the resources that the stacks make, and of no others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tools.review import behaviour, belonging, dangers, permissions, subject
from tools.review.plan import Action, ResourceChange

ADDRESSES = Path(__file__).resolve().parents[2] / "synth" / "addresses.json"
# No environment that the tests synthesize sends e-mails.
ONLY_WITH_EMAILS = {"aws_sns_topic_subscription"}


@pytest.fixture(scope="module")
def made() -> set[str]:
    stacks = json.loads(ADDRESSES.read_text(encoding="utf-8"))
    return {address.split(".")[0] for stack in stacks.values() for address in stack}


def spoken_of() -> set[str]:
    return {
        *behaviour.SETTINGS,
        *behaviour.FAMILIES,
        *belonging.OWNERS,
        *dangers.HOLDERS,
        *dangers.FLOW,
        *(guard.type for guard in dangers.GUARDS),
        *permissions.POLICIES,
        *(kind for kind, _ in permissions.MIRRORS),
        *(kind for kind, _ in permissions.MIRRORS.values()),
        *subject.NOUNS,
    }


def test_every_resource_type_that_the_review_speaks_of_is_made_by_a_stack(made: set[str]) -> None:
    assert spoken_of() - made - ONLY_WITH_EMAILS == set()


def test_every_resource_that_a_stack_makes_has_a_name_that_a_reader_knows(made: set[str]) -> None:
    assert made - {"data"} - set(subject.NOUNS) == set()


def test_every_resource_that_a_stack_makes_has_its_part_of_the_design() -> None:
    stacks = json.loads(ADDRESSES.read_text(encoding="utf-8"))
    addresses = {a for stack in stacks.values() for a in stack if not a.startswith("data.")}
    changes = [ResourceChange(a, *a.split(".", 1), Action.ADD) for a in sorted(addresses)]
    parts = {change.address: subject.subject_of(change).part for change in changes}
    assert [address for address, part in parts.items() if part is subject.Part.OTHER] == []
