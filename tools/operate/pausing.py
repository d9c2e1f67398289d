"""Pausing a pipeline is a setting: what changes in cdktf.json, and what the plan will show."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path

from stacks.settings import parse_text, settings_text
from tools.operate.errors import InputError
from tools.operate.json_text import with_member, without_member
from tools.operate.words import there_is_no


@dataclass(frozen=True)
class Pausing:
    """A change of the setting `paused`. needed: whether there is anything to change."""

    environment: str
    pipeline: str
    paused: bool
    needed: bool
    diff: str
    text: str

    @property
    def words(self) -> str:
        return "paused" if self.paused else "not paused"


def read_settings(file: Path) -> str:
    """The text of cdktf.json; raises `InputError` or `SettingsError`."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror}.") from error
    return settings_text(content, file.name)


def pausing(text: str, *, file: str, environment: str, pipeline: str, paused: bool) -> Pausing:
    """What has to change in the text of cdktf.json.

    Raises `InputError` for an unknown environment or pipeline, `SettingsError` for settings that
    cannot be used.
    """
    known = parse_text(text, file).environments
    if environment not in known:
        raise InputError(there_is_no("environment", environment, [*known], f"in {file}"))
    pipelines = known[environment].pipelines
    if pipeline not in pipelines:
        where = f"in the environment {environment!r} of {file}"
        raise InputError(there_is_no("pipeline", pipeline, [*pipelines], where))
    before = pipelines[pipeline].paused
    path = ("context", "environments", environment, "pipelines", pipeline)
    if before == paused:
        after = text
    elif paused:
        after = with_member(text, path, "paused", True)
    else:
        # Not paused is what a pipeline is without the setting.
        after = without_member(text, path, "paused")
    return Pausing(
        environment, pipeline, paused, after != text, difference(text, after, file), after
    )


def difference(before: str, after: str, file: str) -> str:
    """The lines in which two texts of the file differ, as a patch."""
    lines = difflib.unified_diff(
        before.splitlines(keepends=True),
        after.splitlines(keepends=True),
        f"a/{file}",
        f"b/{file}",
        n=2,
    )
    return "".join(lines)
