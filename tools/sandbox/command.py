"""`burst demo` and `burst sandbox`: the commands as a user types them, and what they print."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from tools.operate.deployment import PROJECT_FOLDER
from tools.sandbox.errors import PipelineError, SandboxError
from tools.sandbox.folder import new_folder
from tools.sandbox.terraform import Change, find_terraform

# What takes long to import is imported by the function that needs it, so that the help and a wrong
# option are answered at once: the emulator alone takes half a second.
if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from stacks.settings import PipelineSettings
    from tools.sandbox.demo import Burst, BurstProgress, Outcome
    from tools.sandbox.sandbox import Sandbox

ENVIRONMENT = "dev"
PIPELINE = "orders"

Window = Annotated[
    int, typer.Option(help="Batch window in seconds, in place of the pipeline's.", min=1, max=900)
]
Size = Annotated[
    int | None,
    typer.Option(help="Batch size in events, in place of the pipeline's.", min=1, max=100),
]
Folder = Annotated[
    Path | None,
    typer.Option(help="New folder for everything it writes; default: one under .sandbox."),
]


def demo(
    files: Annotated[int, typer.Option(help="Files in the burst.", min=1, max=1000)] = 25,
    bad: Annotated[
        int, typer.Option(help="Files among them that no job can read.", min=0, max=1000)
    ] = 1,
    seed: Annotated[int, typer.Option(help="The same seed gives the same orders.")] = 1,
    window: Window = 15,
    size: Size = None,
    folder: Folder = None,
) -> None:
    """Deploy the pipeline to an emulated account on this machine and send a burst through it.

    Example: pipenv run burst demo --files 100 --bad 3
    """
    console = Console(highlight=False)
    if bad > files:
        raise typer.BadParameter(f"{bad} of {files} files cannot be bad.", param_hint="--bad")
    from stacks.settings import read_environments
    from tools.sandbox import example_project

    settings = read_environments(example_project.SETTINGS)[ENVIRONMENT].pipelines[PIPELINE]
    find_terraform()

    from tools.sandbox import view
    from tools.sandbox.demo import Burst
    from tools.sandbox.orders import generate
    from tools.sandbox.sandbox import Sandbox

    with (
        Sandbox(new_folder(folder), batch_size=size, batch_window=window) as sandbox,
        _undisturbed_end(),
    ):
        _announce(console, sandbox.folder, settings, size, window)
        _deploy_example(console, sandbox)
        burst = Burst(
            sandbox,
            generate(files, seed=seed, now=datetime.now(UTC), bad=bad),
            pipeline=PIPELINE,
            prefix=settings.prefix,
        )
        outcome = _follow(console, sandbox, burst)
    for table in view.outcome_tables(outcome):
        console.print(table)
    if outcome.complete:
        console.print("What it would cost and how long files would wait: `burst forecast`.")
    else:
        raise PipelineError(
            f"{outcome.rows_in} rows went in and {outcome.rows_out} came out: {outcome.lost} are "
            f"lost, {outcome.extra} are there too often; of {outcome.bad_files} bad files "
            f"{len(outcome.quarantined)} are in quarantine."
        )


def sandbox(
    environment: Annotated[str, typer.Option(help="Environment of cdktf.json to deploy.")] = "dev",
    pipeline: Annotated[
        str | None, typer.Option(help="Deploy this pipeline alone; default: all of them.")
    ] = None,
    window: Window = 10,
    size: Size = None,
    folder: Folder = None,
) -> None:
    """Deploy the pipelines to an emulated account and keep it up until Ctrl-C, to try them.

    Example: pipenv run burst sandbox --pipeline orders
    """
    from stacks.settings import SettingsError, read_environments
    from tools.sandbox.one_pipeline import SETTINGS, unknown

    console = Console(highlight=False)
    environments = read_environments(PROJECT_FOLDER / SETTINGS)
    if environment not in environments:
        raise SettingsError([unknown("environment", environment, list(environments))])
    pipelines = environments[environment].pipelines
    if pipeline is not None and pipeline not in pipelines:
        raise SettingsError([unknown("pipeline", pipeline, list(pipelines), environment)])
    if os.name == "nt":
        raise SandboxError("The sandbox runs on Linux and macOS; on Windows, start it inside WSL.")
    find_terraform()

    from tools.sandbox import using
    from tools.sandbox.sandbox import Sandbox

    with (
        Sandbox(
            new_folder(folder),
            environment=environment,
            region=environments[environment].region,
            pipeline=pipeline,
            batch_size=size,
            batch_window=window,
        ) as running,
        _undisturbed_end(),
    ):
        console.print(f"Everything is written to [bold]{running.folder}[/].", soft_wrap=True)
        _deploy(console, running, PROJECT_FOLDER)
        using.write_examples(running.folder / using.EXAMPLES)
        shown = pipeline or (PIPELINE if PIPELINE in pipelines else next(iter(pipelines)))
        for line in using.how_to_use(using.write_environment(running), environment, shown):
            console.print(line, soft_wrap=True, markup=False)
        with _lines_for_notices(console, running):
            _until_interrupted()
    console.print("The sandbox is stopped, and its account is gone.")
    console.print("Its files are kept; `pipenv run burst clean` removes them.")


def _until_interrupted() -> None:
    """Return on Ctrl-C, which is how this ends; other signals end it as they end every command."""
    with contextlib.suppress(KeyboardInterrupt):
        threading.Event().wait()


@contextmanager
def _undisturbed_end() -> Iterator[None]:
    """Lets no second Ctrl-C interrupt the stopping of what the first one ended."""
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def _announce(
    console: Console, folder: Path, settings: PipelineSettings, size: int | None, window: int
) -> None:
    console.print(f"Everything is written to [bold]{folder}[/].", soft_wrap=True)
    console.print(
        f"Batch size {size or settings.batch_size} events, batch window {window} s"
        + (
            f" (shortened for the demo: {settings.batch_window_seconds} s in its settings)."
            if window < settings.batch_window_seconds
            else "."
        ),
        soft_wrap=True,
    )


def _deploy_example(console: Console, sandbox: Sandbox) -> None:
    from tools.sandbox import example_project

    _deploy(console, sandbox, example_project.copy_project(sandbox.folder / "project"))


def _deploy(console: Console, sandbox: Sandbox, project: Path) -> None:
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
    )

    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
    ) as progress:
        synth = progress.add_task("Synthesize the stack", total=1)
        sandbox.synthesize(project)
        progress.update(synth, completed=1)
        apply = progress.add_task("Deploy it with Terraform", total=None)
        sandbox.deploy(_updating(progress, apply))


def _updating(progress: Progress, task: TaskID) -> Callable[[Change], None]:
    def update(change: Change) -> None:
        progress.update(task, total=change.total or None, completed=change.done)

    return update


def _follow(console: Console, sandbox: Sandbox, burst: Burst) -> Outcome:
    """Run the burst: with a live view on a terminal, with a line for each step elsewhere."""
    if not console.is_terminal:
        with _lines_for_notices(console, sandbox):
            return burst.run()
    from rich.live import Live

    from tools.sandbox import view

    with Live(console=console, refresh_per_second=8) as live:

        def show(progress: BurstProgress) -> None:
            live.update(view.burst_panel(progress))

        return burst.run(show)


@contextmanager
def _lines_for_notices(console: Console, sandbox: Sandbox) -> Iterator[None]:
    """Print a line for every step of the engine that people care about."""
    from tools.operate.answer import print_text
    from tools.sandbox.narration import narrated

    def print_line(at: datetime, line: str) -> None:
        print_text(console, f"{at:%H:%M:%S} {line}")

    with narrated(sandbox.engine, print_line):
        yield
