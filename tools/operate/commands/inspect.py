"""`burst inspect`."""

from __future__ import annotations

from typing import Annotated

import typer

from tools.operate import inspection
from tools.operate.answer import Answer, explained_errors
from tools.operate.ids import means_a_batch, means_a_run
from tools.operate.options import (
    AsJson,
    Endpoint,
    Environment,
    Outputs,
    PipelineName,
    reach,
    utc_now,
)
from tools.operate.rows import rows_of_key
from tools.operate.views import inspection as inspection_view


@explained_errors
def inspect(
    environment: Environment,
    pipeline: PipelineName,
    what: Annotated[
        str,
        typer.Argument(help="The whole key of a file, or the id of a batch or a run."),
    ],
    rows: Annotated[int, typer.Option(help="Rows of the file to show from curated.", min=0)] = 0,
    batches: Annotated[
        int, typer.Option(help="Newest batches to look through for a key; 0 is all.", min=0)
    ] = inspection.NEWEST_BATCHES,
    as_json: AsJson = False,
    outputs: Outputs = None,
    endpoint: Endpoint = None,
) -> None:
    """Show where a file is and what happened to it, or what a batch or a run did.

    Example: pipenv run burst inspect dev orders orders/2026/a.csv --rows 3
    """
    answer = Answer.to(as_json)
    deployment, connection = reach(environment, outputs, endpoint, pipeline)
    part = deployment.pipeline(pipeline)
    where = f"{environment} {pipeline}"
    if not part.owns(what) and means_a_run(what):
        now = utc_now()
        run = inspection.inspect_run(connection, deployment, part, what, now)
        answer.end(run, ok=True, draw=inspection_view.run_story(run, now))
    if not part.owns(what) and means_a_batch(what):
        batch = inspection.inspect_batch(connection.s3, deployment, part, what)
        answer.end(batch, ok=True, draw=inspection_view.batch_story(batch, where))
    with answer.progress() as bar:
        task = bar.add_task("Look through the ledger", total=None)
        story = inspection.inspect_key(
            connection.s3,
            deployment,
            part,
            what,
            newest=batches,
            advance=lambda done, total: bar.update(task, completed=done, total=total),
        )
    found = rows_of_key(connection.s3, story, most=rows)
    answer.end(
        {
            "story": story,
            "rows": [row for _, table in found for row in table.to_pylist(maps_as_pydicts="lossy")],
        },
        ok=bool(story.versions),
        draw=inspection_view.key_parts(story, found, where),
    )
