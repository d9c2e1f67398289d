"""The chain from what goes wrong to the people who must know, decided on facts alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tools.iam import Identity, Principal, Request, decide
from tools.iam import eventbridge as may
from tools.operate.checking.facts import Place, Topic
from tools.operate.checking.findings import Finding, Promise
from tools.operate.checking.verdicts import evaluated, key_allows, key_refuses, without
from tools.operate.deployment import DeployedPipeline
from tools.operate.refusals import Unavailable
from tools.operate.words import count


def alerting(
    topic: Topic | Unavailable | None, pipelines: Sequence[DeployedPipeline]
) -> Iterator[Finding]:
    """Whether the topic takes messages, sends them to somebody, and gets those of each pipeline."""
    promise = Promise("", "topic", "The topic takes the messages of EventBridge and CloudWatch")
    if not isinstance(topic, Topic):
        yield without(promise, topic, "The topic of the alerts does not exist: apply the stack.")
        return
    yield _publishing(promise, topic)
    yield _subscriptions(topic)
    for pipeline in pipelines:
        yield _alert_rule(topic, pipeline)
        yield _alarms(topic, pipeline)


def _publishing(promise: Promise, topic: Topic) -> Finding:
    def problems() -> list[str]:
        if not may.may_publish(topic.arn, topic.policy):
            return [
                f"The policy of the topic {topic.arn} does not let events.amazonaws.com publish "
                "(aws_sns_topic_policy), so no alert arrives: apply the stack."
            ]
        if not _cloudwatch_may_publish(topic):
            return [
                f"The policy of the topic {topic.arn} does not let cloudwatch.amazonaws.com "
                "publish (aws_sns_topic_policy), so no alarm arrives: apply the stack."
            ]
        context = may.topic_key_context(topic.arn)
        if not key_allows(topic.key_arn, topic.key_policy, context):
            return [key_refuses(topic.key_arn, "the topic")]
        return []

    return evaluated(promise, problems)


def _cloudwatch_may_publish(topic: Topic) -> bool:
    context = {"aws:SecureTransport": "true", "aws:SourceAccount": Place.of(topic.arn).account_id}
    request = Request("sns:Publish", topic.arn, context)
    caller = Identity(Principal.service("cloudwatch.amazonaws.com"))
    return decide(request, caller, resource_policy=topic.policy).allowed


def _subscriptions(topic: Topic) -> Finding:
    promise = Promise("", "subscriptions", "Somebody reads the alerts")
    if isinstance(topic.confirmed, Unavailable):
        return promise.not_tried(topic.confirmed.reason)
    if topic.pending:
        return promise.not_seen(
            f"{count(topic.pending, 'subscription is', 'subscriptions are')} not confirmed: each "
            "address must follow the link in the mail that SNS sent."
        )
    if not topic.confirmed:
        return promise.not_tried(
            f"Nobody is subscribed to {topic.arn}: set `alerts.emails`, or subscribe to the topic."
        )
    return promise.seen(
        f"{count(topic.confirmed, 'subscription is', 'subscriptions are')} confirmed."
    )


def _alert_rule(topic: Topic, pipeline: DeployedPipeline) -> Finding:
    promise = Promise(pipeline.name, "alert-rule", "A rule tells the topic of failed runs")
    if isinstance(topic.rules, Unavailable):
        return promise.not_tried(topic.rules.reason)
    telling = {n: rule for n, rule in topic.rules.items() if pipeline.name in rule.failed_runs}
    if any(rule.state == "ENABLED" for rule in telling.values()):
        return promise.seen()
    if telling:
        name, rule = next(iter(telling.items()))
        return promise.not_seen(f"The rule {name} is {rule.state}: the next apply enables it.")
    return promise.not_seen(
        f"No rule that sends to the topic matches a failed run of the job {pipeline.job_name}: "
        "apply the stack."
    )


def _alarms(topic: Topic, pipeline: DeployedPipeline) -> Finding:
    promise = Promise(pipeline.name, "alarms", "The alarms send to the topic")
    if isinstance(topic.alarms, Unavailable):
        return promise.not_tried(topic.alarms.reason)
    names = topic.alarms.get(pipeline.name, ())
    if not names:
        return promise.not_tried("There is no alarm that sends there: `alerts.alarms` is off.")
    return promise.seen(f"{count(len(names), 'alarm')}.")
