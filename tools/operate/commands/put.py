"""`burst put`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tools.operate.answer import Answer, explained_errors
from tools.operate.errors import InputError
from tools.operate.files import must_not_be_folders
from tools.operate.options import (
    AsJson,
    Endpoint,
    Environment,
    Outputs,
    PipelineName,
    reach,
)
from tools.operate.putting import put_file, put_keys
from tools.operate.words import size


@explained_errors
def put(
    environment: Environment,
    pipeline: PipelineName,
    files: Annotated[list[Path], typer.Argument(help="Files to upload.", exists=True)],
    key: Annotated[
        str | None,
        typer.Option(
            help="Whole key for one file; else the pipeline's prefix and the file's name."
        ),
    ] = None,
    as_json: AsJson = False,
    outputs: Outputs = None,
    endpoint: Endpoint = None,
) -> None:
    """Upload files to landing, as a producer would, each exactly once.

    Example: pipenv run burst put dev orders exports/*.csv
    """
    answer = Answer.to(as_json)
    if key is not None and len(files) > 1:
        raise InputError(f"--key names one file, and {len(files)} are given.")
    must_not_be_folders(files)
    deployment, connection = reach(environment, outputs, endpoint, pipeline)
    part = deployment.pipeline(pipeline)
    keys = put_keys(part, files, key)
    done = []
    with answer.progress() as bar:
        task = bar.add_task("Upload", total=len(files))
        for file, target in zip(files, keys, strict=True):
            item = put_file(connection.s3, deployment, file, target)
            done.append(item)
            # At once: what is uploaded is known, also where a later one fails.
            answer.draw(f"{item.key} ({size(item.size)}), version {item.version_id}")
            bar.advance(task)
    answer.end({"bucket": deployment.landing_bucket, "files": done}, ok=True)
