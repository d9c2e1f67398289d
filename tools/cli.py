"""`pipenv run burst`: one command line for all programs of the people who run the pipeline."""

from __future__ import annotations

import signal
import sys
from types import FrameType

import typer
from rich.console import Console
from rich.markup import escape

from stacks.settings import SettingsError
from tools.cdktn import move_to_cdktn
from tools.sandbox.errors import PipelineError, SandboxError
from tools.settings_table import show_settings

FAILED, BAD_INPUT, INTERRUPTED, TERMINATED = 1, 2, 130, 143

try:
    from tools.sandbox.command import demo
except ModuleNotFoundError as missing:
    # An install without the development packages has no emulator and no Spark.
    print(f"The package {missing.name} is missing: run `pipenv sync --dev`.", file=sys.stderr)
    sys.exit(BAD_INPUT)

app = typer.Typer(
    help="Programs for the people who run the pipeline.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(demo)
app.command("settings")(show_settings)
app.command("move-to-cdktn")(move_to_cdktn)


def main() -> int:
    """Run the command line; returns its exit code.

    0 done, 1 the pipeline does not do what it should, 2 bad input or something is missing on this
    machine, 130 and 143 stopped by a signal.
    """
    for name in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, _terminate)
    errors = Console(stderr=True, highlight=False, soft_wrap=True)
    try:
        app(prog_name="burst")
    except PipelineError as error:
        errors.print("[bold red]Failed:[/]", escape(str(error)))
        return FAILED
    except (SandboxError, SettingsError) as error:
        errors.print("[bold red]Error:[/]", escape(str(error)))
        return BAD_INPUT
    except SystemExit as end:
        # Typer ends every command this way, also where it was interrupted.
        if end.code == INTERRUPTED:
            errors.print("Stopped; nothing is left running.")
        raise
    return 0


def _terminate(number: int, frame: FrameType | None) -> None:
    """End as an exception, so that everything that was started is stopped on the way out."""
    sys.exit(TERMINATED)


if __name__ == "__main__":
    sys.exit(main())
