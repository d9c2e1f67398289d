"""The policy of the topic that tells people."""

from __future__ import annotations

from stacks.policies.statement import deny_without_tls, document

EVENTBRIDGE = {"Service": "events.amazonaws.com"}


def topic(topic_arn: str, account_id: str) -> str:
    """Topic policy: rules and alarms of this account may publish, everyone only over TLS.

    The statement for EventBridge has no condition: "You can't use Condition blocks in Amazon SNS
    topic policies for EventBridge" (EventBridge user guide, "Using resource-based policies for
    Amazon EventBridge"), and with one that is never met no alert would arrive. Rules of another
    account are refused by a Deny instead, which applies only where EventBridge does say whose the
    rule is. Alarms do send the keys (Amazon SNS developer guide, "Example cases for Amazon SNS
    access control").
    """
    publish = {"Action": "sns:Publish", "Resource": topic_arn}
    return document(
        {
            "Sid": "TakeMessagesOfTheRules",
            "Effect": "Allow",
            "Principal": EVENTBRIDGE,
            **publish,
        },
        {
            "Sid": "RefuseRulesOfOtherAccounts",
            "Effect": "Deny",
            "Principal": EVENTBRIDGE,
            **publish,
            "Condition": {
                "Null": {"aws:SourceAccount": "false"},
                "StringNotEquals": {"aws:SourceAccount": account_id},
            },
        },
        {
            "Sid": "TakeMessagesOfTheAlarms",
            "Effect": "Allow",
            "Principal": {"Service": "cloudwatch.amazonaws.com"},
            **publish,
            "Condition": {"StringEquals": {"aws:SourceAccount": account_id}},
        },
        # A topic policy takes the actions of topics only, so no wildcard.
        deny_without_tls("sns:Publish", [topic_arn]),
    )
