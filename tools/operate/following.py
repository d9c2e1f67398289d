"""How a run is shown on its way: a bar on a terminal, a line for each change elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tools.operate import ids
from tools.operate.answer import Answer, print_text
from tools.operate.draining import Report, RunProgress, Say, ignore_progress, say_nothing
from tools.operate.words import count, duration


@contextmanager
def followed(answer: Answer, first: str) -> Iterator[tuple[Report, Say]]:
    """What a `Drain` reports to and says; neither prints anything where JSON is asked for.

    first: what is done before there is a run.
    """
    if answer.as_json:
        yield ignore_progress, say_nothing
        return
    with answer.progress() as bar:
        task = bar.add_task(first, total=None)
        last = ""

        def say(text: str) -> None:
            print_text(bar.console, text)

        def report(progress: RunProgress) -> None:
            nonlocal last
            total = max(progress.waited, progress.files) or None
            shown = progress_words(progress)
            bar.update(task, description=shown, completed=progress.files, total=total)
            if bar.disable and shown != last:
                last = shown
                say(f"{duration(progress.seconds)}: {shown}")

        yield report, say


def progress_words(progress: RunProgress) -> str:
    """The state of the run, and how much of what waited it has committed."""
    if progress.behind:
        return f"{progress.state} for the run {ids.short(progress.behind)}"
    if not progress.batches:
        return progress.state
    total = max(progress.waited, progress.files)
    batches = count(progress.batches, "batch", "batches")
    return f"{progress.state}, {progress.files:,} of {count(total, 'file')} in {batches}"
