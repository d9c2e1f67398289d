"""The clock of EventBridge: sends a deployed rule's Scheduled Event, when it is told to.

moto keeps the schedule of a rule and never acts on it. A day is too long for a sandbox, so nothing
here waits for one: whoever wants to see the sweep asks for it.
"""

from __future__ import annotations

from tools.sandbox.account import Account
from tools.sandbox.aws_event import DEFAULT_BUS, aws_event
from tools.sandbox.corrections.events import deliver
from tools.sandbox.errors import SandboxError


def fire(account: Account, rule_name: str) -> str | None:
    """Do what EventBridge does when the schedule of this rule comes round.

    Every target gets the event (EventBridge user guide, "Scheduled Events"), on the same way on
    which a rule that matched hands over its own.

    Returns:
        The id of the event; None where the rule is disabled, which sends nothing.

    Raises:
        SandboxError: there is no such rule, or it has no schedule.
    """
    rule = account.backend("events").event_buses[DEFAULT_BUS].rules.get(rule_name)
    if rule is None or not rule.scheduled_expression:
        what = "does not exist" if rule is None else "has no schedule"
        raise SandboxError(f"The rule {rule_name} {what}, so nothing can come round.")
    if rule.state == "DISABLED":
        return None
    event = aws_event(account, "aws.events", "Scheduled Event", {}, resources=[rule.arn])
    deliver(account.hooks, rule, event)
    return str(event["id"])
