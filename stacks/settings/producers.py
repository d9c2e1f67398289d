"""Who may be named as a producer of a pipeline's files."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

# IAM user guide, "IAM identifiers" (ARNs) and "IAM and AWS STS quotas" (characters of names).
PRINCIPAL = re.compile(
    r"arn:(?P<partition>aws[a-z-]*):iam::\d{12}:"
    r"(root|(role|user)/([\w+=,.@-]+/)*[\w+=,.@-]{1,64})",
    re.ASCII,
)


def _principal(text: str) -> str:
    if PRINCIPAL.fullmatch(text):
        return text
    raise ValueError(_why_not(text))


def _why_not(text: str) -> str:
    """The likeliest mistake, so that the message says what to write instead."""
    if "*" in text or "?" in text:
        return "a bucket policy takes no part of a principal's ARN as a wildcard, and * is everyone"
    if re.search(r"\.amazonaws\.com(\.cn)?$", text):
        return (
            "that is a service, which anybody may be able to use; name the role that the "
            "service uses"
        )
    if re.fullmatch(r"\d{12}", text):
        return f"write the account as arn:aws:iam::{text}:root"
    if ":assumed-role/" in text or ":federated-user/" in text:
        return "that is one session; name the role or the user itself"
    if ":group/" in text:
        return "a group is no principal; name its users or a role"
    return "that is no ARN of a role, a user or an account"


def _each_once(principals: tuple[str, ...]) -> tuple[str, ...]:
    twice = sorted({text for text in principals if principals.count(text) > 1})
    if twice:
        raise ValueError(f"these are there more than once: {', '.join(twice)}")
    return principals


Producers = Annotated[
    tuple[Annotated[str, AfterValidator(_principal)], ...], AfterValidator(_each_once)
]


def partition_of(principal: str) -> str:
    """The partition (`aws`, `aws-cn`, ...) of a principal that is valid."""
    found = PRINCIPAL.fullmatch(principal)
    if found is None:
        raise ValueError(f"{principal!r} is no principal")
    return found["partition"]
