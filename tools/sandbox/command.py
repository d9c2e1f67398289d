"""`burst demo` and `burst sandbox`: the commands as a user types them, and what they print."""

from __future__ import annotations

import contextlib
import json
import shlex
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from tools import processes
from tools.operate.words import count
from tools.operate.words import size as bytes_in_words
from tools.sandbox.errors import PipelineError, SandboxError
from tools.sandbox.terraform import find_terraform

# What takes long to import is imported by the function that needs it, so that the help and a wrong
# option are answered at once: the emulator alone takes half a second.
if TYPE_CHECKING:
    from stacks.settings import PipelineSettings
    from tools.sandbox.demo import Burst, BurstFile, BurstProgress, Outcome
    from tools.sandbox.glue.notices import Notice
    from tools.sandbox.sandbox import Sandbox

PROJECT_FOLDER = Path(__file__).resolve().parents[2]
ENVIRONMENT = "dev"
PIPELINE = "orders"
EXAMPLES, EXAMPLE_FILES = "examples", 3
MAX_FILES = 1000

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
            help="Order files among them that no job can read; default: one.", min=0, max=1000
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="The same seed gives the same orders; default: 1.")
    ] = None,
    pipeline: Annotated[
        str | None,
        typer.Option(help="A pipeline of cdktf.json, in place of the example with its orders."),
    ] = None,
    environment: Annotated[
        str | None,
        typer.Option(help=f"Environment of cdktf.json with the pipeline; default: {ENVIRONMENT}."),
    ] = None,
    window: Window = 15,
    size: Size = None,
    folder: Folder = None,
) -> None:
    """Deploy a pipeline to an emulated account on this machine and send a burst through it."""
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
        _new_folder(folder),
        environment=subject.environment,
        region=subject.region,
        batch_size=size,
        batch_window=window,
    ) as sandbox:
        _announce(console, sandbox.folder, subject, size, window)
        _deploy_subject(console, sandbox, subject)
        burst = Burst(sandbox, subject.files, pipeline=subject.pipeline, settings=subject.settings)
        outcome = _follow(console, sandbox, burst)
    for table in view.outcome_tables(outcome, width=console.width):
        console.print(table)
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
    from tools.sandbox import example_project
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
            example_project.copy_own_pipeline, environment=environment, pipeline=pipeline
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
    console: Console, folder: Path, subject: _Subject, size: int | None, window: int
) -> None:
    settings = subject.settings
    console.print(f"Everything is written to [bold]{_shown(folder)}[/].", soft_wrap=True)
    usual = settings.batch_window_seconds
    shortened = f" (shortened for the demo: {usual} s in its settings)" if window < usual else ""
    console.print(f"Pipeline {subject.pipeline!r}; {subject.what}.", markup=False)
    console.print(
        f"Batch size {size or settings.batch_size} events, batch window {window} s{shortened}. "
        "The demo takes two to three minutes, most of which the AWS provider waits between its "
        "checks."
    )


def _shown(path: Path) -> Path:
    """A path as it can be typed here."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _deploy_subject(console: Console, sandbox: Sandbox, subject: _Subject) -> None:
    _deploy(console, sandbox, subject.copy_project(sandbox.folder / "project"))


def _deploy(console: Console, sandbox: Sandbox, project: Path) -> None:
    from rich.live import Live

    from tools.sandbox import view

    if not console.is_terminal:
        _print_line(console, "Synthesize the stack.")
        sandbox.synthesize(project)
        _print_line(console, "Deploy it with Terraform.")
        sandbox.deploy(view.Lines(partial(_print_line, console)).change)
        return
    shown = view.Deployment(console)
    with Live(shown, console=console, refresh_per_second=8):
        shown.begin("Synthesize the stack")
        sandbox.synthesize(project)
        shown.begin("Deploy it with Terraform", "Terraform starts the AWS provider and plans")
        sandbox.deploy(shown.change)
        shown.end()


def _print_line(console: Console, line: str, at: datetime | None = None) -> None:
    console.print(f"{at or datetime.now(UTC):%H:%M:%S} {line}", soft_wrap=True, markup=False)


def _follow(console: Console, sandbox: Sandbox, burst: Burst) -> Outcome:
    """Run the burst: with a live view on a terminal, with a line for each step elsewhere."""
    from tools.sandbox import view

    if not console.is_terminal:
        lines = view.Lines(partial(_print_line, console))
        with _lines_for_notices(console, sandbox):
            return burst.run(lines.progress)
    from rich.live import Live

    with Live(console=console, refresh_per_second=8) as live:

        def show(progress: BurstProgress) -> None:
            live.update(view.burst_panel(progress, width=console.width))

        return burst.run(show)


def _print_what_next(console: Console, curated: Path, *, own: bool) -> None:
    from tools.sandbox import view

    console.print(f"The rows are in {_shown(curated)}", soft_wrap=True, markup=False)
    console.print()
    console.print("What next:")
    for command, what in view.next_steps(own=own):
        console.print(f"  [bold]pipenv run burst {command}[/]\n      {what}")


@contextmanager
def _lines_for_notices(console: Console, sandbox: Sandbox) -> Iterator[None]:
    """Print a line for every step of the engine that people care about."""
    from tools.sandbox import view

    def print_line(notice: Notice) -> None:
        line = view.narrate(notice)
        if line:
            _print_line(console, line, notice.at)

    unsubscribe = sandbox.engine.subscribe(print_line)
    try:
        yield
    finally:
        unsubscribe()
