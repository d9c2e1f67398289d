"""Corrections of moto's CloudWatch."""

from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

from moto.cloudwatch.models import Alarm

from tools.sandbox.account.corrections.base import Hooks, correction


@correction
def new_alarms_wait_for_data(hooks: Hooks) -> Iterator[None]:
    """AWS: an alarm begins as INSUFFICIENT_DATA (CloudWatch user guide, "Using Amazon CloudWatch
    alarms": "The alarm has just started, ... or not enough data is available").
    moto 5.2.5: begins as OK, as if somebody had looked.
    Goes when moto's alarms begin so.
    """
    vanilla = Alarm.__init__

    def begin(alarm: Alarm, *arguments: Any, **named: Any) -> None:
        vanilla(alarm, *arguments, **named)
        alarm.state_value = "INSUFFICIENT_DATA"

    with patch.object(Alarm, "__init__", begin):
        yield
