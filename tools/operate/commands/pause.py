"""`burst pause` and `burst resume`."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import Annotated

import typer

from tools.operate.answer import Answer, explained_errors
from tools.operate.deployment import PROJECT_FOLDER, SANDBOX_VARIABLE
from tools.operate.options import (
    AsJson,
    Environment,
    PipelineName,
)
from tools.operate.pausing import pausing, read_settings
from tools.operate.views.pausing import pause_lines

SETTINGS_FILE = PROJECT_FOLDER / "cdktf.json"


@explained_errors
def pause(
    environment: Environment,
    pipeline: PipelineName,
    write: Annotated[bool, typer.Option("--write", help="Change cdktf.json.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show how to stop a pipeline from starting runs: a setting, and the plan it leads to.

    Example: pipenv run burst pause dev orders --write
    """
    _pause(environment, pipeline, paused=True, write=write, as_json=as_json)


@explained_errors
def resume(
    environment: Environment,
    pipeline: PipelineName,
    write: Annotated[bool, typer.Option("--write", help="Change cdktf.json.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show how to let a paused pipeline go on: a setting, the plan, and one run.

    Example: pipenv run burst resume dev orders --write
    """
    _pause(environment, pipeline, paused=False, write=write, as_json=as_json)


def _pause(environment: str, pipeline: str, *, paused: bool, write: bool, as_json: bool) -> None:
    answer = Answer.to(as_json)
    change = pausing(
        read_settings(SETTINGS_FILE),
        file=SETTINGS_FILE.name,
        environment=environment,
        pipeline=pipeline,
        paused=paused,
    )
    changed = write and change.needed
    if changed:
        SETTINGS_FILE.write_text(change.text, encoding="utf-8")
    shown = {name: value for name, value in asdict(change).items() if name != "text"}
    answer.end(
        {**shown, "changed": changed},
        ok=True,
        draw=pause_lines(change, written=write, in_sandbox=SANDBOX_VARIABLE in os.environ),
    )
