"""What the review, or Terraform, cannot judge is named and counted, and never passed over."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.review.plans import page, policy, resource, reviewed

NOTHING = "Nothing to do"


def check(status: str, **more: Any) -> dict[str, Any]:
    return {"address": {"kind": "check", "to_display": "check.fresh"}, "status": status, **more}


def test_plan_in_which_nothing_is_left_open_says_that_there_is_nothing_to_do() -> None:
    assert NOTHING in page(checks=[check("pass")])


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (
            {"action_invocations": [{"address": "action.aws_lambda_invoke.migrate"}]},
            "### Actions that the apply invokes\n\n- `action.aws_lambda_invoke.migrate`",
        ),
        (
            {
                "action_invocations": [
                    {
                        "address": "action.a.b",
                        "lifecycle_action_trigger": {"triggering_resource_address": "aws_x.y"},
                    }
                ]
            },
            "- `action.a.b` for `aws_x.y`",
        ),
        (
            {"checks": [check("fail", instances=[{"problems": [{"message": "too old"}]}])]},
            "> [!CAUTION]\n> **Checks failed**\n>\n> - **check** `check.fresh` is not met: "
            "`too old`",
        ),
        ({"checks": [check("error")]}, "**check** `check.fresh` cannot be evaluated"),
        ({"checks": [check("unknown")]}, "**check** `check.fresh` is decided by the apply"),
        (
            {
                "deferred_changes": [
                    {"reason": "absent_prereq", "resource_change": {"address": "aws_x.y"}}
                ]
            },
            "`aws_x.y` is put off to a later plan: `absent_prereq`",
        ),
        (
            {
                "deferred_action_invocations": [
                    {"reason": "deferred_prereq", "action_invocation": {"address": "action.a.b"}}
                ]
            },
            "`action.a.b` is put off to a later plan: `deferred_prereq`",
        ),
        (
            {"resource_renamings": [1, 2]},
            "`resource_renamings` is a part of the plan that this review cannot read: 2 values",
        ),
        ({"complete": False}, "**Terraform put some changes off** to a later plan"),
    ],
)
def test_what_is_left_open_is_named_and_nothing_to_do_is_not_said(
    more: dict[str, Any], said: str
) -> None:
    text = page(**more)
    assert said in text
    assert NOTHING not in text


def test_resource_type_that_no_stack_makes_is_named_with_what_happens_to_it() -> None:
    things = [resource("aws_new_thing", {}, None, name=name) for name in ("a", "b")]
    text = page(*things, resource("aws_new_thing", None, {}, name="c"))
    assert "`aws_new_thing` is a resource type that no stack here makes: 2 to destroy" in text
    assert "1 to add" in text


def test_policies_that_cannot_be_read_are_counted_with_what_to_do() -> None:
    changes = [
        resource(
            "aws_iam_role_policy",
            None,
            {"name": name, "role": "r"},
            name=name,
            unknown={"policy": True},
        )
        for name in ("a", "b")
    ]
    text = page(*changes)
    assert "**2 policies** cannot be read before the apply. The synthesized stack says" in text
    assert reviewed(*changes).widens


def test_policy_that_is_read_is_not_counted() -> None:
    known = resource("aws_iam_role_policy", None, {"role": "r", "policy": policy()})
    assert "cannot be read" not in page(known)
