"""How people are told: a topic, and the rules and alarms that send to it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from burst.contract import DRIFT, LEDGER, QUARANTINE, REASON_SUFFIX
from cdktf_cdktf_provider_aws.cloudwatch_event_rule import CloudwatchEventRule
from cdktf_cdktf_provider_aws.cloudwatch_event_target import (
    CloudwatchEventTarget,
    CloudwatchEventTargetInputTransformer,
)
from cdktf_cdktf_provider_aws.sns_topic import SnsTopic
from cdktf_cdktf_provider_aws.sns_topic_policy import SnsTopicPolicy
from cdktf_cdktf_provider_aws.sns_topic_subscription import SnsTopicSubscription
from constructs import Construct

from stacks import policies
from stacks.alerting.alarms import Alarms
from stacks.alerting.runbook import Runbook, Section
from stacks.environment import Environment
from stacks.pipeline.pipeline import PipelineOutput
from stacks.settings import JOBS_IN_A_PATTERN, AlertsSettings

ENDED_BADLY = ("FAILED", "TIMEOUT", "STOPPED", "ERROR")


class Alerts(Construct):
    """One SNS topic per environment, and what is sent to it.

    Rules on the default bus report runs that did not end well and files in quarantine, both of
    which are AWS events already; whatever must be counted first is an alarm (`Alarms`). The
    targets have no role: for a topic EventBridge uses the topic's policy, and with a role delivery
    to an encrypted topic may fail (EventBridge user guide, "Using resource-based policies").

    A topic can only be encrypted with a key of the customer that lets EventBridge and CloudWatch
    use it; the key that AWS manages for SNS does not (Amazon SNS developer guide, "Key
    management"). So without ``kms_key_arn`` it has no server-side encryption.

    Attributes:
        alarm_arns: of every pipeline, for the dashboard.
        runs_rule_names: the rules that match runs which did not end well.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        environment: Environment,
        settings: AlertsSettings,
        pipelines: Sequence[PipelineOutput],
        lake_bucket: str,
    ) -> None:
        super().__init__(scope, id_)
        self._name = environment.prefix
        topic = SnsTopic(
            self,
            "topic",
            name=f"{self._name}-alerts",
            display_name=f"Burst {environment.name}",
            kms_master_key_id=environment.kms_key_arn,
        )
        self.topic_arn = topic.arn
        self._policy = SnsTopicPolicy(
            self,
            "policy",
            arn=self.topic_arn,
            policy=policies.topic(self.topic_arn, environment.account_id),
        )
        for number, email in enumerate(settings.emails):
            SnsTopicSubscription(
                self,
                f"email-{number}",
                topic_arn=self.topic_arn,
                protocol="email",
                endpoint=email,
                depends_on=[self._policy],
            )
        runbook = Runbook(settings.runbook_url)
        self.runs_rule_names = self._send_failed_runs(environment.name, pipelines, runbook)
        if settings.quarantine == "file":
            self._send_quarantine(environment.name, lake_bucket, runbook)
        if any(pipeline.rescues for pipeline in pipelines):
            self._send_drift(environment.name, lake_bucket, runbook)
        self.alarm_arns = [
            arn
            for pipeline in (pipelines if settings.alarms else ())
            for arn in Alarms(
                self,
                f"pipeline-{pipeline.pipeline}",
                environment=environment,
                pipeline=pipeline,
                settings=settings,
                topic_arn=self.topic_arn,
            ).arns
        ]

    def _send_failed_runs(
        self, environment: str, pipelines: Sequence[PipelineOutput], runbook: Runbook
    ) -> list[str]:
        """Send each run that did not end well; returns the names of the rules."""
        jobs = [pipeline.job_name for pipeline in pipelines]
        message = {
            "alert": f"Environment {environment}: run <jobRunId> of job <jobName> ended as "
            "<state>. Nothing is lost: the next run goes on where it stopped. Read its log "
            f"(`burst logs`, or below /burst/{environment}/ in CloudWatch), correct the cause, "
            "and start a run (`burst drain`, or the workflow <jobName>). A run without a log "
            "never started, because Glue gave it up while it waited behind another: just start "
            f"the next. {runbook.at(Section.RUN_FAILED)}",
            "error": "<message>",
        }
        return [
            self._send(
                f"runs-{number}",
                f"Runs of environment {environment} that did not end well.",
                runs_that_ended_badly(jobs[start : start + JOBS_IN_A_PATTERN]),
                {name: f"$.detail.{name}" for name in ("jobName", "jobRunId", "state", "message")},
                message,
            )
            for number, start in enumerate(range(0, len(jobs), JOBS_IN_A_PATTERN))
        ]

    def _send_quarantine(self, environment: str, lake_bucket: str, runbook: Runbook) -> None:
        """Send each file that goes to quarantine."""
        self._send(
            "quarantine",
            f"Files of environment {environment} that went to quarantine.",
            files_in_quarantine(lake_bucket),
            {"bucket": "$.detail.bucket.name", "reason": "$.detail.object.key"},
            {
                "alert": f"Environment {environment}: a file could not be read and is in "
                "quarantine; the others went through. Read the reason (`burst status`, or the "
                "object beside it), correct the file, and send it in place of the bad one by "
                f"`burst replay {environment} PIPELINE --quarantine --with FILE`. "
                f"{runbook.at(Section.QUARANTINE)}",
                "bucket": "<bucket>",
                "reason": "<reason>",
            },
        )

    def _send_drift(self, environment: str, lake_bucket: str, runbook: Runbook) -> None:
        """Send, once a day and pipeline, the names of what the columns do not take."""
        self._send(
            "drift",
            f"Values of environment {environment} that no column takes.",
            drift_of_a_day(lake_bucket),
            {"found": "$.detail.object.key"},
            {
                "alert": f"Environment {environment}: files have columns that nobody declared, or "
                "values that do not fit. Their rows are loaded, and these values are in _rescued. "
                "The pipeline and the names are below; `burst drift` shows more and proposes the "
                f"settings. {runbook.at(Section.DRIFT)}",
                "found": "<found>",
            },
        )

    def _send(
        self,
        id_: str,
        description: str,
        pattern: Mapping[str, Any],
        paths: Mapping[str, str],
        message: Mapping[str, str],
    ) -> str:
        """Send a message for each event that matches; returns the rule's name.

        The dot keeps the name apart from every pipeline's, which has none.
        """
        rule = CloudwatchEventRule(
            self,
            id_,
            name=f"{self._name}.{id_}",
            description=description,
            event_pattern=json.dumps(pattern),
        )
        name = rule.name
        CloudwatchEventTarget(
            self,
            f"{id_}-target",
            target_id="topic",
            rule=name,
            arn=self.topic_arn,
            input_transformer=CloudwatchEventTargetInputTransformer(
                input_paths=dict(paths), input_template=template(message)
            ),
            depends_on=[self._policy],
        )
        return name


def runs_that_ended_badly(job_names: Sequence[str]) -> dict[str, Any]:
    """The event pattern of these jobs' runs that did not succeed (Glue developer guide,
    "Automating AWS Glue with EventBridge"; ERROR is a state of the Jobs API that the guide leaves
    out)."""
    return {
        "source": ["aws.glue"],
        "detail-type": ["Glue Job State Change"],
        "detail": {"jobName": list(job_names), "state": list(ENDED_BADLY)},
    }


def files_in_quarantine(lake_bucket: str) -> dict[str, Any]:
    """The event pattern of what the job writes last for a bad file: the reason beside it."""
    return {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {
            "bucket": {"name": [lake_bucket]},
            "object": {"key": [{"wildcard": f"{QUARANTINE}/*{REASON_SUFFIX}"}]},
        },
    }


def drift_of_a_day(lake_bucket: str) -> dict[str, Any]:
    """The event pattern of what the job writes once a day: its key has the pipeline and names."""
    return {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {
            "bucket": {"name": [lake_bucket]},
            "object": {"key": [{"wildcard": f"{LEDGER}/*/{DRIFT}/*.json"}]},
        },
    }


def template(message: Mapping[str, str]) -> str:
    """An input template: a JSON object whose values may be sentences with variables, or a variable.

    EventBridge does not escape what it puts between quotes (EventBridge user guide, "Input
    transformation"), so a sentence has only variables without quotes and backslashes: names, ids,
    states. What producers and programs write (keys, error messages) is a value of its own, for
    which EventBridge writes the quotes.
    """
    text = json.dumps(message)
    for value in message.values():
        if value.startswith("<") and value.endswith(">") and value.count("<") == 1:
            text = text.replace(f'"{value}"', value)
    return text
