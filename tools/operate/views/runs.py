"""How a run goes, how it ended, and why events were not delivered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from tools.operate import ids
from tools.operate.deployment import DeployedPipeline, Deployment
from tools.operate.draining import Drained
from tools.operate.history import Batch
from tools.operate.redelivery import Reason, Redelivered
from tools.operate.views.tables import batches_table, table_of
from tools.operate.words import count, duration


def reasons_table(pipeline: str, reasons: Sequence[Reason]) -> RenderableType:
    """Why events were not delivered."""
    table = table_of("events", "code", "EventBridge said", "for example")
    for reason in reasons:
        table.add_row(
            f"{reason.events:,}", reason.code, Text(reason.message), Text(reason.example or "")
        )
    return Group(Text(f"Undelivered events of {pipeline}:", style="bold"), table)


def drained_line(drained: Drained, where: str) -> Text:
    """How a run ended. where: environment and pipeline, as the commands take them."""
    run = ids.short(drained.workflow_run_id)
    if not drained.succeeded:
        return Text(f"The run {run} ended as {drained.state}.", "bold red")
    bad = f", {drained.bad_files:,} of them bad" if drained.bad_files else ""
    gone = f", {drained.gone_files:,} deleted before they were read" if drained.gone_files else ""
    done = (
        f"{count(drained.files, 'file')}{bad}{gone}, {count(drained.rows, 'row')} in "
        f"{count(len(drained.batches), 'batch', 'batches')}"
        if drained.batches
        else _nothing(drained)
    )
    text = Text(f"The run {run} took {duration(drained.seconds)}: {done}.", "green")
    if drained.bad_files:
        text.append(f" {_why_bad(drained.batches, where)}", "yellow")
    if drained.bad_ahead:
        run = ids.short(drained.ahead[0].workflow_run_id or "")
        whose = f"the files that {run} took" if drained.batches else "them"
        are = "is" if drained.bad_ahead == 1 else "are"
        bad = f" {drained.bad_ahead:,} of {whose} {are} bad."
        text.append(f"{bad} {_why_bad(drained.ahead, where)}", "yellow")
    return text


def _why_bad(batches: Sequence[Batch], where: str) -> str:
    """Which command shows the reasons: of a batch, as a run's story does not have its files."""
    bad = [batch for batch in batches if batch.bad_files]
    more = " (and of the other batches with bad files)" if len(bad) > 1 else ""
    return f"`burst inspect {where} {ids.short_batch(bad[0].batch)}` shows why{more}."


def _nothing(drained: Drained) -> str:
    """Why a run found nothing: the one before it may have taken what waited."""
    if not drained.ahead:
        return "there was nothing to do"
    files = sum(batch.files for batch in drained.ahead)
    rows = sum(batch.rows for batch in drained.ahead)
    run = ids.short(drained.ahead[0].workflow_run_id or "")
    return f"nothing was left to do, as {run} took {count(files, 'file')}, {count(rows, 'row')}"


def drained_parts(
    drained: Drained, environment: str, pipeline: DeployedPipeline
) -> Iterator[RenderableType]:
    """How a run ended, with its batches and where to look further."""
    if drained.batches:
        yield batches_table(drained.batches)
    yield drained_line(drained, f"{environment} {pipeline.name}")
    if drained.error:
        yield f"It said: {drained.error}"
        yield f"Its log: {pipeline.log_group_prefix}/error and {pipeline.log_group_prefix}/output."
    if drained.left:
        verb = "waits" if drained.left == 1 else "wait"
        yield f"{count(drained.left, 'file')} {verb} in landing now."


def redelivered_parts(
    done: Redelivered, deployment: Deployment, *, dry_run: bool
) -> Iterator[RenderableType]:
    """What became of one pipeline's undelivered events."""
    if done.held:
        yield (
            f"{done.pipeline}: somebody else has received about {count(done.held, 'message')}: "
            "another `burst redeliver` is at work, or was killed; then they are back in the queue "
            "within an hour. Look again when it has ended."
        )
    if not done.reasons:
        if not done.held:
            yield f"{done.pipeline}: every event was delivered."
        return
    if done.drained is not None:
        yield from drained_parts(
            done.drained, deployment.environment, deployment.pipeline(done.pipeline)
        )
    if dry_run:
        yield f"{done.pipeline}: dry run, the messages stay in the queue."
    elif done.deleted:
        yield (
            f"{done.pipeline}: {count(done.deleted, 'message')} deleted, their files are "
            "taken. New events fail again until the cause above is corrected."
        )
    elif done.left_behind and done.drained and done.drained.succeeded:
        yield (
            f"{done.pipeline}: the run left {count(len(done.left_behind), 'file')} in landing that "
            f"waited before, the first is {done.left_behind[0]}, so every message stays in the "
            f"queue. `burst status {deployment.environment}` says why."
        )
    else:
        yield f"{done.pipeline}: the run did not succeed, so every message stays in the queue."
    if done.left and not dry_run:
        yield f"{done.pipeline}: {count(done.left, 'message')} in the queue now."
