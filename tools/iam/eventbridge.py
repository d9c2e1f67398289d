"""What EventBridge must be allowed before it can deliver an event or a message.

Decided on policies alone, for the sandbox, which refuses what AWS refuses, and for `burst check`,
which says beforehand what AWS would refuse.
"""

from __future__ import annotations

from tools.iam.conditions import Context
from tools.iam.decision import Identity, Principal, Request, decide
from tools.iam.documents import Document

EVENTBRIDGE = Principal.service("events.amazonaws.com")


def may_assume(trust_policy: Document, account_id: str) -> bool:
    """Whether EventBridge may assume the role of a target.

    No page says that it also passes `aws:SourceArn`, so a trust policy that asks for it is refused
    here.
    """
    request = Request("sts:AssumeRole", context={"aws:SourceAccount": account_id})
    return decide(request, Identity(EVENTBRIDGE), resource_policy=trust_policy).allowed


def may_send(queue_arn: str, policy: Document | None, context: Context) -> bool:
    """Whether EventBridge may send an undelivered event to a dead-letter queue."""
    request = Request("sqs:SendMessage", queue_arn, context)
    return decide(request, Identity(EVENTBRIDGE), resource_policy=policy).allowed


def sending_context(rule_arn: str, account_id: str) -> Context:
    """What EventBridge says of itself when it sends to a queue for a rule."""
    return {
        "aws:SourceArn": rule_arn,
        "aws:SourceAccount": account_id,
        "aws:SecureTransport": "true",
        "aws:PrincipalIsAWSService": "true",
    }


def may_publish(topic_arn: str, policy: Document) -> bool:
    """Whether EventBridge may send messages to a topic.

    No source condition is fulfilled: "You can't use Condition blocks in Amazon SNS topic policies
    for EventBridge" (EventBridge user guide, "Using resource-based policies").
    """
    request = Request("sns:Publish", topic_arn, publishing_context())
    return decide(request, Identity(EVENTBRIDGE), resource_policy=policy).allowed


def publishing_context() -> Context:
    """What EventBridge says of itself when it publishes."""
    return {"aws:SecureTransport": "true", "aws:PrincipalIsAWSService": "true"}


def topic_key_context(topic_arn: str) -> Context:
    """The same, as the key of the topic sees it: with the topic in its encryption context (Amazon
    SNS developer guide, "Key management")."""
    return {**publishing_context(), "kms:EncryptionContext:aws:sns:topicArn": topic_arn}


def may_use_key(key_arn: str, policy: Document, context: Context) -> bool:
    """Whether EventBridge may send to what this key encrypts.

    It takes both actions (Amazon SQS and Amazon SNS developer guides, "Key management", section on
    event sources from AWS services).
    """
    return all(
        decide(
            Request(action, key_arn, context),
            Identity(EVENTBRIDGE),
            resource_policy=policy,
            resource_policy_decides=True,
        ).allowed
        for action in ("kms:GenerateDataKey", "kms:Decrypt")
    )
