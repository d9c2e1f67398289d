"""The commands as a user types them. Each one reads, asks, decides and draws, in this order."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from burst.batch import BATCH_ID
from burst.contract import Area
from rich.console import RenderableType
from rich.progress import Progress as Bar

from tools.operate import inspection, redelivery, status, view
from tools.operate.answer import Answer, told
from tools.operate.connection import Connection
from tools.operate.deployment import PROJECT_FOLDER, Deployment, Pipeline, read_deployments
from tools.operate.draining import Drain, Drained, Moment
from tools.operate.errors import InputError, StoppedError
from tools.operate.options import (
    AsJson,
    Endpoint,
    Environment,
    Outputs,
    PipelineName,
    reach,
    utc_now,
)
from tools.operate.pausing import Pausing, pausing, read_settings
from tools.operate.putting import put_file, put_key
from tools.operate.replays.replay import Progress, Replay, Replayed
from tools.operate.replays.selection import Choice, Selection
from tools.operate.rows import rows_of

SETTINGS_FILE = PROJECT_FOLDER / "cdktf.json"


@told
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
        draw=(panel for item in found for panel in view.status_panels(item)),
    )


@told
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
    """Tell where a file is and what happened to it, or what a batch did."""
    answer = Answer.to(as_json)
    deployment, connection = reach(environment, outputs, endpoint)
    part = deployment.pipeline(pipeline)
    if BATCH_ID.fullmatch(what):
        batch = inspection.inspect_batch(connection.s3, deployment, part, what)
        answer.end(batch, ok=True, draw=view.batch_story(batch))
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
    found = list(_rows(connection, story, rows))
    answer.end(
        {"story": story, "rows": [row for _, table in found for row in table.to_pylist()]},
        ok=bool(story.versions),
        draw=_key_parts(story, found),
    )


def _rows(
    connection: Connection, story: inspection.KeyStory, most: int
) -> Iterator[tuple[str, Any]]:
    for version in story.versions:
        if most and version.output:
            yield (
                story.key,
                rows_of(
                    connection.s3,
                    version.output,
                    key=story.key,
                    version_id=version.version_id,
                    most=most,
                ),
            )


def _key_parts(story: inspection.KeyStory, rows: list[tuple[str, Any]]) -> Iterator[RenderableType]:
    if not story.versions:
        yield f"No version of {story.key} is known: it is not in landing, and in no batch."
    yield from view.key_story(story)
    for key, table in rows:
        yield view.rows_table(key, table)


@told
def replay(
    environment: Environment,
    pipeline: PipelineName,
    quarantine: Annotated[
        bool, typer.Option("--quarantine", help="Files in quarantine; all without a narrower one.")
    ] = False,
    archive: Annotated[
        bool,
        typer.Option("--archive", help="Files that were loaded; with --batch, --since, --key."),
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
        bool, typer.Option("--replace", help="Remove the output of the batches first: whole ones.")
    ] = False,
    content: Annotated[
        Path | None,
        typer.Option(
            "--with",
            help="Corrected file, sent in place of the one in quarantine.",
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
    work = _Replay(answer, deployment, part, selection, content, connection)
    work.run(dry_run=dry_run, yes=yes)


@dataclass(frozen=True)
class _Replay:
    answer: Answer
    deployment: Deployment
    pipeline: Pipeline
    selection: Selection
    content: Path | None
    connection: Connection

    def run(self, *, dry_run: bool, yes: bool) -> None:
        job = self._job(report=lambda progress: None)
        unfinished, choice = job.unfinished(), None
        if unfinished is None:
            choice = job.look()
            self.answer.draw(*view.left_out(choice, self.pipeline))
            if dry_run or not (choice.items or choice.outputs):
                self._nothing_done(choice, dry_run=dry_run)
            self._ask(choice, yes=yes)
        else:
            self.answer.draw(f"Going on with the replay {unfinished.id}, which was interrupted.")
            if dry_run:
                self.answer.end({"unfinished": unfinished}, ok=True)
        self._end(self._do(), choice)

    def _job(self, report: Any) -> Replay:
        return Replay(
            self.connection.s3,
            self.deployment,
            self.pipeline,
            self.selection,
            utc_now(),
            self.content,
            report,
        )

    def _nothing_done(self, choice: Choice, *, dry_run: bool) -> None:
        parts: list[RenderableType] = [view.choice_table(choice)] if choice.items else []
        if not choice.items and not choice.outputs:
            parts.append("There is nothing to bring back.")
        elif self.selection.area == "archive":
            parts.append(view.warning(self.selection, choice))
        if dry_run and choice.items:
            what = view.count(len(choice.items), "file")
            parts.append(f"Dry run: {what}, {view.size(choice.bytes)} would come back.")
        self.answer.end({"choice": choice, "replayed": None}, ok=True, draw=parts)

    def _ask(self, choice: Choice, *, yes: bool) -> None:
        """Loading rows a second time, or taking them away for a while, needs a word."""
        if self.selection.area == "quarantine":
            return
        text = view.warning(self.selection, choice)
        self.answer.draw(text)
        if yes:
            return
        if self.answer.as_json or not sys.stdin.isatty():
            raise InputError(f"{text} Say --yes if that is what you want; nothing was done.")
        typer.confirm("Go on?", abort=True)

    def _do(self) -> Replayed:
        shown = _Steps()
        with self.answer.progress() as bar:
            try:
                return self._job(report=shown.on(bar)).run()
            except KeyboardInterrupt:
                raise StoppedError(
                    f"Stopped. {shown.words()} The same command goes on from here and sends no "
                    "file twice."
                ) from None

    def _end(self, done: Replayed, choice: Choice | None) -> None:
        self.answer.end(
            {"choice": choice, "replayed": done},
            ok=not done.expired,
            draw=_replayed_lines(done, self.deployment, self.pipeline),
        )


_STEPS = {"prepare": "Prepare", "remove": "Remove old output", "send": "Send to landing"}


class _Steps:
    """The steps of a replay as progress bars."""

    def __init__(self) -> None:
        self._tasks: dict[str, Any] = {}
        self._sent = 0

    def on(self, bar: Bar) -> Any:
        def report(progress: Progress) -> None:
            if progress.step not in self._tasks:
                name = _STEPS[progress.step]
                self._tasks[progress.step] = bar.add_task(name, total=progress.total)
            bar.update(self._tasks[progress.step], completed=progress.done)
            if progress.step == "send":
                self._sent = progress.done

        return report

    def words(self) -> str:
        if not self._sent:
            return "No file was sent to landing by this command yet."
        return f"About {view.count(self._sent, 'file')} came to landing."


def _replayed_lines(
    done: Replayed, deployment: Deployment, pipeline: Pipeline
) -> Iterator[RenderableType]:
    where = f"{deployment.environment} {pipeline.name}"
    yield (
        f"{view.count(done.sent, 'file')} came back to landing ({view.size(done.bytes)}), replay "
        f"{done.request}."
    )
    if done.outputs_removed:
        batches = view.count(len(done.outputs_removed), "batch", "batches")
        yield f"The output of {batches} was removed from curated; the next run writes it anew."
    if done.expired:
        yield (
            f"{view.count(len(done.expired), 'upload')} had been given up before they were sent "
            "(S3 does that after seven days): run the same command again to bring these back, the "
            f"first is {done.expired[0].key}."
        )
    if pipeline.paused:
        yield f"The pipeline is paused, so no run starts: `burst drain {where}` starts one."
    elif done.sent:
        yield f"Their events start a run; `burst drain {where}` starts one now and follows it."


@told
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
    """Start a run now and follow it to its end. Works on a paused pipeline, too."""
    answer = Answer.to(as_json)
    deployment, connection = reach(environment, outputs, endpoint)
    part = deployment.pipeline(pipeline)
    with _followed(answer) as (report, say):
        work = Drain(connection, deployment, part, utc_now, report, say)
        run_id = work.start()
        drained = work.follow(run_id) if wait else None
        if drained is None:
            say(f"Started the run {run_id}.")
    if drained is None:
        answer.end({"workflow_run_id": run_id}, ok=True)
    else:
        answer.end(drained, ok=drained.succeeded, draw=_drained_parts(drained, part))


@contextmanager
def _followed(answer: Answer) -> Iterator[tuple[Any, Any]]:
    """How a run is shown on its way: a bar on a terminal, a line for each change elsewhere."""
    with answer.progress() as bar:
        task = bar.add_task("Start", total=None)
        seen: set[str] = set()

        def say(text: str) -> None:
            bar.console.print(text, soft_wrap=True, markup=False, highlight=False)

        def report(moment: Moment) -> None:
            total = max(moment.waited, moment.files) or None
            bar.update(task, description=moment.state, completed=moment.files, total=total)
            if bar.disable and moment.state not in seen:
                seen.add(moment.state)
                say(f"The run is {moment.state}.")

        quiet = answer.as_json
        yield (lambda moment: None, lambda text: None) if quiet else (report, say)


def _drained_parts(drained: Drained, pipeline: Pipeline) -> Iterator[RenderableType]:
    if drained.batches:
        yield view.batches_table(drained.batches)
    yield view.drained_line(drained)
    if drained.error:
        yield f"It said: {drained.error}"
        yield f"Its log: {pipeline.log_group_prefix}/error and {pipeline.log_group_prefix}/output."
    if drained.left:
        yield f"{view.count(drained.left, 'file')} wait in landing now."


@told
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
    """Say why events were not delivered, have their files taken, and delete the messages."""
    answer = Answer.to(as_json)
    deployment, connection = reach(environment, outputs, endpoint)
    names = [pipeline] if pipeline else sorted(deployment.pipelines)
    done = [
        _redeliver(answer, connection, deployment, deployment.pipeline(name), dry_run)
        for name in names
    ]
    ok = all(item.succeeded or dry_run for item in done)
    answer.end(
        {"pipelines": done},
        ok=ok,
        draw=(part for item in done for part in _redelivered_parts(item, deployment, dry_run)),
    )


def _redeliver(
    answer: Answer,
    connection: Connection,
    deployment: Deployment,
    pipeline: Pipeline,
    dry_run: bool,
) -> redelivery.Redelivered:
    with _followed(answer) as (report, say):
        return redelivery.redeliver(
            connection,
            pipeline,
            Drain(connection, deployment, pipeline, utc_now, report, say),
            dry_run=dry_run,
            show=lambda reasons: answer.draw(view.reasons_table(pipeline.name, reasons)),
        )


def _redelivered_parts(
    done: redelivery.Redelivered, deployment: Deployment, dry_run: bool
) -> Iterator[RenderableType]:
    if not done.reasons:
        yield f"{done.pipeline}: every event was delivered."
        return
    if done.drained is not None:
        yield from _drained_parts(done.drained, deployment.pipeline(done.pipeline))
    if dry_run:
        yield f"{done.pipeline}: dry run, the messages stay in the queue."
    elif done.deleted:
        yield (
            f"{done.pipeline}: {view.count(done.deleted, 'message')} deleted, their files are "
            "taken. New events fail again until the cause above is corrected."
        )
    else:
        yield f"{done.pipeline}: the run did not succeed, so every message stays in the queue."
    if done.left and not dry_run:
        yield f"{done.pipeline}: {view.count(done.left, 'message')} in the queue now."


@told
def pause(
    environment: Environment,
    pipeline: PipelineName,
    write: Annotated[bool, typer.Option("--write", help="Change cdktf.json.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show how to stop a pipeline from starting runs: a setting, and the plan it leads to."""
    _pause(environment, pipeline, paused=True, write=write, as_json=as_json)


@told
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
        draw=_pause_lines(change, written=write),
    )


def _pause_lines(change: Pausing, *, written: bool) -> Iterator[RenderableType]:
    where = f"{change.environment} {change.pipeline}"
    if not change.changed:
        yield f"cdktf.json says already that {where} is {change.words}."
    else:
        yield f"{'Changed' if written else 'To change'} in cdktf.json:\n\n{change.diff}"
        if not written:
            yield "--write does it."
    already = not change.changed
    state = "ENABLED -> DISABLED" if change.paused else "DISABLED -> ENABLED"
    folder = f"cdktf.out/stacks/{change.environment}"
    yield (
        "A rule that is changed behind Terraform's back would be changed back by the next apply, "
        f"so this is a setting. What is left to do{', unless it is deployed' * already}:\n\n"
        "  pipenv run python main.py\n"
        f"  terraform -chdir={folder} init     the first time\n"
        f"  terraform -chdir={folder} plan     the rules of {change.pipeline}: state {state}, "
        "nothing else\n"
        f"  terraform -chdir={folder} apply"
    )
    if change.paused:
        yield (
            "\nWhile it is paused, files wait in landing. Nothing is lost; a version that is "
            "overwritten meanwhile is kept as well (docs/costs-and-limits.md says how long)."
        )
    else:
        yield (
            f"  pipenv run burst drain {where}\n\n"
            "The last one takes the files that came while it was paused: they sent no event."
        )


@told
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
        draw=(f"{item.key} ({view.size(item.size)}), version {item.version_id}" for item in done),
    )
