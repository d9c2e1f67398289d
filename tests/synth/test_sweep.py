"""The sweep: a second rule on a schedule, with the same target as the pipeline's own rule."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests import example
from tests.synth.conftest import Synth
from tests.synth.synthesized import Synthesized
from tests.synth.test_burst_stack import ORDERS, reference

RULE, TARGET = "aws_cloudwatch_event_rule", "aws_cloudwatch_event_target"


def with_sweep(synth: Synth, sweep: str) -> Synthesized:
    environments = {"dev": copy.deepcopy(example.environments()["dev"])}
    environments["dev"]["pipelines"]["orders"]["sweep"] = sweep
    return synth(environments)["dev"]


@pytest.fixture(scope="module")
def off(synth: Synth) -> Synthesized:
    return with_sweep(synth, "off")


def senders(stack: Synthesized) -> list[str]:
    """The rules whose undelivered events the dead-letter queue takes."""
    [policy] = [
        item for item in stack.policies() if item.resource == f"{ORDERS}/routing/undelivered-policy"
    ]
    [allow] = [item for item in policy.statements if item["Effect"] == "Allow"]
    rules: list[str] = allow["Condition"]["ArnEquals"]["aws:SourceArn"]
    return rules


def deployed(stack: Synthesized) -> Mapping[str, Any]:
    names: Mapping[str, Any] = stack.document["locals"]["deployed"]["orders"]
    return names


def test_every_pipeline_is_swept_once_a_day(stack: Synthesized) -> None:
    environment = stack.document["//"]["metadata"]["stackName"]
    sweep = stack.resources(RULE)[f"{ORDERS}/routing/sweep"]
    assert sweep["schedule_expression"] == "rate(1 day)"
    assert sweep["name"] == f"burst-{environment}-orders-sweep"
    assert "event_pattern" not in sweep
    assert sweep["state"] == "ENABLED"


def test_sweep_has_the_target_role_queue_and_retries_of_the_pipelines_own_rule(
    stack: Synthesized,
) -> None:
    targets = stack.resources(TARGET)
    own, sweep = (targets[f"{ORDERS}/routing/{id_}"] for id_ in ("target", "sweep-target"))
    assert sweep.pop("rule") == reference(stack, RULE, f"{ORDERS}/routing/sweep", "name")
    assert own.pop("rule") == reference(stack, RULE, f"{ORDERS}/routing/rule", "name")
    assert sweep == own


def test_dead_letter_queue_takes_the_events_of_both_rules(stack: Synthesized) -> None:
    assert senders(stack) == [
        reference(stack, RULE, f"{ORDERS}/routing/{id_}", "arn") for id_ in ("rule", "sweep")
    ]


def test_sweep_runs_as_the_settings_say(synth: Synth) -> None:
    stack = with_sweep(synth, "cron(0 4 ? * MON-FRI *)")
    sweep = stack.resources(RULE)[f"{ORDERS}/routing/sweep"]
    assert sweep["schedule_expression"] == "cron(0 4 ? * MON-FRI *)"
    assert deployed(stack)["sweep_rule_name"] == reference(
        stack, RULE, f"{ORDERS}/routing/sweep", "name"
    )


def test_sweep_that_is_off_leaves_one_rule_and_says_so_in_the_outputs(off: Synthesized) -> None:
    assert deployed(off)["sweep_rule_name"] == ""
    assert not [path for path in off.resources(RULE) if path.endswith("/sweep")]
    assert not [path for path in off.resources(TARGET) if path.endswith("/sweep-target")]
    assert senders(off) == [reference(off, RULE, f"{ORDERS}/routing/rule", "arn")]


def test_no_schedule_hides_in_a_rule_of_new_files(stack: Synthesized) -> None:
    rule = stack.resources(RULE)[f"{ORDERS}/routing/rule"]
    assert "schedule_expression" not in rule
    assert json.loads(rule["event_pattern"])["source"] == ["aws.s3"]
