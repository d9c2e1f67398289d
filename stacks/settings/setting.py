"""How a setting is declared, and the error that names a wrong one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

NAME = r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$"
REGION = r"^[a-z]{2}(-[a-z]+)+-\d$"


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
