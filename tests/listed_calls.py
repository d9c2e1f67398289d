"""Every call to the emulated account is in the table that says how it was held against AWS.

A conftest whose tests make calls imports both fixtures.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tools.sandbox.account.corrections import Hooks
from tools.sandbox.drift import LISTED

# What only tests call, to prepare an account, to look at it, or because nobody has looked it up.
OF_THE_TESTS = frozenset(
    {
        "cloudwatch:ListDashboards",
        "glue:GetBlueprint",
        "glue:GetDatabases",
        "glue:GetJobs",
        "glue:GetSecurityConfigurations",
        "glue:StopTrigger",
        "iam:CreateAccessKey",
        "iam:CreateUser",
        "iam:DeleteAccessKey",
        "iam:DeleteUser",
        "iam:DeleteUserPolicy",
        "iam:ListRoles",
        "iam:PutUserPolicy",
        "s3:GetBucketPolicyStatus",
        "sns:ListTopics",
        "sqs:ListQueues",
    }
)


@pytest.fixture(scope="session", autouse=True)
def calls_to_look_up() -> Iterator[set[str]]:
    """The operations that were called and that the table does not have."""
    found: set[str] = set()
    called = Hooks.called

    def note(hooks: Hooks, operation: str) -> None:
        called(hooks, operation)
        if operation not in LISTED | OF_THE_TESTS:
            found.add(operation)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Hooks, "called", note)
        yield found


@pytest.fixture(autouse=True)
def every_call_is_in_the_table(calls_to_look_up: set[str]) -> Iterator[None]:
    yield
    found = sorted(calls_to_look_up)
    calls_to_look_up.clear()
    assert found == [], f"look {', '.join(found)} up and add them to tools/sandbox/drift.py"
