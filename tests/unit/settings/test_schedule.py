"""Schedules: what EventBridge documents is taken, everything else is refused with the reason."""

from __future__ import annotations

import pytest

from stacks.settings import SettingsError, parse_environments
from tests.unit.settings.test_settings import ORDERS, PLACE, changed, problems

DOCUMENTED = [
    # EventBridge user guide, "Creating a rule that runs on a schedule": every example there.
    "cron(0 10 * * ? *)",
    "cron(15 12 * * ? *)",
    "cron(0 18 ? * MON-FRI *)",
    "cron(0 8 1 * ? *)",
    "cron(0/15 * * * ? *)",
    "cron(0/10 * ? * MON-FRI *)",
    "cron(0/5 8-17 ? * MON-FRI *)",
    "cron(0/30 20-2 ? * MON-FRI *)",
    "cron(0 12 * * ? *)",
    "cron(5,35 14 * * ? *)",
    "cron(15 10 ? * 6L 2019-2022)",
    "rate(1 minute)",
    "rate(5 minutes)",
    "rate(1 hour)",
    "rate(1 day)",
    "rate(5 hours)",
    "rate(14 days)",
    # And what its table of wildcards allows.
    "cron(0 0 L * ? *)",
    "cron(0 0 3W JAN,FEB,MAR ? *)",
    "cron(0 0 ? * 3#2 *)",
    "cron(0 0 ? * TUE#5 *)",
    "cron(0 0 ? * L *)",
    "cron(59 23 31 12 ? 2199)",
    "cron(*/10 1-5/2 * JAN-JUN ? 1970,2000)",
    "off",
]
REFUSED = [
    ("", "neither a rate nor a cron expression"),
    ("on", "neither a rate nor a cron expression"),
    ("OFF", "neither a rate nor a cron expression"),
    ("daily", "neither a rate nor a cron expression"),
    ("Rate(1 day)", "neither a rate nor a cron expression"),
    (" rate(1 day)", "neither a rate nor a cron expression"),
    ("rate(1 day) ", "a rate is a whole number"),
    ("rate(1 days)", "after 1 the unit is 'day'"),
    ("rate(1 hours)", "after 1 the unit is 'hour'"),
    ("rate(5 hour)", "after 5 the unit is 'hours'"),
    ("rate(2 minute)", "after 2 the unit is 'minutes'"),
    ("rate(0 days)", "a rate is a whole number of 1 or more"),
    ("rate(01 day)", "a rate is a whole number of 1 or more"),
    ("rate(-1 day)", "a rate is a whole number of 1 or more"),
    ("rate(1.5 days)", "a rate is a whole number of 1 or more"),
    ("rate(1 week)", "minutes, hours or days"),
    ("rate(30 seconds)", "minutes, hours or days"),
    ("rate(1day)", "one space"),
    ("rate(1  day)", "one space"),
    ("rate(٣ days)", "a rate is a whole number of 1 or more"),
    ("at(2026-01-01T00:00:00)", "neither a rate nor a cron expression"),
    ("cron(0 2 * * *)", "this one has 5"),
    ("cron(0 2 * * ? * *)", "this one has 7"),
    ("cron()", "this one has 0"),
    ("0 2 * * ? *", "neither a rate nor a cron expression"),
    ("cron(60 2 * * ? *)", "'60' in its field minutes is not within 0 to 59"),
    ("cron(0 24 * * ? *)", "'24' in its field hours is not within 0 to 23"),
    ("cron(0 2 0 * ? *)", "'0' in its field day of month is not within 1 to 31"),
    ("cron(0 2 32 * ? *)", "'32' in its field day of month"),
    ("cron(0 2 * 13 ? *)", "'13' in its field month is not within 1 to 12 or JAN to DEC"),
    ("cron(0 2 * jan ? *)", "'jan' in its field month"),
    ("cron(0 2 ? * 0 *)", "'0' in its field day of week is not within 1 to 7 or SUN to SAT"),
    ("cron(0 2 ? * 8 *)", "'8' in its field day of week"),
    ("cron(0 2 ? * MON-FOO *)", "'FOO' in its field day of week"),
    ("cron(0 2 * * ? 1969)", "'1969' in its field year is not within 1970 to 2199"),
    ("cron(0 2 * * ? 2200)", "'2200' in its field year"),
    ("cron(0 2 * * * *)", "exactly one of its fields day of month and day of week must be '?'"),
    ("cron(0 2 ? * ? *)", "exactly one of its fields day of month and day of week must be '?'"),
    ("cron(0 2 1 * MON *)", "exactly one of its fields day of month and day of week must be '?'"),
    ("cron(? 2 * * ? *)", "'?' in its field minutes"),
    ("cron(0 L * * ? *)", "'L' in its field hours"),
    ("cron(0 2 * * 2W *)", "'2W' in its field day of week"),
    ("cron(0 2 3#1 * ? *)", "'3#1' in its field day of month"),
    ("cron(0 2 ? * 3#6 *)", "'3#6' in its field day of week"),
    ("cron(0 2 ? * 3#1,6#3 *)", "'3#1' in its field day of week"),
    ("cron(0 2 ? * 9L *)", "'9' in its field day of week"),
    ("cron(0 2 99W * ? *)", "'99' in its field day of month"),
    ("cron(0/0 2 * * ? *)", "the step '0' in its field minutes is not within 1 to 59"),
    ("cron(0/x 2 * * ? *)", "the step 'x' in its field minutes"),
    ("cron(0/ 2 * * ? *)", "the step '' in its field minutes"),
    ("cron(1-2-3 2 * * ? *)", "'1-2-3', which is no number, range or step"),
    ("cron(1, 2 * * ? *)", "'' in its field minutes"),
    ("cron(0 2 * * ? " + "2026," * 50 + "2026)", "longer than 256 characters"),
]


@pytest.mark.parametrize("schedule", DOCUMENTED)
def test_schedule_that_eventbridge_documents_is_taken(schedule: str) -> None:
    settings = parse_environments(changed(f"{ORDERS}.sweep", schedule))["dev"]
    assert settings.pipelines["orders"].sweep == schedule


@pytest.mark.parametrize(("schedule", "reason"), REFUSED)
def test_schedule_that_eventbridge_would_refuse_is_refused_with_the_reason(
    schedule: str, reason: str
) -> None:
    message = problems(changed(f"{ORDERS}.sweep", schedule))
    assert f"{PLACE}'sweep' = " in message
    assert reason in message
    assert "off, rate(N unit)" in message.split("Allowed:", 1)[1]


@pytest.mark.parametrize("value", [None, False, True, 1, {"rate": "1 day"}])
def test_schedule_that_is_no_text_is_refused(value: object) -> None:
    with pytest.raises(SettingsError, match="'sweep'"):
        parse_environments(changed(f"{ORDERS}.sweep", value))
