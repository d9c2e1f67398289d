"""`burst replay`."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path
from typing import Annotated

import typer
from burst.contract import Area

from tools.operate.answer import Answer, explained_errors
from tools.operate.errors import InputError
from tools.operate.ledger import PipelineLedger
from tools.operate.options import (
    AsJson,
    Endpoint,
    Environment,
    Outputs,
    PipelineName,
    reach,
)
from tools.operate.replaying import ReplaySession
from tools.operate.replays.selection import Selection


@explained_errors
def replay(
    environment: Environment,
    pipeline: PipelineName,
    quarantine: Annotated[
        bool,
        typer.Option(
            "--quarantine",
            help="Files in quarantine; all of them without --batch, --since or --key.",
        ),
    ] = False,
    archive: Annotated[
        bool,
        typer.Option("--archive", help="Files that were loaded; needs --batch, --since or --key."),
    ] = False,
    batch: Annotated[str | None, typer.Option(help="Only files of this batch.")] = None,
    since: Annotated[
        str | None,
        typer.Option(help="Only batches planned since: 2025-01-31T12:00, or ago: 90m, 6h, 2d."),
    ] = None,
    key: Annotated[
        str | None, typer.Option(help="Only keys like this pattern of *, ? and [...].")
    ] = None,
    replace: Annotated[
        bool,
        typer.Option(
            "--replace", help="First remove the old output of the batches; for whole batches only."
        ),
    ] = False,
    content: Annotated[
        Path | None,
        typer.Option(
            "--with",
            help="Corrected file to send in place of the one in quarantine.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would come back.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
    outputs: Outputs = None,
    endpoint: Endpoint = None,
) -> None:
    """Bring files back into landing as new uploads, each once, also after an interruption.

    Example: pipenv run burst replay dev orders --quarantine --since 2d --dry-run
    """
    if quarantine == archive:
        raise InputError("Say which files: either --quarantine or --archive.")
    answer = Answer.to(as_json)
    area: Area = "quarantine" if quarantine else "archive"
    digest = None if content is None else hashlib.sha256(content.read_bytes()).hexdigest()
    selection = Selection(area, batch, since, key, replace, digest)
    deployment, connection = reach(environment, outputs, endpoint)
    part = deployment.pipeline(pipeline)
    if batch is not None:
        ledger = PipelineLedger.of(connection.s3, deployment, part)
        selection = dataclasses.replace(selection, batch=ledger.find(batch))
    session = ReplaySession(answer, deployment, part, selection, content, connection)
    session.run(dry_run=dry_run, yes=yes)
