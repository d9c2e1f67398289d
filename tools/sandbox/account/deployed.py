"""What is deployed outside Glue, as values: roles with their policies, and queues."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Role:
    """A role of IAM.

    Attributes:
        trust_policy: who may assume it.
        policies: its inline policies and the default versions of its attached ones.
        boundary: its permissions boundary, if it has one.
    """

    name: str
    arn: str
    trust_policy: str
    policies: Sequence[str]
    boundary: str | None


@dataclass(frozen=True)
class Queue:
    """A queue of SQS; without a policy only its account may use it."""

    arn: str
    url: str
    policy: str | None
