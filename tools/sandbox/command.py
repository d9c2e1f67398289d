"""`burst sandbox`: the command as a user types it, and what it shares with `burst demo`."""

from __future__ import annotations

import contextlib
import json
import shlex
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from tools import processes
from tools.sandbox.errors import SandboxError
from tools.sandbox.terraform import find_terraform

# What takes long to import is imported by the function that needs it, so that the help and a wrong
# option are answered at once: the emulator alone takes half a second.
if TYPE_CHECKING:
    from tools.sandbox.glue.notices import Notice
    from tools.sandbox.sandbox import Sandbox

PROJECT_FOLDER = Path(__file__).resolve().parents[2]
ENVIRONMENT = "dev"
PIPELINE = "orders"
EXAMPLES, EXAMPLE_FILES = "examples", 3

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


def sandbox(
    environment: Annotated[str, typer.Option(help="Environment of cdktf.json to deploy.")] = "dev",
    window: Window = 10,
    size: Size = None,
    folder: Folder = None,
) -> None:
    """Deploy the pipelines to an emulated account and keep it up until Ctrl-C, to try them."""
    from stacks.settings import SettingsError, read_environments

    console = Console(highlight=False)
    environments = read_environments(PROJECT_FOLDER / "cdktf.json")
    if environment not in environments:
        raise SettingsError(
            [f"cdktf.json has no environment {environment!r}; it has {', '.join(environments)}."]
        )
    find_terraform()
    region = environments[environment].region

    from tools.sandbox.sandbox import Sandbox

    with Sandbox(
        new_folder(folder),
        environment=environment,
        region=region,
        batch_size=size,
        batch_window=window,
    ) as running:
        console.print(f"Everything is written to [bold]{running.folder}[/].", soft_wrap=True)
        deploy(console, running, PROJECT_FOLDER)
        write_examples(running.folder / EXAMPLES)
        pipelines = environments[environment].pipelines
        pipeline = PIPELINE if PIPELINE in pipelines else next(iter(pipelines))
        for line in how_to_use(write_environment(running), environment, pipeline):
            console.print(line, soft_wrap=True, markup=False)
        with lines_for_notices(console, running):
            _until_interrupted()
    console.print(f"{processes.verdict()} The account is gone.")


def write_environment(running: Sandbox) -> Path:
    """A file of shell variables with which every AWS program uses the sandbox and nothing else."""
    outputs = running.folder / "outputs.json"
    outputs.write_text(json.dumps(running.outputs, indent=1), encoding="utf-8")
    variables = {
        name: value
        for name, value in running.account.environment().items()
        if name.startswith("AWS_") or name.lower() == "no_proxy"
    }
    variables["BURST_OUTPUTS"] = str(outputs)
    variables["BURST_EXAMPLES"] = str(running.folder / EXAMPLES)
    file = running.folder / "environment.sh"
    file.write_text(
        "unset AWS_PROFILE AWS_SESSION_TOKEN\n"
        + "".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items()),
        encoding="utf-8",
    )
    return file


def write_examples(folder: Path) -> None:
    """Write a few order files to play with."""
    from tools.sandbox.orders import generate

    folder.mkdir(parents=True, exist_ok=True)
    for number, file in enumerate(generate(EXAMPLE_FILES, seed=1, now=datetime.now(UTC)), 1):
        (folder / f"orders-{number}.csv").write_bytes(file.body)


def how_to_use(environment_file: Path, environment: str, pipeline: str) -> list[str]:
    """What to type in another terminal."""
    where = f"{environment} {pipeline}"
    return [
        "",
        "The pipelines run until you press Ctrl-C here. In another terminal, in this folder:",
        "",
        f"  source {shlex.quote(str(environment_file))}",
        f"  pipenv run burst status {environment}",
        f'  pipenv run burst put {where} "$BURST_EXAMPLES"/orders-1.csv',
        f"  pipenv run burst drain {where}",
        f"  pipenv run burst inspect {where} <the key that `put` printed> --rows 3",
        "",
        'docs/runbook.md continues from here: "A bad file, from the alarm to its rows".',
        "",
    ]


def _until_interrupted() -> None:
    """Return on Ctrl-C, which is how this ends; other signals end it as they end every command."""
    with contextlib.suppress(KeyboardInterrupt):
        threading.Event().wait()


def new_folder(folder: Path | None) -> Path:
    """The folder that was wished, or one under .sandbox; raises `SandboxError` if it is there."""
    if folder is None:
        return PROJECT_FOLDER / ".sandbox" / f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}"
    if folder.exists():
        raise SandboxError(f"The folder {folder} exists already: name a new one.")
    return folder


def deploy(console: Console, sandbox: Sandbox, project: Path) -> None:
    """Synthesize and deploy a project: with a live view on a terminal, in lines elsewhere."""
    from rich.live import Live

    from tools.sandbox import view

    if not console.is_terminal:
        print_line(console, "Synthesize the stack.")
        sandbox.synthesize(project)
        print_line(console, "Deploy it with Terraform.")
        sandbox.deploy(view.Lines(partial(print_line, console)).change)
        return
    shown = view.Deployment(console)
    with Live(shown, console=console, refresh_per_second=8):
        shown.begin("Synthesize the stack")
        sandbox.synthesize(project)
        shown.begin("Deploy it with Terraform", "Terraform starts the AWS provider and plans")
        sandbox.deploy(shown.change)
        shown.end()


def print_line(console: Console, line: str, at: datetime | None = None) -> None:
    """Print a line of a log. at: when it happened; default: now."""
    console.print(f"{at or datetime.now(UTC):%H:%M:%S} {line}", soft_wrap=True, markup=False)


@contextmanager
def lines_for_notices(console: Console, sandbox: Sandbox) -> Iterator[None]:
    """Print a line for every step of the engine that people care about."""
    from tools.sandbox import view

    def print_notice(notice: Notice) -> None:
        line = view.narrate(notice)
        if line:
            print_line(console, line, notice.at)

    unsubscribe = sandbox.engine.subscribe(print_notice)
    try:
        yield
    finally:
        unsubscribe()
