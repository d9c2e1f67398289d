"""`burst drift`."""

from __future__ import annotations

from typing import Annotated

import typer

from tools.authoring import views
from tools.authoring.commands.try_files import pipeline_spec
from tools.authoring.declaring import declared
from tools.authoring.drift import look
from tools.operate.answer import Answer, explained_errors
from tools.operate.deployment import PROJECT_FOLDER
from tools.operate.errors import InputError
from tools.operate.ledger import PipelineLedger
from tools.operate.options import (
    AsJson,
    Endpoint,
    Environment,
    Outputs,
    PipelineName,
    reach,
    utc_now,
)
from tools.operate.pausing import difference, read_settings
from tools.operate.replays.records import ReplayRecords
from tools.operate.replays.selection import since_when
from tools.operate.rescued import replaced_batches

FOLDER = PROJECT_FOLDER


@explained_errors
def drift(
    environment: Environment,
    pipeline: PipelineName,
    since: Annotated[
        str, typer.Option(help="Only batches planned since: 2025-01-31, or ago: 6h, 2d, 30d.")
    ] = "30d",
    write: Annotated[
        bool, typer.Option("--write", help="Change cdktf.json as it is proposed.")
    ] = False,
    as_json: AsJson = False,
    outputs: Outputs = None,
    endpoint: Endpoint = None,
) -> None:
    """Show what came that no column takes, and propose the columns (exit code 1 if any came).

    Example: pipenv run burst drift dev orders --since 7d
    """
    answer = Answer.to(as_json)
    since_then = since_when(since, utc_now())
    format = pipeline_spec(FOLDER, pipeline, environment).format
    if not format.rescues:
        raise InputError(
            f"The pipeline {pipeline!r} keeps nothing of what its columns do not take. Set "
            'unknown_columns or bad_values of its input to "rescue".'
        )
    deployment, connection = reach(environment, outputs, endpoint, pipeline)
    part = deployment.pipeline(pipeline)
    ledger = PipelineLedger.of(connection.s3, deployment, part)
    replaced = replaced_batches(ReplayRecords.of(connection.s3, deployment, part).done())
    found = look(ledger, format, since_then, replaced)
    file = FOLDER / "cdktf.json"
    before = read_settings(file)
    after = declared(before, environment, pipeline, found.came)
    if write and after != before:
        file.write_bytes(after.encode())
    change = difference(before, after, file.name)
    answer.end(
        {**vars(found), "diff": change, "written": write and after != before},
        ok=not found.came or (write and after != before),
        draw=views.drift_lines(found, change, f"{environment} {pipeline}", written=write),
    )
