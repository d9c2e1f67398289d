"""The commands as a user types them. Each one reads, asks, decides and draws, in this order."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from burst.batch import BATCH_ID, Area

from tools.operate import inspection, redelivery, status
from tools.operate.answer import Answer, explained_errors
from tools.operate.connection import Connection
from tools.operate.deployment import PROJECT_FOLDER, read_deployments
from tools.operate.draining import Drain
from tools.operate.errors import InputError
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
from tools.operate.pausing import pausing, read_settings
from tools.operate.putting import put_file, put_key
from tools.operate.replaying import ReplaySession
from tools.operate.replays.selection import Selection
from tools.operate.rows import rows_of_key
from tools.operate.views import inspection as inspection_view
from tools.operate.views import runs as runs_view
from tools.operate.views import status as status_view
from tools.operate.views.pausing import pause_lines
from tools.operate.words import size

SETTINGS_FILE = PROJECT_FOLDER / "cdktf.json"


@explained_errors
def show_status(
    environment: Annotated[
        str | None, typer.Argument(help="Environment; without it, every one that is deployed.")
    ] = None,
    max_age: Annotated[
        int, typer.Option(help="Minutes that a file may wait in landing.", min=1)
    ] = 60,
    as_json: AsJson = False,
    outputs: Outputs = None,
    endpoint: Endpoint = None,
) -> None:
    """Show what each pipeline does now, and what needs attention (exit code 1)."""
    answer = Answer.to(as_json)
    found = [
        status.look(
            Connection(deployment.region, endpoint),
            deployment,
            now=utc_now(),
            max_age_seconds=60 * max_age,
        )
        for deployment in read_deployments(environment, outputs)
    ]
    answer.end(
        {"healthy": all(item.healthy for item in found), "environments": found},
        ok=all(item.healthy for item in found),
        draw=(panel for item in found for panel in status_view.status_panels(item)),
    )


@explained_errors
def inspect(
    environment: Environment,
    pipeline: PipelineName,
    what: Annotated[str, typer.Argument(help="A batch id, or the whole key of a file.")],
    rows: Annotated[int, typer.Option(help="Rows of the file to show from curated.", min=0)] = 0,
    batches: Annotated[
        int, typer.Option(help="Newest batches to look through for a key; 0 is all.", min=0)
    ] = inspection.NEWEST_BATCHES,
    as_json: AsJson = False,
    outputs: Outputs = None,
    endpoint: Endpoint = None,
) -> None:
    """Show where a file is and what happened to it, or what a batch did."""
    answer = Answer.to(as_json)
    deployment, connection = reach(environment, outputs, endpoint)
    part = deployment.pipeline(pipeline)
    if BATCH_ID.fullmatch(what):
        batch = inspection.inspect_batch(connection.s3, deployment, part, what)
        answer.end(batch, ok=True, draw=inspection_view.batch_story(batch))
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
        {"story": story, "rows": [row for _, table in found for row in table.to_pylist()]},
        ok=bool(story.versions),
        draw=inspection_view.key_parts(story, found),
    )


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
    """Bring files back into landing as new uploads, each once, also after an interruption."""
    if quarantine == archive:
        raise InputError("Say which files: either --quarantine or --archive.")
    answer = Answer.to(as_json)
    area: Area = "quarantine" if quarantine else "archive"
    digest = None if content is None else hashlib.sha256(content.read_bytes()).hexdigest()
    selection = Selection(area, batch, since, key, replace, digest)
    deployment, connection = reach(environment, outputs, endpoint)
    part = deployment.pipeline(pipeline)
    session = ReplaySession(answer, deployment, part, selection, content, connection)
    session.run(dry_run=dry_run, yes=yes)


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
    """Start a run now and follow it to its end; it also works while the pipeline is paused."""
    answer = Answer.to(as_json)
    deployment, connection = reach(environment, outputs, endpoint)
    part = deployment.pipeline(pipeline)
    with followed(answer) as (report, say):
        work = Drain(connection, deployment, part, utc_now, report, say)
        run_id = work.start()
        drained = work.follow(run_id) if wait else None
        if drained is None:
            say(f"Started the run {run_id}.")
    if drained is None:
        answer.end({"workflow_run_id": run_id}, ok=True)
    else:
        answer.end(drained, ok=drained.succeeded, draw=runs_view.drained_parts(drained, part))


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
    """Show why events were not delivered, start a run for their files, and delete the messages."""
    answer = Answer.to(as_json)
    deployment, connection = reach(environment, outputs, endpoint)
    names = [pipeline] if pipeline else sorted(deployment.pipelines)
    done = []
    for part in map(deployment.pipeline, names):
        with followed(answer) as (report, say):
            drain = Drain(connection, deployment, part, utc_now, report, say)
            show = partial(_show_reasons, answer, part.name)
            done.append(redelivery.redeliver(connection, part, drain, dry_run=dry_run, show=show))
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


@explained_errors
def pause(
    environment: Environment,
    pipeline: PipelineName,
    write: Annotated[bool, typer.Option("--write", help="Change cdktf.json.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show how to stop a pipeline from starting runs: a setting, and the plan it leads to."""
    _pause(environment, pipeline, paused=True, write=write, as_json=as_json)


@explained_errors
def resume(
    environment: Environment,
    pipeline: PipelineName,
    write: Annotated[bool, typer.Option("--write", help="Change cdktf.json.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show how to let a paused pipeline go on: a setting, the plan, and one run."""
    _pause(environment, pipeline, paused=False, write=write, as_json=as_json)


def _pause(environment: str, pipeline: str, *, paused: bool, write: bool, as_json: bool) -> None:
    answer = Answer.to(as_json)
    change = pausing(
        read_settings(SETTINGS_FILE),
        file=SETTINGS_FILE.name,
        environment=environment,
        pipeline=pipeline,
        paused=paused,
    )
    if write and change.changed:
        SETTINGS_FILE.write_text(change.text, encoding="utf-8")
    shown = {name: value for name, value in asdict(change).items() if name != "text"}
    answer.end(
        {**shown, "written": write and change.changed},
        ok=True,
        draw=pause_lines(change, written=write),
    )


@explained_errors
def put(
    environment: Environment,
    pipeline: PipelineName,
    files: Annotated[
        list[Path], typer.Argument(help="Files to upload.", exists=True, dir_okay=False)
    ],
    key: Annotated[
        str | None,
        typer.Option(
            help="Whole key for one file; else the pipeline's prefix and the file's name."
        ),
    ] = None,
    as_json: AsJson = False,
    outputs: Outputs = None,
    endpoint: Endpoint = None,
) -> None:
    """Upload files to landing, as a producer would, each exactly once."""
    answer = Answer.to(as_json)
    if key is not None and len(files) > 1:
        raise InputError(f"--key names one file, and {len(files)} are given.")
    deployment, connection = reach(environment, outputs, endpoint)
    part = deployment.pipeline(pipeline)
    keys = [put_key(part, file, key) for file in files]
    done = []
    with answer.progress() as bar:
        task = bar.add_task("Upload", total=len(files))
        for file, target in zip(files, keys, strict=True):
            done.append(put_file(connection.s3, deployment, file, target))
            bar.advance(task)
    answer.end(
        {"bucket": deployment.landing_bucket, "files": done},
        ok=True,
        draw=(f"{item.key} ({size(item.size)}), version {item.version_id}" for item in done),
    )
