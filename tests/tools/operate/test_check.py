"""`burst check` names the broken link of each broken deployment, on one deployment for all."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from burst.ledger import FileResult, Origin, ResultRecord

from stacks import policies
from tests.patience import PATIENCE
from tests.tools.operate.checked import (
    LAKE,
    LOGS,
    TRIGGER,
    Checked,
    deploy_checked,
    job_policy,
    set_topic_policy,
)
from tests.tools.small_pipeline import LANDING, NAME, put_role_policy
from tools.operate.checking import flight
from tools.operate.checking.cleaning import Traces, clean, erase_under
from tools.operate.connection import Connection
from tools.operate.deployment import read_deployments
from tools.sandbox.account import Account
from tools.sandbox.glue.engine import GlueEngine

Capsys = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checked]:
    folder = tmp_path_factory.mktemp("checked")
    with Account() as account, GlueEngine(account, work_folder=folder / "runs"):
        yield deploy_checked(account, folder)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flight, "LOOK_EVERY_SECONDS", 0.1)
    monkeypatch.setattr(flight, "EVENT_SECONDS", 2.0)


def objects(checked: Checked, bucket: str) -> list[str]:
    found = checked.client("s3").list_object_versions(Bucket=bucket)
    return [item["Key"] for part in ("Versions", "DeleteMarkers") for item in found.get(part, [])]


def test_look_without_probes_shows_each_pipeline_once(checked: Checked, capsys: Capsys) -> None:
    said = checked.check(capsys, "--no-probe", as_json=False)
    assert (said.code, said.err) == (0, "")
    assert said.out.count("\ndev orders\n") == 1
    assert "Its rows are in curated" in said.out


def test_every_link_of_a_sound_deployment_is_seen(checked: Checked, capsys: Capsys) -> None:
    said = checked.check(capsys, "--no-probe")
    verdicts = {link: finding["verdict"] for link, finding in said.findings.items()}
    assert (said.code, said.err) == (0, "")
    assert {n for n, verdict in verdicts.items() if verdict == "seen"} == {
        "versioning",
        "notification",
        "rule",
        "pattern",
        "target",
        "events-role",
        "dead-letter-queue",
        "undelivered",
        "workflow",
        "trigger",
        "job",
        "code",
        "job-role",
        "log-groups",
        "topic",
        "alert-rule",
    }
    assert said.not_seen == []


# ---- ten broken deployments --------------------------------------------------------------------


@contextmanager
def without_permission(checked: Checked) -> Iterator[None]:
    """EventBridge may not hand events to the workflow."""
    checked.client("iam").delete_role_policy(RoleName="events", PolicyName="notify")
    yield
    put_role_policy(checked.account, checked.small.workflow_arn)


@contextmanager
def disabled_rule(checked: Checked) -> Iterator[None]:
    checked.client("events").disable_rule(Name=NAME)
    yield
    checked.client("events").enable_rule(Name=NAME)


@contextmanager
def wrong_prefix(checked: Checked) -> Iterator[None]:
    events = checked.client("events")
    pattern = events.describe_rule(Name=NAME)["EventPattern"]
    events.put_rule(Name=NAME, EventPattern=pattern.replace("orders/", "order/"))
    yield
    events.put_rule(Name=NAME, EventPattern=pattern)


@contextmanager
def notifications_off(checked: Checked) -> Iterator[None]:
    s3 = checked.client("s3")
    s3.put_bucket_notification_configuration(Bucket=LANDING, NotificationConfiguration={})
    yield
    s3.put_bucket_notification_configuration(
        Bucket=LANDING, NotificationConfiguration={"EventBridgeConfiguration": {}}
    )


@contextmanager
def trigger_in_another_workflow(checked: Checked) -> Iterator[None]:
    glue = checked.client("glue")
    trigger = glue.get_trigger(Name=TRIGGER)["Trigger"]
    made = {
        "Name": TRIGGER,
        "Type": "EVENT",
        "Actions": [{"JobName": NAME}],
        "EventBatchingCondition": trigger["EventBatchingCondition"],
    }
    glue.create_workflow(Name="somebody-elses")
    glue.delete_trigger(Name=TRIGGER)
    glue.create_trigger(WorkflowName="somebody-elses", **made)
    yield
    glue.delete_trigger(Name=TRIGGER)
    glue.create_trigger(WorkflowName=NAME, **made)
    glue.delete_workflow(Name="somebody-elses")


@contextmanager
def missing_log_group(checked: Checked) -> Iterator[None]:
    checked.client("logs").delete_log_group(logGroupName=f"{LOGS}/error")
    yield
    checked.client("logs").create_log_group(logGroupName=f"{LOGS}/error")


@contextmanager
def topic_without_policy(checked: Checked) -> Iterator[None]:
    """Its policy lets its owner use it and nobody else."""
    account, arn = checked.account, checked.topic_arn
    owner = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{account.account_id}:root"},
        "Action": "sns:Publish",
        "Resource": arn,
    }
    set_topic_policy(account, arn, json.dumps({"Version": "2012-10-17", "Statement": [owner]}))
    yield
    set_topic_policy(account, arn, policies.topic(arn, account.account_id))


@contextmanager
def full_queue(checked: Checked) -> Iterator[None]:
    sqs, url = checked.client("sqs"), checked.small.queue_url
    reason = {"ERROR_CODE": "NO_PERMISSIONS", "ERROR_MESSAGE": "The role was refused."}
    for number in range(3):
        sqs.send_message(
            QueueUrl=url,
            MessageBody=json.dumps({"detail": {"object": {"key": f"orders/{number}.csv"}}}),
            MessageAttributes={
                name: {"DataType": "String", "StringValue": text} for name, text in reason.items()
            },
        )
    yield
    letters = checked.small.dead_letters()
    assert len(letters) == 3
    for letter in letters:
        sqs.delete_message(QueueUrl=url, ReceiptHandle=letter["ReceiptHandle"])


@contextmanager
def paused(checked: Checked) -> Iterator[None]:
    with checked.paused():
        yield


@contextmanager
def wrong_role(checked: Checked) -> Iterator[None]:
    """The job has the role that EventBridge assumes."""
    job = checked.account.backend("glue").jobs[NAME]
    job.role = "events"
    yield
    job.role = "job"


BROKEN: dict[str, tuple[Any, str, str]] = {
    "a missing permission": (
        without_permission,
        "events-role",
        "role/events does not allow glue:notifyEvent on",
    ),
    "a disabled rule": (disabled_rule, "rule", "DISABLED, though the setting is not paused"),
    "a wrong prefix": (wrong_prefix, "pattern", "The pattern of the rule orders does not match"),
    "notifications off": (
        notifications_off,
        "notification",
        "The landing bucket landing sends no events to EventBridge",
    ),
    "a trigger in another workflow": (
        trigger_in_another_workflow,
        "trigger",
        "belongs to the workflow somebody-elses and not to orders",
    ),
    "a missing log group": (
        missing_log_group,
        "log-groups",
        "The log group /burst/dev/orders/error does not exist",
    ),
    "a topic without policy": (
        topic_without_policy,
        "topic",
        "does not let events.amazonaws.com publish",
    ),
    "a full queue": (
        full_queue,
        "undelivered",
        "3 events are in the dead-letter queue. EventBridge could not deliver to the workflow "
        "(NO_PERMISSIONS): The role was refused. Correct the cause, then `burst redeliver dev`.",
    ),
    "a paused pipeline": (paused, "rule", "paused by its setting. `burst resume dev orders`"),
    "a wrong role": (wrong_role, "job-role", "role/events does not let Glue assume it"),
}
# A file still gets through, so these would send probes.
GETS_THROUGH = ("a missing log group", "a topic without policy", "a full queue")


@pytest.mark.parametrize("what", BROKEN)
def test_broken_deployment_is_named_by_its_broken_link_alone(
    checked: Checked, capsys: Capsys, what: str
) -> None:
    broken, link, sentence = BROKEN[what]
    option = "--no-probe" if what in GETS_THROUGH else "--yes"
    with broken(checked):
        said = checked.check(capsys, option)
    assert (said.code, said.not_seen) == (1, [link])
    assert sentence in said.findings[link]["detail"]
    if option == "--yes":
        probe = said.findings["event"]
        assert probe["verdict"] == "not tried"
        assert sentence in probe["detail"]
        assert objects(checked, LANDING) == []


def test_upload_that_is_refused_is_said_and_nothing_else_is_claimed(
    checked: Checked, capsys: Capsys
) -> None:
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject"}
    policy = {"Statement": [deny | {"Resource": f"arn:aws:s3:::{LANDING}/*"}]}
    s3 = checked.client("s3")
    s3.put_bucket_policy(Bucket=LANDING, Policy=json.dumps(policy))
    try:
        said = checked.check(capsys, "--yes")
    finally:
        s3.delete_bucket_policy(Bucket=LANDING)
    assert (said.code, said.not_seen) == (1, ["flight"])
    assert "lack the permission s3:PutObject" in said.findings["flight"]["detail"]
    assert said.findings["clean-up"]["verdict"] == "seen"


# ---- what only a probe shows -------------------------------------------------------------------


def test_job_that_takes_no_file_is_named_and_nothing_of_the_probes_is_left(
    checked: Checked, capsys: Capsys
) -> None:
    """The small pipeline's script ends well and does nothing."""
    said = checked.check(capsys, "--yes", "--wait", "1")
    found = said.findings
    assert said.code == 1
    assert found["event"]["verdict"] == "seen"
    assert "ended and took no probe, though they lay in landing" in found["run"]["detail"]
    assert "No batch took orders/burst-check-" in found["rows"]["detail"]
    assert found["clean-up"]["verdict"] == "seen"
    assert objects(checked, LANDING) == []
    assert objects(checked, LAKE) == []


def test_ctrl_c_takes_the_probes_away_and_says_so(
    checked: Checked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The window is long, so that nothing has taken the probes yet."""
    glue = checked.account.backend("glue").triggers[TRIGGER]
    monkeypatch.setattr(glue, "event_batching_condition", {"BatchSize": 100, "BatchWindow": 60})
    process = checked.start("--yes")
    assert process.stderr is not None
    for line in process.stderr:
        if "sent orders/burst-check" in line and "-good.csv" in line:
            break
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=PATIENCE)
    assert (process.returncode, "Traceback" in errors) == (130, False)
    assert "Stopped. The probes were taken away again." in " ".join(errors.split())
    assert objects(checked, LANDING) == []
    queues = checked.client("sqs").list_queues().get("QueueUrls", [])
    assert not [url for url in queues if "burst-check" in url]


def test_question_and_answer_are_wanted_before_anything_is_sent(
    checked: Checked, capsys: Capsys
) -> None:
    said = checked.check(capsys)
    assert said.code == 2
    assert "sends 2 probe files to orders and starts 3 runs: about 0.13 DPU hours" in said.err
    assert "Say --yes if that is what you want; nothing was done." in said.err
    assert objects(checked, LANDING) == []


def test_denied_call_of_the_job_is_named_with_its_purpose(checked: Checked, capsys: Capsys) -> None:
    policy = json.loads(job_policy(checked.account))
    kept = [s for s in policy["Statement"] if s["Sid"] != "MoveFilesToArchiveAndQuarantine"]
    where = {"RoleName": "job", "PolicyName": "permission"}
    iam = checked.client("iam")
    iam.put_role_policy(**where, PolicyDocument=json.dumps({**policy, "Statement": kept}))
    try:
        said = checked.check(capsys, "--no-probe")
    finally:
        iam.put_role_policy(**where, PolicyDocument=json.dumps(policy))
    assert said.not_seen == ["job-role"]
    detail = said.findings["job-role"]["detail"]
    assert "s3:GetObject on arn:aws:s3:::lake/archive/orders/burst-check" in detail
    assert "(to archive files)" in detail


def test_wrong_pipeline_is_one_sentence(checked: Checked, capsys: Capsys) -> None:
    said = checked.check(capsys, "--pipeline", "invoices")
    assert said.code == 2
    assert "Deployed: orders." in said.err


# ---- what is taken away ------------------------------------------------------------------------

START = "orders/burst-check-20260301T100000Z-0123abcd"
PROBE = f"{START}-good.csv"


def put(checked: Checked, bucket: str, *keys: str) -> None:
    for key in keys:
        checked.client("s3").put_object(Bucket=bucket, Key=key, Body=b"x")


def test_clean_up_takes_every_version_of_the_probes_and_nothing_of_anybody_else(
    checked: Checked,
) -> None:
    account, batch = checked.account, "20260301T100000Z-0000aaaa"
    connection = Connection(account.region, account.endpoint_url, session=checked.session)
    (deployment,) = read_deployments("dev", checked.outputs)
    folder = f"curated/orders/ingest_date=2026-03-01/batch={batch}"
    theirs = [f"{PROBE}.more", f"archive/orders/{batch}/h/x", f"{folder}9/part-0.parquet"]
    ours = [f"archive/orders/{batch}/f/{PROBE}", f"{folder}/part-0.parquet"]
    put(checked, LAKE, *ours, *ours, *theirs)
    checked.client("s3").delete_object(Bucket=LAKE, Key=ours[0])
    origin = Origin(batch, "orders", "dev", "orders", None, None, datetime.now(UTC))
    file = FileResult(PROBE, "v", 1, "curated", 1, None, ours[0])
    result = ResultRecord(origin, f"s3://{LAKE}/{folder}", 1, 1, {}, (file,))
    send_letters(checked, PROBE, "orders/theirs.csv")

    left = clean(connection, deployment, deployment.pipeline("orders"), Traces([PROBE], [result]))

    assert left == []
    assert sorted(objects(checked, LAKE)) == sorted(theirs)
    (letter,) = checked.small.dead_letters()
    assert "orders/theirs.csv" in letter["Body"]
    checked.client("sqs").delete_message(
        QueueUrl=checked.small.queue_url, ReceiptHandle=letter["ReceiptHandle"]
    )
    erase_under(connection.s3, LAKE, "")


def send_letters(checked: Checked, *keys: str) -> None:
    for key in keys:
        body = {"detail": {"object": {"key": key}}}
        checked.client("sqs").send_message(
            QueueUrl=checked.small.queue_url, MessageBody=json.dumps(body)
        )
