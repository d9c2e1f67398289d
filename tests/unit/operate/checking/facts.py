"""Facts of a sound pipeline, to break one at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from burst.contract import Bounds, Column, FileFormat

from stacks import policies
from tests.unit.operate.records import PIPELINE
from tools.operate.checking.calls import Call
from tools.operate.checking.facts import (
    AlertRule,
    JobFacts,
    PipelineFacts,
    Place,
    Queue,
    Reads,
    RoleFacts,
    Rule,
    Target,
    Topic,
    Trigger,
)

ACCOUNT = "123456789012"
PLACE = Place("aws", "eu-central-1", ACCOUNT)
ORDERS = replace(PIPELINE, trigger_name="burst-dev-orders-batch", sweep_rule_name="")
WORKFLOW_ARN = PLACE.arn("glue", "workflow/burst-dev-orders")
RULE_ARN = PLACE.arn("events", "rule/burst-dev-orders")
QUEUE_ARN = PLACE.arn("sqs", "burst-dev-orders-undelivered")
TOPIC_ARN = PLACE.arn("sns", "burst-dev-alerts")
EVENTS_ROLE, JOB_ROLE = (PLACE.role_arn(f"burst-dev-orders-{name}") for name in ("events", "job"))
TARGET = Target(WORKFLOW_ARN, EVENTS_ROLE, QUEUE_ARN)
RULE = Rule(ORDERS.rule_name, RULE_ARN, "ENABLED", '{"source": ["aws.s3"]}', (TARGET,))
SWEEP = replace(RULE, name="burst-dev-orders-sweep", pattern=None)
QUEUE = Queue(QUEUE_ARN, policies.dead_letter_queue(QUEUE_ARN, [RULE_ARN]), None, None, depth=0)
TRIGGER = Trigger(
    ORDERS.trigger_name, "EVENT", ORDERS.workflow_name, "CREATED", ("burst-dev-orders",), 10, 300
)
READS = Reads(FileFormat("csv", (Column("id", "int"),)), Bounds())
JOB = JobFacts(
    "burst-dev-orders",
    JOB_ROLE,
    queuing=True,
    concurrent_runs=1,
    dpus=2.0,
    reads=READS,
)
DENIED = Call("archive files", "s3:PutObject", "arn:aws:s3:::lake/archive/x")
SOUND = PipelineFacts(
    pipeline=ORDERS,
    environment="dev",
    landing_bucket="landing",
    probe_key="orders/burst-check-good.csv",
    versioning="Enabled",
    notified=True,
    rule=RULE,
    sweep=None,
    matches=True,
    events_role=RoleFacts(EVENTS_ROLE, policies.assumed_by_eventbridge(ACCOUNT), asked=1),
    queue=QUEUE,
    workflow=True,
    trigger=TRIGGER,
    job=JOB,
    job_role=RoleFacts(JOB_ROLE, policies.assumed_by_glue(), asked=20),
    log_groups={"/burst/dev/orders/error": True, "/burst/dev/orders/output": True},
    waiting=0,
)
TOPIC = Topic(
    arn=TOPIC_ARN,
    policy=policies.topic(TOPIC_ARN, ACCOUNT),
    key_policy=None,
    key_arn=None,
    confirmed=1,
    pending=0,
    rules={"burst-dev.runs-0": AlertRule("ENABLED", frozenset({"orders"}), quarantine=True)},
    alarms={"orders": ("burst-dev-orders.dead-letters",)},
)


def but(facts: Any = SOUND, **changes: Any) -> Any:
    """The same with changes."""
    return replace(facts, **changes)
