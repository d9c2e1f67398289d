"""Single questions to AWS, each with its answer as a value."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from botocore.exceptions import ClientError

from tools.operate.checking.calls import Call
from tools.operate.checking.facts import Rule, Target
from tools.operate.connection import Connection
from tools.operate.refusals import Unavailable, known_or_why

T = TypeVar("T")

ALLOWED = "allowed"
# What AWS calls something that is not there, one way or another.
_ABSENT = frozenset(
    {
        "AWS.SimpleQueueService.NonExistentQueue",
        "EntityNotFoundException",
        "NoSuchEntity",
        "NotFound",
        "NotFoundException",
        "QueueDoesNotExist",
        "ResourceNotFoundException",
    }
)


def part(read: Callable[[], T]) -> T | Unavailable | None:
    """What ``read`` returns, None where AWS says that it does not exist, or why it is unknown."""

    def none_if_absent() -> T | None:
        try:
            return read()
        except ClientError as error:
            if error.response.get("Error", {}).get("Code", "") not in _ABSENT:
                raise
            return None

    return known_or_why(none_if_absent)


def simulate(
    connection: Connection, role_arn: str, needed: Sequence[Call]
) -> tuple[tuple[Call, str], ...]:
    """Which of these calls the policies of the role deny, with the simulator's verdict.

    It knows the role's policies, its boundary and those of the organization; policies of buckets
    and keys it does not (IAM API reference, SimulatePrincipalPolicy).
    """
    together: dict[tuple[str, tuple[tuple[str, str], ...]], list[Call]] = defaultdict(list)
    for call in needed:
        together[call.resource, tuple(call.context.items())].append(call)
    denied: list[tuple[Call, str]] = []
    for (resource, context), group in together.items():
        pages = connection.iam.get_paginator("simulate_principal_policy").paginate(
            PolicySourceArn=role_arn,
            ActionNames=[call.action for call in group],
            ResourceArns=[resource],
            ContextEntries=[
                {
                    "ContextKeyName": name,
                    "ContextKeyValues": [value],
                    "ContextKeyType": "string",
                }
                for name, value in context
            ],
        )
        verdicts = {
            result["EvalActionName"].lower(): result["EvalDecision"]
            for page in pages
            for result in page["EvaluationResults"]
        }
        for call in group:
            verdict = verdicts.get(call.action.lower(), "not answered")
            if verdict != ALLOWED:
                denied.append((call, verdict))
    return tuple(denied)


def read_rule(connection: Connection, name: str) -> Rule:
    """A rule with its targets; raises ClientError where there is none."""
    found = connection.events.describe_rule(Name=name)
    targets = connection.events.list_targets_by_rule(Rule=name)["Targets"]
    return Rule(
        name=name,
        arn=found["Arn"],
        state=found["State"],
        pattern=found.get("EventPattern") or None,
        targets=tuple(
            Target(
                target["Arn"],
                target.get("RoleArn") or None,
                (target.get("DeadLetterConfig") or {}).get("Arn"),
            )
            for target in targets
        ),
    )


def read_key_policy(connection: Connection, key: str) -> str:
    """The policy of a key of KMS."""
    return connection.kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"]


def pattern_matches(connection: Connection, pattern: str, sample: Mapping[str, Any]) -> bool:
    """What EventBridge makes of this event, if it had this pattern."""
    answer = connection.events.test_event_pattern(EventPattern=pattern, Event=json.dumps(sample))
    return answer["Result"]
