"""An event reaches a topic in the emulated account only as it would in AWS."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stacks import policies
from tests.patience import PATIENCE
from tools.sandbox.account import Account
from tools.sandbox.account.corrections import CORRECTIONS
from tools.sandbox.aws_event import aws_event, glue_job_state_changes
from tools.sandbox.glue.engine import GlueEngine
from tools.sandbox.glue.notices import JobRunChanged, MessagePublished, Notice
from tools.sandbox.view import narrate

RULE = "told"
PATTERN = {"source": ["aws.glue"], "detail": {"state": ["FAILED", "TIMEOUT"]}}
TRANSFORMER = {
    "InputPathsMap": {"job": "$.detail.jobName", "message": "$.detail.message"},
    "InputTemplate": '{"alert": "Job <job> failed.", "error": <message>}',
}


@pytest.fixture
def account() -> Iterator[Account]:
    with Account() as account:
        yield account


def deploy(account: Account, policy: str | None = None, **target: Any) -> str:
    """A topic with a queue that hears everything, and a rule with the topic as its target."""
    sns, sqs, events = (account.client(name) for name in ("sns", "sqs", "events"))
    topic = str(sns.create_topic(Name="alerts")["TopicArn"])
    if policy is None:
        policy = policies.topic(topic, account.account_id)
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)
    url = str(sqs.create_queue(QueueName="heard")["QueueUrl"])
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue["QueueArn"])
    events.put_rule(Name=RULE, EventPattern=json.dumps(PATTERN))
    events.put_targets(
        Rule=RULE,
        Targets=[{"Id": "topic", "Arn": topic, "InputTransformer": TRANSFORMER} | target],
    )
    return url


def send(account: Account, state: str = "FAILED", message: str = "boom") -> None:
    observe = glue_job_state_changes(account)
    observe(
        JobRunChanged(
            job="burst-dev-orders",
            run_id="jr_1",
            workflow_run_id=None,
            state=state,
            error_message=message,
            log="",
        )
    )


def heard(account: Account, url: str) -> list[Any]:
    answer = account.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10)
    return [
        json.loads(json.loads(message["Body"])["Message"]) for message in answer.get("Messages", [])
    ]


def test_vanilla_topic_gets_no_event() -> None:
    with Account(corrections=()) as vanilla:
        url = deploy(vanilla)
        rule = vanilla.backend("events").event_buses["default"].rules[RULE]
        with pytest.raises(NotImplementedError):
            rule.send_to_targets(
                aws_event(vanilla, "aws.glue", "any", {"state": "FAILED"}), transform_input=False
            )
        assert heard(vanilla, url) == []
    assert "workflows and topics are targets" in {item.name for item in CORRECTIONS}


def test_event_of_a_failed_run_reaches_the_topic_as_the_target_transforms_it(
    account: Account,
) -> None:
    url = deploy(account)
    send(account, message='it said "no"\nand went')
    assert heard(account, url) == [
        {"alert": "Job burst-dev-orders failed.", "error": 'it said "no"\nand went'}
    ]


@pytest.mark.parametrize("state", ["RUNNING", "SUCCEEDED", "WAITING", "STOPPED"])
def test_state_that_the_pattern_leaves_out_is_not_told(account: Account, state: str) -> None:
    url = deploy(account)
    send(account, state)
    assert heard(account, url) == []


def allow(account: Account, condition: Any = None, **changes: Any) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": f"arn:aws:sns:{account.region}:{account.account_id}:alerts",
        **({"Condition": condition} if condition else {}),
        **changes,
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.mark.parametrize(
    "changes",
    [
        {"Principal": {"Service": "cloudwatch.amazonaws.com"}},
        {"Action": "sns:Subscribe"},
        {"Resource": "arn:aws:sns:eu-central-1:123456789012:other"},
        # As documented: a source condition keeps every event of EventBridge from a topic.
        {"Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:events:*"}}},
        {"Condition": {"StringEquals": {"aws:SourceAccount": "123456789012"}}},
    ],
    ids=str,
)
def test_topic_whose_policy_does_not_let_eventbridge_publish_gets_nothing(
    account: Account, changes: Any
) -> None:
    url = deploy(account, allow(account, **changes))
    send(account)
    assert heard(account, url) == []
    assert "does not let events.amazonaws.com publish" in account.faults[-1]


def encrypt(account: Account, *, actions: list[str], condition: Any) -> None:
    """Give the topic a key that EventBridge may use like this."""
    kms = account.client("kms")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    document = allow(account, condition, Action=actions, Resource="*")
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=document)
    account.client("sns").set_topic_attributes(
        TopicArn=f"arn:aws:sns:{account.region}:{account.account_id}:alerts",
        AttributeName="KmsMasterKeyId",
        AttributeValue=key,
    )


BOTH = ["kms:GenerateDataKey", "kms:Decrypt"]
OWN = "arn:aws:sns:eu-central-1:123456789012:al*"


@pytest.mark.parametrize(
    ("actions", "condition", "arrives"),
    [
        (BOTH, None, True),
        (BOTH, {"ArnLike": {"kms:EncryptionContext:aws:sns:topicArn": OWN}}, True),
        (BOTH[:1], None, False),
        (BOTH[1:], None, False),
        # As documented: source conditions are not supported for EventBridge and a topic's key.
        (BOTH, {"StringEquals": {"aws:SourceAccount": "123456789012"}}, False),
    ],
)
def test_encrypted_topic_needs_a_key_that_eventbridge_may_use(
    account: Account, actions: list[str], condition: Any, arrives: bool
) -> None:
    url = deploy(account)
    encrypt(account, actions=actions, condition=condition)
    send(account)
    assert bool(heard(account, url)) is arrives
    assert arrives or "or of its key, does not let" in account.faults[-1]


def test_template_that_gives_no_json_is_not_delivered_and_is_named(account: Account) -> None:
    quoted = {**TRANSFORMER, "InputTemplate": '"Job <job> failed: <message>"'}
    url = deploy(account, InputTransformer=quoted)
    send(account, message='it said "no"')
    assert heard(account, url) == []
    assert "gives no JSON" in account.faults[-1]


def test_topic_that_is_gone_keeps_no_other_rule_from_its_event(account: Account) -> None:
    url = deploy(account)
    events = account.client("events")
    events.put_rule(Name="earlier", EventPattern=json.dumps(PATTERN))
    missing = "arn:aws:sns:eu-central-1:123456789012:missing"
    events.put_targets(Rule="earlier", Targets=[{"Id": "topic", "Arn": missing}])
    account.put_event(aws_event(account, "aws.glue", "any", {"state": "FAILED"}))
    assert len(account.faults) == 2  # The missing topic, and the template without a message.
    send(account)
    assert len(heard(account, url)) == 1


def test_the_sentence_is_shown_in_the_sandbox(account: Account, tmp_path: Path) -> None:
    seen: list[Notice] = []
    with GlueEngine(account, work_folder=tmp_path) as engine:
        engine.subscribe(seen.append)
        deploy(account)
        send(account)
        assert engine.wait(lambda _: any(map(narrate, seen)), PATIENCE)
    assert [line for line in map(narrate, seen) if line] == [
        "Alert: Job burst-dev-orders failed. It said: boom"
    ]


@pytest.mark.parametrize("message", ["plain text", "[1]", '{"error": "no sentence"}'])
def test_message_without_a_sentence_is_shown_whole(message: str) -> None:
    notice = MessagePublished(topic_arn="arn:aws:sns:eu-central-1:123456789012:a", message=message)
    assert narrate(notice) == f"Alert: {message}"
