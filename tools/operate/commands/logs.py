"""`burst logs`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer
from botocore.exceptions import ClientError

from tools.operate import logs as run_logs
from tools.operate import runs
from tools.operate.answer import Answer, explained_errors
from tools.operate.connection import Connection
from tools.operate.deployment import DeployedPipeline
from tools.operate.errors import InputError
from tools.operate.options import AsJson, Endpoint, Environment, Outputs, PipelineName, reach
from tools.operate.views import logs as logs_view


class Stream(StrEnum):
    """A log group of a run."""

    OUTPUT = "output"
    ERROR = "error"


@explained_errors
def logs(
    environment: Environment,
    pipeline: PipelineName,
    run: Annotated[
        str | None,
        typer.Argument(
            help="The id of a run or of a batch, as other commands show it; else the newest run."
        ),
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on until the run has ended, or Ctrl-C.")
    ] = False,
    only: Annotated[
        Stream | None,
        typer.Option(help="What the script prints, or what Spark and Glue say; else both."),
    ] = None,
    as_json: AsJson = False,
    outputs: Outputs = None,
    endpoint: Endpoint = None,
) -> None:
    """Show what a run printed: the newest, or the one that is named.

    Example: pipenv run burst logs dev orders --follow
    """
    answer = Answer.to(as_json)
    if follow and as_json:
        raise InputError("--follow prints as lines come, and --json prints one document: give one.")
    deployment, connection = reach(environment, outputs, endpoint, pipeline)
    part = deployment.pipeline(pipeline)
    found = run_logs.run_of(connection, deployment, part, run)
    log = run_logs.RunLog(
        connection.logs,
        part.log_group_prefix,
        found.run_id,
        [only.value] if only else run_logs.KINDS,
    )
    try:
        lines = _print(answer, log, connection, part, found, follow=follow)
    except ClientError as error:
        if sentence := run_logs.missing_group(error, part):
            raise sentence from error
        raise
    answer.end({"run": found, "lines": lines}, ok=True)


def _print(
    answer: Answer,
    log: run_logs.RunLog,
    connection: Connection,
    pipeline: DeployedPipeline,
    run: runs.Run,
    *,
    follow: bool,
) -> list[run_logs.LogLine]:
    """Print the lines; what is about them, and not of them, goes to stderr."""
    say = logs_view.notes(answer)
    say(logs_view.head(run))
    lines = []
    found = (
        run_logs.followed_lines(log, lambda: run_logs.is_active(connection, pipeline, run.run_id))
        if follow
        else log.new_lines()
    )
    for line in found:
        lines.append(line)
        if not answer.as_json:
            answer.console.print(logs_view.line_text(line), soft_wrap=True)
    if not lines:
        say(logs_view.no_lines(run, follow=follow))
    return lines
