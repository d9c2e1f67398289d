"""Who may do what: each row of a table names the AWS documentation that it is from.

The pages are those of the IAM user guide, unless a row says otherwise.
"""

from __future__ import annotations

from typing import Any

import pytest

from tools.iam import (
    Identity,
    Outcome,
    Principal,
    Request,
    UnsupportedPolicyError,
    allows,
    decide,
)

ACCOUNT, OTHER_ACCOUNT = "123456789012", "210987654321"
WORKFLOW = f"arn:aws:glue:eu-central-1:{ACCOUNT}:workflow/orders"
QUEUE = f"arn:aws:sqs:eu-central-1:{ACCOUNT}:undelivered"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/job"
FOREIGN = f"arn:aws:iam::{OTHER_ACCOUNT}:role/producer"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
NOTIFY = Request("glue:notifyEvent", WORKFLOW)
SEND = Request("sqs:SendMessage", QUEUE)
EVENTBRIDGE = Principal.service("events.amazonaws.com")


def policy(**statement: Any) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]}


def grant(**statement: Any) -> dict[str, Any]:
    return policy(**{"Action": "glue:notifyEvent", "Resource": WORKFLOW} | statement)


def on_queue(**statement: Any) -> dict[str, Any]:
    return policy(**{"Action": "sqs:SendMessage", "Resource": QUEUE} | statement)


@pytest.mark.parametrize(
    ("document", "allowed", "page"),
    [
        (grant(), True, "IAM JSON policy elements: Action"),
        (grant(Action="GLUE:NotifyEvent"), True, "IAM JSON policy elements: Action"),
        (grant(Action=["s3:GetObject", "glue:notify*"]), True, "IAM JSON policy elements: Action"),
        (grant(Action="glue:notifyEven?"), True, "IAM JSON policy elements: Action"),
        (grant(Action="*"), True, "IAM JSON policy elements: Action"),
        (grant(Action="glue:StartWorkflowRun"), False, "IAM JSON policy elements: Action"),
        (grant(Resource="*"), True, "IAM JSON policy elements: Resource"),
        (grant(Resource=[f"{WORKFLOW}-2", WORKFLOW]), True, "IAM JSON policy elements: Resource"),
        (
            grant(Resource=f"arn:aws:glue:*:{ACCOUNT}:workflow/order?"),
            True,
            "IAM JSON policy elements: Resource",
        ),
        (grant(Resource=f"{WORKFLOW}-2"), False, "IAM JSON policy elements: Resource"),
        (grant(Resource=WORKFLOW[:-1]), False, "IAM JSON policy elements: Resource"),
        (grant(Resource=WORKFLOW.upper()), False, "IAM JSON policy elements: Resource"),
        (grant(Effect="Deny"), False, "IAM JSON policy elements: Effect"),
        (
            policy(NotAction="s3:*", Resource=WORKFLOW),
            True,
            "IAM JSON policy elements: NotAction",
        ),
        (
            policy(NotAction="glue:*", Resource=WORKFLOW),
            False,
            "IAM JSON policy elements: NotAction",
        ),
        (
            policy(Action="glue:*", NotResource=QUEUE),
            True,
            "IAM JSON policy elements: NotResource",
        ),
        (
            policy(Action="glue:*", NotResource=WORKFLOW),
            False,
            "IAM JSON policy elements: NotResource",
        ),
        (
            {"Statement": grant()["Statement"][0]},
            True,
            "Grammar of the IAM JSON policy language",
        ),
        ({"Statement": []}, False, "Policy evaluation logic"),
    ],
)
def test_identity_policy(document: dict[str, Any], allowed: bool, page: str) -> None:
    assert allows([document], NOTIFY) is allowed, page


def test_deny_in_any_policy_wins() -> None:
    assert not allows([grant(), grant(Effect="Deny", Resource="*")], NOTIFY)


def test_no_policy_allows_nothing() -> None:
    assert not allows([], NOTIFY)


@pytest.mark.parametrize(
    ("identity", "boundary", "resource", "outcome", "page"),
    [
        (
            [on_queue()],
            None,
            None,
            Outcome.ALLOWED,
            "Policy evaluation for requests within a single account",
        ),
        (
            [],
            None,
            on_queue(Principal={"AWS": ROLE}),
            Outcome.ALLOWED,
            "Policy evaluation for requests within a single account",
        ),
        (
            [],
            None,
            on_queue(Principal="*"),
            Outcome.ALLOWED,
            "AWS JSON policy elements: Principal",
        ),
        # The account as principal delegates to its identity policies and grants nothing itself.
        (
            [],
            None,
            on_queue(Principal={"AWS": ROOT}),
            Outcome.DENIED_IMPLICITLY,
            "AWS JSON policy elements: Principal",
        ),
        (
            [],
            None,
            on_queue(Principal={"AWS": ACCOUNT}),
            Outcome.DENIED_IMPLICITLY,
            "AWS JSON policy elements: Principal",
        ),
        (
            [on_queue()],
            None,
            on_queue(Principal={"AWS": FOREIGN}),
            Outcome.ALLOWED,
            "Policy evaluation for requests within a single account",
        ),
        (
            [on_queue()],
            None,
            on_queue(Effect="Deny", Principal={"AWS": ROOT}),
            Outcome.DENIED_EXPLICITLY,
            "AWS JSON policy elements: Principal",
        ),
        (
            [on_queue()],
            None,
            on_queue(Effect="Deny", NotPrincipal={"AWS": [ROLE, ROOT]}),
            Outcome.ALLOWED,
            "AWS JSON policy elements: NotPrincipal",
        ),
        (
            [on_queue()],
            None,
            on_queue(Effect="Deny", NotPrincipal={"AWS": ROLE}),
            Outcome.DENIED_EXPLICITLY,
            "AWS JSON policy elements: NotPrincipal",
        ),
        (
            [on_queue()],
            on_queue(),
            None,
            Outcome.ALLOWED,
            "Permissions boundaries for IAM entities",
        ),
        (
            [on_queue()],
            grant(),
            None,
            Outcome.DENIED_IMPLICITLY,
            "Permissions boundaries for IAM entities",
        ),
        (
            [],
            on_queue(),
            None,
            Outcome.DENIED_IMPLICITLY,
            "Permissions boundaries for IAM entities",
        ),
        (
            [on_queue()],
            on_queue(Effect="Deny"),
            None,
            Outcome.DENIED_EXPLICITLY,
            "Permissions boundaries for IAM entities",
        ),
        # A grant to a role is limited by an implicit deny of its boundary.
        (
            [],
            grant(),
            on_queue(Principal={"AWS": ROLE}),
            Outcome.DENIED_IMPLICITLY,
            "Permissions boundaries for IAM entities",
        ),
    ],
)
def test_role_and_resource_in_one_account(
    identity: list[Any], boundary: Any, resource: Any, outcome: Outcome, page: str
) -> None:
    caller = Identity(Principal.aws(ROLE), identity, boundary)
    assert decide(SEND, caller, resource_policy=resource).outcome is outcome, page


@pytest.mark.parametrize(
    ("identity", "resource", "allowed"),
    [
        ([on_queue()], on_queue(Principal={"AWS": FOREIGN}), True),
        ([on_queue()], on_queue(Principal={"AWS": OTHER_ACCOUNT}), True),
        ([on_queue()], None, False),
        ([], on_queue(Principal={"AWS": FOREIGN}), False),
        ([], on_queue(Principal="*"), False),
    ],
)
def test_across_accounts_both_sides_must_allow(
    identity: list[Any], resource: Any, allowed: bool
) -> None:
    """IAM user guide, "Cross-account policy evaluation logic"."""
    caller = Identity(Principal.aws(FOREIGN), identity)
    decision = decide(SEND, caller, resource_policy=resource, resource_account=ACCOUNT)
    assert decision.allowed is allowed


KEY = f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/1"


@pytest.mark.parametrize(
    ("identity", "key_policy", "allowed"),
    [
        ([policy(Action="kms:Decrypt", Resource=KEY)], {"AWS": ROOT}, True),
        ([], {"AWS": ROLE}, True),
        ([policy(Action="kms:Decrypt", Resource=KEY)], {"AWS": FOREIGN}, False),
        ([], {"AWS": ROOT}, False),
    ],
)
def test_key_policy_decides_whether_identity_policies_count(
    identity: list[Any], key_policy: Any, allowed: bool
) -> None:
    """KMS developer guide, "Default key policy": "Allows access to the AWS account and enables
    IAM policies"."""
    decision = decide(
        Request("kms:Decrypt", KEY),
        Identity(Principal.aws(ROLE), identity),
        resource_policy=policy(Action="kms:*", Resource="*", Principal=key_policy),
        resource_policy_decides=True,
    )
    assert decision.allowed is allowed


@pytest.mark.parametrize(
    ("principal", "allowed"),
    [
        ({"Service": "events.amazonaws.com"}, True),
        ({"Service": ["glue.amazonaws.com", "events.amazonaws.com"]}, True),
        ("*", True),
        ({"AWS": "*"}, True),
        ({"Service": "glue.amazonaws.com"}, False),
        ({"AWS": ROOT}, False),
        (None, False),
    ],
)
def test_service_needs_a_resource_policy_that_names_it(principal: Any, allowed: bool) -> None:
    """IAM user guide, "AWS JSON policy elements: Principal"."""
    document = on_queue(**({} if principal is None else {"Principal": principal}))
    decision = decide(SEND, Identity(EVENTBRIDGE), resource_policy=document)
    assert decision.allowed is allowed


def test_trust_policy_names_no_resource() -> None:
    """IAM user guide, "Role trust policies"."""
    trust = policy(Action="sts:AssumeRole", Principal={"Service": "events.amazonaws.com"})
    request = Request("sts:AssumeRole")
    assert decide(request, Identity(EVENTBRIDGE), resource_policy=trust).allowed
    glue = Identity(Principal.service("glue.amazonaws.com"))
    assert not decide(request, glue, resource_policy=trust).allowed


def test_decision_names_the_statement_that_made_it() -> None:
    denied = on_queue(Effect="Deny", Sid="NeverSend")
    decision = decide(SEND, Identity(Principal.aws(ROLE), [on_queue(), denied]))
    assert decision.statement == "NeverSend"
    assert decision.reason == "with an explicit deny in an identity-based policy"


def test_reason_is_worded_as_aws_words_it() -> None:
    """IAM user guide, "Troubleshoot access denied error messages"."""
    decision = decide(SEND, Identity(Principal.aws(ROLE)))
    assert decision.reason == "because no identity-based policy allows the sqs:SendMessage action"


@pytest.mark.parametrize(
    ("document", "what"),
    [
        (on_queue(Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}), "IpAddress"),
        (on_queue(Condition={"NumericLessThan": {"s3:TlsVersion": "1.2"}}), "NumericLessThan"),
        (on_queue(Resource="arn:aws:sqs:*:*:${aws:username}"), "policy variable"),
        (on_queue(Ressource="*"), "Ressource"),
        (on_queue(Effect="deny"), "Effect deny"),
    ],
)
def test_what_is_not_known_is_refused_and_named(document: dict[str, Any], what: str) -> None:
    with pytest.raises(UnsupportedPolicyError, match=what):
        allows([document], SEND)


def test_allow_with_not_principal_is_refused() -> None:
    document = on_queue(NotPrincipal={"AWS": ROLE})
    with pytest.raises(UnsupportedPolicyError, match="NotPrincipal"):
        decide(SEND, Identity(Principal.aws(ROLE)), resource_policy=document)
