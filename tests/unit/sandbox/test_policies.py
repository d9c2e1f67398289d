"""IAM's evaluation of one action, as far as EventBridge's deliveries need it."""

from typing import Any

import pytest

from tools.sandbox.policies import Request, allows

WORKFLOW = "arn:aws:glue:eu-central-1:123456789012:workflow/orders"
QUEUE = "arn:aws:sqs:eu-central-1:123456789012:undelivered"
RULE = "arn:aws:events:eu-central-1:123456789012:rule/orders"
NOTIFY = Request("glue:notifyEvent", WORKFLOW)
SEND = Request("sqs:SendMessage", QUEUE, "events.amazonaws.com", {"aws:SourceArn": RULE})


def policy(**statement: Any) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]}


def grant(**statement: Any) -> dict[str, Any]:
    return policy(**{"Action": "glue:notifyEvent", "Resource": WORKFLOW} | statement)


@pytest.mark.parametrize(
    ("document", "allowed"),
    [
        (grant(), True),
        (grant(Action="glue:NotifyEvent"), True),
        (grant(Action=["s3:GetObject", "glue:notify*"]), True),
        (grant(Action="*"), True),
        (grant(Resource="*"), True),
        (grant(Resource=[WORKFLOW + "-other", WORKFLOW]), True),
        (grant(Resource="arn:aws:glue:*:123456789012:workflow/order?"), True),
        (grant(Action="glue:StartWorkflowRun"), False),
        (grant(Resource=WORKFLOW + "-other"), False),
        # A dot in an ARN is a dot, and a prefix is not enough.
        (grant(Resource=WORKFLOW[:-1]), False),
        (grant(Effect="Deny"), False),
        (policy(NotAction="s3:*", Resource=WORKFLOW), True),
        (policy(NotAction="glue:*", Resource=WORKFLOW), False),
        (policy(Action="glue:notifyEvent", NotResource=WORKFLOW), False),
        ({"Statement": grant()["Statement"][0]}, True),
        ({"Statement": []}, False),
    ],
)
def test_permissions_of_a_role(document: dict[str, Any], allowed: bool) -> None:
    assert allows([document], NOTIFY) is allowed


def test_a_deny_in_any_document_wins() -> None:
    assert not allows([grant(), grant(Effect="Deny", Resource="*")], NOTIFY)


def test_no_document_allows_nothing() -> None:
    assert not allows([], NOTIFY)


@pytest.mark.parametrize(
    ("principal", "allowed"),
    [
        ({"Service": "events.amazonaws.com"}, True),
        ({"Service": ["glue.amazonaws.com", "events.amazonaws.com"]}, True),
        ("*", True),
        ({"AWS": "*"}, True),
        ({"Service": "glue.amazonaws.com"}, False),
        ({"AWS": "arn:aws:iam::123456789012:root"}, False),
        (None, False),
    ],
)
def test_principals_of_a_resource_policy(principal: Any, allowed: bool) -> None:
    document = policy(Action="sqs:SendMessage", Resource=QUEUE, Principal=principal)
    assert allows([document], SEND) is allowed


@pytest.mark.parametrize(
    ("condition", "allowed"),
    [
        ({"ArnEquals": {"aws:SourceArn": RULE}}, True),
        ({"ArnLike": {"AWS:SourceArn": RULE[:-3] + "*"}}, True),
        ({"StringEquals": {"aws:SourceArn": [RULE + "-other", RULE]}}, True),
        ({"StringNotEquals": {"aws:SourceArn": RULE}}, False),
        ({"StringNotEquals": {"aws:SourceAccount": "1"}}, True),
        ({"ArnEquals": {"aws:SourceArn": RULE + "-other"}}, False),
        ({"StringEquals": {"aws:SourceAccount": "123456789012"}}, False),
        ({"StringEqualsIfExists": {"aws:SourceAccount": "123456789012"}}, True),
        ({"Null": {"aws:SourceAccount": "true"}}, True),
        ({"Null": {"aws:SourceArn": True}}, False),
        ({"ArnEquals": {"aws:SourceArn": RULE}, "Null": {"aws:SourceArn": "true"}}, False),
        ({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, False),
    ],
)
def test_conditions_of_an_allow(condition: dict[str, Any], allowed: bool) -> None:
    statement = {"Action": "sqs:*", "Resource": QUEUE, "Principal": "*", "Condition": condition}
    assert allows([policy(**statement)], SEND) is allowed


@pytest.mark.parametrize(
    ("condition", "allowed"),
    [
        ({"Bool": {"aws:SecureTransport": "false"}}, True),
        ({"Bool": {"aws:SecureTransport": False}}, True),
        ({"Bool": {"aws:SecureTransport": "true"}}, False),
        # In doubt, no: an operator that is not known here denies.
        ({"NumericLessThan": {"s3:TlsVersion": "1.2"}}, False),
    ],
)
def test_conditions_of_a_deny(condition: dict[str, Any], allowed: bool) -> None:
    everything = {"Action": "sqs:*", "Resource": QUEUE, "Principal": "*"}
    deny = policy(**everything, Condition=condition)
    deny["Statement"][0]["Effect"] = "Deny"
    request = Request(
        "sqs:SendMessage", QUEUE, "events.amazonaws.com", {"aws:SecureTransport": "true"}
    )
    assert allows([policy(**everything), deny], request) is allowed


def test_a_trust_policy_names_no_resource() -> None:
    trust = policy(Action="sts:AssumeRole", Principal={"Service": "events.amazonaws.com"})
    assert allows([trust], Request("sts:AssumeRole", service="events.amazonaws.com"))
    assert not allows([trust], Request("sts:AssumeRole", service="glue.amazonaws.com"))
