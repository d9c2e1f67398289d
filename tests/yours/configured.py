"""What `cdktf.json` configures, as the tests of this room take it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

from stacks.pipeline import transforms
from stacks.settings import (
    Environments,
    EnvironmentSettings,
    PipelineSettings,
    SettingsError,
    read_settings,
)
from stacks.settings.github import roles_stack

PROJECT_FOLDER = Path(__file__).resolve().parents[2]
SETTINGS = PROJECT_FOLDER / "cdktf.json"
GLUE_JOBS = PROJECT_FOLDER / "glue_jobs"
STATE = "state"
_TRANSFORMS = "transforms"

_yours: dict[str, ModuleType] = {}


@cache
def settings() -> Environments | None:
    """None where they are not allowed; test_settings.py says why."""
    try:
        return read_settings(SETTINGS)
    except SettingsError:
        return None


def environments() -> dict[str, EnvironmentSettings]:
    found = settings()
    return dict(found.environments) if found else {}


def pipelines() -> dict[str, tuple[str, str, PipelineSettings]]:
    """Environment, name and settings of each pipeline, by a name for both."""
    return {
        f"{environment} {name}": (environment, name, pipeline)
        for environment, its in environments().items()
        for name, pipeline in its.pipelines.items()
    }


def stacks() -> list[str]:
    """The names of all stacks that `python main.py` would write."""
    names = [
        name
        for environment, its in environments().items()
        for name in (environment, *([roles_stack(environment)] if its.github else []))
    ]
    found = settings()
    return [*names, STATE] if found and found.state_bucket else names


@contextmanager
def your_transforms() -> Iterator[None]:
    """Meanwhile `transforms` is the package of `glue_jobs`; elsewhere it is the example's."""
    others = _taken_out()
    sys.modules.update(_yours)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(GLUE_JOBS))
        patch.setattr(transforms, "TRANSFORMS", GLUE_JOBS / _TRANSFORMS)
        try:
            yield
        finally:
            _yours.update(_taken_out())
            sys.modules.update(others)


def _taken_out() -> dict[str, ModuleType]:
    names = [name for name in sys.modules if name.partition(".")[0] == _TRANSFORMS]
    return {name: sys.modules.pop(name) for name in names}
