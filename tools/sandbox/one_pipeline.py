"""The project with one pipeline alone, where only that is to be deployed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from stacks.settings import SettingsError, parse_context, parse_document, settings_text
from tools.sandbox.code_copy import copy_code

SETTINGS = "cdktf.json"


def source(project: Path, copy: Path, environment: str, pipeline: str | None) -> Path:
    """The project to synthesize: itself, or for one pipeline a copy with no other settings.

    Raises `SettingsError` for an environment or a pipeline that is not in its settings.
    """
    if pipeline is None:
        return project
    text = settings_text((project / SETTINGS).read_bytes(), SETTINGS)
    parse_context(text, SETTINGS)
    reduced = with_only(parse_document(text, SETTINGS), environment, pipeline)
    shutil.rmtree(copy, ignore_errors=True)
    copy_code(project, copy)
    (copy / SETTINGS).write_text(json.dumps(reduced, indent=2), encoding="utf-8")
    return copy


def with_only(document: dict[str, Any], environment: str, pipeline: str) -> dict[str, Any]:
    """The settings with one environment, and in it one pipeline."""
    context = document.get("context", {})
    environments = context.get("environments", {})
    if environment not in environments:
        raise SettingsError([unknown("environment", environment, list(environments))])
    settings = environments[environment]
    pipelines = settings.get("pipelines", {})
    if pipeline not in pipelines:
        raise SettingsError([unknown("pipeline", pipeline, list(pipelines), environment)])
    only = {**settings, "pipelines": {pipeline: pipelines[pipeline]}}
    return {**document, "context": {**context, "environments": {environment: only}}}


def unknown(kind: str, name: str, known: list[str], environment: str | None = None) -> str:
    """The sentence for a name that is not in the settings."""
    where = f"The environment {environment!r} of {SETTINGS}" if environment else SETTINGS
    return f"{where} has no {kind} {name!r}; it has {', '.join(known) or 'none'}."
