"""With `sse-kms`, one key of the environment encrypts everything, and nobody has more of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.synth.conftest import Synth
from tests.synth.synthesized import Synthesized
from tests.synth.test_burst_stack import reference
from tests.synth.test_policies import arn, granted

ACCOUNT = "${data.aws_caller_identity.current.account_id}"
PIPELINES = ("orders", "web-returns")


@pytest.fixture(scope="module")
def key_arn(encrypted: Synthesized) -> str:
    return arn(encrypted, "aws_kms_key", "encryption/key")


@pytest.fixture(scope="module")
def key_policy(encrypted: Synthesized) -> dict[str, Any]:
    """The statements of the key's policy by Sid, with plain words in place of references."""
    (partition,) = encrypted.document["data"]["aws_partition"]
    text = encrypted.only("aws_kms_key")["policy"]
    for attribute, plain in (("partition", "PARTITION"), ("dns_suffix", "SUFFIX")):
        text = text.replace(f"${{data.aws_partition.{partition}.{attribute}}}", plain)
    statements = json.loads(text.replace(ACCOUNT, "ACCOUNT"))["Statement"]
    return {statement.pop("Sid"): statement for statement in statements}


def test_key_rotates_and_waits_a_month_before_it_is_deleted(encrypted: Synthesized) -> None:
    key = encrypted.only("aws_kms_key")
    assert key["enable_key_rotation"] is True
    assert key["deletion_window_in_days"] == 30
    assert encrypted.only("aws_kms_alias") == {
        "name": "alias/burst-dev",
        "target_key_id": reference(encrypted, "aws_kms_key", "encryption/key", "key_id"),
    }


@pytest.mark.parametrize(
    ("ephemeral", "allow_data_loss", "deletable"),
    [(False, False, False), (False, True, False), (True, False, False), (True, True, True)],
)
def test_deleting_the_key_takes_both_keys_because_without_it_the_data_is_lost(
    synth: Synth,
    two_pipelines: Mapping[str, Any],
    ephemeral: bool,
    allow_data_loss: bool,
    deletable: bool,
) -> None:
    environment = {**two_pipelines, "encryption": "sse-kms", "ephemeral": ephemeral}
    key = synth({"dev": environment}, allow_data_loss=allow_data_loss)["dev"].only("aws_kms_key")
    assert key.get("lifecycle", {}).get("prevent_destroy", False) is not deletable
    assert key["deletion_window_in_days"] == (7 if deletable else 30)


def test_buckets_encrypt_with_the_key_and_ask_kms_once_for_many_objects(
    encrypted: Synthesized, key_arn: str
) -> None:
    rules = encrypted.resources("aws_s3_bucket_server_side_encryption_configuration")
    assert len(rules) == 2
    for item in rules.values():
        assert item["rule"] == [
            {
                "apply_server_side_encryption_by_default": {
                    "sse_algorithm": "aws:kms",
                    "kms_master_key_id": key_arn,
                },
                "bucket_key_enabled": True,
                "blocked_encryption_types": ["SSE-C"],
            }
        ]


def test_buckets_refuse_uploads_that_ask_for_another_encryption(
    encrypted: Synthesized, key_arn: str
) -> None:
    policies = [item for item in encrypted.policies() if item.kind == "aws_s3_bucket_policy"]
    assert {policy.resource for policy in policies} == {"landing/policy", "lake/policy"}
    for policy in policies:
        (deny,) = [item for item in policy.statements if item["Sid"] == "DenyOtherEncryption"]
        bucket = policy.resource.replace("policy", "bucket")
        assert deny == {
            "Sid": "DenyOtherEncryption",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:PutObject",
            "Resource": f"{arn(encrypted, 'aws_s3_bucket', bucket)}/*",
            "Condition": {
                "Null": {"s3:x-amz-server-side-encryption": "false"},
                "ArnNotEquals": {"s3:x-amz-server-side-encryption-aws-kms-key-id": key_arn},
            },
        }


@pytest.mark.parametrize(
    ("kind", "attribute", "count"),
    [
        ("aws_sqs_queue", "kms_master_key_id", 2),
        ("aws_cloudwatch_log_group", "kms_key_id", 4),
        ("aws_s3_object", "kms_key_id", 2),
    ],
)
def test_queues_logs_and_code_are_encrypted_with_the_key(
    encrypted: Synthesized, key_arn: str, kind: str, attribute: str, count: int
) -> None:
    resources = encrypted.resources(kind)
    assert len(resources) == count
    assert {item[attribute] for item in resources.values()} == {key_arn}


def test_queue_has_one_kind_of_encryption_only(encrypted: Synthesized) -> None:
    for queue in encrypted.resources("aws_sqs_queue").values():
        assert "sqs_managed_sse_enabled" not in queue


def test_glue_encrypts_output_logs_and_bookmarks_with_the_key(
    encrypted: Synthesized, key_arn: str
) -> None:
    configuration = encrypted.only("aws_glue_security_configuration")
    assert configuration == {
        "name": "burst-dev",
        "encryption_configuration": {
            "s3_encryption": {"s3_encryption_mode": "SSE-KMS", "kms_key_arn": key_arn},
            "cloudwatch_encryption": {
                "cloudwatch_encryption_mode": "SSE-KMS",
                "kms_key_arn": key_arn,
            },
            "job_bookmarks_encryption": {
                "job_bookmarks_encryption_mode": "CSE-KMS",
                "kms_key_arn": key_arn,
            },
        },
    }
    name = reference(encrypted, "aws_glue_security_configuration", "encryption/glue", "name")
    jobs = encrypted.resources("aws_glue_job").values()
    assert [job["security_configuration"] for job in jobs] == [name, name]


def test_log_groups_are_the_ones_that_glue_writes_to_with_a_security_configuration(
    encrypted: Synthesized,
) -> None:
    """<prefix>/<security configuration>-role/<role>/error and output."""
    name = reference(encrypted, "aws_glue_security_configuration", "encryption/glue", "name")
    groups = encrypted.resources("aws_cloudwatch_log_group").values()
    assert {item["name"] for item in groups} == {
        f"/burst/dev/{pipeline}/{name}-role/burst-dev-{pipeline}-job/{kind}"
        for pipeline in PIPELINES
        for kind in ("error", "output")
    }
    for pipeline in PIPELINES:
        job = encrypted.resources("aws_glue_job")[f"pipeline-{pipeline}/job/job"]
        assert job["default_arguments"]["--custom-logGroup-prefix"] == f"/burst/dev/{pipeline}"
        shown = encrypted.document["locals"]["deployed"][pipeline]["log_group_prefix"]
        assert shown == f"/burst/dev/{pipeline}/{name}-role/burst-dev-{pipeline}-job"


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_job_uses_the_key_only_through_s3_and_for_its_own_logs(
    encrypted: Synthesized, key_arn: str, pipeline: str
) -> None:
    (partition,) = encrypted.document["data"]["aws_partition"]
    suffix = f"${{data.aws_partition.{partition}.dns_suffix}}"
    grants = granted(encrypted, f"pipeline-{pipeline}/job/permission")
    of_the_key = {
        sid: grant
        for sid, grant in grants.items()
        if any(action.startswith("kms:") or "Kms" in action for action in grant[0])
    }
    assert of_the_key == {
        "UseTheKeyThroughS3": (
            {"kms:Decrypt", "kms:GenerateDataKey"},
            {key_arn},
            {"StringEquals": {"kms:ViaService": f"s3.eu-central-1.{suffix}"}},
        ),
        "GiveTheKeyToItsLogs": (
            {"logs:AssociateKmsKey"},
            {
                arn(encrypted, "aws_cloudwatch_log_group", f"pipeline-{pipeline}/job/log-{kind}")
                + end
                for kind in ("error", "output")
                for end in ("", ":*")
            },
            None,
        ),
        "LetCloudWatchLogsUseTheKey": (
            {"kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"},
            {key_arn},
            {"StringEquals": {"kms:ViaService": f"logs.eu-central-1.{suffix}"}},
        ),
    }


def test_account_administers_the_key_and_uses_it_only_by_way_of_services(
    key_policy: dict[str, Any],
) -> None:
    root = {"AWS": "arn:PARTITION:iam::ACCOUNT:root"}
    administration = key_policy["AdministeredThroughIam"]
    assert administration["Principal"] == root
    assert "Condition" not in administration
    cryptographic = ("Encrypt", "Decrypt", "GenerateDataKey", "ReEncrypt", "Sign", "CreateGrant")
    for action in administration["Action"]:
        assert "*" not in action
        assert not action.removeprefix("kms:").startswith(cryptographic)
    assert key_policy["UsedThroughIamByWayOfServices"] == {
        "Effect": "Allow",
        "Principal": root,
        "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
        "Resource": "*",
        "Condition": {
            "StringEquals": {
                "kms:ViaService": [
                    f"{service}.eu-central-1.SUFFIX" for service in ("s3", "sqs", "sns", "logs")
                ]
            }
        },
    }
    assert key_policy["EncryptedThroughIamByWayOfLogs"] == {
        "Effect": "Allow",
        "Principal": root,
        "Action": ["kms:Encrypt"],
        "Resource": "*",
        "Condition": {"StringEquals": {"kms:ViaService": "logs.eu-central-1.SUFFIX"}},
    }


SERVICES: list[tuple[str, str, dict[str, Any]]] = [
    (
        "EncryptUndeliveredEvents",
        "events.amazonaws.com",
        {
            "ArnLike": {
                "aws:SourceArn": "arn:PARTITION:events:eu-central-1:ACCOUNT:rule/burst-dev-*"
            }
        },
    ),
    (
        # No source condition: with one, EventBridge could not publish to the encrypted topic.
        "EncryptEventsForTheTopic",
        "events.amazonaws.com",
        {
            "ArnLike": {
                "kms:EncryptionContext:aws:sns:topicArn": "arn:PARTITION:sns:eu-central-1:ACCOUNT:"
                "burst-dev-*"
            }
        },
    ),
    (
        "EncryptAlarmsForTheTopic",
        "cloudwatch.amazonaws.com",
        {
            "StringEquals": {"aws:SourceAccount": "ACCOUNT"},
            "ArnLike": {
                "aws:SourceArn": "arn:PARTITION:cloudwatch:eu-central-1:ACCOUNT:alarm:burst-dev-*"
            },
        },
    ),
]


@pytest.mark.parametrize(("sid", "service", "condition"), SERVICES)
def test_service_uses_the_key_only_on_behalf_of_the_environment(
    key_policy: dict[str, Any], sid: str, service: str, condition: dict[str, Any]
) -> None:
    assert key_policy[sid] == {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
        "Resource": "*",
        "Condition": condition,
    }


def test_cloudwatch_logs_uses_the_key_only_for_log_groups_of_the_environment(
    encrypted: Synthesized, key_policy: dict[str, Any]
) -> None:
    logs = key_policy["EncryptLogs"]
    assert logs["Principal"] == {"Service": "logs.eu-central-1.SUFFIX"}
    assert logs["Condition"] == {
        "ArnLike": {
            "kms:EncryptionContext:aws:logs:arn": "arn:PARTITION:logs:eu-central-1:ACCOUNT:"
            "log-group:/burst/dev/*"
        }
    }
    groups = encrypted.resources("aws_cloudwatch_log_group").values()
    assert all(group["name"].startswith("/burst/dev/") for group in groups)


def test_nobody_else_stands_in_the_key_policy(key_policy: dict[str, Any]) -> None:
    assert set(key_policy) == {
        "AdministeredThroughIam",
        "UsedThroughIamByWayOfServices",
        "EncryptedThroughIamByWayOfLogs",
        "EncryptLogs",
        *(sid for sid, *_ in SERVICES),
    }


def test_rules_that_send_undelivered_events_have_names_that_the_key_policy_allows(
    encrypted: Synthesized,
) -> None:
    rules = encrypted.resources("aws_cloudwatch_event_rule")
    senders = [
        rules[path]["name"]
        for target in encrypted.resources("aws_cloudwatch_event_target").values()
        for path in rules
        if "dead_letter_config" in target
        and target["rule"] == reference(encrypted, "aws_cloudwatch_event_rule", path, "name")
    ]
    assert len(senders) == 2 * len(PIPELINES)
    assert all(name.startswith("burst-dev-") for name in senders)


def test_topic_and_alarms_have_names_that_the_key_policy_allows(encrypted: Synthesized) -> None:
    alarms = encrypted.resources("aws_cloudwatch_metric_alarm").values()
    names = [encrypted.only("aws_sns_topic")["name"], *(alarm["alarm_name"] for alarm in alarms)]
    assert len(names) == 1 + 5 * len(PIPELINES)
    assert all(name.startswith("burst-dev-") for name in names)


def test_output_names_the_key(encrypted: Synthesized, key_arn: str) -> None:
    assert encrypted.document["output"]["kms_key_arn"]["value"] == key_arn


def test_without_a_key_of_its_own_the_environment_has_nothing_of_kms(stack: Synthesized) -> None:
    assert "kms" not in json.dumps(stack.document["resource"])
    assert "aws_glue_security_configuration" not in stack.document["resource"]


@pytest.mark.parametrize("allow_data_loss", [False, True])
def test_key_that_an_environment_no_longer_uses_is_forgotten_and_not_deleted(
    synth: Synth,
    two_pipelines: Mapping[str, Any],
    encrypted: Synthesized,
    allow_data_loss: bool,
) -> None:
    stack = synth({"dev": dict(two_pipelines)}, allow_data_loss=allow_data_loss)["dev"]
    address = encrypted.address("aws_kms_key", "encryption/key")
    kept = [{"from": address, "lifecycle": {"destroy": False}}]
    assert stack.document.get("removed") == (None if allow_data_loss else kept)
    assert "removed" not in encrypted.document
