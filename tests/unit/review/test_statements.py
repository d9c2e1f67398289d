"""Policies compared by what they permit."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.review.plans import allow, deny, policy
from tools.review.statements import StatementChange, compare, policy_document

LAKE = "arn:aws:s3:::lake"
NAMES = st.lists(st.sampled_from(["s3:Get*", "s3:GetObject", "*", "glue:notifyEvent"]), min_size=1)
STATEMENTS = st.builds(
    lambda sid, effect, action, on, condition: {
        "Sid": sid,
        "Effect": effect,
        "Action": action,
        "Resource": on,
        **({"Condition": {"StringLike": {"aws:x": condition}}} if condition else {}),
    },
    st.sampled_from(["A", "B", "C", ""]),
    st.sampled_from(["Allow", "Deny"]),
    NAMES,
    NAMES,
    st.lists(st.sampled_from(["a", "b"]), max_size=2),
)
POLICIES = st.lists(STATEMENTS, max_size=4)


def changes(before: list[Any], after: list[Any]) -> tuple[StatementChange, ...]:
    old, new = policy_document(policy(*before)), policy_document(policy(*after))
    assert old is not None
    assert new is not None
    return compare(old, new)


@given(POLICIES, st.randoms())
def test_order_of_statements_and_values_is_no_change(before: list[Any], random: Any) -> None:
    after = json.loads(json.dumps(before))
    random.shuffle(after)
    for statement in after:
        random.shuffle(statement["Action"])
    assert changes(before, after) == ()


@given(POLICIES, POLICIES)
def test_what_is_added_one_way_is_removed_the_other_way(one: list[Any], other: list[Any]) -> None:
    there, back = changes(one, other), changes(other, one)
    assert sorted((repr(c.before), repr(c.after)) for c in there) == sorted(
        (repr(c.after), repr(c.before)) for c in back
    )


@given(POLICIES, POLICIES)
def test_every_difference_is_reported(one: list[Any], other: list[Any]) -> None:
    def plain(statements: list[Any]) -> list[str]:
        parsed = policy_document(policy(*statements)) or ()
        return sorted(repr(statement) for statement in parsed)

    assert bool(changes(one, other)) == (plain(one) != plain(other))


@given(POLICIES, STATEMENTS)
def test_new_permission_in_a_policy_that_was_there_is_always_wider(
    before: list[Any], statement: Any
) -> None:
    new = {**statement, "Sid": "New", "Effect": "Allow"}
    found = changes([allow("Kept"), *before], [allow("Kept"), *before, new])
    assert all(change.widened for change in found)
    assert found


READ = allow("Read", ["s3:GetObject"], [f"{LAKE}/ledger/*"])
ORDERS = {"StringEquals": {"aws:SourceAccount": ["1"]}}


@pytest.mark.parametrize(
    ("before", "after", "widened"),
    [
        (READ, READ | {"Resource": "*"}, "allows one more resource, a wildcard: *"),
        (
            READ,
            READ | {"Resource": f"{LAKE}/*"},
            f"allows one more resource, a wildcard: {LAKE}/*",
        ),
        (READ, READ | {"Action": "s3:*"}, "allows one more action, a wildcard: s3:*"),
        (
            READ,
            READ | {"Action": ["s3:GetObject", "s3:PutObject"]},
            "allows one more action: s3:PutObject",
        ),
        (
            READ | {"Principal": {"Service": "glue.amazonaws.com"}},
            READ | {"Principal": "*"},
            "allows one more principal, a wildcard: *",
        ),
        (
            READ | {"Condition": ORDERS},
            READ,
            "without the condition StringEquals aws:SourceAccount",
        ),
        (
            READ | {"Condition": ORDERS},
            READ | {"Condition": {"StringEqualsIfExists": {"aws:SourceAccount": "1"}}},
            "without the condition StringEquals aws:SourceAccount",
        ),
        (
            READ | {"Condition": ORDERS},
            READ | {"Condition": {"StringEquals": {"aws:SourceAccount": ["1", "2"]}}},
            "condition StringEquals aws:SourceAccount also takes 2",
        ),
        (
            READ | {"Condition": {"StringNotEquals": {"aws:x": ["1", "2"]}}},
            READ | {"Condition": {"StringNotEquals": {"aws:x": ["1"]}}},
            "condition StringNotEquals aws:x no longer excludes 2",
        ),
        (
            {**READ, "NotAction": "s3:*"},
            {**READ, "NotAction": "s3:Get*"},
            "allows one more action: everything but s3:Get*",
        ),
        (
            deny(action=["s3:Get*", "s3:Put*"]),
            deny(action="s3:Get*"),
            "refuses one action less, a wildcard: s3:Put*",
        ),
        (
            deny(),
            deny(Condition={"Bool": {"aws:SecureTransport": "false"}}),
            "without the condition Bool aws:SecureTransport",
        ),
    ],
)
def test_wider_statement_says_in_which_way(before: Any, after: Any, widened: str) -> None:
    (change,) = changes([before], [after])
    assert change.widened == (widened,)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (READ | {"Resource": "*"}, READ),
        (READ | {"Action": "s3:*"}, READ),
        (READ, READ | {"Condition": ORDERS}),
        (READ | {"Action": "s3:getobject"}, READ),
        (READ | {"Resource": [f"{LAKE}/*"]}, READ | {"Resource": [f"{LAKE}/*", f"{LAKE}/a"]}),
        # The job's code has its hash in its name: another one is not more.
        (
            READ | {"Resource": f"{LAKE}/artifacts/burst-406e6863877fc056.zip"},
            READ | {"Resource": f"{LAKE}/artifacts/burst-0406e6863877fc05.zip"},
        ),
        (deny(action="s3:Get*"), deny(action=["s3:Get*", "s3:Put*"])),
    ],
)
def test_narrower_statement_is_not_called_wider(before: Any, after: Any) -> None:
    (change,) = changes([before], [after])
    assert change.widened == ()


def test_refusal_that_goes_is_wider() -> None:
    (change,) = changes([deny()], [])
    assert change.widened == ("refuses no longer",)


def test_refusal_that_becomes_a_permission_is_removed_and_added() -> None:
    found = changes([deny("Same")], [allow("Same")])
    assert [(c.before is None, c.after is None) for c in found] == [(True, False), (False, True)]


def test_wildcards_of_a_new_policy_are_marked_and_the_rest_is_not() -> None:
    new = [allow("All", "*", "*"), allow("One", "s3:GetObject", f"{LAKE}/a/*")]
    assert {c.sid: c.widened for c in changes([], new)} == {
        "All": ("wildcard action: *", "wildcard resource: *"),
        "One": (),
    }


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '{"a": 1}', '{"Statement": [3]}', None, 3])
def test_what_is_no_policy_is_none(text: Any) -> None:
    assert policy_document(text) is None


def test_one_statement_without_a_list_is_a_policy() -> None:
    found = policy_document(json.dumps({"Statement": allow()}))
    assert found is not None
    assert found[0].sid == "Read"
