"""`burst demo`: the command as a user types it, and what it prints."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from tools import processes
from tools.operate.answer import print_part, print_text
from tools.operate.deployment import PROJECT_FOLDER
from tools.operate.words import count
from tools.operate.words import size as bytes_in_words
from tools.sandbox.command import (
    ENVIRONMENT,
    PIPELINE,
    Folder,
    Size,
    Window,
    deploy,
    print_line,
)
from tools.sandbox.errors import PipelineError
from tools.sandbox.folder import new_folder
from tools.sandbox.terraform import find_terraform

# What takes long to import is imported by the function that needs it, as in command.py.
if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live

    from stacks.settings import PipelineSettings
    from tools.sandbox.demo import Burst, BurstFile, BurstProgress, Outcome
    from tools.sandbox.sandbox import Sandbox

MAX_FILES = 1000


def demo(
    files: Annotated[
        str,
        typer.Option(
            metavar="N or FOLDER",
            help="Order files in the burst, 1 to 1,000; or the folder with your own files, for a "
            "pipeline of yours.",
        ),
    ] = "25",
    bad: Annotated[
        int | None,
        typer.Option(
            help="Order files among them that no job can read.",
            min=0,
            max=1000,
            show_default="1",
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="The same seed gives the same orders.", show_default="1")
    ] = None,
    pipeline: Annotated[
        str | None,
        typer.Option(help="A pipeline of cdktf.json, in place of the example with its orders."),
    ] = None,
    environment: Annotated[
        str | None,
        typer.Option(help="Environment of cdktf.json with the pipeline.", show_default=ENVIRONMENT),
    ] = None,
    window: Window = 15,
    size: Size = None,
    folder: Folder = None,
) -> None:
    """Deploy a pipeline to an emulated account on this machine and send a burst through it.

    Example: pipenv run burst demo --files 100 --bad 3
    """
    if pipeline is None:
        _refuse(environment, "--environment", "it goes with --pipeline only.")
        subject = _orders(files, 1 if bad is None else bad, 1 if seed is None else seed)
    else:
        for option, value in (("--bad", bad), ("--seed", seed)):
            _refuse(value, option, "it is for the orders of the example.")
        subject = _own(files, environment or ENVIRONMENT, pipeline)
    find_terraform()

    from tools.sandbox import view
    from tools.sandbox.demo import Burst
    from tools.sandbox.sandbox import Sandbox

    console = Console(highlight=False)
    with Sandbox(
        new_folder(folder),
        environment=subject.environment,
        region=subject.region,
        batch_size=size,
        batch_window=window,
    ) as sandbox:
        _announce(console, sandbox.folder, subject, size, window)
        _deploy_subject(console, sandbox, subject)
        burst = Burst(sandbox, subject.files, pipeline=subject.pipeline, settings=subject.settings)
        outcome = _follow(console, sandbox, burst)
    for table in view.outcome_tables(outcome, width=console.width, boxed=console.is_terminal):
        print_part(console, table)
    if not outcome.complete:
        raise PipelineError(view.what_is_missing(outcome))
    _print_what_next(console, outcome.curated, own=pipeline is not None)


@dataclass(frozen=True)
class _Subject:
    """What the demo plays: the files, and the pipeline that gets them."""

    environment: str
    region: str
    pipeline: str
    settings: PipelineSettings
    files: Sequence[BurstFile]
    what: str
    copy_project: Callable[[Path], Path]


def _orders(files: str, bad: int, seed: int) -> _Subject:
    """The shipped example."""
    from stacks.settings import read_environments
    from tools.sandbox import example_project
    from tools.sandbox.orders import generate

    if not files.isdecimal():
        if _is_number(files):
            raise _wrong_files(files)
        raise typer.BadParameter(
            f"{files!r} is no number, and a folder of your own files needs --pipeline, the "
            "pipeline of cdktf.json that takes them.",
            param_hint="--files",
        )
    if not 1 <= int(files) <= MAX_FILES:
        raise _wrong_files(files)
    if bad > int(files):
        raise typer.BadParameter(f"{bad} of {files} files cannot be bad.", param_hint="--bad")
    environment = read_environments(example_project.SETTINGS)[ENVIRONMENT]
    return _Subject(
        environment=ENVIRONMENT,
        region=environment.region,
        pipeline=PIPELINE,
        settings=environment.pipelines[PIPELINE],
        files=generate(int(files), seed=seed, now=datetime.now(UTC), bad=bad),
        what=f"{count(int(files), 'order file')}, {bad} of them bad",
        copy_project=example_project.copy_project,
    )


def _own(files: str, environment: str, pipeline: str) -> _Subject:
    """A pipeline of the user's settings, with the user's files."""
    from tools.sandbox import one_pipeline
    from tools.sandbox.own_files import find_files, find_pipeline

    its, settings = find_pipeline(PROJECT_FOLDER / "cdktf.json", environment, pipeline)
    if _is_number(files):
        raise typer.BadParameter(
            "with --pipeline, name the folder with files for it.", param_hint="--files"
        )
    found = find_files(Path(files), pipeline, settings)
    are = "is" if found.others == 1 else "are"
    others = f" ({count(found.others, 'other file')} {are} left out)" if found.others else ""
    return _Subject(
        environment=environment,
        region=its.region,
        pipeline=pipeline,
        settings=settings,
        files=found.files,
        what=f"{count(len(found.files), 'file')} of {files}, {bytes_in_words(found.bytes)}{others}",
        copy_project=partial(
            one_pipeline.source, PROJECT_FOLDER, environment=environment, pipeline=pipeline
        ),
    )


def _refuse(value: object, option: str, why: str) -> None:
    if value is not None:
        raise typer.BadParameter(why, param_hint=option)


def _is_number(text: str) -> bool:
    return text.lstrip("+-").replace(".", "", 1).isdecimal()


def _wrong_files(files: str) -> typer.BadParameter:
    return typer.BadParameter(
        f"{files!r} is not allowed: give a whole number, 1 to {MAX_FILES:,}, or a folder.",
        param_hint="--files",
    )


def _announce(
    console: Console, folder: Path, subject: _Subject, size: int | None, window: int
) -> None:
    settings = subject.settings
    console.print(f"Everything is written to [bold]{_shown(folder)}[/].", soft_wrap=True)
    usual = settings.batch_window_seconds
    shortened = f" (shortened for the demo: {usual} s in its settings)" if window < usual else ""
    print_text(console, f"Pipeline {subject.pipeline!r}; {subject.what}.")
    print_text(
        console,
        f"Batch size {size or settings.batch_size} events, batch window {window} s{shortened}. "
        "The demo takes two to three minutes; for half of that time the AWS provider waits "
        "between its checks.",
    )


def _shown(path: Path) -> Path:
    """A path as it can be typed here."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _deploy_subject(console: Console, sandbox: Sandbox, subject: _Subject) -> None:
    deploy(console, sandbox, subject.copy_project(sandbox.folder / "project"))


def _follow(console: Console, sandbox: Sandbox, burst: Burst) -> Outcome:
    """Run the burst: with a live view on a terminal, with a line for each step elsewhere."""
    from tools.sandbox import view
    from tools.sandbox.alert_lines import ALERT, for_the_demo
    from tools.sandbox.narration import narrated

    if not console.is_terminal:
        lines = view.Lines(partial(print_line, console))
        with narrated(sandbox.engine, lambda at, line: print_line(console, for_the_demo(line), at)):
            return burst.run(lines.progress)
    from rich.live import Live

    def alert(at: datetime, line: str) -> None:
        # The picture shows the rest; this is what would reach people.
        if line.startswith(ALERT):
            print_line(console, for_the_demo(line), at)

    with Live(console=console, refresh_per_second=8) as live:
        picture = LivePicture(live, partial(view.burst_panel, width=console.width))
        with processes.drawn_live(picture.stop), narrated(sandbox.engine, alert):
            try:
                return burst.run(picture.show)
            except BaseException:
                picture.stop()
                raise


class LivePicture:
    """The live view of a burst. Once it is stopped, its last picture says so and stays.

    Args:
        draw: what is to be seen; with ``stopped=True`` for the last time.
    """

    def __init__(self, live: Live, draw: Callable[..., RenderableType]) -> None:
        self._live = live
        self._draw = draw
        self._last: BurstProgress | None = None
        self._stopped = False
        # A signal may come while the main thread draws, and is answered there.
        self._lock = threading.RLock()

    def show(self, progress: BurstProgress) -> None:
        """Draw this moment."""
        with self._lock:
            if not self._stopped:
                self._last = progress
                self._live.update(self._draw(progress))

    def stop(self) -> None:
        """Draw the last moment as one at which it was stopped; again does nothing."""
        with self._lock:
            if self._stopped:
                return
            self._stopped = True
            if self._last is not None:
                self._live.update(self._draw(self._last, stopped=True))
            self._live.stop()


def _print_what_next(console: Console, curated: Path, *, own: bool) -> None:
    from tools.sandbox import view

    console.print(f"The rows are in {_shown(curated)}", soft_wrap=True, markup=False)
    console.print()
    console.print("What next:")
    for command, what in view.next_steps(own=own):
        console.print(f"  [bold]pipenv run burst {command}[/]\n      {what}")
