"""`burst drain`."""

from __future__ import annotations

from typing import Annotated

import typer

from tools.operate import ids
from tools.operate.answer import Answer, explained_errors
from tools.operate.draining import Drain
from tools.operate.following import followed
from tools.operate.options import (
    AsJson,
    Endpoint,
    Environment,
    Outputs,
    PipelineName,
    reach,
    utc_now,
)
from tools.operate.views import runs as runs_view


@explained_errors
def drain(
    environment: Environment,
    pipeline: PipelineName,
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="Follow the run to its end.")
    ] = True,
    as_json: AsJson = False,
    outputs: Outputs = None,
    endpoint: Endpoint = None,
) -> None:
    """Start a run now and follow it to its end; it also works while the pipeline is paused.

    Exit code 1 where the run failed or files went bad, also in a run for whose end it waited.

    Example: pipenv run burst drain dev orders
    """
    answer = Answer.to(as_json)
    deployment, connection = reach(environment, outputs, endpoint, pipeline)
    part = deployment.pipeline(pipeline)
    with followed(answer, "Start a run") as (report, say):
        work = Drain(connection, deployment, part, utc_now, report, say)
        run_id = work.start()
        drained = work.follow(run_id) if wait else None
        if drained is None:
            say(f"Started the run {ids.short(run_id)}.")
    if drained is None:
        answer.end({"workflow_run_id": run_id}, ok=True)
    else:
        answer.end(
            drained, ok=drained.clean, draw=runs_view.drained_parts(drained, environment, part)
        )
