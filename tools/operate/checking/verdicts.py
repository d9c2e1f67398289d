"""Verdicts that several links share."""

from __future__ import annotations

from collections.abc import Callable

from tools.iam import Context, Document, UnsupportedPolicyError, eventbridge
from tools.operate.checking.findings import Finding, Promise
from tools.operate.refusals import Unavailable


def without(promise: Promise, found: object, reason: str) -> Finding:
    """A promise about something that does not exist, or of which nothing is known."""
    if isinstance(found, Unavailable):
        return promise.not_tried(found.reason)
    return promise.not_seen(reason)


def evaluated(promise: Promise, problems: Callable[[], list[str]]) -> Finding:
    """What policies say; not tried where one says what the evaluator does not know."""
    try:
        return promise.holds_unless(problems())
    except (UnsupportedPolicyError, _UnknownKeyPolicyError) as error:
        return promise.not_tried(str(error))


class _UnknownKeyPolicyError(Exception):
    """Nobody may read the policy of the key; the text says why."""


def key_allows(
    key_arn: str | None, policy: Document | Unavailable | None, context: Context
) -> bool:
    """Whether EventBridge may use the key of a queue or a topic; without a key it need not."""
    if key_arn is None or policy is None:
        return True
    if isinstance(policy, Unavailable):
        raise _UnknownKeyPolicyError(policy.reason)
    return eventbridge.may_use_key(key_arn, policy, context)


def key_refuses(key_arn: str | None, what: str) -> str:
    """The sentence about a key that EventBridge may not use."""
    return (
        f"The policy of the key {key_arn} does not let events.amazonaws.com use it for {what} "
        "(aws_kms_key): apply the stack."
    )
