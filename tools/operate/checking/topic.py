"""Reads the topic of the alerts, and what sends to it."""

from __future__ import annotations

from collections.abc import Sequence

from burst.contract import QUARANTINE, REASON_SUFFIX, folder

from tools.operate.checking.asking import part, pattern_matches, read_key_policy, read_rule
from tools.operate.checking.facts import AlertRule, Place, Rule, Topic
from tools.operate.checking.sample_events import failed_run, sample_event
from tools.operate.connection import Connection
from tools.operate.deployment import DeployedPipeline, Deployment
from tools.operate.refusals import Unavailable, known_or_why


def look_at_topic(
    connection: Connection, deployment: Deployment, pipelines: Sequence[DeployedPipeline]
) -> Topic | Unavailable | None:
    """The topic of the alerts, and what sends to it."""
    if not deployment.topic_arn:
        return Unavailable(
            "The outputs are older than this command and do not name the topic: deploy again."
        )
    return part(lambda: _topic(connection, deployment, pipelines))


def _topic(
    connection: Connection, deployment: Deployment, pipelines: Sequence[DeployedPipeline]
) -> Topic:
    arn = deployment.topic_arn
    attributes = connection.sns.get_topic_attributes(TopicArn=arn)["Attributes"]
    key = attributes.get("KmsMasterKeyId") or None
    pages = connection.sns.get_paginator("list_subscriptions_by_topic")
    found = known_or_why(
        lambda: [
            item["SubscriptionArn"]
            for page in pages.paginate(TopicArn=arn)
            for item in page["Subscriptions"]
        ]
    )
    subscriptions = [] if isinstance(found, Unavailable) else found
    # Amazon SNS API reference, ListSubscriptionsByTopic: what is not confirmed has no ARN yet.
    confirmed = sum(item.startswith("arn:") for item in subscriptions)
    return Topic(
        arn=arn,
        policy=attributes["Policy"],
        key_arn=key,
        key_policy=None if key is None else known_or_why(lambda: read_key_policy(connection, key)),
        confirmed=found if isinstance(found, Unavailable) else confirmed,
        pending=len(subscriptions) - confirmed,
        rules=known_or_why(lambda: _alert_rules(connection, deployment, pipelines)),
        alarms=known_or_why(lambda: _alarms(connection, arn, pipelines)),
    )


def _alert_rules(
    connection: Connection, deployment: Deployment, pipelines: Sequence[DeployedPipeline]
) -> dict[str, AlertRule]:
    names = connection.events.list_rule_names_by_target(TargetArn=deployment.topic_arn)["RuleNames"]
    rules = [read_rule(connection, name) for name in names]
    return {rule.name: _alert_rule(connection, deployment, pipelines, rule) for rule in rules}


def _alert_rule(
    connection: Connection,
    deployment: Deployment,
    pipelines: Sequence[DeployedPipeline],
    rule: Rule,
) -> AlertRule:
    place, pattern = Place.of(rule.arn), rule.pattern
    if pattern is None:
        return AlertRule(rule.state, frozenset(), quarantine=False)
    failed = {
        pipeline.name
        for pipeline in pipelines
        if pattern_matches(connection, pattern, failed_run(place, pipeline.job_name))
    }
    reason = f"{folder(QUARANTINE, pipelines[0].name)}batch/file{REASON_SUFFIX}"
    bad = sample_event(place, "", deployment.lake_bucket, reason)
    return AlertRule(rule.state, frozenset(failed), pattern_matches(connection, pattern, bad))


def _alarms(
    connection: Connection, topic_arn: str, pipelines: Sequence[DeployedPipeline]
) -> dict[str, tuple[str, ...]]:
    """The alarms of each pipeline that send to the topic; their names begin with the job's."""
    found: dict[str, tuple[str, ...]] = {}
    for pipeline in pipelines:
        pages = connection.cloudwatch.get_paginator("describe_alarms").paginate(
            AlarmNamePrefix=f"{pipeline.job_name}."
        )
        found[pipeline.name] = tuple(
            alarm["AlarmName"]
            for page in pages
            for alarm in page.get("MetricAlarms", [])
            if topic_arn in alarm.get("AlarmActions", [])
        )
    return found
