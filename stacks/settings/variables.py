"""What the environment variables of one synth say, as opposed to the settings in the project."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from stacks.settings.environment import Environments
from stacks.settings.setting import SettingsError

BOOTSTRAP_STATE = "BURST_BOOTSTRAP_STATE"
ALLOW_DATA_LOSS = "BURST_ALLOW_DATA_LOSS"


@dataclass(frozen=True)
class Variables:
    """bootstrap_state: the stack of the state bucket keeps its own state in a file.

    allow_data_loss: the second key to deleting data.
    """

    bootstrap_state: bool
    allow_data_loss: bool


def read_variables(given: Mapping[str, str], settings: Environments) -> Variables:
    """Read the variables; `SettingsError` for a value that is none, or that has no effect."""
    variables = Variables(_is_set(given, BOOTSTRAP_STATE), _is_set(given, ALLOW_DATA_LOSS))
    if variables.bootstrap_state and not settings.state_bucket:
        raise SettingsError(
            [
                f"{BOOTSTRAP_STATE} is set, and cdktf.json has no 'state_bucket' beside "
                "'environments': add it, or unset the variable."
            ]
        )
    return variables


def single_key(settings: Environments, variables: Variables) -> str | None:
    """A note where the variable that allows data loss is set and has no effect; else None.

    The other key alone (`ephemeral`) is how such an environment is used every day: no note.
    """
    if not variables.allow_data_loss or any(
        one.ephemeral for one in settings.environments.values()
    ):
        return None
    return (
        f"Note: {ALLOW_DATA_LOSS}=1 has no effect, because no environment in cdktf.json has "
        '"ephemeral": true. Set that where data may be deleted, or unset the variable.'
    )


def _is_set(given: Mapping[str, str], name: str) -> bool:
    value = given.get(name, "")
    if value not in ("", "0", "1"):
        raise SettingsError([f"{name} is {value!r}. Allowed: 1 for yes, 0 or nothing for no."])
    return value == "1"
