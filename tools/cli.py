"""`pipenv run burst`: one command line for all programs of the people who run the pipeline."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, cast

import typer
from typer.core import TyperCommand, TyperGroup

from tools import processes
from tools.operate.errors import OperateError, StoppedError
from tools.review.errors import PlanError
from tools.sandbox.errors import PipelineError, SandboxError

FAILED, BAD_INPUT = 1, 2
STOPPED = frozenset(processes.OF_A_SIGNAL + number for number in processes.SIGNALS)
# By name: the module and the function of a command. Only the command that is called is imported:
# the sandbox alone takes a second, and needs the development packages.
COMMANDS = {
    "new": ("tools.authoring.commands.new", "new"),
    "try": ("tools.authoring.commands.try_files", "try_files"),
    "drift": ("tools.authoring.commands.drift", "drift"),
    "check": ("tools.operate.commands.check", "check"),
    "status": ("tools.operate.commands.status", "show_status"),
    "inspect": ("tools.operate.commands.inspect", "inspect"),
    "put": ("tools.operate.commands.put", "put"),
    "drain": ("tools.operate.commands.drain", "drain"),
    "logs": ("tools.operate.commands.logs", "logs"),
    "replay": ("tools.operate.commands.replay", "replay"),
    "set-aside": ("tools.operate.commands.set_aside", "set_aside"),
    "redeliver": ("tools.operate.commands.redeliver", "redeliver"),
    "pause": ("tools.operate.commands.pause", "pause"),
    "resume": ("tools.operate.commands.pause", "resume"),
    "review": ("tools.review.command", "review"),
    "demo": ("tools.sandbox.demo_command", "demo"),
    "sandbox": ("tools.sandbox.command", "sandbox"),
    "sandbox apply": ("tools.sandbox.commands.apply", "apply"),
    "clean": ("tools.sandbox.commands.clean", "clean"),
    "forecast": ("tools.forecast.command", "forecast"),
    "settings": ("tools.settings_table", "show_settings"),
    "completion": ("tools.completion", "completion"),
    "docs": ("tools.docs", "docs"),
    "move-to-cdktn": ("tools.cdktn", "move_to_cdktn"),
}
HELP = "Programs for the people who run the pipeline."
FIRST_DAY = """\
Burst loads files that arrive in bursts into a table. Five commands for the
first day, each after `pipenv run`:

  burst demo        one burst, end to end, in an emulated account here
  burst new         a pipeline from sample files of your own
  burst try         what the job would make of files, here and now
  burst sandbox     your pipelines in an emulated account that stays up
  burst forecast    what your files would cost and how long they would wait

`burst --help` lists all commands, `burst COMMAND --help` explains one, and
README.md leads from the clone to a deployment."""
# What `burst completion` sets where a shell asks what a word may become.
COMPLETE = "_BURST_COMPLETE"
OURS = ("tools", "stacks", "glue_jobs")


class Command(TyperCommand):
    """A command whose help names no type beside an option that takes no value."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Its arguments and options, and --help."""
        return _without_types_of_flags(super().get_params(ctx))


def _without_types_of_flags(params: list[Any]) -> list[Any]:
    for param in params:
        if getattr(param, "is_flag", False):
            param.metavar = ""
    return params


class Commands(TyperGroup):
    """The commands by name and help. Only the one that is called is imported."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Its options."""
        return _without_types_of_flags(super().get_params(ctx))

    def list_commands(self, ctx: Any) -> list[str]:
        """The names, as the help shows them; a shell completes one word at a time."""
        return [name for name in COMMANDS if not ctx.resilient_parsing or " " not in name]

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
        if args and (longer := f"{self.name} {args[0]}") in COMMANDS:
            self.name, info_name, args = longer, longer, args[1:]
        try:
            return load(str(self.name)).make_context(info_name, args, parent, **extra)
        except typer.BadParameter as error:
            # Pydantic's word for what a function of ours or typer's raised.
            error.message = _with_range(error, typed).removeprefix("Value error, ")
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
    alone.command(name, cls=Command, help=_paragraphs(function(name).__doc__ or ""))(function(name))
    return cast(TyperCommand, typer.main.get_command(alone))


def _paragraphs(text: str) -> str:
    """A docstring with each paragraph on one line: the width of the terminal breaks it."""
    paragraphs = inspect.cleandoc(text).split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


app = typer.Typer(
    cls=Commands,
    help=HELP,
    invoke_without_command=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def _burst(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", help="Show which version this is.", is_eager=True)
    ] = False,
) -> None:
    if version:
        from tools.version import version_text

        typer.echo(version_text())
    elif context.invoked_subcommand is None:
        typer.echo(FIRST_DAY)


def main() -> int:
    """Run the command line; returns its exit code.

    0 done, 1 the pipeline does not do what it should, 2 bad input or something is missing on this
    machine, 3 and 4 a plan by which data would go or permissions become wide, where that was asked,
    129, 130 and 143 stopped by a signal.
    """
    if COMPLETE in os.environ:
        # typer does this itself only together with options that install into start files.
        from typer._completion_classes import completion_init

        completion_init()
    with processes.signals():
        return _main()


def _main() -> int:
    try:
        app(prog_name="burst")
    except SystemExit as end:
        # Typer ends every command this way, also where it was interrupted.
        if end.code in STOPPED:
            _print("", processes.verdict())
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

    from tools.operate.words import at_words

    errors = Console(stderr=True, highlight=False, soft_wrap=True)
    sentence = f"{word} {text}" if word else text
    shown = at_words(sentence, errors.width) if errors.is_terminal else sentence
    errors.print(f"[bold red]{word}[/]{escape(shown.removeprefix(word))}")


if __name__ == "__main__":
    sys.exit(main())
