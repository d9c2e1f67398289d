"""Which resources exist only together with another one."""

from __future__ import annotations

from collections.abc import Iterable

from tools.review.plan import Action, ResourceChange

# Resources that others belong to, and the attributes that name the owner by its id.
OWNERS = ("aws_s3_bucket", "aws_sqs_queue", "aws_sns_topic", "aws_kms_key", "aws_iam_role")
NAMED_IN = ("bucket", "queue_url", "arn", "key_id", "role")


def goes_with_its_owner(change: ResourceChange, others: Iterable[ResourceChange]) -> bool:
    """Whether the bucket, queue, topic, key or role that it belongs to is removed as well.

    Then the owner is what a reader must know of, and not its rules and policies.
    """
    named = [change.before.get(name) for name in NAMED_IN if _is_text(change.before.get(name))]
    return change.type not in OWNERS and any(
        other.type in OWNERS and other.goes and other.before.get("id") in named for other in others
    )


def is_added_with_its_owner(change: ResourceChange) -> bool:
    """Whether what it belongs to is new, so that nothing is there yet."""
    return change.action is Action.ADD and not any(
        _is_text(change.after.get(name)) for name in NAMED_IN
    )


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value != ""
