"""The chosen settings in cdktf.json, with every other character of the file as it was."""

from __future__ import annotations

import json
from pathlib import Path

from rich.console import Console

from stacks.settings import parse_text
from tools.forecast import present
from tools.forecast.errors import ForecastError
from tools.forecast.model import Candidate
from tools.forecast.present import changes_of
from tools.operate.json_text import with_member
from tools.operate.pausing import difference


def with_candidate(text: str, environment: str, pipeline: str, candidate: Candidate) -> str:
    """The text of cdktf.json with a pipeline's batch size, window and workers replaced.

    Raises SettingsError where the result could not be used.
    """
    base = ("context", "environments", environment, "pipelines", pipeline)
    pipelines = json.loads(text)["context"]["environments"][environment]["pipelines"]
    for path, value in changes_of(candidate).items():
        parents, name = path[:-1], path[-1]
        if parents and parents[0] not in pipelines[pipeline]:
            text = with_member(text, base, parents[0], {name: value})
        else:
            text = with_member(text, (*base, *parents), name, value)
    parse_text(text, f"{present.SETTINGS_FILE.name} as it would be")
    return text


def write_settings(
    console: Console,
    environment: str,
    pipeline: str,
    candidate: Candidate,
    file: Path | None = None,
) -> None:
    """Change the file and show what changed; ForecastError where it cannot be written."""
    file = file or present.SETTINGS_FILE
    try:
        before = file.read_text(encoding="utf-8")
        after = with_candidate(before, environment, pipeline, candidate)
        if after != before:
            file.write_text(after, encoding="utf-8")
    except OSError as error:
        raise ForecastError(f"{file} cannot be written: {error.strerror}.") from error
    if after == before:
        console.print(f"{file} has these settings already.")
        return
    console.print(difference(before, after, file.name), soft_wrap=True, markup=False)
    console.print(f"Written to {file}: review it with `pipenv run diff {environment}`.")
