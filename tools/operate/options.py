"""The arguments and options that several commands share."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tools.operate.deployment import PROJECT_FOLDER, Deployment, read_deployment
from tools.operate.errors import InputError

if TYPE_CHECKING:
    from tools.operate.connection import Connection

Environment = Annotated[str, typer.Argument(help="Environment, as in cdktf.json.")]
PipelineName = Annotated[str, typer.Argument(help="Pipeline, as in cdktf.json.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
Outputs = Annotated[
    Path | None,
    typer.Option(
        help="File with what `terraform output -json` prints, in place of asking Terraform.",
        envvar="BURST_OUTPUTS",
    ),
]
Endpoint = Annotated[
    str | None,
    typer.Option(
        "--endpoint-url", help="Where AWS answers, in place of the usual chain (AWS_ENDPOINT_URL)."
    ),
]


def reach(
    environment: str, outputs: Path | None, endpoint: str | None, pipeline: str | None = None
) -> tuple[Deployment, Connection]:
    """The named environment and the way to it; raises `InputError`.

    pipeline: that the command is about. What is deployed decides whether there is one; where that
    cannot be read, a name that is not in the settings is the likelier mistake and is said first.
    """
    # Here, because boto3 takes a while and not every command asks AWS.
    from tools.operate.connection import Connection

    try:
        deployment = read_deployment(environment, outputs)
    except InputError as error:
        if pipeline is not None and (sentence := _not_in_the_settings(environment, pipeline)):
            error.args = (f"{sentence}\n{error}",)
        raise
    if pipeline is not None:
        deployment.pipeline(pipeline)
    return deployment, Connection(deployment.region, endpoint)


def _not_in_the_settings(environment: str, pipeline: str) -> str | None:
    from stacks.settings import SettingsError, read_environments

    try:
        environments = read_environments(PROJECT_FOLDER / "cdktf.json")
    except SettingsError:
        return None
    if environment not in environments or pipeline in environments[environment].pipelines:
        return None
    known = ", ".join(environments[environment].pipelines)
    return f"cdktf.json has no pipeline {pipeline!r} in {environment!r}; it has {known}."


def utc_now() -> datetime:
    """The time of day, in UTC."""
    return datetime.now(UTC)
