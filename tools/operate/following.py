"""How a run is shown on its way: a bar on a terminal, a line for each change elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tools.operate.answer import Answer
from tools.operate.draining import Report, RunProgress, Say, ignore_progress, say_nothing


@contextmanager
def followed(answer: Answer) -> Iterator[tuple[Report, Say]]:
    """What a `Drain` reports to and says; neither prints anything where JSON is asked for."""
    if answer.as_json:
        yield ignore_progress, say_nothing
        return
    with answer.progress() as bar:
        task = bar.add_task("Start", total=None)
        seen: set[str] = set()

        def say(text: str) -> None:
            bar.console.print(text, soft_wrap=True, markup=False, highlight=False)

        def report(progress: RunProgress) -> None:
            total = max(progress.waited, progress.files) or None
            bar.update(task, description=progress.state, completed=progress.files, total=total)
            if bar.disable and progress.state not in seen:
                seen.add(progress.state)
                say(f"The run is {progress.state}.")

        yield report, say
