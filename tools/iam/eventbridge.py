"""What EventBridge must be allowed before it can deliver an event or a message.

Decided on policies alone, for the sandbox, which refuses what AWS refuses, and for `burst check`,
which says beforehand what AWS would refuse.
"""

from __future__ import annotations

from tools.iam.conditions import Context
from tools.iam.decision import Identity, Principal, Request, decide
from tools.iam.documents import Document

EVENTBRIDGE = Principal.service("events.amazonaws.com")
# To send to what a key encrypts it takes both (Amazon SQS and Amazon SNS developer guides, "Key
# management", section on event sources from AWS services).
TO_USE_A_KEY = ("kms:GenerateDataKey", "kms:Decrypt")


def assuming(account_id: str) -> Request:
    """To assume a target's role, for a rule of this account.

    No page says that EventBridge also passes `aws:SourceArn`, so a trust policy that asks for it is
    refused here.
    """
    return Request("sts:AssumeRole", context={"aws:SourceAccount": account_id})


def notifying(workflow_arn: str) -> Request:
    """To hand an event to a workflow, with the target's role."""
    return Request("glue:notifyEvent", workflow_arn)


def sending(queue_arn: str, context: Context) -> Request:
    """To keep an event that cannot be delivered; the context is that of `sending_context`."""
    return Request("sqs:SendMessage", queue_arn, context)


def publishing(topic_arn: str) -> Request:
    """To send a message to a topic."""
    return Request("sns:Publish", topic_arn, publishing_context())


def may_assume(trust_policy: Document, account_id: str) -> bool:
    """Whether EventBridge may assume the role of a target."""
    request = assuming(account_id)
    return decide(request, Identity(EVENTBRIDGE), resource_policy=trust_policy).allowed


def may_send(queue_arn: str, policy: Document | None, context: Context) -> bool:
    """Whether EventBridge may send an undelivered event to a dead-letter queue."""
    request = sending(queue_arn, context)
    return decide(request, Identity(EVENTBRIDGE), resource_policy=policy).allowed


def sending_context(rule_arn: str, account_id: str) -> Context:
    """What EventBridge says of itself when it sends to a queue for a rule."""
    return {
        "aws:SourceArn": rule_arn,
        "aws:SourceAccount": account_id,
        **publishing_context(),
    }


def may_publish(topic_arn: str, policy: Document) -> bool:
    """Whether EventBridge may send messages to a topic.

    No source condition is fulfilled: "You can't use Condition blocks in Amazon SNS topic policies
    for EventBridge" (EventBridge user guide, "Using resource-based policies").
    """
    request = publishing(topic_arn)
    return decide(request, Identity(EVENTBRIDGE), resource_policy=policy).allowed


def publishing_context() -> Context:
    """What EventBridge says of itself when it publishes."""
    return {"aws:SecureTransport": "true", "aws:PrincipalIsAWSService": "true"}


def topic_key_context(topic_arn: str) -> Context:
    """The same, as the key of the topic sees it: with the topic in its encryption context (Amazon
    SNS developer guide, "Key management")."""
    return {**publishing_context(), **of_topic(topic_arn)}


def of_topic(topic_arn: str) -> Context:
    """The encryption context of what SNS encrypts."""
    return {"kms:EncryptionContext:aws:sns:topicArn": topic_arn}


def may_use_key(key_arn: str, policy: Document, context: Context) -> bool:
    """Whether EventBridge may send to what this key encrypts."""
    return all(
        decide(
            Request(action, key_arn, context),
            Identity(EVENTBRIDGE),
            resource_policy=policy,
            resource_policy_decides=True,
        ).allowed
        for action in TO_USE_A_KEY
    )
