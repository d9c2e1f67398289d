"""What happened to a file, and what a batch did."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from burst import drift
from rich.console import Group, RenderableType
from rich.text import Text

from tools.operate.ids import short
from tools.operate.inspection import BatchStory, KeyStory, RunStory, Version, Where
from tools.operate.views.tables import (
    SHOWN_FILES,
    STATE_STYLES,
    Labelled,
    RowsTable,
    batches_table,
)
from tools.operate.words import count, duration, size, timestamp

if TYPE_CHECKING:
    import pyarrow as pa

WHERE_STYLES = {
    "archive": "green",
    "landing": "cyan",
    "reading": "cyan",
    "quarantine": "yellow",
    "gone": "red",
    "unreadable": "red",
    "unsettled": "red",
}

# What is still to come of a version.
NOW: Mapping[Where, str] = {
    "landing": "waits in landing for the next run",
    "unreadable": "in landing; every run asks S3 for it again",
    "unsettled": "in landing; every run tries again to remove it",
    "reading": "in a batch that is not committed yet",
}


def key_story(story: KeyStory, where: str) -> Iterator[RenderableType]:
    """Every version of a key, oldest first, with what happened to it.

    where: environment and pipeline, as commands take them.
    """
    later = {version.version_id: version for version in story.versions}
    for version in story.versions:
        yield from _version_parts(story.key, version, later.get(version.came_back_as or ""))
    if next_step := _next_step(story, where):
        yield next_step
    if story.delete_markers:
        yield Text(
            f"Somebody deleted this key without naming a version "
            f"({count(story.delete_markers, 'delete marker')}); its versions are still read."
        )
    yield Text(_looked(story), style="dim")


def _next_step(story: KeyStory, where: str) -> str:
    """What to do about a file that lies in quarantine and did not come back."""
    bad = [one for one in story.versions if one.where == "quarantine" and not one.came_back_as]
    if not bad:
        return ""
    replay = f"burst replay {where} --quarantine --key {shlex.quote(story.key)}"
    return (
        "If the file is wrong, correct it and send it in its place:\n\n"
        f"  pipenv run {replay} --with FILE\n\n"
        "If the settings are wrong, correct and deploy them, then the same without --with FILE.\n"
    )


def _looked(story: KeyStory) -> str:
    if story.looked < story.batches:
        return (
            f"Looked through the newest {story.looked:,} of {story.batches:,} batches; "
            "`--batches 0` looks through all."
        )
    return f"Looked through all of the ledger ({count(story.batches, 'batch', 'batches')})."


def _version_parts(
    key: str, version: Version, came_back: Version | None
) -> Iterator[RenderableType]:
    style, state = _state(version, came_back)
    yield Text.assemble(
        (f"version {version.version_id}", "bold"), f", {size(version.size)}: ", (state, style)
    )
    rows: list[tuple[str, str | Text]] = [
        (timestamp(step.at), Text(step.what)) for step in version.steps
    ]
    if version.where in NOW:
        rows.append(("now", Text(NOW[version.where], style=style)))
    if version.output:
        rows.append(("rows in", version.output))
    yield Labelled(rows, key)
    yield ""


def _state(version: Version, came_back: Version | None) -> tuple[str, str]:
    """Where it is, with its style; of one that came back, what became of it."""
    if version.came_back_as is None or version.where not in ("quarantine", "archive"):
        return WHERE_STYLES.get(version.where, ""), version.where
    was = "was in quarantine" if version.where == "quarantine" else "was loaded"
    if came_back is None or came_back.where != "archive":
        return "yellow", f"{was}, came back as version {version.came_back_as}"
    return "green", f"{was}, loaded since as version {version.came_back_as}"


def run_story(story: RunStory, now: datetime) -> Iterator[RenderableType]:
    """A run: its ids as AWS takes them, how it ended, and its batches."""
    run = story.run
    style = STATE_STYLES.get(run.state, "bold red")
    yield Text.assemble((run.shown_id, "bold"), ": ", (run.state, style))
    rows: list[tuple[str, str | Text]] = [
        ("Started", f"{timestamp(run.started_at)} by {run.started_by or 'unknown'}"),
        ("Ended", timestamp(run.ended_at) if run.ended_at else "not yet"),
        ("Took", duration(run.took(now))),
        ("Billed", f"{duration(run.seconds)} for each of its workers"),
    ]
    if run.error:
        rows.append(("It said", Text(run.error, style="red")))
    rows += [
        ("Log", f"{story.log_group_prefix}/error and {story.log_group_prefix}/output"),
        ("Job run", run.run_id),
        ("Workflow run", run.workflow_run_id or "none"),
    ]
    yield Labelled(rows)
    yield ""
    yield batches_table(story.batches) if story.batches else Text("It committed no batch.")


def batch_story(story: BatchStory, where: str) -> Iterator[RenderableType]:
    """A batch: when what happened, its figures, and its files."""
    rows: list[tuple[str, str | Text]] = [(timestamp(step.at), step.what) for step in story.steps]
    outcomes = [file.outcome for file in story.files]
    bad = outcomes.count("quarantined")
    bad += sum(file.outcome is None and file.reason is not None for file in story.files)
    phases = ", ".join(f"{name} {seconds:.1f}" for name, seconds in story.seconds.items())
    run = story.workflow_run_id or story.job_run_id
    rows += [
        ("Files", f"{len(story.files):,} ({bad:,} bad), {size(story.bytes)}"),
        ("Rows", _rows(story)),
        ("Seconds", phases or "not known yet"),
        ("Output", _output(story)),
        ("Transform", story.transform),
        ("Run", short(run) if run else "not known"),
    ]
    rescued: Counter[str] = Counter()
    for one in story.files:
        rescued.update(one.rescued)
    if rescued:
        rows.append(("Rescued", Text(f"{drift.words(rescued)} rows", style="yellow")))
    rows += [("Missing", Text(place, style="red")) for place in story.missing]
    rows += [
        ("Unsettled", Text(f"{file.key}: {file.reason}", style="red"))
        for file in story.unsettled[:SHOWN_FILES]
    ]
    yield Text.assemble((story.batch, "bold"), f": {story.state}")
    yield Labelled(rows)
    yield ""
    yield from _batch_files(story)
    if bad:
        yield f"\n`burst inspect {where} FILE` says what to do about a bad file."


def _rows(story: BatchStory) -> str:
    written = "" if story.rows_written is None else f", {story.rows_written:,} written"
    return f"{story.rows:,} read{written}"


def _output(story: BatchStory) -> Text:
    if story.output_removed_by:
        return Text(f"removed by the replay {story.output_removed_by}", style="yellow")
    return Text(story.output or "none: no rows")


def _batch_files(story: BatchStory) -> Iterator[RenderableType]:
    """The bad files first: they are why somebody looks. Each key has a line to itself."""
    ordered = sorted(story.files, key=lambda file: (file.reason is None, file.key))
    uploads = Counter(file.key for file in ordered)
    for file in ordered[:SHOWN_FILES]:
        version = f" (version {file.version_id})" if uploads[file.key] > 1 else ""
        outcome = file.outcome or ("bad" if file.reason else "reading")
        outcome += f", {count(file.rows, 'row')}" if file.outcome == "curated" else ""
        outcome += ", replayed" if file.replayed else ""
        words = f"{outcome}: {file.reason}" if file.reason else outcome
        yield Labelled([("", f"{file.key}{version}")], file.key)
        yield Labelled([("  ", Text(words, style="yellow" if file.reason else "dim"))])
    if (left := len(ordered) - SHOWN_FILES) > 0:
        yield Text(f"and {left:,} more; --json shows all", style="dim")


def rows_table(key: str, table: pa.Table) -> RenderableType:
    """Rows of curated, each in a column: there are more fields than fit side by side."""
    names = table.column_names
    rows = [[row[name] for name in names] for row in table.to_pylist(maps_as_pydicts="lossy")]
    shown = RowsTable(("",), [(name,) for name in names], rows, all_rows=True)
    return Group(Text(f"Rows of {key} in curated:", style="bold"), shown)


def key_parts(
    story: KeyStory, rows: Sequence[tuple[str, pa.Table]], where: str
) -> Iterator[RenderableType]:
    """All that is known of a key, and its rows where they were asked for.

    where: environment and pipeline, as commands take them.
    """
    if not story.versions:
        yield f"No version of {story.key} is known: it is not in landing, and in no batch."
    yield from key_story(story, where)
    for key, table in rows:
        yield rows_table(key, table)
