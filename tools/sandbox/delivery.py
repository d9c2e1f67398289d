"""From a matched rule to its target: may EventBridge hand this event to that workflow?

EventBridge user guide, "Using dead-letter queues to process undelivered events": an event that
misses a permission or its target is not retried; it goes to the dead-letter queue at once, or
is gone where there is none. The names of the message attributes and of the error codes are
from that page. Which of the codes Glue's refusals get is on no page *(unconfirmed)*.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from tools.sandbox.account import Account
from tools.sandbox.policies import Document, Request, allows

EVENTBRIDGE = "events.amazonaws.com"


@dataclass(frozen=True)
class Refusal:
    """Why an event cannot be delivered."""

    code: str
    message: str


def refusal(account: Account, rule_arn: str, target: Mapping[str, Any]) -> Refusal | None:
    """Why this target of the rule cannot be called now; None if it can.

    Reads what is deployed at this moment. A caller learns that it has no permission before it
    learns whether the thing exists, hence this order.
    """
    role_arn, workflow_arn = target.get("RoleArn"), target["Arn"]
    if not role_arn:
        return Refusal("NO_PERMISSIONS", f"The target {workflow_arn} has no role.")
    role = _role(account, role_arn)
    if role is None or not _assumable(account, role):
        reason = "does not exist" if role is None else f"does not let {EVENTBRIDGE} assume it"
        return Refusal("FAILED_TO_ASSUME_ROLE", f"The role {role_arn} {reason}.")
    if not allows(_permissions(role), Request("glue:notifyEvent", workflow_arn)):
        message = f"The role {role_arn} does not allow glue:notifyEvent on {workflow_arn}."
        return Refusal("NO_PERMISSIONS", message)
    if workflow_arn not in _workflow_arns(account):
        return Refusal("NO_RESOURCE", f"The workflow {workflow_arn} does not exist.")
    return None


def send_to_dead_letter_queue(
    account: Account,
    rule_arn: str,
    target: Mapping[str, Any],
    event: Mapping[str, Any],
    why: Refusal,
) -> str | None:
    """Keeps an undeliverable event; returns why it is lost instead, if it is."""
    queue_arn = (target.get("DeadLetterConfig") or {}).get("Arn")
    if not queue_arn:
        return "the target has no dead-letter queue"
    queue = _queue(account, queue_arn)
    if queue is None:
        return f"the dead-letter queue {queue_arn} does not exist"
    if not _may_send(account, queue, rule_arn):
        return f"the policy of the dead-letter queue {queue_arn} does not let {EVENTBRIDGE} send"
    attributes = {
        "RULE_ARN": rule_arn,
        "TARGET_ARN": target["Arn"],
        "ERROR_CODE": why.code,
        "ERROR_MESSAGE": why.message,
        "RETRY_ATTEMPTS": "0",
    }
    try:
        account.client("sqs").send_message(
            QueueUrl=f"{account.endpoint_url}/{account.account_id}/{queue.name}",
            MessageBody=json.dumps(event),
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value}
                for name, value in attributes.items()
            },
        )
    except (BotoCoreError, ClientError) as error:
        return f"the dead-letter queue {queue_arn} failed: {error}"
    return None


def _role(account: Account, role_arn: str) -> Any | None:
    roles = account.backend("iam").roles.values()
    return next((role for role in list(roles) if role.arn == role_arn), None)


def _assumable(account: Account, role: Any) -> bool:
    # That EventBridge also passes aws:SourceArn is not documented, so a trust policy that asks
    # for it is refused here.
    context = {"aws:SourceAccount": account.account_id}
    request = Request("sts:AssumeRole", service=EVENTBRIDGE, context=context)
    return allows([role.assume_role_policy_document], request)


def _permissions(role: Any) -> list[Document]:
    attached = (
        version.document
        for policy in role.managed_policies.values()
        for version in policy.versions
        if version.is_default
    )
    return [*role.policies.values(), *attached]


def _workflow_arns(account: Account) -> set[str]:
    prefix = f"arn:{account.partition}:glue:{account.region}:{account.account_id}:workflow/"
    return {prefix + name for name in list(account.backend("glue").workflows)}


def _queue(account: Account, queue_arn: str) -> Any | None:
    queues = account.backend("sqs").queues.values()
    return next((queue for queue in list(queues) if queue.queue_arn == queue_arn), None)


def _may_send(account: Account, queue: Any, rule_arn: str) -> bool:
    context = {
        "aws:SourceArn": rule_arn,
        "aws:SourceAccount": account.account_id,
        "aws:SecureTransport": "true",
        "aws:PrincipalIsAWSService": "true",
    }
    request = Request("sqs:SendMessage", queue.queue_arn, EVENTBRIDGE, context)
    return bool(queue.policy) and allows([queue.policy], request)
