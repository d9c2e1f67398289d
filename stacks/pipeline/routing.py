"""How an event reaches the workflow, a new file's or the sweep's, and where it goes otherwise."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from cdktf_cdktf_provider_aws.cloudwatch_event_rule import CloudwatchEventRule
from cdktf_cdktf_provider_aws.cloudwatch_event_target import (
    CloudwatchEventTarget,
    CloudwatchEventTargetDeadLetterConfig,
    CloudwatchEventTargetRetryPolicy,
)
from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.iam_role_policy import IamRolePolicy
from cdktf_cdktf_provider_aws.sqs_queue import SqsQueue
from cdktf_cdktf_provider_aws.sqs_queue_policy import SqsQueuePolicy
from constructs import Construct

from stacks import policies
from stacks.environment import Environment
from stacks.settings import OFF, PipelineSettings

# The longest that SQS keeps a message (API reference, SetQueueAttributes, MessageRetentionPeriod:
# 60 seconds to 14 days). An older event is gone; its file still waits in landing for the sweep.
KEEP_UNDELIVERED_SECONDS = 14 * 24 * 3600
DELIVER_FOR_SECONDS = 24 * 3600
DELIVER_ATTEMPTS = 185


class Routing(Construct):
    """The rule that matches a pipeline's new files, and its target: the workflow itself.

    A second rule, the sweep, sends the workflow an event on a schedule. It is an event like any
    other: the run that it starts finds files in landing whose event was lost (Glue
    and EventBridge promise to do their best, not to deliver).

    EventBridge retries a delivery that Glue throttles or fails for a day, and sends an event that
    it may not or cannot deliver to the dead-letter queue. Both fields of the retry policy are set:
    leaving one out sends 0, which AWS refuses (terraform-provider-aws issue 38265). ``paused``
    disables both rules, which is the one way to pause: the trigger's ``enabled`` cannot be changed
    back (see `Workflow`).
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        environment: Environment,
        settings: PipelineSettings,
        event_pattern: Mapping[str, Any],
        workflow_arn: str,
        tags: Mapping[str, str],
    ) -> None:
        super().__init__(scope, id_)
        tags = dict(tags)
        state = "DISABLED" if settings.paused else "ENABLED"
        rule = CloudwatchEventRule(
            self,
            "rule",
            name=name,
            description=f"New files under {settings.prefix} of the landing bucket.",
            event_pattern=json.dumps(event_pattern),
            state=state,
            tags=tags,
        )
        rules = {"target": rule}
        if settings.sweep != OFF:
            rules["sweep-target"] = CloudwatchEventRule(
                self,
                "sweep",
                name=f"{name}-sweep",
                description=f"Looks under {settings.prefix} of the landing bucket for files whose "
                "event was lost.",
                schedule_expression=settings.sweep,
                state=state,
                tags=tags,
            )
        role = IamRole(
            self,
            "role",
            name=f"{name}-events",
            description="Lets the rules hand their events to the workflow, and nothing else.",
            assume_role_policy=policies.assumed_by_eventbridge(environment.account_id),
            tags=tags,
        )
        role_arn = role.arn
        permission = IamRolePolicy(
            self,
            "permission",
            name="notify-the-workflow",
            role=role.id,
            policy=policies.notify_workflow(workflow_arn),
        )
        undelivered = SqsQueue(
            self,
            "undelivered",
            name=f"{name}-undelivered",
            message_retention_seconds=KEEP_UNDELIVERED_SECONDS,
            # One excludes the other (Amazon SQS API reference, SetQueueAttributes).
            sqs_managed_sse_enabled=None if environment.kms_key_arn else True,
            kms_master_key_id=environment.kms_key_arn,
            tags=tags,
        )
        queue_url, queue_arn = undelivered.url, undelivered.arn
        queue_policy = SqsQueuePolicy(
            self,
            "undelivered-policy",
            queue_url=queue_url,
            policy=policies.dead_letter_queue(queue_arn, [item.arn for item in rules.values()]),
        )
        for id_, source in rules.items():
            CloudwatchEventTarget(
                self,
                id_,
                target_id="workflow",
                rule=source.name,
                arn=workflow_arn,
                role_arn=role_arn,
                dead_letter_config=CloudwatchEventTargetDeadLetterConfig(arn=queue_arn),
                retry_policy=CloudwatchEventTargetRetryPolicy(
                    maximum_event_age_in_seconds=DELIVER_FOR_SECONDS,
                    maximum_retry_attempts=DELIVER_ATTEMPTS,
                ),
                # The first event must find the permission and the queue in place.
                depends_on=[permission, queue_policy],
            )
        self.rule_names = [item.name for item in rules.values()]
        self.rule_name = self.rule_names[0]
        self.sweep_rule_name = self.rule_names[1] if len(rules) > 1 else ""
        self.dead_letter_queue_name = undelivered.name
        self.dead_letter_queue_url = queue_url
