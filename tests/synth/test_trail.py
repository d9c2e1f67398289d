"""CloudTrail as the source of events: what the trail logs, and which of its events the rule takes.

Nothing here shows that CloudTrail delivers: the emulator's does not. The events are the documented
ones. Whether a pattern matches them is judged by the emulator's matcher, which takes every operator
that it does not know for a match, so the operators are checked on their own.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from moto.events.models import EventPattern

from stacks.buckets.event_patterns import api_call_via_cloudtrail, object_created
from tests.cloudtrail_events import api_call, refused_call
from tests.synth.every_stack import Synth
from tests.synth.existing import LENT, environment
from tests.synth.synthesized import Synthesized

# EventBridge user guide, "Comparison operators for use in event patterns".
OPERATORS = {
    "prefix",
    "suffix",
    "anything-but",
    "numeric",
    "exists",
    "equals-ignore-case",
    "wildcard",
    "cidr",
}


@pytest.fixture(scope="module")
def trailed(synth: Synth) -> Synthesized:
    """An environment with two pipelines whose events come through CloudTrail."""
    settings = environment(events="cloudtrail")
    returns = copy.deepcopy(settings["pipelines"]["orders"])
    del returns["suffix"]
    settings["pipelines"]["returns"] = returns | {"prefix": "returns/", "transform": "orders"}
    return synth({"dev": settings})["dev"]


def matches(pattern: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    return EventPattern.load(json.dumps(pattern)).matches_event(event)  # type: ignore[arg-type]


def filters(pattern: Mapping[str, Any]) -> Iterator[Any]:
    """What may stand for a value, of every field in a pattern."""
    for value in pattern.values():
        if isinstance(value, dict):
            yield from filters(value)
        else:
            yield from value


ORDERS = api_call_via_cloudtrail(LENT, "orders/", ".csv")


@pytest.mark.parametrize(
    "event",
    [
        api_call("PutObject", LENT, "orders/1.csv"),
        api_call("CopyObject", LENT, "orders/eu/1.csv", **{"x-amz-copy-source": "other/1.csv"}),
        api_call("CompleteMultipartUpload", LENT, "orders/1.csv", uploadId="VXBsb2FkIElE"),
        api_call("PostObject", LENT, "orders/1.csv"),
    ],
    ids=lambda event: str(event["detail"]["eventName"]),
)
@pytest.mark.parametrize(
    "pattern", [ORDERS, api_call_via_cloudtrail(LENT, "orders/", None)], ids=["suffix", "prefix"]
)
def test_every_call_that_makes_an_object_is_a_new_file(
    pattern: Mapping[str, Any], event: Mapping[str, Any]
) -> None:
    assert matches(pattern, event)


@pytest.mark.parametrize(
    ("event", "why"),
    [
        (refused_call("PutObject", LENT, "orders/1.csv"), "refused"),
        (api_call("PutObject", "another-bucket", "orders/1.csv"), "another bucket"),
        (api_call("PutObject", LENT, "returns/1.csv"), "another prefix"),
        (api_call("PutObject", LENT, "old/orders/1.csv"), "prefix further inside"),
        (api_call("PutObject", LENT, "orders/1.json"), "another suffix"),
        (api_call("UploadPart", LENT, "orders/1.csv", partNumber="1"), "only a part"),
        (api_call("UploadPartCopy", LENT, "orders/1.csv", partNumber="1"), "only a part, copied"),
        (api_call("CreateMultipartUpload", LENT, "orders/1.csv"), "only the beginning"),
        (api_call("AbortMultipartUpload", LENT, "orders/1.csv"), "given up"),
        (api_call("DeleteObject", LENT, "orders/1.csv"), "deleted"),
        (api_call("GetObject", LENT, "orders/1.csv"), "read"),
        (api_call("PutObject", LENT, "orders/1.csv") | {"source": "aws.s3express"}, "elsewhere"),
        (api_call("PutObject", LENT, "orders/1.csv") | {"detail-type": "Object Created"}, "S3's"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_nothing_else_is_a_new_file(event: Mapping[str, Any], why: str) -> None:
    assert not matches(ORDERS, event), why


@pytest.mark.parametrize("make", [api_call_via_cloudtrail, object_created])
@pytest.mark.parametrize("suffix", [None, ".csv"])
def test_patterns_use_documented_operators_only(make: Any, suffix: str | None) -> None:
    found = list(filters(make(LENT, "orders/", suffix)))
    named = [item for item in found if isinstance(item, dict)]
    assert named
    assert all(len(item) == 1 for item in named)
    assert {operator for item in named for operator in item} <= OPERATORS
    assert all(isinstance(item, str | dict) for item in found)


def test_rules_take_the_events_of_the_trail_and_none_of_s3s_own(trailed: Synthesized) -> None:
    bucket = f"${{{trailed.data('aws_s3_bucket', 'landing/bucket')}.bucket}}"
    patterns = {
        path: json.loads(rule["event_pattern"])
        for path, rule in trailed.resources("aws_cloudwatch_event_rule").items()
        if path.startswith("pipeline-") and "event_pattern" in rule
    }
    assert patterns == {
        "pipeline-orders/routing/rule": api_call_via_cloudtrail(bucket, "orders/", ".csv"),
        "pipeline-returns/routing/rule": api_call_via_cloudtrail(bucket, "returns/", None),
    }


def test_trail_logs_new_objects_under_the_prefixes_and_nothing_else(trailed: Synthesized) -> None:
    trail = copy.deepcopy(trailed.only("aws_cloudtrail"))
    landing = f"${{{trailed.data('aws_s3_bucket', 'landing/bucket')}.arn}}"
    (selector,) = trail.pop("advanced_event_selector")
    fields = {item.pop("field"): item for item in selector["field_selector"]}
    assert fields == {
        "eventCategory": {"equals": ["Data"]},
        "resources.type": {"equals": ["AWS::S3::Object"]},
        "readOnly": {"equals": ["false"]},
        "eventName": {
            "equals": ["CompleteMultipartUpload", "CopyObject", "PostObject", "PutObject"]
        },
        "resources.ARN": {"starts_with": [f"{landing}/orders/", f"{landing}/returns/"]},
    }
    assert trail == {
        "name": "burst-dev-landing",
        "s3_bucket_name": f"${{{trailed.address('aws_s3_bucket', 'trail/logs/bucket')}.bucket}}",
        "enable_log_file_validation": True,
        "include_global_service_events": False,
        "is_multi_region_trail": False,
        "depends_on": [trailed.address("aws_s3_bucket_policy", "trail/logs/policy")],
    }


def test_only_the_one_trail_writes_into_its_log_bucket(trailed: Synthesized) -> None:
    bucket = f"${{{trailed.address('aws_s3_bucket', 'trail/logs/bucket')}.arn}}"
    (policy,) = [item for item in trailed.policies() if item.resource == "trail/logs/policy"]
    partition = f"${{{trailed.data('aws_partition', 'trail/partition')}.partition}}"
    account = f"${{{trailed.data('aws_caller_identity', 'current')}.account_id}}"
    trail = f"arn:{partition}:cloudtrail:eu-central-1:{account}:trail/burst-dev-landing"
    cloudtrail = {"Service": "cloudtrail.amazonaws.com"}
    assert [item for item in policy.statements if item["Effect"] == "Allow"] == [
        {
            "Sid": "LetTheTrailCheckTheBucket",
            "Effect": "Allow",
            "Principal": cloudtrail,
            "Action": "s3:GetBucketAcl",
            "Resource": bucket,
            "Condition": {"StringEquals": {"aws:SourceArn": trail}},
        },
        {
            "Sid": "LetTheTrailWriteItsFiles",
            "Effect": "Allow",
            "Principal": cloudtrail,
            "Action": "s3:PutObject",
            "Resource": f"{bucket}/AWSLogs/{account}/*",
            "Condition": {
                "StringEquals": {
                    "s3:x-amz-acl": "bucket-owner-full-control",
                    "aws:SourceArn": trail,
                }
            },
        },
    ]


def test_log_files_of_the_trail_expire(trailed: Synthesized) -> None:
    rules = {
        path: [rule["id"] for rule in item["rule"]]
        for path, item in trailed.resources("aws_s3_bucket_lifecycle_configuration").items()
    }
    always = "remove-aborted-uploads-and-old-versions"
    assert rules == {
        "lake/lifecycle": [always],
        "trail/logs/lifecycle": [always, "expire-log-files"],
    }
    expire = trailed.resources("aws_s3_bucket_lifecycle_configuration")["trail/logs/lifecycle"]
    assert expire["rule"][1] == {
        "id": "expire-log-files",
        "status": "Enabled",
        "filter": [{"prefix": ""}],
        "expiration": [{"days": 365}],
    }


@pytest.mark.parametrize("allow_data_loss", [False, True])
def test_log_bucket_is_deleted_only_with_both_keys(synth: Synth, allow_data_loss: bool) -> None:
    settings = {"dev": environment(events="cloudtrail")}
    stack = synth(settings, allow_data_loss=allow_data_loss)["dev"]
    bucket = stack.resources("aws_s3_bucket")["trail/logs/bucket"]
    assert bucket.get("force_destroy", False) is allow_data_loss
    assert bucket.get("lifecycle", {}).get("prevent_destroy", False) is not allow_data_loss


def test_with_a_key_the_trail_and_its_bucket_use_it_and_the_key_lets_the_trail(
    synth: Synth,
) -> None:
    settings = environment(events="cloudtrail") | {"encryption": "sse-kms"}
    stack = synth({"dev": settings})["dev"]
    key = f"${{{stack.address('aws_kms_key', 'encryption/key')}.arn}}"
    assert stack.only("aws_cloudtrail")["kms_key_id"] == key
    encryption = stack.resources("aws_s3_bucket_server_side_encryption_configuration")
    (rule,) = encryption["trail/logs/encryption"]["rule"]
    assert rule["apply_server_side_encryption_by_default"]["kms_master_key_id"] == key
    (statement,) = [
        item
        for policy in stack.policies()
        if policy.resource == "encryption/key"
        for item in policy.statements
        if item["Sid"] == "EncryptFilesOfTheTrail"
    ]
    partition = f"${{{stack.data('aws_partition', 'encryption/partition')}.partition}}"
    account = f"${{{stack.data('aws_caller_identity', 'current')}.account_id}}"
    assert statement == {
        "Sid": "EncryptFilesOfTheTrail",
        "Effect": "Allow",
        "Principal": {"Service": "cloudtrail.amazonaws.com"},
        "Action": ["kms:Decrypt", "kms:GenerateDataKey", "kms:DescribeKey"],
        "Resource": "*",
        "Condition": {
            "StringEquals": {
                "aws:SourceArn": f"arn:{partition}:cloudtrail:eu-central-1:{account}:"
                f"trail/{stack.only('aws_cloudtrail')['name']}"
            }
        },
    }


def test_files_of_the_trail_are_not_refused_for_their_encryption(synth: Synth) -> None:
    settings = environment(events="cloudtrail") | {"encryption": "sse-kms"}
    stack = synth({"dev": settings})["dev"]
    (policy,) = [item for item in stack.policies() if item.resource == "trail/logs/policy"]
    assert [s["Sid"] for s in policy.statements if s["Effect"] == "Deny"] == ["DenyWithoutTls"]
