"""Which events EventBridge may deliver, and what happens to the others."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.patience import PATIENCE
from tests.tools.small_pipeline import (
    NAME,
    SmallPipeline,
    allow_queue,
    deploy,
    policy_document,
    put_role_policy,
    put_target,
)
from tools.sandbox.account import Account
from tools.sandbox.glue.engine import GlueEngine
from tools.sandbox.glue.notices import EventUndelivered, Notice

OTHER = "arn:aws:glue:eu-central-1:123456789012:workflow/other"
ROLE = "arn:aws:iam::123456789012:role/"


@pytest.fixture
def account() -> Iterator[Account]:
    with Account() as account:
        yield account


@pytest.fixture
def engine(account: Account, tmp_path: Path) -> Iterator[GlueEngine]:
    with GlueEngine(account, work_folder=tmp_path / "runs") as engine:
        yield engine


def without_role_policy(pipeline: SmallPipeline) -> None:
    pipeline.account.client("iam").delete_role_policy(RoleName="events", PolicyName="notify")


def with_another_action(pipeline: SmallPipeline) -> None:
    put_role_policy(pipeline.account, pipeline.workflow_arn, "glue:StartWorkflowRun")


def to_another_workflow(pipeline: SmallPipeline) -> None:
    pipeline.account.client("glue").create_workflow(Name="other")
    put_target(pipeline.account, OTHER)


def to_a_missing_workflow(pipeline: SmallPipeline) -> None:
    put_role_policy(pipeline.account, "*")
    put_target(pipeline.account, OTHER)


def without_role(pipeline: SmallPipeline) -> None:
    put_target(pipeline.account, pipeline.workflow_arn, RoleArn=None)


def with_a_missing_role(pipeline: SmallPipeline) -> None:
    put_target(pipeline.account, pipeline.workflow_arn, RoleArn=f"{ROLE}none")


def with_a_role_for_others(pipeline: SmallPipeline) -> None:
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "glue.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    pipeline.account.client("iam").update_assume_role_policy(
        RoleName="events", PolicyDocument=policy_document(trust)
    )


@pytest.mark.parametrize(
    ("breakage", "code", "message"),
    [
        (without_role_policy, "NO_PERMISSIONS", "does not allow glue:notifyEvent"),
        (with_another_action, "NO_PERMISSIONS", "does not allow glue:notifyEvent"),
        # The role is for the deployed workflow only.
        (to_another_workflow, "NO_PERMISSIONS", f"does not allow glue:notifyEvent on {OTHER}"),
        (to_a_missing_workflow, "NO_RESOURCE", f"{OTHER} does not exist"),
        (without_role, "NO_PERMISSIONS", "has no role"),
        (with_a_missing_role, "FAILED_TO_ASSUME_ROLE", "role/none does not exist"),
        (with_a_role_for_others, "FAILED_TO_ASSUME_ROLE", "does not let events.amazonaws.com"),
    ],
)
def test_an_event_that_must_not_be_delivered_goes_to_the_dead_letter_queue(
    account: Account,
    engine: GlueEngine,
    tmp_path: Path,
    breakage: Callable[[SmallPipeline], None],
    code: str,
    message: str,
) -> None:
    pipeline = deploy(account, tmp_path)
    breakage(pipeline)
    pipeline.upload("orders/1.csv")
    [letter] = pipeline.dead_letters()
    attributes = {n: a["StringValue"] for n, a in letter["MessageAttributes"].items()}
    assert attributes["RULE_ARN"] == pipeline.rule_arn
    assert attributes["TARGET_ARN"] in (pipeline.workflow_arn, OTHER)
    assert attributes["ERROR_CODE"] == code
    assert message in attributes["ERROR_MESSAGE"]
    event = json.loads(letter["Body"])
    assert event["detail-type"] == "Object Created"
    assert event["detail"]["object"]["key"] == "orders/1.csv"
    assert pipeline.workflow_runs() == []
    assert engine.snapshot().undelivered_events == 1
    assert any(message in problem for problem in engine.problems)


def without_queue(pipeline: SmallPipeline) -> None:
    put_target(pipeline.account, pipeline.workflow_arn, DeadLetterConfig=None)


def with_a_missing_queue(pipeline: SmallPipeline) -> None:
    pipeline.account.client("sqs").delete_queue(QueueUrl=pipeline.queue_url)


def with_the_queue_of_another_rule(pipeline: SmallPipeline) -> None:
    allow_queue(pipeline, pipeline.rule_arn + "-other")


def with_a_queue_whose_key_is_for_others(pipeline: SmallPipeline) -> None:
    encrypt_queue(pipeline, f"{pipeline.rule_arn}-other")


def encrypt_queue(pipeline: SmallPipeline, rule_arn: str) -> None:
    """Give the dead-letter queue a key that EventBridge may use for this rule."""
    kms = pipeline.account.client("kms")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
        "Resource": "*",
        "Condition": {"ArnEquals": {"aws:SourceArn": rule_arn}},
    }
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=policy_document(statement))
    pipeline.account.client("sqs").set_queue_attributes(
        QueueUrl=pipeline.queue_url, Attributes={"KmsMasterKeyId": key}
    )
    # moto forgets the policy when another attribute is set.
    allow_queue(pipeline, pipeline.rule_arn)


def test_encrypted_queue_keeps_the_events_of_the_rule_that_its_key_names(
    account: Account, engine: GlueEngine, tmp_path: Path
) -> None:
    pipeline = deploy(account, tmp_path)
    without_role_policy(pipeline)
    encrypt_queue(pipeline, pipeline.rule_arn)
    pipeline.upload("orders/1.csv")
    assert len(pipeline.dead_letters()) == 1


@pytest.mark.parametrize(
    ("breakage", "reason"),
    [
        (with_a_queue_whose_key_is_for_others, "or of its key, does not let events.amazonaws.com"),
        (without_queue, "has no dead-letter queue"),
        (with_a_missing_queue, "does not exist"),
        (with_the_queue_of_another_rule, "does not let events.amazonaws.com send"),
    ],
)
def test_an_event_that_not_even_the_queue_can_keep_is_reported_as_lost(
    account: Account,
    engine: GlueEngine,
    tmp_path: Path,
    breakage: Callable[[SmallPipeline], None],
    reason: str,
) -> None:
    notices: list[Notice] = []
    engine.subscribe(notices.append)
    pipeline = deploy(account, tmp_path)
    without_role_policy(pipeline)
    breakage(pipeline)
    pipeline.upload("orders/1.csv")
    engine.stop()
    [undelivered] = [notice for notice in notices if isinstance(notice, EventUndelivered)]
    assert reason in str(undelivered.lost)
    assert any(reason in problem for problem in engine.problems)


def test_a_managed_policy_grants_as_well_as_an_inline_one(
    account: Account, engine: GlueEngine, tmp_path: Path
) -> None:
    pipeline = deploy(account, tmp_path, batching={"BatchSize": 2, "BatchWindow": 900})
    without_role_policy(pipeline)
    iam = account.client("iam")
    statement = {"Effect": "Allow", "Action": "glue:NotifyEvent", "Resource": pipeline.workflow_arn}
    policy = iam.create_policy(PolicyName="notify", PolicyDocument=policy_document(statement))
    iam.attach_role_policy(RoleName="events", PolicyArn=policy["Policy"]["Arn"])
    pipeline.upload("orders/1.csv")
    assert [window.events for window in engine.snapshot().windows] == [1]


def test_a_disabled_rule_delivers_nothing(
    account: Account, engine: GlueEngine, tmp_path: Path
) -> None:
    pipeline = deploy(account, tmp_path)
    account.client("events").disable_rule(Name=NAME)
    pipeline.upload("orders/1.csv")
    assert engine.snapshot().matched_events == 0
    assert pipeline.dead_letters() == []


def test_objects_that_the_rule_does_not_match_do_not_reach_the_engine(
    account: Account, engine: GlueEngine, tmp_path: Path
) -> None:
    pipeline = deploy(account, tmp_path)
    pipeline.upload("elsewhere/1.csv")
    account.client("s3").put_object(Bucket="code", Key="orders/1.csv", Body=b"")
    account.client("s3").delete_object(Bucket="landing", Key="elsewhere/1.csv")
    assert engine.snapshot().matched_events == 0


def test_an_event_that_is_put_on_the_bus_counts_like_any_other(
    account: Account, engine: GlueEngine, tmp_path: Path
) -> None:
    deploy(account, tmp_path, batching={"BatchSize": 2, "BatchWindow": 900})
    detail = {"bucket": {"name": "landing"}, "object": {"key": "orders/1.csv"}}
    entry = {"Source": "aws.s3", "DetailType": "Object Created", "Detail": json.dumps(detail)}
    [answer] = account.client("events").put_events(Entries=[entry])["Entries"]  # type: ignore[list-item]
    assert answer["EventId"]
    assert [window.events for window in engine.snapshot().windows] == [1]


@pytest.mark.parametrize("state", ["deleted", "stopped"])
def test_a_workflow_without_a_listening_trigger_is_a_problem_that_is_named(
    account: Account, engine: GlueEngine, tmp_path: Path, state: str
) -> None:
    pipeline = deploy(account, tmp_path)
    glue = account.client("glue")
    if state == "deleted":
        glue.delete_trigger(Name=f"{NAME}-batch")
    else:
        glue.stop_trigger(Name=f"{NAME}-batch")
    pipeline.upload("orders/1.csv", "orders/2.csv")
    [problem] = engine.problems
    assert "EVENT trigger" in problem
    assert pipeline.workflow_runs() == []


def test_a_workflow_that_is_deleted_while_events_wait_is_a_problem_that_is_named(
    account: Account, engine: GlueEngine, tmp_path: Path
) -> None:
    pipeline = deploy(account, tmp_path, batching={"BatchSize": 5, "BatchWindow": 1})
    pipeline.upload("orders/1.csv")
    account.client("glue").delete_workflow(Name=NAME)
    assert engine.wait(lambda snapshot: bool(snapshot.problems), timeout=PATIENCE)
    assert "was deleted while 1 event waited" in engine.problems[0]
    # The timer lives on.
    account.client("glue").create_workflow(Name=NAME)
    pipeline.upload("orders/2.csv")
    assert engine.wait(lambda snapshot: bool(snapshot.workflow_runs), timeout=PATIENCE)


def test_a_trigger_whose_job_is_missing_is_a_problem_that_is_named(
    account: Account, engine: GlueEngine, tmp_path: Path
) -> None:
    pipeline = deploy(account, tmp_path)
    account.client("glue").delete_job(JobName=NAME)
    pipeline.upload("orders/1.csv")
    assert "cannot run orders" in engine.problems[0]
    assert pipeline.workflow_runs()[0]["Status"] == "COMPLETED"
