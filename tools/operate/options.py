"""The arguments and options that several commands share."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from tools.operate.connection import Connection
from tools.operate.deployment import Deployment, read_deployment

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

Reached = tuple[Deployment, Connection]


def reach(environment: str, outputs: Path | None, endpoint: str | None) -> Reached:
    """The named environment and the way to it; raises `InputError`."""
    deployment = read_deployment(environment, outputs)
    return deployment, Connection(deployment.region, endpoint)


def utc_now() -> datetime:
    """The time of day, in UTC."""
    return datetime.now(UTC)
