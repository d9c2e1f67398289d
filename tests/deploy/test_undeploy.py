"""The end of the deployment, by the cdktf CLI; it runs after the others that share it."""

from __future__ import annotations

import json
import re

import pytest

from tests.deploy.conftest import (
    STATE_BUCKET,
    STATE_KEY,
    Deployed,
    Encrypted,
    TypeLine,
    documented_lines,
)
from tools.sandbox.errors import SandboxError


def test_destroying_one_environment_leaves_the_other_one_alone(encrypted: Encrypted) -> None:
    key_id = encrypted.outputs["kms_key_arn"]
    encrypted.client("s3").put_object(
        Bucket=encrypted.outputs["lake_bucket_name"], Key="archive/orders/x", Body=b"x"
    )
    encrypted.terraform.destroy(refresh=False)
    key = encrypted.client("kms").describe_key(KeyId=key_id)["KeyMetadata"]
    assert key["KeyState"] == "PendingDeletion"
    assert encrypted.client("kms").list_aliases(KeyId=key_id)["Aliases"] == []
    assert encrypted.client("glue").get_security_configurations()["SecurityConfigurations"] == []
    rules = encrypted.client("events").list_rules()["Rules"]
    assert rules
    assert all(re.match(r"burst-dev[-.]", rule["Name"]) for rule in rules)
    # That nothing of the other one is missing says the plan of its last deployment, below.


@pytest.fixture(scope="module")
def versions(deployed: Deployed) -> list[str]:
    """The versions of one key in landing, the newest of which is a delete marker."""
    where = {"Bucket": deployed.sandbox.outputs["landing_bucket_name"], "Key": "elsewhere/twice"}
    s3 = deployed.sandbox.account.client("s3")
    ids = [s3.put_object(**where, Body=b"x")["VersionId"] for _ in range(2)]
    return [*ids, s3.delete_object(**where)["VersionId"]]


def addresses(deployed: Deployed) -> set[str]:
    s3 = deployed.sandbox.account.client("s3")
    state = json.loads(s3.get_object(Bucket=STATE_BUCKET, Key=STATE_KEY)["Body"].read())
    return {f"{item['type']}.{item['name']}" for item in state["resources"] if item["instances"]}


@pytest.fixture
def options(deployed: Deployed) -> str:
    """What else the lines need here.

    The CLI synthesizes again into the folder of the shared deployment and leaves what is beside
    the stack there, as Terraform's override file does. It would also lock the provider for other
    platforms, which only the public registry can do.
    """
    return f"--output {deployed.sandbox.folder / 'cdktf.out'} --skip-provider-lock"


@pytest.mark.gate
def test_destroy_without_the_second_key_refuses_before_it_touches_anything(
    deployed: Deployed, versions: list[str], type_line: TypeLine, options: str
) -> None:
    before = addresses(deployed)

    done = type_line(f"pipenv run destroy dev --auto-approve {options}")

    assert done.returncode != 0
    assert addresses(deployed) == before
    # The CLI ends as soon as Terraform fails, and sometimes cuts off what Terraform says.
    with pytest.raises(SandboxError, match="Instance cannot be destroyed"):
        deployed.terraform.plan("-destroy", "-refresh=false")
    listed = deployed.sandbox.account.client("s3").list_object_versions(
        Bucket=deployed.sandbox.outputs["landing_bucket_name"], Prefix="elsewhere/"
    )
    kept = [item["VersionId"] for item in [*listed["Versions"], *listed["DeleteMarkers"]]]
    assert sorted(kept) == sorted(versions)


@pytest.mark.full
def test_nothing_is_to_be_done_after_the_refusal(type_line: TypeLine, options: str) -> None:
    done = type_line(f"pipenv run diff dev {options}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No changes." in done.stdout


@pytest.mark.gate
def test_destroy_with_both_keys_leaves_nothing_though_the_buckets_hold_versions(
    deployed: Deployed, versions: list[str], type_line: TypeLine, options: str
) -> None:
    account = deployed.sandbox.account
    said = []
    for line in documented_lines("BURST_ALLOW_DATA_LOSS"):
        done = type_line(f"{line} --auto-approve {options}")
        assert done.returncode == 0, done.stdout + done.stderr
        said.append(done.stdout)
    # The two buckets. The refusal and the destroy of the other environment left nothing else.
    assert "0 to add, 2 to change, 0 to destroy" in re.sub(r"\x1b\[\d*m", "", said[0])
    buckets = account.client("s3").list_buckets()["Buckets"]
    assert [bucket["Name"] for bucket in buckets] == [STATE_BUCKET]
    assert account.client("events").list_rules()["Rules"] == []
    assert account.client("glue").list_jobs()["JobNames"] == []
    assert account.client("glue").get_databases()["DatabaseList"] == []
    assert account.client("sns").list_topics()["Topics"] == []
    assert account.client("cloudwatch").describe_alarms()["MetricAlarms"] == []
    assert account.client("cloudwatch").list_dashboards()["DashboardEntries"] == []
    assert account.client("glue").list_workflows()["Workflows"] == []
    assert account.client("glue").list_triggers()["TriggerNames"] == []
    assert account.client("iam").list_roles()["Roles"] == []
    assert "QueueUrls" not in account.client("sqs").list_queues()
    assert account.client("logs").describe_log_groups()["logGroups"] == []
