"""Two environments on a bucket that is somebody else's: applied, used and destroyed.

In one the bucket's owner switches EventBridge on. In the other the events come from a trail of the
stack's own, and a key encrypts what the stack stores. The emulator's CloudTrail keeps trails and
delivers no events: that a trail which is set like this one puts an upload on the bus is the
documentation's word, and the test plays that part by putting the documented event there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cdktf import App

from stacks.burst_stack import BurstStack
from stacks.settings import parse_environments
from tests.cloudtrail_events import api_call
from tools.sandbox.account import ACCESS_KEY_ID, SECRET_ACCESS_KEY, Account
from tools.sandbox.notices import JobRunPicture
from tools.sandbox.sandbox import PROJECT_FOLDER, Sandbox
from tools.sandbox.terraform import Terraform, write_override

LENT = "uploads-of-the-shop"
QUEUE = "somebody-elses-queue"
ASKED, TRAILED = "asked", "trailed"
HEADER = "order_id,customer_id,status,ordered_at,updated_at,sku,quantity,unit_price,currency\n"
ORDER = "1,c,new,2025-11-24T06:00:00Z,2025-11-24T06:00:00Z,sku,1,9.99,EUR\n"


@dataclass(frozen=True)
class Borrowing:
    """Both environments, deployed side by side, and how the bucket was before."""

    sandbox: Sandbox
    environments: dict[str, Terraform]
    before: dict[str, Any]

    @property
    def account(self) -> Account:
        return self.sandbox.account

    def outputs(self, environment: str) -> dict[str, Any]:
        return self.environments[environment].outputs()

    def runs(self, environment: str) -> list[JobRunPicture]:
        job = f"burst-{environment}-orders"
        return [run for run in self.sandbox.engine.snapshot().job_runs if run.job == job]

    def finished_run(self, environment: str) -> JobRunPicture:
        """Wait for the environment's one run to end."""
        engine = self.sandbox.engine
        assert engine.wait(
            lambda snapshot: snapshot.idle and bool(self.runs(environment)), timeout=180
        )
        (run,) = self.runs(environment)
        return run


@pytest.fixture(scope="module")
def borrowing(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Borrowing]:
    """A bucket with a notification of its owner's, and both environments applied at once."""
    account = sandbox.account
    lend_a_bucket(account)
    before = bucket(account)
    folder = tmp_path_factory.mktemp("borrowing")
    stacks = synthesize(folder)
    environments = {name: prepared(account, stack, folder) for name, stack in stacks.items()}
    at_once(environments, Terraform.init)
    at_once(environments, Terraform.apply)
    yield Borrowing(sandbox, environments, before)
    at_once(environments, Terraform.destroy)
    take_the_bucket_away(account)


def at_once(environments: dict[str, Terraform], act: Callable[[Terraform], Any]) -> list[Any]:
    with ThreadPoolExecutor() as pool:
        return list(pool.map(act, environments.values()))


def lend_a_bucket(account: Account) -> None:
    s3 = account.client("s3")
    s3.create_bucket(Bucket=LENT, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    s3.put_bucket_versioning(Bucket=LENT, VersioningConfiguration={"Status": "Enabled"})
    account.client("sqs").create_queue(QueueName=QUEUE)
    s3.put_bucket_notification_configuration(
        Bucket=LENT,
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
    s3.put_object(Bucket=LENT, Key="of-the-owner/file.csv", Body=b"not ours")


def take_the_bucket_away(account: Account) -> None:
    s3, sqs = account.client("s3"), account.client("sqs")
    listed = s3.list_object_versions(Bucket=LENT)
    for version in [*listed.get("Versions", []), *listed.get("DeleteMarkers", [])]:
        s3.delete_object(Bucket=LENT, Key=version["Key"], VersionId=version["VersionId"])
    s3.delete_bucket(Bucket=LENT)
    sqs.delete_queue(QueueUrl=sqs.get_queue_url(QueueName=QUEUE)["QueueUrl"])


def bucket(account: Account) -> dict[str, Any]:
    """Everything of the bucket that a stack could have changed."""
    s3 = account.client("s3")
    notifications = s3.get_bucket_notification_configuration(Bucket=LENT)
    versions = s3.list_object_versions(Bucket=LENT)
    return {
        "notifications": notifications.get("QueueConfigurations"),
        "eventbridge": "EventBridgeConfiguration" in notifications,
        "versioning": s3.get_bucket_versioning(Bucket=LENT)["Status"],
        "configuration": configuration(account),
        "objects": [(item["Key"], item["VersionId"]) for item in versions.get("Versions", [])],
        "delete_markers": len(versions.get("DeleteMarkers", [])),
    }


def configuration(account: Account) -> dict[str, Any]:
    state = account.backend("s3").buckets[LENT]
    names = ("policy", "rules", "encryption", "public_access_block", "ownership_rule", "tags")
    return {name: getattr(state, name, None) for name in names}


def synthesize(folder: Path) -> dict[str, Path]:
    document = json.loads((PROJECT_FOLDER / "cdktf.json").read_text(encoding="utf-8"))
    dev = document["context"]["environments"]["dev"]
    orders = dev["pipelines"]["orders"] | {"batch_size": 1, "batch_window_seconds": 1}
    settings = {
        name: dev
        | {
            "existing_landing": {"name": LENT, "versioned": True, "events": events},
            "encryption": encryption,
            "pipelines": {"orders": orders | {"prefix": f"{name}/"}},
        }
        for name, events, encryption in (
            (ASKED, "unmanaged", "sse-s3"),
            (TRAILED, "cloudtrail", "sse-kms"),
        )
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
        endpoint_url=account.endpoint_url,
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


def put_order(account: Account, key: str) -> None:
    account.client("s3").put_object(Bucket=LENT, Key=key, Body=(HEADER + ORDER).encode())


def keys(account: Account, name: str, prefix: str) -> list[str]:
    listed = account.client("s3").list_objects_v2(Bucket=name, Prefix=prefix)
    return [item["Key"] for item in listed.get("Contents", [])]


def test_bucket_is_as_it_was_after_both_are_deployed(borrowing: Borrowing) -> None:
    assert bucket(borrowing.account) == borrowing.before


def test_second_plan_of_both_is_empty(borrowing: Borrowing) -> None:
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


def test_upload_is_processed_once_the_owner_did_what_the_output_says(borrowing: Borrowing) -> None:
    account = borrowing.account
    told = borrowing.outputs(ASKED)["landing_events"]
    assert f"get-bucket-notification-configuration --bucket {LENT}" in told
    s3 = account.client("s3")
    present = s3.get_bucket_notification_configuration(Bucket=LENT)["QueueConfigurations"]
    s3.put_bucket_notification_configuration(
        Bucket=LENT,
        NotificationConfiguration={"QueueConfigurations": present, "EventBridgeConfiguration": {}},
    )

    put_order(account, f"{ASKED}/1.csv")

    run = borrowing.finished_run(ASKED)
    assert run.state == "SUCCEEDED", Path(run.log).read_text(encoding="utf-8")
    assert keys(account, LENT, f"{ASKED}/") == []
    assert len(borrowing.runs(TRAILED)) == 1


def test_destroying_both_leaves_the_bucket_to_its_owner(borrowing: Borrowing) -> None:
    at_once(borrowing.environments, Terraform.destroy)

    account = borrowing.account
    # The owner has switched EventBridge on meanwhile; nobody switches it off again.
    assert bucket(account) == borrowing.before | {"eventbridge": True}
    assert account.client("cloudtrail").describe_trails()["trailList"] == []
    left = [item["Name"] for item in account.client("s3").list_buckets()["Buckets"]]
    assert [name for name in left if ASKED in name or TRAILED in name] == []
