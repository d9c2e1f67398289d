"""Settings of the alerts that depend on each other, and what they do without being set."""

from __future__ import annotations

from stacks.settings import parse_environments
from tests.unit.settings.test_settings import changed, problems, valid


def test_message_a_burst_is_an_alarm_and_refused_where_alarms_are_off() -> None:
    message = problems(changed("alerts", {"alarms": False, "quarantine": "burst"}))
    assert "'alerts.quarantine' = \"burst\": it is an alarm, and alarms are off" in message


def test_everything_is_told_unless_it_is_switched_off() -> None:
    assert parse_environments(valid())["dev"].alerts.model_dump() == {
        "emails": (),
        "alarms": True,
        "dashboard": True,
        "quarantine": "file",
        "oldest_file_minutes": 120,
        "dead_letters": 1,
        "runbook_url": None,
    }
