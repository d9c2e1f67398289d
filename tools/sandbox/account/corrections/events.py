"""Corrections of moto's EventBridge."""

import copy
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

from moto.events.models import EventPattern, EventPatternParser, Rule
from moto.events.responses import EventsHandler
from moto.kms.models import kms_backends
from moto.sns.models import sns_backends
from moto.utilities.arns import parse_arn

from tools.sandbox.account.corrections.base import Hooks, correction
from tools.sandbox.account.storage import key_of
from tools.sandbox.delivery import may_publish
from tools.sandbox.transformer import transformed

# API reference, TestEventPattern, Event.
MANDATORY = frozenset({"id", "account", "source", "time", "region", "resources", "detail-type"})


@correction
def workflows_and_topics_are_targets(hooks: Hooks) -> Iterator[None]:
    """AWS: a Glue workflow is a target of a rule (PutTargets; Glue developer guide, "Starting
    an AWS Glue workflow with an Amazon EventBridge event"), and so is an SNS topic whose policy
    lets EventBridge publish (EventBridge user guide, "Using resource-based policies"). The
    failure of one target does not touch another.
    moto 5.2.5: such a target raises NotImplementedError, which is swallowed further up, and
    every later target and rule of that event gets nothing.
    Goes when moto delivers to both and keeps targets apart.
    """

    def send_to_targets(rule: Rule, original_event: Any, transform_input: bool = True) -> None:
        if rule.event_pattern.matches_event(original_event):
            deliver(hooks, rule, original_event, transform_input)

    with patch.object(Rule, "send_to_targets", send_to_targets):
        yield


def deliver(hooks: Hooks, rule: Rule, event: Any, transform_input: bool = True) -> None:
    """Sends an event to every target of a rule; a failure concerns that target only."""
    for target in list(rule.targets):
        try:
            if _is_workflow(target["Arn"]):
                _to_workflow(hooks, rule, target, event)
            elif _is_topic(target["Arn"]):
                _publish(hooks, rule, target, event)
            else:
                _send_to_one(rule, target, event, transform_input)
        except Exception as error:  # noqa: BLE001 (the other targets get their event)
            hooks.faults.append(f"no delivery to {target['Arn']}: {error!r}")


# As moto has it, before any correction.
_vanilla = Rule.send_to_targets


def _to_workflow(hooks: Hooks, rule: Rule, target: dict[str, Any], event: Any) -> None:
    listener = hooks.listener
    if listener is not None:
        listener.event_for_workflow(_as_sent(event), rule.arn, target)


def _send_to_one(rule: Rule, target: dict[str, Any], event: Any, transform: bool) -> None:
    alone = copy.copy(rule)
    alone.targets = [target]
    _vanilla(alone, event, transform)


def _is_workflow(arn: str) -> bool:
    parsed = parse_arn(arn)
    return bool(parsed.service == "glue" and parsed.resource_type == "workflow")


def _is_topic(arn: str) -> bool:
    return bool(parse_arn(arn).service == "sns")


def _publish(hooks: Hooks, rule: Rule, target: dict[str, Any], event: Any) -> None:
    arn = target["Arn"]
    topic = sns_backends[rule.account_id][rule.region_name].topics.get(arn)
    if topic is None:
        raise LookupError("there is no such topic")
    key_name = topic.kms_master_key_id
    key = key_of(kms_backends[rule.account_id][rule.region_name], key_name) if key_name else None
    if not may_publish(arn, topic.policy, key, encrypted=bool(key_name)):
        raise PermissionError(
            "the policy of the topic, or of its key, does not let events.amazonaws.com publish"
        )
    message = transformed(target, _as_sent(event))
    topic.publish(message)
    if hooks.listener is not None:
        hooks.listener.message_published(arn, message)


def _as_sent(event: Mapping[str, Any]) -> dict[str, Any]:
    """The event as a target sees it: moto keeps its time as a number and adds a field."""
    sent = {key: value for key, value in copy.deepcopy(event).items() if key != "ingestion-time"}
    if isinstance(sent.get("time"), int | float):
        sent["time"] = datetime.fromtimestamp(sent["time"], UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return sent


def _rules_that(keep_quiet: Any) -> Any:
    """Patches `Rule.send_to_targets` so that the rules for which this is true send nothing."""
    sending = Rule.send_to_targets

    def send_to_targets(rule: Rule, original_event: Any, transform_input: bool = True) -> None:
        if not keep_quiet(rule):
            sending(rule, original_event, transform_input)

    return patch.object(Rule, "send_to_targets", send_to_targets)


@correction
def schedule_rules_match_no_event(hooks: Hooks) -> Iterator[None]:
    """AWS: a rule with a schedule and no pattern matches no event (PutRule: "rules with
    ScheduleExpression self-trigger based on the given schedule").
    moto 5.2.5: a rule without a pattern matches every event, so a daily sweep would start a
    run for each object of any bucket.
    Goes when moto tells the two kinds of rule apart.
    """
    with _rules_that(
        lambda rule: rule.scheduled_expression and not rule.event_pattern.get_pattern()
    ):
        yield


@correction
def disabled_rules_deliver_nothing(hooks: Hooks) -> Iterator[None]:
    """AWS: a disabled rule does not match events (DisableRule). That is how a pipeline pauses.
    moto 5.2.5: stores the state and delivers all the same.
    Goes when moto looks at the state before it delivers.
    """
    with _rules_that(lambda rule: rule.state == "DISABLED"):
        yield


@correction
def patterns_can_be_tested(hooks: Hooks) -> Iterator[None]:
    """AWS: TestEventPattern says whether a pattern matches an event; some fields of the event are
    mandatory (API reference, TestEventPattern).
    moto 5.2.5: has the action, which does nothing; its answer is empty.
    Goes when moto answers it.
    """

    def test_event_pattern(response: EventsHandler) -> tuple[str, dict[str, Any]]:
        text = response._get_param("EventPattern")
        event = json.loads(response._get_param("Event"))
        if missing := sorted(MANDATORY - set(event)):
            return response.error("ValidationException", f"Event does not have {missing[0]}.")
        pattern = EventPattern(text, EventPatternParser(text).parse())
        return response._create_response({"Result": pattern.matches_event(event)})

    with patch.object(EventsHandler, "test_event_pattern", test_event_pattern):
        yield
