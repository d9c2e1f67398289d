"""What is deployed outside Glue, as values: roles, the keys of their sessions, and queues."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Credentials:
    """The keys of a role's session."""

    access_key_id: str
    secret_access_key: str
    session_token: str

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which every AWS SDK finds them."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
            "AWS_SESSION_TOKEN": self.session_token,
        }


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
    """A queue of SQS; without a policy only its account may use it.

    Attributes:
        key: the key of KMS that encrypts it; None where SQS itself does.
    """

    arn: str
    url: str
    policy: str | None
    key: str | None
