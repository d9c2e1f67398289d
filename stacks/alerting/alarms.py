"""The alarms of one pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from burst.contract import METRICS_NAMESPACE, MetricName, metric_dimensions
from cdktf_cdktf_provider_aws.cloudwatch_metric_alarm import (
    CloudwatchMetricAlarm,
    CloudwatchMetricAlarmMetricQuery,
    CloudwatchMetricAlarmMetricQueryMetric,
)
from constructs import Construct

from stacks.alerting.runbook import Runbook, Section
from stacks.environment import Environment
from stacks.pipeline.pipeline import PipelineOutput
from stacks.settings import AlertsSettings

PERIOD_SECONDS = 300


class Alarms(Construct):
    """What CloudWatch must count before it can send a message.

    Metrics of EventBridge are sent only where they are not zero (EventBridge user guide,
    "Monitoring Amazon EventBridge"), and those of the job only when it takes files, so missing
    data is good data. A queue sends nothing once nobody has used it for six hours (Amazon SQS
    developer guide, "Available CloudWatch metrics"), also with messages in it, so its alarm stays
    as it was.

    The age of the oldest file comes from the job, which knows it when it takes a batch: the alarm
    tells of a file that waited too long, at the latest when the sweep finds it. It sees nothing of
    files that no run has looked at.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        environment: Environment,
        pipeline: PipelineOutput,
        settings: AlertsSettings,
        topic_arn: str,
    ) -> None:
        super().__init__(scope, id_)
        self._pipeline = pipeline
        self._topic_arn = topic_arn
        self._place = f"Environment {environment.name}, pipeline {pipeline.pipeline}"
        self._runbook = Runbook(settings.runbook_url)
        restart = f"start the workflow {pipeline.workflow_name}, which finds every file"
        queue = pipeline.dead_letter_queue_name
        own = metric_dimensions(environment.name, pipeline.pipeline)
        alarms = [
            self._on_rules(
                "events-failed",
                "FailedInvocations",
                "EventBridge gave up on events for Glue, so files may wait in landing. Look at the "
                f"rule's target and role, correct them, and {restart}.",
                Section.EVENTS_FAILED,
            ),
            self._on_rules(
                "events-undelivered",
                "InvocationsSentToDlq",
                "EventBridge could not deliver events to Glue and put them into the queue "
                f"{queue}, so files may wait in landing. ERROR_CODE and ERROR_MESSAGE "
                f"on the messages say why. Correct it, and {restart}.",
                Section.DEAD_LETTERS,
            ),
            self._on_rules(
                "events-lost",
                "InvocationsFailedToBeSentToDlq",
                "EventBridge could neither deliver events to Glue nor put them into the queue "
                f"{queue}, so nobody keeps them, and files may wait in landing. Look at the "
                "queue's policy and key and at the rule's target and role, correct them, and "
                f"{restart}.",
                Section.EVENTS_FAILED,
            ),
            self._on_metric(
                "dead-letters",
                "AWS/SQS",
                "ApproximateNumberOfMessagesVisible",
                {"QueueName": queue},
                settings.dead_letters - 1,
                f"{settings.dead_letters} or more undelivered events lie in the queue "
                f"{queue}. Correct what ERROR_MESSAGE on them says, {restart}, and "
                "purge the queue.",
                Section.DEAD_LETTERS,
                missing="ignore",
            ),
            self._on_metric(
                "oldest-file",
                METRICS_NAMESPACE,
                MetricName.OLDEST_OUTSTANDING_SECONDS,
                own,
                settings.oldest_file_minutes * 60,
                f"a file waited in landing for more than {settings.oldest_file_minutes} minutes. "
                "Its event was lost, or runs fail or take too long. Look at the last runs of the "
                f"job {pipeline.job_name}.",
                Section.FILES_WAIT,
            ),
        ]
        if settings.quarantine == "burst":
            alarms.append(
                self._on_metric(
                    "bad-files",
                    METRICS_NAMESPACE,
                    MetricName.BAD_FILES,
                    own,
                    0,
                    "files could not be read and are in quarantine; the others went through. Read "
                    "the reasons (`burst status`, or the objects beside them), correct the files, "
                    "and send each in place of the bad one by `burst replay "
                    f"{environment.name} {pipeline.pipeline} --quarantine --with FILE`.",
                    Section.QUARANTINE,
                    statistic="Sum",
                )
            )
        self.arns = [alarm.arn for alarm in alarms]

    def _on_rules(
        self, id_: str, metric: str, message: str, section: Section
    ) -> CloudwatchMetricAlarm:
        """On the sum of a metric over the pipeline's rules."""
        total = CloudwatchMetricAlarmMetricQuery(
            id="all", expression="SUM(FILL(METRICS(), 0))", label=metric, return_data=True
        )
        counted = [
            CloudwatchMetricAlarmMetricQuery(
                id=f"rule{number}",
                metric=CloudwatchMetricAlarmMetricQueryMetric(
                    namespace="AWS/Events",
                    metric_name=metric,
                    dimensions={"RuleName": rule},
                    period=PERIOD_SECONDS,
                    stat="Sum",
                ),
            )
            for number, rule in enumerate(self._pipeline.rule_names)
        ]
        return self._alarm(id_, 0, message, section, metric_query=[total, *counted])

    def _on_metric(
        self,
        id_: str,
        namespace: str,
        metric: str,
        dimensions: Mapping[str, str],
        above: int,
        message: str,
        section: Section,
        *,
        statistic: str = "Maximum",
        missing: str = "notBreaching",
    ) -> CloudwatchMetricAlarm:
        return self._alarm(
            id_,
            above,
            message,
            section,
            missing=missing,
            namespace=namespace,
            metric_name=metric,
            dimensions=dict(dimensions),
            period=PERIOD_SECONDS,
            statistic=statistic,
        )

    def _alarm(
        self,
        id_: str,
        above: int,
        message: str,
        section: Section,
        *,
        missing: str = "notBreaching",
        **measured: Any,
    ) -> CloudwatchMetricAlarm:
        return CloudwatchMetricAlarm(
            self,
            id_,
            alarm_name=f"{self._pipeline.name}.{id_}",
            alarm_description=f"{self._place}: {message} {self._runbook.at(section)}",
            comparison_operator="GreaterThanThreshold",
            threshold=above,
            evaluation_periods=1,
            treat_missing_data=missing,
            alarm_actions=[self._topic_arn],
            tags=dict(self._pipeline.tags),
            **measured,
        )
