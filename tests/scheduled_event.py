"""Plays the clock of EventBridge: sends the Scheduled Event of a deployed rule on demand.

The emulator keeps the schedule of a rule and never acts on it, and a day is too long for a test.
"""

from __future__ import annotations

from tools.sandbox.account import Account
from tools.sandbox.account.corrections.events import deliver
from tools.sandbox.aws_event import aws_event


def fire(account: Account, rule_name: str) -> str | None:
    """Do what EventBridge does when the schedule of this rule comes round.

    Every target gets the event (EventBridge user guide, "Scheduled Events"), on the same way as
    from a rule that matched.

    Returns:
        The id of the event; None where the rule is disabled, which sends nothing.

    Raises:
        LookupError: there is no such rule, or it has no schedule.
    """
    rule = account.backend("events").event_buses["default"].rules.get(rule_name)
    if rule is None or not rule.scheduled_expression:
        what = "does not exist" if rule is None else "has no schedule"
        raise LookupError(f"The rule {rule_name} {what}.")
    if rule.state == "DISABLED":
        return None
    event = aws_event(account, "aws.events", "Scheduled Event", {}, resources=[rule.arn])
    deliver(account.hooks, rule, event)
    return str(event["id"])
