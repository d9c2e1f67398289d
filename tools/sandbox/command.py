"""`burst demo` and `burst sandbox`: the commands as a user types them, and what they print."""

from __future__ import annotations

import contextlib
import json
import shlex
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from tools import processes
from tools.sandbox.errors import PipelineError, SandboxError
from tools.sandbox.terraform import Change, find_terraform

# What takes long to import is imported by the function that needs it, so that the help and a wrong
# option are answered at once: the emulator alone takes half a second.
if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from stacks.settings import PipelineSettings
    from tools.sandbox.demo import Burst, BurstProgress, Outcome
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
    """Deploy the pipeline to an emulated account on this machine and send a burst through it."""
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

    with Sandbox(_new_folder(folder), batch_size=size, batch_window=window) as sandbox:
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
        _new_folder(folder),
        environment=environment,
        region=region,
        batch_size=size,
        batch_window=window,
    ) as running:
        console.print(f"Everything is written to [bold]{running.folder}[/].", soft_wrap=True)
        _deploy(console, running, PROJECT_FOLDER)
        write_examples(running.folder / EXAMPLES)
        pipelines = environments[environment].pipelines
        pipeline = PIPELINE if PIPELINE in pipelines else next(iter(pipelines))
        for line in how_to_use(write_environment(running), environment, pipeline):
            console.print(line, soft_wrap=True, markup=False)
        with _lines_for_notices(console, running):
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


def _new_folder(folder: Path | None) -> Path:
    if folder is None:
        return PROJECT_FOLDER / ".sandbox" / f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}"
    if folder.exists():
        raise SandboxError(f"The folder {folder} exists already: name a new one.")
    return folder


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
    from tools.sandbox import view

    def print_line(notice: Notice) -> None:
        line = view.narrate(notice)
        if line:
            console.print(f"{notice.at:%H:%M:%S} {line}", soft_wrap=True, markup=False)

    unsubscribe = sandbox.engine.subscribe(print_line)
    try:
        yield
    finally:
        unsubscribe()
