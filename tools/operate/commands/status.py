"""`burst status`."""

from __future__ import annotations

from typing import Annotated

import typer

from tools.operate import status
from tools.operate.answer import Answer, explained_errors
from tools.operate.connection import Connection
from tools.operate.deployment import read_deployments
from tools.operate.errors import InputError
from tools.operate.options import (
    AsJson,
    Endpoint,
    Outputs,
    utc_now,
)
from tools.operate.views import status as status_view
from tools.operate.watching import watched


@explained_errors
def show_status(
    environment: Annotated[
        str | None, typer.Argument(help="Environment; without it, every one that is deployed.")
    ] = None,
    max_age: Annotated[
        int, typer.Option(help="Minutes that a file may wait in landing.", min=1)
    ] = 60,
    watch: Annotated[
        bool, typer.Option("--watch", help="Look again every few seconds until Ctrl-C.")
    ] = False,
    as_json: AsJson = False,
    outputs: Outputs = None,
    endpoint: Endpoint = None,
) -> None:
    """Show what each pipeline does now, and what needs attention (exit code 1).

    Example: pipenv run burst status dev --watch
    """
    answer = Answer.to(as_json)
    if watch and as_json:
        raise InputError("--watch draws for people, and --json prints one document: give one.")
    reached = [
        (deployment, Connection(deployment.region, endpoint))
        for deployment in read_deployments(environment, outputs)
    ]

    def look() -> list[status.EnvironmentStatus]:
        return [
            status.look(connection, deployment, now=utc_now(), max_age_seconds=60 * max_age)
            for deployment, connection in reached
        ]

    if watch:
        named = f" {environment}" if environment else ""
        more = f": `burst status{named}` prints all"
        watched(answer.console, lambda: status_view.screen(look()), more=more)
    found = look()
    answer.end(
        {"healthy": all(item.healthy for item in found), "environments": found},
        ok=all(item.healthy for item in found),
        draw=(panel for item in found for panel in status_view.status_panels(item)),
    )
