"""Conditions: each row names the section of the IAM user guide that it is from."""

from __future__ import annotations

from typing import Any

import pytest

from tools.iam import Request, UnsupportedPolicyError, allows, matches_arn

RULE = "arn:aws:events:eu-central-1:123456789012:rule/orders"
CONTEXT = {
    "aws:SourceArn": RULE,
    "aws:SecureTransport": "true",
    "s3:prefix": "orders/2026",
    "aws:TagKeys": ["project", "environment"],
}
STRING, ARN = "String condition operators", "Amazon Resource Name (ARN) condition operators"
BOOL, NULL = "Boolean condition operators", "Condition operator to check existence of keys"
IF_EXISTS, SETS = "...IfExists condition operators", "Set operators for multivalued context keys"
LOGIC = "Evaluation logic for multiple context keys or values"


@pytest.mark.parametrize(
    ("condition", "holds", "section"),
    [
        ({"StringEquals": {"s3:prefix": "orders/2026"}}, True, STRING),
        ({"StringEquals": {"S3:Prefix": "orders/2026"}}, True, STRING),
        ({"StringEquals": {"s3:prefix": "Orders/2026"}}, False, STRING),
        ({"StringEquals": {"s3:prefix": "orders/*"}}, False, STRING),
        ({"StringEquals": {"aws:SourceAccount": "123456789012"}}, False, STRING),
        ({"StringNotEquals": {"s3:prefix": "orders/2026"}}, False, STRING),
        ({"StringNotEquals": {"aws:SourceAccount": "1"}}, True, STRING),
        ({"StringEqualsIgnoreCase": {"s3:prefix": "ORDERS/2026"}}, True, STRING),
        ({"StringNotEqualsIgnoreCase": {"s3:prefix": "ORDERS/2026"}}, False, STRING),
        ({"StringLike": {"s3:prefix": "orders/*"}}, True, STRING),
        ({"StringLike": {"s3:prefix": "orders/202?"}}, True, STRING),
        ({"StringLike": {"s3:prefix": "Orders/*"}}, False, STRING),
        ({"StringNotLike": {"s3:prefix": "orders/*"}}, False, STRING),
        ({"ArnEquals": {"aws:SourceArn": RULE}}, True, ARN),
        ({"ArnEquals": {"aws:SourceArn": f"{RULE[:-3]}*"}}, True, ARN),
        ({"ArnLike": {"aws:SourceArn": "arn:aws:events:*:123456789012:rule/*"}}, True, ARN),
        ({"ArnLike": {"aws:SourceArn": "arn:aws:events:*:rule/orders"}}, False, ARN),
        ({"ArnLike": {"aws:SourceArn": "arn:aws:events:*"}}, False, ARN),
        ({"ArnNotEquals": {"aws:SourceArn": RULE}}, False, ARN),
        ({"ArnNotLike": {"aws:SourceArn": f"{RULE}-2"}}, True, ARN),
        ({"ArnNotEquals": {"aws:PrincipalArn": RULE}}, True, ARN),
        ({"Bool": {"aws:SecureTransport": "true"}}, True, BOOL),
        ({"Bool": {"aws:SecureTransport": True}}, True, BOOL),
        ({"Bool": {"aws:SecureTransport": "false"}}, False, BOOL),
        ({"Bool": {"aws:ViaAWSService": "true"}}, False, BOOL),
        ({"Null": {"aws:SourceAccount": "true"}}, True, NULL),
        ({"Null": {"aws:SourceArn": True}}, False, NULL),
        ({"Null": {"aws:SourceArn": "false"}}, True, NULL),
        ({"StringEqualsIfExists": {"aws:SourceAccount": "1"}}, True, IF_EXISTS),
        ({"StringLikeIfExists": {"s3:prefix": "customers/*"}}, False, IF_EXISTS),
        ({"StringLikeIfExists": {"s3:prefix": "orders/*"}}, True, IF_EXISTS),
        ({"StringEquals": {"s3:prefix": ["a", "orders/2026"]}}, True, LOGIC),
        ({"StringNotEquals": {"s3:prefix": ["a", "orders/2026"]}}, False, LOGIC),
        (
            {"ArnEquals": {"aws:SourceArn": RULE}, "Null": {"aws:SourceArn": "true"}},
            False,
            LOGIC,
        ),
        (
            {"StringEquals": {"s3:prefix": "orders/2026", "aws:SourceAccount": "1"}},
            False,
            LOGIC,
        ),
        (
            {"ForAllValues:StringEquals": {"aws:TagKeys": ["project", "environment", "x"]}},
            True,
            SETS,
        ),
        ({"ForAllValues:StringEquals": {"aws:TagKeys": "project"}}, False, SETS),
        ({"ForAllValues:StringEquals": {"aws:Absent": "project"}}, True, SETS),
        ({"ForAnyValue:StringEquals": {"aws:TagKeys": "project"}}, True, SETS),
        ({"ForAnyValue:StringEquals": {"aws:TagKeys": "other"}}, False, SETS),
        ({"ForAnyValue:StringLike": {"aws:TagKeys": "env*"}}, True, SETS),
        ({"ForAnyValue:StringEquals": {"aws:Absent": "project"}}, False, SETS),
    ],
)
def test_condition(condition: dict[str, Any], holds: bool, section: str) -> None:
    def statement(effect: str) -> dict[str, Any]:
        return {"Effect": effect, "Action": "*", "Resource": "*"}

    request = Request("s3:ListBucket", "arn:aws:s3:::landing", CONTEXT)
    conditional = {"Condition": condition}
    grants = {"Statement": [statement("Allow") | conditional]}
    assert allows([grants], request) is holds, section
    refuses = {"Statement": [statement("Allow"), statement("Deny") | conditional]}
    assert allows([refuses], request) is not holds, section


def test_multivalued_key_needs_a_set_operator() -> None:
    document = {
        "Statement": {
            "Effect": "Allow",
            "Action": "*",
            "Resource": "*",
            "Condition": {"StringEquals": {"aws:TagKeys": "project"}},
        }
    }
    with pytest.raises(UnsupportedPolicyError, match="project, environment"):
        allows([document], Request("s3:ListBucket", "*", CONTEXT))


@pytest.mark.parametrize(
    ("pattern", "arn", "found"),
    [
        ("arn:aws:s3:::landing/orders/*", "arn:aws:s3:::landing/orders/a:b/c", True),
        ("arn:aws:s3:::landing/orders/*", "arn:aws:s3:::landing/orders", False),
        ("arn:aws:s3:::landing/*/a.csv", "arn:aws:s3:::landing/x/y/a.csv", True),
        ("arn:aws:s3:::land*/a.csv", "arn:aws:s3:::landing/x:y/a.csv", False),
        ("arn:aws:logs:*:1:log-group:/burst/*", "arn:aws:logs:r:1:log-group:/burst/a:b", True),
        ("arn:aws:s3:::landing", "arn:aws:s3:::landing/", False),
        ("arn:aws:s3:::land.ng", "arn:aws:s3:::landing", False),
    ],
)
def test_wildcards_of_a_resource(pattern: str, arn: str, found: bool) -> None:
    """IAM user guide, "IAM JSON policy elements: Resource"."""
    assert matches_arn(pattern, arn) is found
