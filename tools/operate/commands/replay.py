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
from tools.operate.files import must_not_be_folders
from tools.operate.ledger import PipelineLedger
from tools.operate.options import (
    AsJson,
    Endpoint,
    Environment,
    Outputs,
    PipelineName,
    reach,
)
from tools.operate.replaying import GiveUpSession, ReplaySession
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
            "--replace",
            help="Have them loaded, then remove the old output; for whole batches only.",
        ),
    ] = False,
    content: Annotated[
        Path | None,
        typer.Option(
            "--with",
            help="Corrected file to send in place of the one in quarantine.",
            exists=True,
        ),
    ] = None,
    give_up: Annotated[
        bool,
        typer.Option("--give-up", help="End the open replay: nothing more of it is sent."),
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be done.")] = False,
    yes: Annotated[
        bool,
        typer.Option("--yes", help="Do not ask, as is done with --archive and with --give-up."),
    ] = False,
    as_json: AsJson = False,
    outputs: Outputs = None,
    endpoint: Endpoint = None,
) -> None:
    """Bring files back into landing as new uploads, each once, also after an interruption.

    Example: pipenv run burst replay dev orders --quarantine --since 2d --dry-run
    """
    answer = Answer.to(as_json)
    must_not_be_folders([content] if content else [])
    if give_up:
        if quarantine or archive or replace or any((batch, since, key, content)):
            raise InputError(
                "--give-up ends the one replay that is open, whatever its options were: leave out "
                "the others, except for --dry-run and --yes."
            )
        deployment, connection = reach(environment, outputs, endpoint, pipeline)
        part = deployment.pipeline(pipeline)
        GiveUpSession(answer, deployment, part, connection).run(dry_run=dry_run, yes=yes)
        return
    if quarantine == archive:
        raise InputError("Say which files: either --quarantine or --archive.")
    area: Area = "quarantine" if quarantine else "archive"
    digest = None if content is None else hashlib.sha256(content.read_bytes()).hexdigest()
    selection = Selection(area, batch, since, key, replace, digest)
    deployment, connection = reach(environment, outputs, endpoint, pipeline)
    part = deployment.pipeline(pipeline)
    if batch is not None:
        ledger = PipelineLedger.of(connection.s3, deployment, part)
        selection = dataclasses.replace(selection, batch=ledger.find(batch))
    session = ReplaySession(answer, deployment, part, selection, content, connection)
    session.run(dry_run=dry_run, yes=yes)
