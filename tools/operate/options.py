"""The arguments and options that several commands share."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tools.operate.deployment import Deployment, read_deployment

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
    environment: str, outputs: Path | None, endpoint: str | None
) -> tuple[Deployment, Connection]:
    """The named environment and the way to it; raises `InputError`."""
    # Here, because boto3 takes a while and not every command asks AWS.
    from tools.operate.connection import Connection

    deployment = read_deployment(environment, outputs)
    return deployment, Connection(deployment.region, endpoint)


def utc_now() -> datetime:
    """The time of day, in UTC."""
    return datetime.now(UTC)
