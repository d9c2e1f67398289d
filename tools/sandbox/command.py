"""`burst sandbox`: the command as a user types it, and what it shares with `burst demo`."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from tools import processes
from tools.operate.answer import print_text
from tools.operate.deployment import PROJECT_FOLDER
from tools.sandbox.errors import SandboxError
from tools.sandbox.folder import Facts, new_folder
from tools.sandbox.terraform import find_terraform

# What takes long to import is imported by the function that needs it, so that the help and a wrong
# option are answered at once: the emulator alone takes half a second.
if TYPE_CHECKING:
    from tools.sandbox.sandbox import Sandbox
    from tools.sandbox.view import Deployment

ENVIRONMENT = "dev"
PIPELINE = "orders"
LOOK_EVERY_SECONDS = 1.0

Window = Annotated[
    int, typer.Option(help="Batch window in seconds, in place of the pipeline's.", min=1, max=900)
]
Size = Annotated[
    int | None,
    typer.Option(help="Batch size in events, in place of the pipeline's.", min=1, max=100),
]
Folder = Annotated[
    Path | None,
    typer.Option(help="New folder for everything it writes.", show_default="one under .sandbox"),
]


def sandbox(
    environment: Annotated[str, typer.Option(help="Environment of cdktf.json to deploy.")] = "dev",
    pipeline: Annotated[
        str | None, typer.Option(help="Deploy this pipeline alone.", show_default="all of them")
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

    with Sandbox(
        new_folder(folder),
        environment=environment,
        region=environments[environment].region,
        pipeline=pipeline,
        batch_size=size,
        batch_window=window,
    ) as running:
        console.print(f"Everything is written to [bold]{running.folder}[/].", soft_wrap=True)
        deploy(console, running, PROJECT_FOLDER)
        using.write_examples(running.folder / using.EXAMPLES)
        shown = pipeline or (PIPELINE if PIPELINE in pipelines else next(iter(pipelines)))
        file = using.write_environment(running)
        others = pipeline is None and len(pipelines) > 1
        for line in using.how_to_use(file, environment, shown, others=others):
            console.print(line, soft_wrap=True, markup=False)
        with lines_for_notices(console, running):
            _until_interrupted(running.folder, partial(print_line, console))
    console.print(f"{processes.verdict()} The account is gone.")
    console.print("Its files are kept; `pipenv run burst clean` removes them.")


def _until_interrupted(folder: Path, say: Callable[[str], None]) -> None:
    """Return on Ctrl-C, which is how this ends; other signals end it as they end every command.

    Says when `burst sandbox apply`, which runs in another terminal, has deployed something.
    """
    with contextlib.suppress(KeyboardInterrupt):
        deployed = Facts.read(folder).stack_folder
        while True:
            time.sleep(LOOK_EVERY_SECONDS)
            if (now := Facts.read(folder).stack_folder) != deployed:
                deployed = now
                say("`burst sandbox apply` has deployed what the settings say now.")


def deploy(console: Console, sandbox: Sandbox, project: Path) -> None:
    """Synthesize and deploy a project: with a live view on a terminal, in lines elsewhere."""
    if not console.is_terminal:
        from tools.sandbox import view

        print_line(console, "Synthesize the stack.")
        sandbox.synthesize(project)
        print_line(console, "Deploy it with Terraform.")
        sandbox.deploy(view.Lines(partial(print_line, console)).change)
        return
    with live_steps(console) as shown:
        shown.begin("Synthesize the stack")
        sandbox.synthesize(project)
        shown.begin("Deploy it with Terraform", "Terraform starts the AWS provider and plans")
        sandbox.deploy(shown.change)


@contextmanager
def live_steps(console: Console) -> Iterator[Deployment]:
    """A live view of steps. A signal or an error leaves them as they are, with a cross at the last.

    The picture ends before it is said what is being stopped.
    """
    from rich.live import Live

    from tools.sandbox import view

    shown = view.Deployment(console)

    def end() -> None:
        shown.stop()
        live.stop()

    with Live(shown, console=console, refresh_per_second=8) as live, processes.drawn_live(end):
        try:
            yield shown
            shown.end()
        finally:
            shown.stop()


def print_line(console: Console, line: str, at: datetime | None = None) -> None:
    """Print a line of a log, which goes on beside its time. at: when it happened; default: now."""
    time_of_day = f"{at or datetime.now(UTC):%H:%M:%S} "
    print_text(console, f"{time_of_day}{line}", hang=len(time_of_day))


@contextmanager
def lines_for_notices(console: Console, sandbox: Sandbox) -> Iterator[None]:
    """Print a line for every step of the engine that people care about."""
    from tools.sandbox.narration import narrated
    from tools.sandbox.work import works

    with narrated(sandbox.engine, lambda at, line: print_line(console, line, at), works(sandbox)):
        yield
