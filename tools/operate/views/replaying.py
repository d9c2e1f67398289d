"""What a replay would do, does and did."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.progress import Progress, TaskID
from rich.text import Text

from tools.operate.deployment import DeployedPipeline, Deployment
from tools.operate.ids import short_batch
from tools.operate.replays.replay import Replayed, ReplayProgress
from tools.operate.replays.selection import Choice, Selection
from tools.operate.views.tables import SHOWN_FILES, table_of
from tools.operate.words import count, size


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
        files = count(choice.replayed, "file was", "files were")
        yield f"{files} replayed before and left out: a file comes back once."
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
        return (
            f"The output of {count(len(choice.outputs), 'batch', 'batches')} is removed from "
            f"curated and {count(len(choice.items), 'file')} are loaded again: until the next run "
            "has ended, readers miss these rows. They never see them twice."
        )
    return (
        f"The rows of {count(len(choice.items), 'file')} are in curated already and will come "
        "AGAIN: readers of curated see them twice. For whole batches (--batch or --since, no "
        "--key) --replace removes the old output first."
    )


def nothing_done(
    selection: Selection, choice: Choice, *, dry_run: bool
) -> Iterator[RenderableType]:
    """Why nothing came back: there is nothing, or it was only to be shown."""
    if choice.items:
        yield choice_table(choice)
    if not choice.items and not choice.outputs:
        yield "There is nothing to bring back."
    elif selection.area == "archive":
        yield warning(selection, choice)
    if dry_run and choice.items:
        what = count(len(choice.items), "file")
        yield f"Dry run: {what}, {size(choice.bytes)} would come back."


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
        yield f"The output of {batches} was removed from curated; the next run writes it again."
    if done.expired:
        yield (
            f"{count(len(done.expired), 'upload')} expired before they were sent (S3 gives an "
            "upload up after seven days): run the same command again to bring these files back. "
            f"The first is {done.expired[0].key}."
        )
    if pipeline.paused:
        yield f"The pipeline is paused, so no run starts: `burst drain {where}` starts one."
    elif done.sent:
        yield f"Their events start a run; `burst drain {where}` starts one now and follows it."


_STEPS = {"prepare": "Prepare", "remove": "Remove old output", "send": "Send to landing"}


class StepBars:
    """The steps of a replay as progress bars."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
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

    def sentence(self) -> str:
        """What came to landing until now."""
        if not self._sent:
            return "No file was sent to landing by this command yet."
        return f"About {count(self._sent, 'file')} came to landing."
