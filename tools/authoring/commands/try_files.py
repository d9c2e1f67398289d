"""`burst try`."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from burst.contract import NO_TRANSFORM, JobSpec

from stacks.pipeline.spec import job_spec
from stacks.pipeline.transforms import no_python
from stacks.settings import PipelineSettings, read_settings
from tools.authoring import views
from tools.authoring.trial import (
    Rows,
    Transformed,
    passed_through,
    passes_through,
    spark_session,
    transformed,
)
from tools.operate.answer import Answer, explained_errors
from tools.operate.deployment import PROJECT_FOLDER
from tools.operate.errors import InputError
from tools.operate.options import AsJson, PipelineName
from tools.operate.words import there_is_no
from tools.sandbox.runtime import GLUE_6

FOLDER = PROJECT_FOLDER


@explained_errors
def try_files(
    pipeline: PipelineName,
    files: Annotated[list[str], typer.Argument(metavar="FILE", help="Files; - is standard input.")],
    environment: Annotated[
        str | None,
        typer.Option(help="Environment; needed where the pipeline is set differently in several."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what the job would make of files, on this machine (exit code 1 if one is bad).

    Example: pipenv run burst try orders exports/orders.csv
    """
    answer = Answer.to(as_json)
    spec = pipeline_spec(FOLDER, pipeline, environment)
    versions = {
        settings.job.glue_version for settings in _pipelines(FOLDER, pipeline, environment).values()
    }
    glue_jobs = FOLDER / "glue_jobs"
    with tempfile.TemporaryDirectory(prefix="burst-try-") as temporary:
        rows = Rows(Path(temporary) / "rows.parquet", spec)
        with answer.progress() as bar:
            task = bar.add_task("Read", total=len(files))
            tried = list(rows.add(files, lambda: bar.advance(task)))
        made = _transformed(answer, rows, glue_jobs, Path(temporary) / "transformed", max(versions))
    bad = sum(1 for one in tried if one.reason)
    stops = spec.bounds.are_exceeded_by(bad, len(tried))
    answer.end(
        {"files": tried, "transformed": made, "run_would_stop": stops},
        ok=not bad and not (made and made.wrong),
        draw=views.trial_lines(tried, made, stops=stops),
    )


def _transformed(
    answer: Answer, rows: Rows, glue_jobs: Path, folder: Path, glue_version: str
) -> Transformed | None:
    """What the transform made of the rows; None where there are none."""
    if not rows.rows:
        return None
    if rows.spec.transform == NO_TRANSFORM:
        return passed_through(rows)
    module = glue_jobs / "transforms" / f"{rows.spec.transform}.py"
    if wrong := no_python(module):
        return Transformed(rows.spec.transform, rows.rows, wrong=wrong)
    if passes_through(module.read_bytes()):
        return passed_through(rows)
    answer.draw(f"Starting Spark, because transforms.{rows.spec.transform} needs it ...")
    if glue_version == GLUE_6:
        answer.draw(
            f"The pipeline is on Glue {GLUE_6}: ANSI mode is on, but this is not Spark 4 "
            "(docs/glue-6.md)."
        )
    with spark_session(glue_jobs, glue_version) as session:
        return transformed(session, rows, folder)


def _pipelines(
    folder: Path, pipeline: str, environment: str | None
) -> Mapping[str, PipelineSettings]:
    """The pipeline's settings in each environment that has it."""
    environments = read_settings(folder / "cdktf.json").environments
    if environment is not None and environment not in environments:
        raise InputError(there_is_no("environment", environment, [*environments], "in cdktf.json"))
    chosen = [environment] if environment else list(environments)
    found = {
        name: environments[name].pipelines[pipeline]
        for name in chosen
        if pipeline in environments[name].pipelines
    }
    if not found:
        known = sorted({name for one in chosen for name in environments[one].pipelines})
        where = f"in {f'the environment {environment!r} of ' if environment else ''}cdktf.json"
        raise InputError(there_is_no("pipeline", pipeline, known, where))
    return found


def pipeline_spec(folder: Path, pipeline: str, environment: str | None) -> JobSpec:
    """What the pipeline's job gets; raises `InputError` or `SettingsError`."""
    specs = {
        name: job_spec(
            "try",
            pipeline,
            settings,
            landing_bucket="landing",
            lake_bucket="lake",
            curated_uri="s3://lake/curated",
        )
        for name, settings in _pipelines(folder, pipeline, environment).items()
    }
    first, *others = specs.values()
    parts = [
        json.dumps([repr(one.format), one.transform, one.prefix, one.suffix, repr(one.output)])
        for one in (first, *others)
    ]
    if len(set(parts)) > 1:
        raise InputError(
            f"The pipeline {pipeline!r} reads or transforms its files differently in "
            f"{' and '.join(specs)}. Choose one with --environment."
        )
    return first
