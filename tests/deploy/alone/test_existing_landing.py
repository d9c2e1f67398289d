"""Environments on buckets that are somebody else's: applied, used and destroyed.

In one the events come from a trail of the stack's own, and a key encrypts what the stack stores.
Another has a bucket of which the stack owns the notifications, and nothing else. The third, with
`-m full` only, owns less than that: the bucket's owner switches EventBridge on. The emulator's
CloudTrail keeps trails and delivers no events: that a trail which is set like this one puts an
upload on the bus is the documentation's word, and the test plays that part by putting the
documented event there.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cdktf import App

from stacks.burst_stack import BurstStack
from stacks.settings import parse_environments
from tests import example
from tests.cloudtrail_events import api_call
from tests.patience import PATIENCE
from tools.sandbox.account import ACCESS_KEY_ID, SECRET_ACCESS_KEY, Account
from tools.sandbox.glue.runs import JobRun
from tools.sandbox.sandbox import Sandbox
from tools.sandbox.terraform import Terraform, write_override

pytestmark = pytest.mark.gate

LENT, ENTRUSTED = "uploads-of-the-shop", "uploads-of-the-office"
QUEUE = "somebody-elses-queue"
ASKED, TRAILED, MANAGED = "asked", "trailed", "managed"
# The bucket, where its events come from, and what encrypts what the stack stores.
WAYS = {
    ASKED: (LENT, "unmanaged", "sse-s3"),
    TRAILED: (LENT, "cloudtrail", "sse-kms"),
    MANAGED: (ENTRUSTED, "managed", "sse-s3"),
}
HEADER = "order_id,customer_id,status,ordered_at,updated_at,sku,quantity,unit_price,currency\n"
ORDER = "1,c,new,2025-11-24T06:00:00Z,2025-11-24T06:00:00Z,sku,1,9.99,EUR\n"


@dataclass(frozen=True)
class Borrowing:
    """Environments that were deployed side by side, and how each bucket was before."""

    sandbox: Sandbox
    environments: dict[str, Terraform]
    before: dict[str, dict[str, Any]]

    @property
    def account(self) -> Account:
        return self.sandbox.account

    def outputs(self, environment: str) -> dict[str, Any]:
        return self.environments[environment].outputs()

    def runs(self, environment: str) -> list[JobRun]:
        job = f"burst-{environment}-orders"
        return [run for run in self.sandbox.engine.snapshot().job_runs if run.job == job]

    def finished_run(self, environment: str) -> JobRun:
        """Wait for the environment's one run to end."""
        engine = self.sandbox.engine
        assert engine.wait(
            lambda snapshot: snapshot.idle and bool(self.runs(environment)), timeout=PATIENCE
        )
        (run,) = self.runs(environment)
        return run


@pytest.fixture(scope="module")
def lent(account: Account) -> dict[str, dict[str, Any]]:
    """Buckets with a notification of their owner's, as they are before anything is deployed."""
    account.client("sqs").create_queue(QueueName=QUEUE)
    for name in (LENT, ENTRUSTED):
        lend_a_bucket(account, name)
    return {name: bucket(account, name) for name in (LENT, ENTRUSTED)}


@pytest.fixture(scope="module")
def borrowing(
    sandbox: Sandbox, lent: dict[str, dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> Borrowing:
    """Two environments applied at once."""
    return borrow(sandbox, lent, tmp_path_factory.mktemp("borrowing"), TRAILED, MANAGED)


def borrow(
    sandbox: Sandbox, lent: dict[str, dict[str, Any]], folder: Path, *ways: str
) -> Borrowing:
    stacks = synthesize(folder, *ways)
    environments = {
        name: prepared(sandbox.account, stack, folder) for name, stack in stacks.items()
    }
    at_once(environments, Terraform.init)
    at_once(environments, Terraform.apply)
    return Borrowing(sandbox, environments, lent)


def at_once(environments: dict[str, Terraform], act: Callable[[Terraform], Any]) -> list[Any]:
    with ThreadPoolExecutor() as pool:
        return list(pool.map(act, environments.values()))


def lend_a_bucket(account: Account, name: str) -> None:
    s3 = account.client("s3")
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_notification_configuration(
        Bucket=name,
        NotificationConfiguration={
            "QueueConfigurations": [
                {
                    "Id": "of-the-owner",
                    "QueueArn": f"arn:aws:sqs:{account.region}:{account.account_id}:{QUEUE}",
                    "Events": ["s3:ObjectCreated:*"],
                }
            ]
        },
    )
    s3.put_object(Bucket=name, Key="of-the-owner/file.csv", Body=b"not ours")


def bucket(account: Account, name: str) -> dict[str, Any]:
    """Everything of the bucket that a stack could have changed."""
    s3 = account.client("s3")
    notifications = s3.get_bucket_notification_configuration(Bucket=name)
    versions = s3.list_object_versions(Bucket=name)
    state = account.backend("s3").buckets[name]
    settings = ("policy", "rules", "encryption", "public_access_block", "ownership_rule", "tags")
    return {
        "notifications": notifications.get("QueueConfigurations"),
        "eventbridge": "EventBridgeConfiguration" in notifications,
        "versioning": s3.get_bucket_versioning(Bucket=name)["Status"],
        "configuration": {setting: getattr(state, setting, None) for setting in settings},
        "objects": [(item["Key"], item["VersionId"]) for item in versions.get("Versions", [])],
        "delete_markers": len(versions.get("DeleteMarkers", [])),
    }


def synthesize(folder: Path, *ways: str) -> dict[str, Path]:
    dev = example.environments()["dev"]
    orders = dev["pipelines"]["orders"] | {"batch_size": 1, "batch_window_seconds": 1}
    settings = {
        name: dev
        | {
            "existing_landing": {"name": bucket, "versioned": True, "events": events},
            "encryption": encryption,
            "pipelines": {"orders": orders | {"prefix": f"{name}/"}},
        }
        for name, (bucket, events, encryption) in WAYS.items()
        if name in ways
    }
    app = App(outdir=str(folder / "cdktf.out"))
    for name, environment in parse_environments(settings).items():
        BurstStack(app, name, environment, allow_data_loss=True)
    app.synth()
    return {name: folder / "cdktf.out" / "stacks" / name for name in settings}


def prepared(account: Account, stack: Path, folder: Path) -> Terraform:
    """The stack with its override file: the account, and a local folder for curated."""
    document = json.loads((stack / "cdk.tf.json").read_text(encoding="utf-8"))
    curated = {"--curated_uri": (folder / "curated" / stack.name).as_uri()}
    write_override(
        stack,
        access_key=ACCESS_KEY_ID,
        secret_key=SECRET_ACCESS_KEY,
        resources={
            "aws_glue_job": {
                name: {"default_arguments": job["default_arguments"] | curated}
                for name, job in document["resource"]["aws_glue_job"].items()
            }
        },
    )
    return Terraform(stack, environment=account.environment())


def put_order(account: Account, key: str, name: str = LENT) -> None:
    account.client("s3").put_object(Bucket=name, Key=key, Body=(HEADER + ORDER).encode())


def keys(account: Account, name: str, prefix: str) -> list[str]:
    listed = account.client("s3").list_objects_v2(Bucket=name, Prefix=prefix)
    return [item["Key"] for item in listed.get("Contents", [])]


def test_bucket_is_as_it_was_after_both_are_deployed(borrowing: Borrowing) -> None:
    assert bucket(borrowing.account, LENT) == borrowing.before[LENT]


def test_bucket_whose_notifications_are_managed_sends_to_eventbridge_and_is_else_as_it_was(
    borrowing: Borrowing,
) -> None:
    changed = {"notifications": None, "eventbridge": True}
    assert bucket(borrowing.account, ENTRUSTED) == borrowing.before[ENTRUSTED] | changed


def test_second_plan_of_all_is_empty(borrowing: Borrowing) -> None:
    assert at_once(borrowing.environments, Terraform.plan) == [False, False]


def test_trail_is_deployed_and_logs_new_objects_of_the_one_prefix(borrowing: Borrowing) -> None:
    cloudtrail = borrowing.account.client("cloudtrail")
    name = f"burst-{TRAILED}-landing"
    assert [trail["Name"] for trail in cloudtrail.describe_trails()["trailList"]] == [name]
    assert cloudtrail.get_trail_status(Name=name)["IsLogging"] is True
    key = borrowing.outputs(TRAILED)["kms_key_arn"]
    assert cloudtrail.get_trail(Name=name)["Trail"]["KmsKeyId"] == key
    (selector,) = cloudtrail.get_event_selectors(TrailName=name)["AdvancedEventSelectors"]
    fields = {field.pop("Field"): field for field in selector["FieldSelectors"]}
    assert fields["resources.ARN"] == {"StartsWith": [f"arn:aws:s3:::{LENT}/{TRAILED}/"]}
    assert fields["readOnly"] == {"Equals": ["false"]}


def test_upload_that_cloudtrail_tells_of_is_processed(borrowing: Borrowing) -> None:
    account, key = borrowing.account, f"{TRAILED}/1.csv"
    put_order(account, key)
    assert borrowing.runs(TRAILED) == []

    event = api_call("PutObject", LENT, key)
    entry = {
        "Source": event["source"],
        "DetailType": event["detail-type"],
        "Detail": json.dumps(event["detail"]),
    }
    account.client("events").put_events(Entries=[entry])  # type: ignore[list-item]

    run = borrowing.finished_run(TRAILED)
    assert run.state == "SUCCEEDED", Path(run.log).read_text(encoding="utf-8")
    lake = borrowing.outputs(TRAILED)["lake_bucket_name"]
    assert keys(account, LENT, f"{TRAILED}/") == []
    assert len(keys(account, lake, "archive/orders/")) == 1


def test_upload_to_the_bucket_with_managed_notifications_is_processed(borrowing: Borrowing) -> None:
    put_order(borrowing.account, f"{MANAGED}/1.csv", ENTRUSTED)

    run = borrowing.finished_run(MANAGED)
    assert run.state == "SUCCEEDED", Path(run.log).read_text(encoding="utf-8")
    assert keys(borrowing.account, ENTRUSTED, f"{MANAGED}/") == []


def test_destroying_all_leaves_the_buckets_to_their_owner(borrowing: Borrowing) -> None:
    at_once(borrowing.environments, destroy)

    account, before = borrowing.account, borrowing.before
    assert bucket(account, LENT) == before[LENT]
    # What the stack owned is gone with it, as docs/existing-bucket.md says.
    changed = {"notifications": None, "eventbridge": False}
    assert bucket(account, ENTRUSTED) == before[ENTRUSTED] | changed
    assert account.client("cloudtrail").describe_trails()["trailList"] == []
    left = [item["Name"] for item in account.client("s3").list_buckets()["Buckets"]]
    assert [name for name in left if name.startswith("burst-")] == []


def destroy(terraform: Terraform) -> None:
    """Nothing has changed since the second plan."""
    terraform.destroy(refresh=False)


@pytest.mark.full
def test_upload_is_processed_once_the_owner_did_what_the_output_says(
    sandbox: Sandbox, lent: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    asked = borrow(sandbox, lent, tmp_path, ASKED)
    account = asked.account
    assert bucket(account, LENT) == lent[LENT]
    assert at_once(asked.environments, Terraform.plan) == [False]
    told = asked.outputs(ASKED)["landing_events"]
    assert f"get-bucket-notification-configuration --bucket {LENT}" in told
    s3 = account.client("s3")
    present = s3.get_bucket_notification_configuration(Bucket=LENT)["QueueConfigurations"]
    s3.put_bucket_notification_configuration(
        Bucket=LENT,
        NotificationConfiguration={"QueueConfigurations": present, "EventBridgeConfiguration": {}},
    )

    put_order(account, f"{ASKED}/1.csv")

    run = asked.finished_run(ASKED)
    assert run.state == "SUCCEEDED", Path(run.log).read_text(encoding="utf-8")
    assert keys(account, LENT, f"{ASKED}/") == []
    at_once(asked.environments, Terraform.destroy)
    # Nobody switches EventBridge off again.
    assert bucket(account, LENT) == lent[LENT] | {"eventbridge": True}
