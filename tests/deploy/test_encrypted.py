"""An environment with a key of its own and two pipelines, beside another one in the account."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import boto3
import pytest

from tests.deploy.conftest import Deployed, Encrypted, initialized, synthesize_encrypted
from tools.operate.checking import Check, Options, Verdict
from tools.operate.connection import Connection
from tools.operate.deployment import parse_outputs
from tools.sandbox.account import ACCESS_KEY_ID, SECRET_ACCESS_KEY
from tools.sandbox.errors import SandboxError
from tools.sandbox.terraform import Terraform

PIPELINES = ("orders", "web-returns")


def test_second_plan_is_empty(encrypted: Encrypted) -> None:
    assert encrypted.terraform.plan() is False


def test_key_rotates_and_is_found_by_its_alias(encrypted: Encrypted) -> None:
    kms, arn = encrypted.client("kms"), encrypted.outputs["kms_key_arn"]
    assert kms.get_key_rotation_status(KeyId=arn)["KeyRotationEnabled"] is True
    assert kms.describe_key(KeyId="alias/burst-uat")["KeyMetadata"]["Arn"] == arn


@pytest.mark.parametrize("bucket", ["landing_bucket_name", "lake_bucket_name"])
def test_file_that_asks_for_no_encryption_is_encrypted_with_the_key(
    encrypted: Encrypted, bucket: str
) -> None:
    s3, where = encrypted.client("s3"), {"Bucket": encrypted.outputs[bucket], "Key": "elsewhere/x"}
    s3.put_object(**where, Body=b"x")
    stored = s3.head_object(**where)
    assert stored["ServerSideEncryption"] == "aws:kms"
    assert stored["SSEKMSKeyId"] == encrypted.outputs["kms_key_arn"]
    assert stored["BucketKeyEnabled"] is True


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_queue_logs_code_and_job_of_each_pipeline_are_encrypted_with_the_key(
    encrypted: Encrypted, pipeline: str
) -> None:
    arn, parts = encrypted.outputs["kms_key_arn"], encrypted.outputs["pipelines"][pipeline]
    queue = encrypted.client("sqs").get_queue_attributes(
        QueueUrl=parts["dead_letter_queue_url"], AttributeNames=["All"]
    )["Attributes"]
    assert queue["KmsMasterKeyId"] == arn
    logs = encrypted.client("logs").describe_log_groups(
        logGroupNamePrefix=parts["log_group_prefix"]
    )["logGroups"]
    assert {group["logGroupName"]: group["kmsKeyId"] for group in logs} == {
        f"/burst/uat/{pipeline}/burst-uat-role/burst-uat-{pipeline}-job/{kind}": arn
        for kind in ("error", "output")
    }
    assert {group["retentionInDays"] for group in logs} == {400}
    job = encrypted.client("glue").get_job(JobName=parts["job_name"])["Job"]
    assert job["SecurityConfiguration"] == "burst-uat"
    for uri in (job["Command"]["ScriptLocation"], job["DefaultArguments"]["--extra-py-files"]):
        bucket, key = uri.removeprefix("s3://").split("/", 1)
        code = encrypted.client("s3").head_object(Bucket=bucket, Key=key)
        assert code["SSEKMSKeyId"] == arn


def test_glue_encrypts_with_the_key_whatever_a_job_writes(encrypted: Encrypted) -> None:
    arn = encrypted.outputs["kms_key_arn"]
    deployed = encrypted.client("glue").get_security_configuration(Name="burst-uat")
    assert deployed["SecurityConfiguration"]["EncryptionConfiguration"] == {
        "S3Encryption": [{"S3EncryptionMode": "SSE-KMS", "KmsKeyArn": arn}],
        "CloudWatchEncryption": {"CloudWatchEncryptionMode": "SSE-KMS", "KmsKeyArn": arn},
        "JobBookmarksEncryption": {"JobBookmarksEncryptionMode": "CSE-KMS", "KmsKeyArn": arn},
    }


def test_only_the_archive_moves_and_expires(encrypted: Encrypted) -> None:
    rules = encrypted.client("s3").get_bucket_lifecycle_configuration(
        Bucket=encrypted.outputs["lake_bucket_name"]
    )["Rules"]
    moving = [rule for rule in rules if "Transitions" in rule or "Days" in rule["Expiration"]]
    assert [(rule["Filter"], rule["Transitions"], rule["Expiration"]) for rule in moving] == [
        (
            {"Prefix": "archive/"},
            [{"Days": 30, "StorageClass": "GLACIER_IR"}],
            {"Days": 400},
        )
    ]


def test_limit_of_workflow_runs_is_the_one_of_the_settings(encrypted: Encrypted) -> None:
    limits = {
        pipeline: encrypted.client("glue")
        .get_workflow(Name=f"burst-uat-{pipeline}")["Workflow"]
        .get("MaxConcurrentRuns")
        for pipeline in PIPELINES
    }
    assert limits == {"orders": 3, "web-returns": 4}


def test_check_finds_every_link_whole_where_a_key_encrypts(encrypted: Encrypted) -> None:
    account = encrypted.sandbox.account
    deployment = parse_outputs(encrypted.outputs, source="uat")
    keys = boto3.Session(aws_access_key_id=ACCESS_KEY_ID, aws_secret_access_key=SECRET_ACCESS_KEY)
    connection = Connection(deployment.region, account.endpoint_url, session=keys)
    options = Options(send=False, with_row=False, wait_seconds=1.0)
    check = Check(
        connection,
        deployment,
        list(deployment.pipelines.values()),
        options,
        lambda: datetime.now(UTC),
        lambda pipeline, text: None,
    )
    findings = check.look().findings
    # Nobody followed the link in the mail that SNS sent.
    others = {f.link: f.detail for f in findings if f.verdict is not Verdict.SEEN}
    assert set(others) <= {"subscriptions"}
    assert {f.pipeline for f in findings if f.link == "job-role"} == set(PIPELINES)
    assert "allows 24 calls" in next(f.detail for f in findings if f.link == "job-role")


def test_environments_side_by_side_have_nothing_in_common_but_the_bus(
    deployed: Deployed, encrypted: Encrypted
) -> None:
    buckets = ("landing_bucket_name", "lake_bucket_name")
    assert not {deployed.sandbox.outputs[name] for name in buckets} & {
        encrypted.outputs[name] for name in buckets
    }
    rules = encrypted.client("events").list_rules()["Rules"]
    # What tells people has a dot after the environment.
    owners = {tuple(rule["Name"].partition(".")[0].split("-")[:3]) for rule in rules}
    assert owners == {
        ("burst", "dev"),
        ("burst", "uat"),
        ("burst", "dev", "orders"),
        ("burst", "uat", "orders"),
        ("burst", "uat", "web"),
    }
    assert {rule["EventBusName"] for rule in rules} == {"default"}


@dataclass(frozen=True)
class WayBack:
    """The stack of `uat` without a key of its own, on the state that has one."""

    folder: Path
    terraform: Terraform


@pytest.fixture(scope="module")
def way_back(encrypted: Encrypted) -> WayBack:
    folder = synthesize_encrypted(encrypted.sandbox, encryption="sse-s3", allow_data_loss=False)
    return WayBack(folder, initialized(encrypted.sandbox, folder))


def test_going_back_to_keys_of_s3_forgets_the_key_and_deletes_nothing_that_holds_data(
    way_back: WayBack,
) -> None:
    terraform = way_back.terraform
    assert terraform.plan("-out=back.tfplan", "-refresh=false") is True
    actions = {
        change["address"]: change["change"]["actions"]
        for change in terraform.show("back.tfplan")["resource_changes"]
    }
    assert actions["aws_kms_key.key_of_the_environment"] == ["forget"]
    kinds_with_data = ("aws_s3_bucket.", "aws_s3_bucket_policy.", "aws_sqs_queue.", "aws_glue_job.")
    held = {
        address: what for address, what in actions.items() if address.startswith(kinds_with_data)
    }
    assert len(held) == 8
    assert not [address for address, what in held.items() if "delete" in what]


def test_going_back_with_new_code_is_refused_by_the_plan(way_back: WayBack) -> None:
    """Terraform orders what it forgets wrongly beside what it makes before it destroys.

    Where this fails, Terraform has learned it, and docs/encryption.md need not tell of it.
    """
    stack = way_back.folder / "cdk.tf.json"
    text = stack.read_text(encoding="utf-8")
    stack.write_text(re.sub(r"(burst_job-)\w{16}", r"\g<1>0123456789abcdef", text))
    with pytest.raises(SandboxError, match=r"Cycle: .*key_of_the_environment \(forget\)"):
        way_back.terraform.plan("-refresh=false")
    stack.write_text(text)
