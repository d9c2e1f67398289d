"""A deployment with a broken link makes the demo fail with a message that names it; a whole one
takes the user's own files.

The demo's own command runs here, on the deployment that all tests of this folder share.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests import example
from tests.deploy.conftest import Deployed
from tests.deploy.operating import clean
from tools import cli
from tools.sandbox import demo, demo_command
from tools.sandbox.orders import generate
from tools.sandbox.sandbox import Sandbox


@pytest.fixture(autouse=True)
def on_the_shared_deployment(deployed: Deployed, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the demo find everything deployed already, and nothing that an earlier burst left."""

    @contextmanager
    def already_deployed(*_: object, **__: object) -> Iterator[Sandbox]:
        yield deployed.sandbox

    monkeypatch.setattr("tools.sandbox.sandbox.Sandbox", already_deployed)
    monkeypatch.setattr(demo_command, "_deploy_subject", lambda console, sandbox, subject: None)
    monkeypatch.setattr(demo, "EVENT_SECONDS", 2.0)
    monkeypatch.setattr("sys.argv", ["burst", "demo", "--files", "3", "--bad", "0"])
    clean(deployed)
    yield
    clean(deployed)
    empty_dead_letter_queue(deployed)


def empty_dead_letter_queue(deployed: Deployed) -> None:
    """By hand: PurgeQueue works once a minute only."""
    sqs = deployed.sandbox.account.client("sqs")
    url = deployed.sandbox.outputs["pipelines"]["orders"]["dead_letter_queue_url"]
    for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


def demo_fails(capsys: pytest.CaptureFixture[str]) -> str:
    """Run `burst demo`; returns what it wrote to stderr, on one line."""
    assert cli.main() == cli.FAILED
    return " ".join(capsys.readouterr().err.split())


def test_deleted_policy_of_the_targets_role_is_named(
    deployed: Deployed, capsys: pytest.CaptureFixture[str]
) -> None:
    iam = deployed.sandbox.account.client("iam")
    where = {"RoleName": "burst-dev-orders-events", "PolicyName": "notify-the-workflow"}
    policy = iam.get_role_policy(**where)["PolicyDocument"]
    iam.delete_role_policy(**where)
    try:
        message = demo_fails(capsys)
    finally:
        iam.put_role_policy(**where, PolicyDocument=json.dumps(policy))
    assert "EventBridge could not deliver to the workflow (NO_PERMISSIONS)" in message
    assert "glue:notifyEvent" in message
    assert "burst-dev-orders-events" in message


def test_target_that_points_to_another_workflow_is_named(
    deployed: Deployed, capsys: pytest.CaptureFixture[str]
) -> None:
    account, rule = deployed.sandbox.account, "burst-dev-orders"
    events = account.client("events")
    account.client("glue").create_workflow(Name="somebody-elses")
    (target,) = events.list_targets_by_rule(Rule=rule)["Targets"]
    other = target["Arn"].replace("workflow/burst-dev-orders", "workflow/somebody-elses")
    events.put_targets(Rule=rule, Targets=[target | {"Arn": other}])
    try:
        message = demo_fails(capsys)
    finally:
        events.put_targets(Rule=rule, Targets=[target])
        account.client("glue").delete_workflow(Name="somebody-elses")
    assert f"The target of the rule {rule} is {other}" in message
    assert "and not the workflow burst-dev-orders" in message


def test_removed_notification_of_the_bucket_is_named(
    deployed: Deployed, capsys: pytest.CaptureFixture[str]
) -> None:
    s3 = deployed.sandbox.account.client("s3")
    bucket = deployed.sandbox.outputs["landing_bucket_name"]
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})
    try:
        message = demo_fails(capsys)
    finally:
        s3.put_bucket_notification_configuration(
            Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}}
        )
    assert f"The landing bucket {bucket} sends no events to EventBridge" in message
    assert "3 files wait in landing" in message


def test_disabled_rule_is_named(deployed: Deployed, capsys: pytest.CaptureFixture[str]) -> None:
    events = deployed.sandbox.account.client("events")
    events.disable_rule(Name="burst-dev-orders")
    try:
        message = demo_fails(capsys)
    finally:
        events.enable_rule(Name="burst-dev-orders")
    assert "The rule burst-dev-orders is DISABLED" in message


def test_job_that_fails_is_shown_with_the_end_of_its_log(
    deployed: Deployed, capsys: pytest.CaptureFixture[str]
) -> None:
    account = deployed.sandbox.account
    job = account.client("glue").get_job(JobName="burst-dev-orders")["Job"]
    bucket, key = job["Command"]["ScriptLocation"].removeprefix("s3://").split("/", 1)
    s3 = account.client("s3")
    script = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    s3.put_object(Bucket=bucket, Key=key, Body=b"raise RuntimeError('the disk is full')")
    try:
        message = demo_fails(capsys)
    finally:
        s3.put_object(Bucket=bucket, Key=key, Body=script)
    assert "ended as FAILED" in message
    assert "RuntimeError: the disk is full" in message


def test_every_file_of_a_folder_of_ones_own_is_accounted_for(
    deployed: Deployed,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(demo_command, "PROJECT_FOLDER", example.SETTINGS.parent)
    folder = tmp_path / "exports"
    files = generate(3, seed=5, now=datetime.now(UTC), bad=1)
    for file in files:
        (folder / file.name).parent.mkdir(parents=True, exist_ok=True)
        (folder / file.name).write_bytes(file.body)
    (folder / "notes.txt").touch()
    shutil.rmtree(deployed.sandbox.curated("orders"), ignore_errors=True)
    options = ["--pipeline", "orders", "--files", str(folder)]
    monkeypatch.setattr("sys.argv", ["burst", "demo", *options])

    with pytest.raises(SystemExit) as ended:
        cli.main()

    assert ended.value.code == 0
    said = " ".join(re.sub(r"[│┌└]", " ", capsys.readouterr().out).split())
    rows = sum(len(file.rows) for file in files)
    assert "1 other file is left out" in said
    assert "files in 3 (2 good, 1 bad)" in said
    assert re.search(r"quarantined [a-z]+-0000\d\.csv \(row \d+\): column 'quantity'", said)
    assert f"rows in {rows} (of the good files)" in said
    assert f"rows out {rows} (the rows of every file came out once)" in said
