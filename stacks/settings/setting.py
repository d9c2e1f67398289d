"""How a setting is declared, and the error that names a wrong one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from burst.contract import arguments_of
from pydantic import BaseModel, ConfigDict, Field

NAME = r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$"


class SettingsError(ValueError):
    """The settings cannot be used. ``problems`` holds one sentence for each wrong value."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class Settings(BaseModel):
    """Base of all settings: immutable, no unknown keys, no silent conversion of types."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def setting(default: Any = ..., *, allowed: str, description: str, **constraints: Any) -> Any:
    """Declare a field: ``allowed`` is what an error message offers instead of a wrong value."""
    return Field(
        default,
        description=description,
        json_schema_extra={"allowed": allowed},
        **constraints,
    )


def job_setting(
    part: type,
    field: str,
    *,
    description: str,
    default: Any = None,
    least_is: str = "",
    most_is: str = "",
) -> Any:
    """Declare a setting that the job gets as it is: range and default are those of the contract.

    ``default`` is for what the contract leaves open; ``least_is`` and ``most_is`` are remarks on
    the two ends of the range.
    """
    argument = arguments_of(part)[field]
    standard = getattr(part, field) if default is None else default
    kind = "a whole number" if isinstance(standard, int) else "a number"
    return setting(
        standard,
        allowed=f"{kind} from {argument.least}{least_is} to {argument.most}{most_is}",
        description=description,
        ge=argument.least,
        le=argument.most,
    )


def one_of(choices: Sequence[str]) -> str:
    """The choices as the end of a sentence."""
    *others, last = choices
    return f"{', '.join(others)} or {last}" if others else last
