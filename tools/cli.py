"""`pipenv run burst`: one command line for all programs of the people who run the pipeline."""

from __future__ import annotations

import importlib
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape
from typer.core import TyperGroup

from stacks.settings import SettingsError
from tools.forecast.errors import ForecastError
from tools.operate.errors import OperateError, StoppedError
from tools.review.errors import PlanError
from tools.sandbox.errors import PipelineError, SandboxError

FAILED, BAD_INPUT, INTERRUPTED, TERMINATED = 1, 2, 130, 143
# By name: the module and the function of a command. Only the command that is called is imported:
# the sandbox alone takes a second, and needs the development packages.
COMMANDS = {
    "status": ("tools.operate.commands", "show_status"),
    "inspect": ("tools.operate.commands", "inspect"),
    "put": ("tools.operate.commands", "put"),
    "drain": ("tools.operate.commands", "drain"),
    "replay": ("tools.operate.commands", "replay"),
    "redeliver": ("tools.operate.commands", "redeliver"),
    "pause": ("tools.operate.commands", "pause"),
    "resume": ("tools.operate.commands", "resume"),
    "review": ("tools.review.command", "review"),
    "demo": ("tools.sandbox.command", "demo"),
    "sandbox": ("tools.sandbox.command", "sandbox"),
    "forecast": ("tools.forecast.command", "forecast"),
    "settings": ("tools.settings_table", "show_settings"),
    "move-to-cdktn": ("tools.cdktn", "move_to_cdktn"),
}
OURS = ("tools", "stacks", "glue_jobs")


class Commands(TyperGroup):
    """The commands, each imported when it is asked for (click documentation, "Lazily Loading").

    In an install without the development packages, a command that needs them says so.
    """

    def list_commands(self, ctx: Any) -> list[str]:
        """The names, as the help shows them."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of this name."""
        if cmd_name not in COMMANDS:
            return None
        module, function = COMMANDS[cmd_name]
        alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        try:
            callback = getattr(importlib.import_module(module), function)
        except ModuleNotFoundError as missing:
            if missing.name is None or missing.name.split(".")[0] in OURS:
                raise
            advice = f"The package {missing.name} is missing: run `pipenv sync --dev`."
            alone.command(
                cmd_name,
                help=advice,
                context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
            )(_refusing(advice))
        else:
            alone.command(cmd_name)(callback)
        return typer.main.get_command(alone)


def _refusing(advice: str) -> Callable[[], None]:
    """A command that only says what is missing."""

    def refuse() -> None:
        raise SandboxError(advice)

    return refuse


app = typer.Typer(
    cls=Commands,
    help="Programs for the people who run the pipeline.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def _burst() -> None:
    """Programs for the people who run the pipeline."""


def main() -> int:
    """Run the command line; returns its exit code.

    0 done, 1 the pipeline does not do what it should, 2 bad input or something is missing on this
    machine, 3 a plan by which data would go, where that was asked, 130 and 143 stopped by a signal.
    """
    for name in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, _terminate)
    errors = Console(stderr=True, highlight=False, soft_wrap=True)
    try:
        app(prog_name="burst")
    except StoppedError as error:
        errors.print(escape(str(error)))
        return error.exit_code
    except PipelineError as error:
        errors.print("[bold red]Failed:[/]", escape(str(error)))
        return FAILED
    except (ForecastError, PlanError, SandboxError, SettingsError) as error:
        errors.print("[bold red]Error:[/]", escape(str(error)))
        return BAD_INPUT
    except OperateError as error:
        word = "Error:" if error.exit_code == BAD_INPUT else "Failed:"
        errors.print(f"[bold red]{word}[/]", escape(str(error)))
        return error.exit_code
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
