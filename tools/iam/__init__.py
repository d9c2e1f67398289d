"""One evaluator of IAM policies, for the sandbox and the review.

It knows the elements and condition operators that are named in `conditions`, and raises
`UnsupportedPolicyError` for every other one, because a guess would be wrong one day.
"""

from tools.iam.conditions import Context
from tools.iam.decision import Decision, Identity, Outcome, Principal, Request, allows, decide
from tools.iam.documents import Document, UnsupportedPolicyError
from tools.iam.wildcards import matches, matches_arn

__all__ = [
    "Context",
    "Decision",
    "Document",
    "Identity",
    "Outcome",
    "Principal",
    "Request",
    "UnsupportedPolicyError",
    "allows",
    "decide",
    "matches",
    "matches_arn",
]
