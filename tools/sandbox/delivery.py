"""From a matched rule to its target: may EventBridge deliver this event to that workflow?

EventBridge user guide, "Using dead-letter queues to process undelivered events": an event whose
target or permission is missing is not retried. It goes to the dead-letter queue at once, or is
lost where there is none. The names of the message attributes and of the error codes are from
that page. Which of the codes Glue's refusals get is on no page *(unconfirmed)*.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from tools.iam import Context, Document, Identity, Principal, Request, decide

if TYPE_CHECKING:
    from tools.sandbox.account import Account
    from tools.sandbox.account.deployed import Queue, Role
    from tools.sandbox.account.storage import Key

EVENTBRIDGE = Principal.service("events.amazonaws.com")


TO_USE_A_KEY = ("kms:GenerateDataKey", "kms:Decrypt")


@dataclass(frozen=True)
class Refusal:
    """Why an event cannot be delivered."""

    code: str
    message: str


def refusal(account: Account, target: Mapping[str, Any]) -> Refusal | None:
    """Why this target of a rule cannot be called now; None if it can.

    Reads what is deployed at this moment. A caller learns that it has no permission before it
    learns whether the thing exists, so this comes first.
    """
    role_arn, workflow_arn = target.get("RoleArn"), str(target["Arn"])
    if not role_arn:
        return Refusal("NO_PERMISSIONS", f"The target {workflow_arn} has no role.")
    role = account.role(role_arn)
    if role is None or not _assumable(account, role):
        reason = "does not exist" if role is None else f"does not let {EVENTBRIDGE.name} assume it"
        return Refusal("FAILED_TO_ASSUME_ROLE", f"The role {role_arn} {reason}.")
    identity = Identity(Principal.aws(role.arn), role.policies, role.boundary)
    if not decide(notifying(workflow_arn), identity).allowed:
        message = f"The role {role_arn} does not allow glue:notifyEvent on {workflow_arn}."
        return Refusal("NO_PERMISSIONS", message)
    if account.glue.workflow(workflow_arn.rpartition("/")[2]) is None:
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
    queue = account.queue(queue_arn)
    if queue is None:
        return f"the dead-letter queue {queue_arn} does not exist"
    if not _may_send(account, queue, rule_arn):
        return (
            f"the policy of the dead-letter queue {queue_arn}, or of its key, does not let "
            f"{EVENTBRIDGE.name} send"
        )
    attributes = {
        "RULE_ARN": rule_arn,
        "TARGET_ARN": target["Arn"],
        "ERROR_CODE": why.code,
        "ERROR_MESSAGE": why.message,
        "RETRY_ATTEMPTS": "0",
    }
    try:
        account.client("sqs").send_message(
            QueueUrl=queue.url,
            MessageBody=json.dumps(event),
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value}
                for name, value in attributes.items()
            },
        )
    except (BotoCoreError, ClientError) as error:
        return f"the dead-letter queue {queue_arn} failed: {error}"
    return None


def _assumable(account: Account, role: Role) -> bool:
    request = assuming(account.account_id)
    return decide(request, Identity(EVENTBRIDGE), resource_policy=role.trust_policy).allowed


def _may_send(account: Account, queue: Queue, rule_arn: str) -> bool:
    request = sending(queue.arn, rule_arn, account.account_id)
    if not decide(request, Identity(EVENTBRIDGE), resource_policy=queue.policy).allowed:
        return False
    return queue.key is None or may_use_key(account.key(queue.key), request.context)


def may_publish(topic_arn: str, policy: Document, key: Key | None, *, encrypted: bool) -> bool:
    """Whether EventBridge may send messages to a topic."""
    request = publishing(topic_arn)
    if not decide(request, Identity(EVENTBRIDGE), resource_policy=policy).allowed:
        return False
    return not encrypted or may_use_key(key, {**request.context, **of_topic(topic_arn)})


def may_use_key(key: Key | None, context: Context) -> bool:
    """Whether EventBridge may send to what this key encrypts.

    It takes both actions (Amazon SQS and Amazon SNS developer guides, "Key management", section on
    event sources from AWS services).
    """
    return key is not None and all(
        decide(
            Request(action, key.arn, context),
            Identity(EVENTBRIDGE),
            resource_policy=key.policy,
            resource_policy_decides=True,
        ).allowed
        for action in TO_USE_A_KEY
    )


# ---- what EventBridge asks for ---------------------------------------------------------------


def assuming(account_id: str) -> Request:
    """To assume a target's role, for a rule of this account.

    No page says that EventBridge also passes aws:SourceArn, so a trust policy that asks for it is
    refused here.
    """
    return Request("sts:AssumeRole", context={"aws:SourceAccount": account_id})


def notifying(workflow_arn: str) -> Request:
    """To hand an event to a workflow, with the target's role."""
    return Request("glue:notifyEvent", workflow_arn)


def sending(queue_arn: str, rule_arn: str, account_id: str) -> Request:
    """To keep an event of a rule that cannot be delivered."""
    source = {"aws:SourceArn": rule_arn, "aws:SourceAccount": account_id}
    return Request("sqs:SendMessage", queue_arn, _BY_A_SERVICE | source)


def publishing(topic_arn: str) -> Request:
    """To send a message to a topic.

    No source condition is fulfilled: "You can't use Condition blocks in Amazon SNS topic policies
    for EventBridge" (EventBridge user guide, "Using resource-based policies"); nor is one in the
    policy of the topic's key, which sees the topic in its encryption context (`of_topic`; Amazon
    SNS developer guide, "Key management").
    """
    return Request("sns:Publish", topic_arn, dict(_BY_A_SERVICE))


def of_topic(topic_arn: str) -> dict[str, str]:
    """The encryption context of what SNS encrypts."""
    return {"kms:EncryptionContext:aws:sns:topicArn": topic_arn}


_BY_A_SERVICE = {"aws:SecureTransport": "true", "aws:PrincipalIsAWSService": "true"}
