"""`burst redeliver`."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from tools.operate import redelivery
from tools.operate.answer import Answer, explained_errors
from tools.operate.draining import Drain
from tools.operate.following import followed
from tools.operate.options import (
    AsJson,
    Endpoint,
    Environment,
    Outputs,
    reach,
    utc_now,
)
from tools.operate.views import runs as runs_view


@explained_errors
def redeliver(
    environment: Environment,
    pipeline: Annotated[
        str | None, typer.Option(help="Only this pipeline; all without it.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what the messages say and leave them.")
    ] = False,
    as_json: AsJson = False,
    outputs: Outputs = None,
    endpoint: Endpoint = None,
) -> None:
    """Show why events were not delivered, start a run for their files, and delete the messages.

    Example: pipenv run burst redeliver dev --dry-run
    """
    answer = Answer.to(as_json)
    deployment, connection = reach(environment, outputs, endpoint, pipeline)
    names = [pipeline] if pipeline else sorted(deployment.pipelines)
    done = []
    for part in map(deployment.pipeline, names):
        with followed(answer, f"Look into the queue of {part.name}") as (report, say):
            drain = Drain(connection, deployment, part, utc_now, report, say)
            show = partial(_show_reasons, answer, part.name)
            done.append(
                redelivery.redeliver(
                    connection, deployment, part, drain, dry_run=dry_run, show=show
                )
            )
    ok = all(item.succeeded or dry_run for item in done)
    answer.end(
        {"pipelines": done},
        ok=ok,
        draw=(
            part
            for item in done
            for part in runs_view.redelivered_parts(item, deployment, dry_run=dry_run)
        ),
    )


def _show_reasons(answer: Answer, pipeline: str, reasons: tuple[redelivery.Reason, ...]) -> None:
    answer.draw(runs_view.reasons_table(pipeline, reasons))
