"""What every policy is made of: statements, each with a Sid that says its purpose."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

Statement = dict[str, Any]


def allow(
    sid: str, actions: Sequence[str], resources: Sequence[str], condition: Any = None
) -> Statement:
    """Allow actions on resources."""
    statement = {
        "Sid": sid,
        "Effect": "Allow",
        "Action": list(actions),
        "Resource": list(resources),
    }
    return statement | ({"Condition": condition} if condition else {})


def assumed_by(service: str) -> Statement:
    """Let a service assume the role that carries this."""
    return {
        "Sid": "AssumedByTheService",
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sts:AssumeRole",
    }


def deny_without_tls(actions: str, resources: Sequence[str]) -> Statement:
    """Refuse everyone who comes without TLS."""
    return {
        "Sid": "DenyWithoutTls",
        "Effect": "Deny",
        "Principal": "*",
        "Action": actions,
        "Resource": list(resources),
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def document(*statements: Statement) -> str:
    """A whole policy, as JSON."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
