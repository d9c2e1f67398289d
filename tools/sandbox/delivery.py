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

from tools.iam import Context, Document, Identity, Principal, Request, decide, eventbridge
from tools.iam.eventbridge import EVENTBRIDGE

if TYPE_CHECKING:
    from tools.sandbox.account import Account
    from tools.sandbox.account.deployed import Queue, Role
    from tools.sandbox.account.storage import Key


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
    if not decide(Request("glue:notifyEvent", workflow_arn), identity).allowed:
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
    return eventbridge.may_assume(role.trust_policy, account.account_id)


def _may_send(account: Account, queue: Queue, rule_arn: str) -> bool:
    context = eventbridge.sending_context(rule_arn, account.account_id)
    if not eventbridge.may_send(queue.arn, queue.policy, context):
        return False
    return queue.key is None or _may_use_key(account.key(queue.key), context)


def may_publish(topic_arn: str, policy: Document, key: Key | None, *, encrypted: bool) -> bool:
    """Whether EventBridge may send messages to a topic, and use the key that encrypts it."""
    if not eventbridge.may_publish(topic_arn, policy):
        return False
    return not encrypted or _may_use_key(key, eventbridge.topic_key_context(topic_arn))


def _may_use_key(key: Key | None, context: Context) -> bool:
    return key is not None and eventbridge.may_use_key(key.arn, key.policy, context)
