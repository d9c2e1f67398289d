"""What Terraform and the real AWS provider make of the stack in the emulated account."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from stacks.policies import Place, assumed_by_glue, github
from tests.deploy.conftest import (
    BATCH_SIZE,
    BATCH_WINDOW_SECONDS,
    STATE_BUCKET,
    STATE_KEY,
    Deployed,
)
from tools.sandbox.account.deployed import Credentials
from tools.sandbox.errors import SandboxError
from tools.sandbox.terraform import OVERRIDE_FILE

TRIGGER = "burst-dev-orders-batch"
NEW_CODE = "artifacts/burst_job-0123456789abcdef.py"


@pytest.fixture
def outputs(deployed: Deployed) -> dict[str, Any]:
    return dict(deployed.sandbox.outputs)


def test_bucket_names_begin_with_environment_and_purpose(outputs: dict[str, Any]) -> None:
    assert outputs["landing_bucket_name"].startswith("burst-dev-landing-")
    assert outputs["lake_bucket_name"].startswith("burst-dev-lake-")


def test_deployed_target_is_the_workflow_with_queue_and_retries(
    deployed: Deployed, outputs: dict[str, Any]
) -> None:
    account = deployed.sandbox.account
    orders = outputs["pipelines"]["orders"]
    (target,) = account.client("events").list_targets_by_rule(Rule=orders["rule_name"])["Targets"]
    assert target["Arn"].endswith(f":workflow/{orders['workflow_name']}")
    assert target["RoleArn"].endswith(":role/burst-dev-orders-events")
    assert target["DeadLetterConfig"]["Arn"].endswith(":burst-dev-orders-undelivered")
    assert target["RetryPolicy"] == {
        "MaximumEventAgeInSeconds": 86400,
        "MaximumRetryAttempts": 185,
    }


def test_deployed_job_points_to_code_that_is_there(deployed: Deployed) -> None:
    account = deployed.sandbox.account
    job = account.client("glue").get_job(JobName="burst-dev-orders")["Job"]
    for uri in (job["Command"]["ScriptLocation"], job["DefaultArguments"]["--extra-py-files"]):
        bucket, key = uri.removeprefix("s3://").split("/", 1)
        assert account.client("s3").head_object(Bucket=bucket, Key=key)["ContentLength"] > 0


def test_state_lies_in_s3_and_the_lock_is_gone_after_use(deployed: Deployed) -> None:
    listed = deployed.sandbox.account.client("s3").list_objects_v2(
        Bucket=STATE_BUCKET, Prefix=STATE_KEY
    )
    assert [item["Key"] for item in listed["Contents"]] == [STATE_KEY]


def test_state_that_somebody_else_has_locked_is_left_alone(deployed: Deployed) -> None:
    s3 = deployed.sandbox.account.client("s3")
    lock = {"ID": "11111111-2222-3333-4444-555555555555", "Operation": "OperationTypeApply"}
    s3.put_object(Bucket=STATE_BUCKET, Key=f"{STATE_KEY}.tflock", Body=json.dumps(lock).encode())
    try:
        with pytest.raises(SandboxError, match="Error acquiring the state lock"):
            deployed.terraform.plan()
    finally:
        s3.delete_object(Bucket=STATE_BUCKET, Key=f"{STATE_KEY}.tflock")


def test_state_holds_no_secret(deployed: Deployed) -> None:
    body = deployed.sandbox.account.client("s3").get_object(Bucket=STATE_BUCKET, Key=STATE_KEY)
    state = body["Body"].read().decode()
    assert "secret_key" not in state
    assert "AWS_SECRET" not in state


def batching(deployed: Deployed) -> dict[str, int]:
    trigger = deployed.sandbox.account.client("glue").get_trigger(Name=TRIGGER)
    condition = trigger["Trigger"]["EventBatchingCondition"]
    return {"size": condition["BatchSize"], "window": condition["BatchWindow"]}


def test_changed_batch_size_is_applied_and_leaves_nothing_to_do(deployed: Deployed) -> None:
    assert batching(deployed) == {"size": BATCH_SIZE, "window": BATCH_WINDOW_SECONDS}
    file = deployed.sandbox.stack_folder / OVERRIDE_FILE
    before = file.read_text(encoding="utf-8")
    changed = json.loads(before)
    for trigger in changed["resource"]["aws_glue_trigger"].values():
        trigger["event_batching_condition"][0]["batch_size"] = 20
    try:
        file.write_text(json.dumps(changed), encoding="utf-8")
        deployed.terraform.apply()
        assert batching(deployed) == {"size": 20, "window": BATCH_WINDOW_SECONDS}
        assert deployed.terraform.plan() is False
    finally:
        file.write_text(before, encoding="utf-8")
        put_back(deployed)
    assert batching(deployed) == {"size": BATCH_SIZE, "window": BATCH_WINDOW_SECONDS}


def put_back(deployed: Deployed) -> None:
    """By hand, in place of another apply; the next refresh reads it."""
    glue = deployed.sandbox.account.client("glue")
    trigger = glue.get_trigger(Name=TRIGGER)["Trigger"]
    # An update takes the place of the whole definition.
    kept = {name: trigger[name] for name in ("Description", "Actions") if name in trigger}
    condition = {"BatchSize": BATCH_SIZE, "BatchWindow": BATCH_WINDOW_SECONDS}
    glue.update_trigger(Name=TRIGGER, TriggerUpdate={**kept, "EventBatchingCondition": condition})


@dataclass(frozen=True)
class Deployer:
    """A session of a role with the policies of a deployment from GitHub, and its boundary."""

    session: Credentials
    boundary: str


@pytest.fixture
def deployer(deployed: Deployed) -> Iterator[Deployer]:
    account = deployed.sandbox.account
    place = Place("aws", "amazonaws.com", account.region, account.account_id, "dev")
    state = github.StateObject(STATE_BUCKET, STATE_KEY)
    parts = github.parts_of(with_key=False)
    iam = account.client("iam")
    boundary = iam.create_policy(
        PolicyName="github-burst-dev-boundary",
        PolicyDocument=github.role_boundary(place, None, with_key=False),
    )["Policy"]["Arn"]
    documents = {
        "read": github.plan_environment(place, parts, state, None),
        "change": github.deploy_environment(place, parts, None, can_delete_data=False),
        "roles": github.deploy_roles(place, boundary, state),
    }
    name = "github-burst-dev-deploy"
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=assumed_by_glue())
    for policy, document in documents.items():
        iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=document)
    session = account.assume_role(name, service="glue.amazonaws.com", session_name="deploy")
    assert session
    yield Deployer(session, boundary)
    for policy in documents:
        iam.delete_role_policy(RoleName=name, PolicyName=policy)
    iam.delete_role(RoleName=name)
    iam.delete_policy(PolicyArn=boundary)


@pytest.mark.full
def test_deploy_role_changes_the_batch_size_and_the_code_and_leaves_nothing_to_do(
    deployed: Deployed, deployer: Deployer
) -> None:
    assert batching(deployed) == {"size": BATCH_SIZE, "window": BATCH_WINDOW_SECONDS}
    file = deployed.sandbox.stack_folder / OVERRIDE_FILE
    before = file.read_text(encoding="utf-8")
    changed = json.loads(before)
    for trigger in changed["resource"]["aws_glue_trigger"].values():
        trigger["event_batching_condition"][0]["batch_size"] = 20
    stack = json.loads((file.parent / "cdk.tf.json").read_text(encoding="utf-8"))
    (script,) = [name for name in stack["resource"]["aws_s3_object"] if "script" in name]
    changed["resource"]["aws_s3_object"] = {script: {"key": NEW_CODE}}
    # Code that changes changes the policy of its role, which the role must be bounded for.
    bounded = {"permissions_boundary": deployer.boundary}
    changed["resource"]["aws_iam_role"] = dict.fromkeys(stack["resource"]["aws_iam_role"], bounded)
    changed["provider"]["aws"] |= {
        "access_key": deployer.session.access_key_id,
        "secret_key": deployer.session.secret_access_key,
        "token": deployer.session.session_token,
    }
    try:
        file.write_text(json.dumps(changed), encoding="utf-8")
        assert deployed.terraform.plan() is True
        deployed.terraform.apply()
        assert batching(deployed) == {"size": 20, "window": BATCH_WINDOW_SECONDS}
        assert [key for key in code(deployed) if key.endswith(".py")] == [NEW_CODE]
        assert deployed.terraform.plan() is False
    finally:
        file.write_text(before, encoding="utf-8")
        deployed.terraform.apply()
    assert batching(deployed) == {"size": BATCH_SIZE, "window": BATCH_WINDOW_SECONDS}


def code(deployed: Deployed) -> list[str]:
    """The keys of the code in the lake; the job has one of each kind."""
    listed = deployed.sandbox.account.client("s3").list_objects_v2(
        Bucket=deployed.sandbox.outputs["lake_bucket_name"], Prefix="artifacts/"
    )
    return [item["Key"] for item in listed["Contents"]]
