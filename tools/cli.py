"""`pipenv run burst`: one command line for all programs of the people who run the pipeline."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Any, cast

import typer
from typer.core import TyperCommand, TyperGroup

from tools.operate.errors import OperateError, StoppedError
from tools.review.errors import PlanError
from tools.sandbox.errors import PipelineError, SandboxError

FAILED, BAD_INPUT, INTERRUPTED, TERMINATED = 1, 2, 130, 143
# By name: the module and the function of a command. Only the command that is called is imported:
# the sandbox alone takes a second, and needs the development packages.
COMMANDS = {
    "new": ("tools.authoring.commands.new", "new"),
    "try": ("tools.authoring.commands.try_files", "try_files"),
    "drift": ("tools.authoring.commands.drift", "drift"),
    "status": ("tools.operate.commands.status", "show_status"),
    "inspect": ("tools.operate.commands.inspect", "inspect"),
    "put": ("tools.operate.commands.put", "put"),
    "drain": ("tools.operate.commands.drain", "drain"),
    "replay": ("tools.operate.commands.replay", "replay"),
    "set-aside": ("tools.operate.commands.set_aside", "set_aside"),
    "redeliver": ("tools.operate.commands.redeliver", "redeliver"),
    "pause": ("tools.operate.commands.pause", "pause"),
    "resume": ("tools.operate.commands.pause", "resume"),
    "review": ("tools.review.command", "review"),
    "demo": ("tools.sandbox.command", "demo"),
    "sandbox": ("tools.sandbox.command", "sandbox"),
    "forecast": ("tools.forecast.command", "forecast"),
    "settings": ("tools.settings_table", "show_settings"),
    "docs": ("tools.docs", "docs"),
    "move-to-cdktn": ("tools.cdktn", "move_to_cdktn"),
}
OURS = ("tools", "stacks", "glue_jobs")


class Commands(TyperGroup):
    """The commands by name and help. Only the one that is called is imported."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The names, as the help shows them."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of this name; None where there is none."""
        return NamedCommand(cmd_name, help=help_of(cmd_name)) if cmd_name in COMMANDS else None


class NamedCommand(TyperCommand):
    """A command that is imported when it is called, and not for the list of all commands."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any
    ) -> Any:
        """The context of the command itself; raises what is wrong with its arguments."""
        typed = tuple(args)
        try:
            return load(str(self.name)).make_context(info_name, args, parent, **extra)
        except typer.BadParameter as error:
            error.message = _with_range(error, typed)
            raise


def _with_range(error: typer.BadParameter, typed: Sequence[str]) -> str:
    """The message; of a number that is no number, or out of range, with what was typed."""
    from tools.operate.words import range_words

    least, most = (getattr(error.param, name, None) for name in ("min", "max"))
    if least is None and most is None:
        return error.message
    words = [part for word in typed for part in word.split("=", 1)]
    names = [name for name in getattr(error.param, "opts", ()) if name in words[:-1]]
    value = f"{words[words.index(names[0]) + 1]!r} is not allowed: " if names else ""
    kind = getattr(getattr(error.param, "type_descriptor", None), "annotation", int)
    number = "a whole number" if kind is int else "a number"
    return f"{value}give {number}, {range_words(least, most)}."


def help_of(name: str) -> str:
    """The help of a command, read from its source: to import them all takes seconds."""
    module, function = COMMANDS[name]
    found = importlib.util.find_spec(module)
    source = Path(str(found.origin)).read_bytes() if found else b""
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef) and node.name == function:
            return ast.get_docstring(node) or ""
    raise LookupError(f"{module} has no function {function}, which the command {name} names")


def function(name: str) -> Callable[..., None]:
    """Import the function of a command; raises ModuleNotFoundError where a package is missing."""
    module, callback = COMMANDS[name]
    return cast(Callable[..., None], getattr(importlib.import_module(module), callback))


def load(name: str) -> TyperCommand:
    """Import a command; raises ModuleNotFoundError where a package is missing."""
    alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    alone.command(name)(function(name))
    return cast(TyperCommand, typer.main.get_command(alone))


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
    machine, 3 and 4 a plan by which data would go or permissions become wide, where that was asked,
    130 and 143 stopped by a signal.
    """
    for name in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, _terminate)
    try:
        app(prog_name="burst")
    except SystemExit as end:
        # Typer ends every command this way, also where it was interrupted.
        if end.code == INTERRUPTED:
            _print("", "Stopped.")
        raise
    except StoppedError as error:
        return _end("", error, error.exit_code)
    except OperateError as error:
        return _end("Error:" if error.exit_code == BAD_INPUT else "Failed:", error, error.exit_code)
    except PipelineError as error:
        return _end("Failed:", error, FAILED)
    except OSError as error:
        if error.strerror is None:
            raise
        if error.filename is None:
            return _end("Failed:", f"The operating system refused: {error.strerror}.", FAILED)
        return _end("Error:", f"{error.filename}: {error.strerror}.", BAD_INPUT)
    except ModuleNotFoundError as missing:
        if missing.name is None or missing.name.split(".")[0] in OURS:
            raise
        advice = f"The package {missing.name} is missing: run `pipenv sync --dev`."
        return _end("Error:", advice, BAD_INPUT)
    except _bad_input() as error:
        return _end("Error:", error, BAD_INPUT)
    return 0


def _bad_input() -> tuple[type[Exception], ...]:
    """Errors about what was typed or set up; imported when there is one, to start sooner."""
    from stacks.settings import SettingsError
    from tools.forecast.errors import ForecastError

    return ForecastError, PlanError, SandboxError, SettingsError


def _end(word: str, error: Exception | str, code: int) -> int:
    _print(word, str(error))
    return code


def _print(word: str, text: str) -> None:
    from rich.console import Console
    from rich.markup import escape

    errors = Console(stderr=True, highlight=False, soft_wrap=True)
    errors.print(*([f"[bold red]{word}[/]"] if word else []), escape(text))


def _terminate(number: int, frame: FrameType | None) -> None:
    """End as an exception, so that everything that was started is stopped on the way out."""
    sys.exit(TERMINATED)


if __name__ == "__main__":
    sys.exit(main())
