"""Permissions that become wide are a box at the top; what AWS itself asks for is not."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.review.plans import allow, deny, page, policy, resource, reviewed
from tools.review.dangers import Kind

ACCOUNT = "123456789012"
OWN = {
    "values": {
        "root_module": {
            "resources": [
                {
                    "address": "data.aws_caller_identity.current",
                    "mode": "data",
                    "values": {"account_id": ACCOUNT},
                }
            ]
        }
    }
}
BASE = allow("Read", "s3:GetObject", "arn:aws:s3:::lake/orders/*")


def wide(type_: str, before: Any, after: Any) -> list[str]:
    found = reviewed(resource(type_, before, after), prior_state=OWN).dangers
    return [f"{d.where}: {d.consequence}" for d in found if d.kind is Kind.PERMISSIONS]


def role_policy(*statements: Any) -> dict[str, Any]:
    return {"name": "drain", "role": "role", "policy": policy(*statements)}


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        (allow("All", "s3:*", "*"), "Every action of the service is allowed. It is allowed on"),
        (allow("All", "*", "arn:aws:s3:::lake/*"), "Every action of the service is allowed."),
        (allow("Gets", "s3:Get*", "arn:aws:s3:::lake/*"), "A wildcard of actions is allowed."),
        (allow("Any", "s3:GetObject", "*"), "It is allowed on everything."),
        (allow("Roles", "iam:PassRole", "arn:aws:iam::1:role/x"), "administration of permissions"),
        ({**BASE, "Sid": "Not", "NotAction": "s3:DeleteObject"}, "Everything but this is allowed"),
    ],
)
def test_statement_that_is_added_to_a_policy_and_is_wide_is_in_the_box(
    statement: Any, said: str
) -> None:
    (found,) = wide("aws_iam_role_policy", role_policy(BASE), role_policy(BASE, statement))
    assert found.startswith(statement["Sid"])
    assert said in found


def test_condition_that_goes_is_in_the_box() -> None:
    limited = BASE | {"Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}}}
    (found,) = wide("aws_iam_role_policy", role_policy(limited), role_policy(BASE))
    assert found == "Read: StringEquals aws:SourceAccount: A condition no longer limits it."


@pytest.mark.parametrize("action", ["organizations:LeaveOrganization", "iam:PutRole*"])
def test_administration_is_known_also_by_a_wildcard(action: str) -> None:
    added = allow("Admin", action, "arn:aws:iam::1:role/x")
    (found,) = wide("aws_iam_role_policy", role_policy(BASE), role_policy(BASE, added))
    assert found.startswith(f"Admin: {action}: ")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (BASE, allow("Read", ["s3:GetObject", "s3:GetObjectTagging"], BASE["Resource"])),
        (allow("All", "s3:*", "*"), allow("All", "s3:Get*", "*")),
        (BASE, deny("Read", "s3:*", "*")),
    ],
)
def test_statement_that_grows_by_one_thing_or_shrinks_is_not(before: Any, after: Any) -> None:
    assert wide("aws_iam_role_policy", role_policy(before), role_policy(after)) == []


def test_new_policy_may_name_everything_where_aws_asks_for_it_but_not_a_whole_service() -> None:
    metric = allow("Metrics", "cloudwatch:PutMetricData", "*")
    assert wide("aws_iam_role_policy", None, role_policy(metric)) == []
    (found,) = wide("aws_iam_role_policy", None, role_policy(allow("All", "cloudwatch:*", "*")))
    assert found == "All: cloudwatch:*: Every action of the service is allowed."


@pytest.mark.parametrize(
    ("principal", "said"),
    [
        ({"AWS": "arn:aws:iam::999999999999:root"}, ["Another account is allowed."]),
        ({"AWS": f"arn:aws:iam::{ACCOUNT}:role/reader"}, ["Another principal is allowed."]),
        ({"Service": "s3.amazonaws.com"}, ["Another principal is allowed."]),
        ("*", ["Everyone in the world is let in, without a condition."]),
    ],
)
def test_principal_that_is_added_is_in_the_box(principal: Any, said: list[str]) -> None:
    before = {"policy": policy(deny())}
    statement = allow("In", "s3:GetObject", "arn:aws:s3:::lake/*", Principal=principal)
    found = wide("aws_s3_bucket_policy", before, {"policy": policy(deny(), statement)})
    assert [text.partition(": ")[2].rpartition(": ")[2] for text in found] == said


def test_key_policy_that_leaves_the_decision_to_iam_is_not_wide() -> None:
    root = allow("Iam", "kms:*", "*", Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"})
    assert wide("aws_kms_key", None, {"policy": policy(root)}) == []


def test_attached_administration_and_a_boundary_that_goes_are_in_the_box() -> None:
    admin = {"role": "role", "policy_arn": "arn:aws:iam::aws:policy/AdministratorAccess"}
    (attached,) = wide("aws_iam_role_policy_attachment", None, admin)
    assert "administration of whole services" in attached
    role = {"id": "role", "name": "role"}
    (bound,) = wide(
        "aws_iam_role",
        role | {"permissions_boundary": "arn:b"},
        role | {"permissions_boundary": ""},
    )
    assert bound == "arn:b: The boundary that limited the role changes or goes."


def test_box_comes_before_the_one_about_protection() -> None:
    logs = {"name": "x", "skip_destroy": True}
    text = page(
        resource("aws_cloudwatch_log_group", logs, logs | {"skip_destroy": False}),
        resource(
            "aws_iam_role_policy", role_policy(BASE), role_policy(BASE, allow("All", "s3:*", "*"))
        ),
    )
    assert text.startswith("> [!CAUTION]\n> **Permissions would become wide**")
    assert text.index("become wide") < text.index("Protection of data would go")
