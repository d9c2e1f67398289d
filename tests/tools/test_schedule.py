"""The event of a schedule rule is delivered as every other event."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import scheduled_event
from tests.patience import PATIENCE
from tests.tools.small_pipeline import (
    NAME,
    SmallPipeline,
    allow_queue,
    deploy,
    put_role_policy,
)
from tools.sandbox.account import Account
from tools.sandbox.glue.engine import GlueEngine
from tools.sandbox.glue.notices import EventMatched, Notice

SWEEP = f"{NAME}-sweep"


@pytest.fixture
def account() -> Iterator[Account]:
    with Account() as account:
        yield account


@pytest.fixture
def engine(account: Account, tmp_path: Path) -> Iterator[GlueEngine]:
    with GlueEngine(account, work_folder=tmp_path / "runs") as engine:
        yield engine


@pytest.fixture
def pipeline(account: Account, engine: GlueEngine, tmp_path: Path) -> SmallPipeline:
    """The small pipeline with a sweep in addition to its rule."""
    pipeline = deploy(account, tmp_path, batching={"BatchSize": 2, "BatchWindow": 900})
    events = account.client("events")
    rule = events.put_rule(Name=SWEEP, ScheduleExpression="rate(1 day)")
    [target] = events.list_targets_by_rule(Rule=NAME)["Targets"]
    events.put_targets(Rule=SWEEP, Targets=[target])
    allow_queue(pipeline, rule["RuleArn"])
    return pipeline


def test_scheduled_event_counts_for_the_batch_like_any_other(
    account: Account, engine: GlueEngine, pipeline: SmallPipeline
) -> None:
    heard: list[Notice] = []
    engine.subscribe(heard.append)
    pipeline.upload("orders/1.csv")
    event_id = scheduled_event.fire(account, SWEEP)
    assert engine.wait(lambda snapshot: bool(snapshot.workflow_runs), timeout=PATIENCE)
    assert event_id in engine.snapshot().workflow_runs[0].event_ids
    engine.stop()
    kinds = [notice.detail_type for notice in heard if isinstance(notice, EventMatched)]
    assert kinds == ["Object Created", "Scheduled Event"]


def test_scheduled_event_that_may_not_be_delivered_goes_to_the_dead_letter_queue(
    account: Account, engine: GlueEngine, pipeline: SmallPipeline
) -> None:
    put_role_policy(account, pipeline.workflow_arn, "glue:StartWorkflowRun")
    scheduled_event.fire(account, SWEEP)
    [letter] = pipeline.dead_letters()
    event = json.loads(letter["Body"])
    assert (event["source"], event["detail-type"]) == ("aws.events", "Scheduled Event")
    assert event["time"].endswith("Z")
    assert letter["MessageAttributes"]["RULE_ARN"]["StringValue"].endswith(f"rule/{SWEEP}")
    assert engine.snapshot().workflow_runs == ()


def test_disabled_sweep_sends_nothing(
    account: Account, engine: GlueEngine, pipeline: SmallPipeline
) -> None:
    account.client("events").disable_rule(Name=SWEEP)
    assert scheduled_event.fire(account, SWEEP) is None
    assert engine.snapshot().matched_events == 0
