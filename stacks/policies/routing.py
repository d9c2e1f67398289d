"""Policies of what lies between the rule and the workflow."""

from __future__ import annotations

from collections.abc import Sequence

from stacks.policies.statement import allow, assumed_by, deny_without_tls, document


def assumed_by_eventbridge(account_id: str) -> str:
    """Trust policy of a rule's role: EventBridge may assume it, only on behalf of this account.

    There is no ``aws:SourceArn`` condition: the documentation describes it for resource policies,
    not for a role that a rule assumes, and a condition that is never met would send every event
    to the dead-letter queue.
    """
    return document(
        assumed_by("events.amazonaws.com")
        | {"Condition": {"StringEquals": {"aws:SourceAccount": account_id}}}
    )


def notify_workflow(workflow_arn: str) -> str:
    """What EventBridge may do with the target's role: hand events to one workflow."""
    return document(allow("NotifyTheWorkflow", ["glue:notifyEvent"], [workflow_arn]))


def dead_letter_queue(queue_arn: str, rule_arns: Sequence[str]) -> str:
    """Queue policy: only EventBridge may send, only for these rules, everyone only over TLS."""
    return document(
        {
            "Sid": "TakeUndeliveredEventsOfTheRules",
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": queue_arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": list(rule_arns)}},
        },
        deny_without_tls("sqs:*", [queue_arn]),
    )
