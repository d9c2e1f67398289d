"""Which module of `glue_jobs/transforms` a pipeline runs."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from pathlib import Path

from burst.contract import NO_TRANSFORM

from stacks.settings import EnvironmentSettings, PipelineSettings, SettingsError, place_in

GLUE_JOBS = Path(__file__).resolve().parents[2] / "glue_jobs"
TRANSFORMS = GLUE_JOBS / "transforms"


def find_transforms(
    environments: Mapping[str, EnvironmentSettings], file: Path | None = None
) -> None:
    """Raise `SettingsError` where the module of any pipeline is missing or is no Python.

    Every module is looked at, since all are shipped together and one may import another. file:
    that the environments are from, to name the line.
    """
    for environment, settings in environments.items():
        for name, pipeline in settings.pipelines.items():
            transform_module(environment, name, pipeline, file)
    problems = [one for file in sorted(TRANSFORMS.rglob("*.py")) if (one := no_python(file))]
    if problems:
        raise SettingsError(problems)


def no_python(file: Path) -> str | None:
    """Why the file does not compile, with its line; None where it does."""
    try:
        ast.parse(file.read_bytes())
    except (SyntaxError, ValueError) as error:
        place = file.relative_to(TRANSFORMS)
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        why = error.msg if isinstance(error, SyntaxError) else str(error)
        return f"glue_jobs/transforms/{place}{line}: Python cannot read it: {why}. Correct it."
    return None


def transform_module(
    environment: str, pipeline: str, settings: PipelineSettings, file: Path | None = None
) -> str:
    """The name of the pipeline's module in ``glue_jobs/transforms``, or none.

    Raises `SettingsError` when there is no such module.
    """
    name = settings.transform or pipeline.replace("-", "_")
    if name == NO_TRANSFORM:
        return name
    modules = sorted(path.stem for path in TRANSFORMS.glob("[a-z]*.py"))
    if name not in modules:
        place = f"environment {environment!r}, pipeline {pipeline!r}, field 'transform'"
        where = place_in(file, environment, "pipelines", pipeline, "transform")
        raise SettingsError(
            [
                f"{where}: {place} = {json.dumps(name)}: there is no module "
                f"glue_jobs/transforms/{name}.py. Write it, use one that is there "
                f"({', '.join(modules)}), or {NO_TRANSFORM} to load the rows as they come."
            ]
        )
    return name
