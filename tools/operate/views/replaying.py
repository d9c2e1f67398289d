"""What a replay would do, does and did."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Group, RenderableType
from rich.progress import Progress, TaskID
from rich.text import Text

from tools.operate.deployment import DeployedPipeline, Deployment
from tools.operate.draining import RunProgress
from tools.operate.following import progress_words
from tools.operate.ids import short_batch
from tools.operate.replays.giving_up import EndedReplay, OpenReplay
from tools.operate.replays.replay import Replayed, ReplayProgress
from tools.operate.replays.selection import Choice, Earlier, Selection, how_to_restore
from tools.operate.views.tables import SHOWN_FILES, table_of
from tools.operate.words import count, size, timestamp


def choice_table(choice: Choice) -> RenderableType:
    """What would be replayed."""
    table = table_of("file", "batch", "size")
    for item in choice.items[:SHOWN_FILES]:
        table.add_row(Text(item.key), short_batch(item.batch), size(item.size))
    left = len(choice.items) - SHOWN_FILES
    return Group(table, Text(f"and {left:,} more", style="dim")) if left > 0 else table


def left_out(choice: Choice, pipeline: DeployedPipeline) -> Iterator[str]:
    """Sentences on what a replay leaves out."""
    if choice.replayed:
        files = count(len(choice.replayed), "file was", "files were")
        yield f"{files} replayed before and left out: a file comes back once."
        yield from _some(list(map(_earlier, choice.replayed)))
    if choice.archived:
        first = choice.archived[0]
        yield (
            f"{count(len(choice.archived), 'file is', 'files are')} left out: S3 returns an "
            f"archived file only after it is restored. {how_to_restore(first)}"
        )
        yield from _some([file.words for file in choice.archived])
    if choice.missing:
        yield (
            f"{count(choice.missing, 'file is', 'files are')} no longer in the lake (removed or "
            "expired) and cannot come back."
        )
    if choice.foreign:
        yield (
            f"{count(len(choice.foreign), 'file is', 'files are')} left out because the pipeline "
            f"takes only {pipeline.prefix}*{pipeline.suffix} now, the first is {choice.foreign[0]}."
        )
    if choice.unsettled:
        yield (
            f"{count(len(choice.unsettled), 'batch is', 'batches are')} not done, so "
            "its files may still be in landing: `burst drain` first."
        )


def warning(selection: Selection, choice: Choice) -> str:
    """What a replay from the archive does to curated."""
    if selection.replace:
        batches = count(len(choice.outputs), "batch", "batches")
        if not choice.items:
            return (
                f"The files of {batches} came back before: their old output is removed from "
                "curated as soon as all of them are loaded."
            )
        return (
            f"{count(len(choice.items), 'file is', 'files are')} loaded again by a run that starts "
            f"now, and then the old output of {batches} is removed from curated. Readers never "
            "miss these rows; between the two they see them twice, for seconds, or until the last "
            "batch of a large replay is loaded. A file that goes to quarantine this time has no "
            "rows in curated any more."
        )
    return (
        f"The rows of {count(len(choice.items), 'file')} are in curated already and will come "
        "AGAIN: readers of curated see them twice. For whole batches (--batch or --since, no "
        "--key) --replace removes the old output."
    )


def nothing_done(
    selection: Selection, choice: Choice, content: Path | None, *, dry_run: bool
) -> Iterator[RenderableType]:
    """Why nothing came back: there is nothing, or it was only to be shown.

    content: the file that would be sent in place of the one that was chosen.
    """
    if choice.items:
        yield choice_table(choice)
    if not choice.items and not choice.outputs:
        yield "There is nothing to bring back."
    elif selection.area == "archive":
        yield warning(selection, choice)
    if dry_run and choice.items:
        what = f"{count(len(choice.items), 'file')}, {size(choice.bytes)} would come back"
        if content:
            what = f"{content} ({size(content.stat().st_size)}) would be sent in its place"
        yield f"Dry run: {what}."


def replayed_lines(
    done: Replayed, deployment: Deployment, pipeline: DeployedPipeline
) -> Iterator[RenderableType]:
    """What came back, and what takes it from landing."""
    where = f"{deployment.environment} {pipeline.name}"
    yield (
        f"{count(done.sent, 'file')} came back to landing ({size(done.bytes)}), replay "
        f"{done.request}."
    )
    if done.outputs_removed:
        batches = count(len(done.outputs_removed), "batch", "batches")
        yield f"They are loaded again, and the old output of {batches} was removed from curated."
    if done.outputs_kept:
        batches = count(len(done.outputs_kept), "batch", "batches")
        yield f"The old output of {batches} stays, because not all of their files were sent."
    if done.expired:
        yield (
            f"{count(len(done.expired), 'upload')} expired before they were sent (S3 gives an "
            "upload up after seven days): run the same command again to bring these files back. "
            f"The first is {done.expired[0].key}."
        )
    if pipeline.paused and not done.outputs_removed:
        yield f"The pipeline is paused, so no run starts: `burst drain {where}` starts one."
    elif done.sent and not done.outputs_removed:
        yield f"Their events start a run; `burst drain {where}` starts one now and follows it."


def open_replay_lines(found: OpenReplay) -> Iterator[str]:
    """What the records of the open replay say."""
    request = found.request
    yield (
        f"The replay {request.id} ({request.selection.words()}) has been open since "
        f"{timestamp(request.at)}."
    )
    if found.given_up:
        yield f"{found.given_up.by} began to give it up at {timestamp(found.given_up.at)}."
    if found.files is None:
        yield "It has chosen no files yet."
        return
    yield (
        f"{found.sent:,} of {count(found.files, 'file')} came to landing, {found.unsent:,} did not."
    )
    if found.uncertain:
        yield (
            f"Of {count(found.uncertain, 'file')} it is not on record: giving up finds out which "
            "of them came, and prevents the others."
        )
    if found.outputs:
        yield (
            f"It replaces the output of {count(len(found.outputs), 'batch', 'batches')}, "
            f"{len(found.outputs_removed):,} of them removed."
        )


def give_up_warning(found: OpenReplay) -> str:
    """What giving up does."""
    twice = (
        " Where files of a batch that it replaces were sent, their rows are loaded again and the "
        "old ones stay."
        if len(found.outputs) > len(found.outputs_removed) and found.sent + found.uncertain
        else ""
    )
    return (
        "What was sent stays in landing or where the job put it; nothing more is sent. If the "
        "replay still runs somewhere, it stops at its next step. What was not sent can be replayed "
        f"again.{twice}"
    )


def ended_lines(
    ended: EndedReplay, deployment: Deployment, pipeline: DeployedPipeline
) -> Iterator[str]:
    """What a replay that was given up had done."""
    yield (
        f"The replay {ended.request} is given up: {count(len(ended.sent), 'file')} came to "
        f"landing, {len(ended.unsent):,} did not. The next replay can begin."
    )
    yield from _some([f"sent: {file.item.key}" for file in ended.sent])
    yield from _some([f"not sent: {item.key}" for item in ended.unsent])
    for output in ended.doubled[:SHOWN]:
        yield (
            f"The old rows of batch {output.batch} are still in curated, and rows of its files "
            f"come again: `burst replay {deployment.environment} {pipeline.name} --archive --batch "
            f"{output.batch} --replace` sends what is missing and removes the old ones."
        )


def _earlier(file: Earlier) -> str:
    version = f" as version {file.version_id}" if file.version_id else ""
    then = f", in batch {file.batch} since" if file.batch else ""
    return f"{file.key}: sent by the replay {file.replay} ({timestamp(file.at)}){version}{then}"


def _some(lines: Sequence[str]) -> Iterator[str]:
    yield from (f"  {line}" for line in lines[:SHOWN])
    if len(lines) > SHOWN:
        yield f"  and {len(lines) - SHOWN:,} more"


SHOWN = 5
_STEPS = {"prepare": "Prepare", "send": "Send to landing", "replace": "Remove old output"}


class StepBars:
    """The steps of a replay as progress bars."""

    def __init__(self, bars: Progress, *, quiet: bool = False) -> None:
        self._bars, self._quiet = bars, quiet
        self._tasks: dict[str, TaskID] = {}
        self._sent = 0

    def report(self, progress: ReplayProgress) -> None:
        """Draw how far the replay is."""
        if progress.step not in self._tasks:
            name = _STEPS[progress.step]
            self._tasks[progress.step] = self._bars.add_task(name, total=progress.total)
        self._bars.update(self._tasks[progress.step], completed=progress.done)
        if progress.step == "send":
            self._sent = progress.done

    def run(self, progress: RunProgress) -> None:
        """Draw how far the run is that loads the files."""
        if "run" not in self._tasks:
            self._tasks["run"] = self._bars.add_task("Load", total=None)
        total = max(progress.waited, progress.files) or None
        shown = progress_words(progress)
        self._bars.update(
            self._tasks["run"], description=shown, completed=progress.files, total=total
        )

    def say(self, text: str) -> None:
        """Print beside the bars."""
        if not self._quiet:
            self._bars.console.print(text, soft_wrap=True, markup=False, highlight=False)

    def sentence(self) -> str:
        """What came to landing until now."""
        if not self._sent:
            return "No file was sent to landing by this command yet."
        return f"About {count(self._sent, 'file')} came to landing."
