"""Which problems are reported, to whom, and where to look at them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import StringConstraints, ValidationInfo, field_validator

from stacks.settings.setting import Settings, setting

# An event pattern has 2,048 characters at most (EventBridge user guide, "Quotas"), and a job's name
# takes up to 68 with the text around it.
JOBS_IN_A_PATTERN = 25

EmailAddress = Annotated[
    str, StringConstraints(max_length=254, pattern=r"^[^@\s]+@[^@\s.]+(\.[^@\s.]+)+$")
]


class AlertsSettings(Settings):
    """What reaches the environment's topic, and who reads it."""

    emails: tuple[EmailAddress, ...] = setting(
        (),
        allowed="a list of different e-mail addresses",
        description="Who gets every message. SNS asks each address to confirm first. Other "
        "subscribers take the topic from the output `topic_arn`.",
    )
    alarms: bool = setting(
        True,
        allowed="true or false",
        description="CloudWatch alarms for each pipeline (docs/runbook.md lists them). Failed runs "
        "are always reported.",
    )
    dashboard: bool = setting(
        True,
        allowed="true or false",
        description="One CloudWatch dashboard of the environment.",
    )
    quarantine: Literal["file", "burst", "off"] = setting(
        "file",
        allowed="file (a message for each bad file), burst (an alarm: one message, however many; "
        "needs `alarms`) or off",
        description="How a file that goes to quarantine is reported.",
    )
    oldest_file_minutes: int = setting(
        120,
        allowed="a whole number from 16 (more than the longest batch window) to 20160 (14 days)",
        description="Alarm when a file has waited in landing for longer than this.",
        ge=16,
        le=20_160,
    )
    dead_letters: int = setting(
        1,
        allowed="a whole number, 1 or more",
        description="Alarm when this many events are in a dead-letter queue.",
        ge=1,
    )
    runbook_url: str | None = setting(
        None,
        allowed="an https:// address without # and spaces, of up to 200 characters, or left out",
        description="Where docs/runbook.md can be read; messages then link to its rows. Without it "
        "they name the page and the row.",
        pattern=r"""^https://[^\s#<>"\\]+$""",
        max_length=200,
    )

    @field_validator("emails")
    @classmethod
    def _different(cls, emails: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(emails)) < len(emails):
            raise ValueError("an address is there more than once")
        return emails

    @field_validator("quarantine")
    @classmethod
    def _burst_is_an_alarm(cls, value: str, info: ValidationInfo) -> str:
        if value == "burst" and info.data.get("alarms") is False:
            raise ValueError("it is an alarm, and alarms are off")
        return value
