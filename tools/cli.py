"""`pipenv run burst`: one command line for all programs of the people who run the pipeline."""

from __future__ import annotations

import ast
import contextlib
import importlib
import importlib.util
import inspect
import io
import json
import os
import re
import shlex
import sys
import tomllib
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, cast, get_args

try:
    import typer
    from typer._click.exceptions import UsageError
    from typer.core import TyperCommand, TyperGroup
except ModuleNotFoundError as missing:
    # Before `pipenv sync` there is nothing that could draw it.
    advice = f"The package {missing.name} is missing: run `pipenv sync --dev`."
    print(f"Error: {advice}", file=sys.stderr)
    sys.exit(2)

from tools import processes, streams
from tools.operate.errors import InputError, NotDeployedError, OperateError, StoppedError
from tools.operate.words import did_you_mean
from tools.review.errors import PlanError
from tools.sandbox.errors import PipelineError, SandboxError

PROJECT_FOLDER = Path(__file__).resolve().parent.parent
FAILED, BAD_INPUT = 1, 2
STOPPED = frozenset(processes.OF_A_SIGNAL + number for number in processes.SIGNALS)
# By group and name: the module and the function of a command. Only the command that is called is
# imported: the sandbox alone takes a second, and needs the development packages.
GROUPS = {
    "On this machine": {
        "demo": ("tools.sandbox.demo_command", "demo"),
        "sandbox": ("tools.sandbox.command", "sandbox"),
        "sandbox apply": ("tools.sandbox.commands.apply", "apply"),
        "clean": ("tools.sandbox.commands.clean", "clean"),
        "forecast": ("tools.forecast.command", "forecast"),
    },
    "Pipelines for your files": {
        "new": ("tools.authoring.commands.new", "new"),
        "try": ("tools.authoring.commands.try_files", "try_files"),
        "drift": ("tools.authoring.commands.drift", "drift"),
        "settings": ("tools.settings_table", "show_settings"),
        "review": ("tools.review.command", "review"),
    },
    "What is deployed": {
        "check": ("tools.operate.commands.check", "check"),
        "status": ("tools.operate.commands.status", "show_status"),
        "inspect": ("tools.operate.commands.inspect", "inspect"),
        "logs": ("tools.operate.commands.logs", "logs"),
        "put": ("tools.operate.commands.put", "put"),
        "drain": ("tools.operate.commands.drain", "drain"),
        "replay": ("tools.operate.commands.replay", "replay"),
        "set-aside": ("tools.operate.commands.set_aside", "set_aside"),
        "redeliver": ("tools.operate.commands.redeliver", "redeliver"),
        "pause": ("tools.operate.commands.pause", "pause"),
        "resume": ("tools.operate.commands.pause", "resume"),
    },
    "The project": {
        "completion": ("tools.completion", "completion"),
        "docs": ("tools.docs", "docs"),
        "move-to-cdktn": ("tools.cdktn", "move_to_cdktn"),
    },
}
COMMANDS = {name: place for group in GROUPS.values() for name, place in group.items()}
HELP_WORD = "help"
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


# What the help calls a type; without these it shows Python's.
TYPES = {str: "<text>", int: "<int>", float: "<number>", Path: "<path>"}
NAMES_OF_SETTINGS = ("environment", "pipeline")


class Command(TyperCommand):
    """A command whose help shows no types of Python, and whose names a shell completes."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Its arguments and options, and --help."""
        return [_readable(param) for param in super().get_params(ctx)]

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Print the help."""
        with _no_trailing_blanks():
            super().format_help(ctx, formatter)

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """What may stand next: its options, or the second word of a longer command."""
        from typer._click.shell_completion import CompletionItem

        words = [] if incomplete.startswith("-") else second_words(str(self.name))
        return [
            *(CompletionItem(word) for word in words if word.startswith(incomplete)),
            *super().shell_complete(ctx, incomplete),
        ]


def second_words(name: str) -> list[str]:
    """The words that may follow a command's first one."""
    return [command.split()[1] for command in COMMANDS if command.startswith(f"{name} ")]


def _readable(param: Any) -> Any:
    """An argument or option that the help shows in words; a shell offers names of cdktf.json."""
    from tools.operate.words import range_words

    if getattr(param, "is_flag", False):
        param.metavar = ""
        return param
    if param.param_type_name == "argument":
        param.metavar = param.metavar or param.name.upper()
        # Typer puts braces around what is required, which elsewhere mean a choice.
        usage = param._usage_display_name().translate({ord("{"): None, ord("}"): None})
        param.get_usage_pieces = lambda ctx: [usage]
    kind = getattr(getattr(param, "type_descriptor", None), "annotation", None)
    kind = next(iter(get_args(kind)), kind)
    if shown := TYPES.get(kind) if isinstance(kind, type) else None:
        param.display_type = lambda ctx: shown
    least, most = (getattr(param, name, None) for name in ("min", "max"))
    if least is not None or most is not None:
        param._get_number_range_help_str = lambda: range_words(least, most)
    if param.name in NAMES_OF_SETTINGS:
        param._custom_shell_complete = _names_in_the_settings
    return param


def _names_in_the_settings(ctx: Any, param: Any, incomplete: str) -> list[str]:
    """The environments of cdktf.json, or the pipelines of the environment that was typed."""
    try:
        document = json.loads((PROJECT_FOLDER / "cdktf.json").read_bytes())
        environments = document["context"]["environments"]
        chosen = environments.get(ctx.params.get("environment"))
        known = [chosen] if chosen else environments.values()
        pipelines = dict.fromkeys(name for one in known for name in one["pipelines"])
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        # A shell that asks has no place for a sentence.
        return []
    found = environments if param.name == "environment" else pipelines
    return [name for name in found if name.startswith(incomplete)]


class Commands(TyperGroup):
    """The commands by name and help. Only the one that is called is imported."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Its options."""
        return [_readable(param) for param in super().get_params(ctx)]

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Print the help."""
        with _no_trailing_blanks():
            super().format_help(ctx, formatter)

    def make_context(self, *arguments: Any, **extra: Any) -> Any:
        """The context; `InputError` for an option that there is not."""
        with _one_style():
            return super().make_context(*arguments, **extra)

    def invoke(self, ctx: Any) -> Any:
        """Run the command; `InputError` where something that was typed is wrong."""
        with _one_style():
            return super().invoke(ctx)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command of the first word; `InputError` where there is none."""
        if args[0] == HELP_WORD and args[1:] and not args[1].startswith("-"):
            args = [*args[1:], "--help"]
        if args[0] not in COMMANDS and not ctx.resilient_parsing:
            if args[0] == HELP_WORD:
                typer.echo(ctx.get_help())
                ctx.exit()
            raise InputError(_no_command(args, self.list_commands(ctx)))
        return super().resolve_command(ctx, args)

    def list_commands(self, ctx: Any) -> list[str]:
        """The names, as the help shows them; a shell completes one word at a time."""
        return [name for name in COMMANDS if not ctx.resilient_parsing or " " not in name]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of this name; None where there is none."""
        if cmd_name not in COMMANDS:
            return None
        title = next((title for title, group in GROUPS.items() if cmd_name in group), None)
        return NamedCommand(cmd_name, help=help_of(cmd_name), rich_help_panel=title)


def _no_command(typed: Sequence[str], known: Sequence[str]) -> str:
    """That there is no such command; a script of the Pipfile is called without `burst`."""
    if typed[0] in pipenv_scripts():
        return (
            f"There is no command {typed[0]!r} of burst; the project has a script of that name: "
            f"`pipenv run {shlex.join(typed)}`."
        )
    hint = did_you_mean(typed[0], known)
    return f"There is no command {typed[0]!r}{hint}; `burst --help` lists them."


def pipenv_scripts() -> list[str]:
    """What `pipenv run` can run beside `burst`."""
    try:
        document = tomllib.loads((PROJECT_FOLDER / "Pipfile").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return [name for name in document.get("scripts", {}) if name != "burst"]


@contextlib.contextmanager
def _no_trailing_blanks() -> Iterator[None]:
    """Print in a pipe without the blanks that fill each line of a terminal."""
    if sys.stdout.isatty():
        yield
        return
    # With the encoding of the pipe, because what draws boxes asks for it.
    text = io.TextIOWrapper(io.BytesIO(), sys.stdout.encoding or "utf-8", sys.stdout.errors)
    with contextlib.redirect_stdout(text):
        yield
    text.seek(0)
    sys.stdout.writelines(f"{line.rstrip()}\n" for line in text)


class NamedCommand(TyperCommand):
    """A command that is imported when it is called, and not for the list of all commands."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any
    ) -> Any:
        """The context of the command itself; raises what is wrong with its arguments."""
        typed = tuple(args)
        if args and (longer := f"{self.name} {args[0]}") in COMMANDS:
            self.name, info_name, args = longer, longer, args[1:]
        seconds = [] if extra.get("resilient_parsing") else second_words(str(self.name))
        if seconds and args and not args[0].startswith("-"):
            raise InputError(
                f"There is no command '{self.name} {args[0]}'{did_you_mean(args[0], seconds)}; "
                f"what may follow `burst {self.name}` is {' or '.join(seconds)}."
            )
        try:
            return load(str(self.name)).make_context(info_name, args, parent, **extra)
        except UsageError as error:
            # An option without its value is found before there is a context.
            error.ctx = error.ctx or typer.Context(self, info_name=info_name, parent=parent)
            if not isinstance(error, typer.BadParameter):
                raise
            # Pydantic's word for what a function of ours or typer's raised.
            error.message = _with_range(error, typed).removeprefix("Value error, ")
            raise


@contextlib.contextmanager
def _one_style() -> Iterator[None]:
    """Typer's errors about what was typed as all others: one sentence, without a box."""
    try:
        yield
    except UsageError as error:
        name = error.ctx.command_path if error.ctx else "burst"
        # Typer shows choices on a line each.
        sentence = re.sub(r"\s*\n\s*", " ", error.format_message()).rstrip(".")
        raise InputError(f"{sentence}. `{name} --help` shows what there is.") from error


def _with_range(error: typer.BadParameter, typed: Sequence[str]) -> str:
    """The message; of a number that is no number, or out of range, with what was typed."""
    from tools.operate.words import range_words

    least, most = (getattr(error.param, name, None) for name in ("min", "max"))
    kind = getattr(getattr(error.param, "type_descriptor", None), "annotation", None)
    kinds = {kind, *get_args(kind)}
    if not kinds & {int, float}:
        return error.message
    words = [part for word in typed for part in word.split("=", 1)]
    names = [name for name in getattr(error.param, "opts", ()) if name in words[:-1]]
    value = f"{words[words.index(names[0]) + 1]!r} is not allowed: " if names else ""
    number = "a whole number" if int in kinds else "a number"
    if least is None and most is None:
        return f"{value}give {number}."
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
    context_settings={"help_option_names": ["--help", "-h"]},
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
    129, 130 and 143 stopped by a signal, 141 nobody reads what it prints any more.
    """
    streams.open_closed()
    if COMPLETE in os.environ:
        # typer does this itself only together with options that install into start files.
        from typer._completion_classes import completion_init

        completion_init()
    with processes.signals():
        try:
            code = _main()
        except SystemExit as end:
            # Typer and Rich both end with 1 where a pipe breaks.
            if end.code == FAILED and streams.ended_by_a_pipe(end):
                streams.forget()
                return streams.NOBODY_READS
            if ending := _ending():
                return ending
            raise
    return _ending() or code


def _ending() -> int:
    """Print what is left; the exit code where that cannot be done, else 0."""
    try:
        return 0 if streams.printed() else streams.NOBODY_READS
    except OSError as error:
        streams.forget()
        return _refused(error)


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
    except NotDeployedError as error:
        return _end("Error:", f"{error}{_sandboxes_that_run()}", error.exit_code)
    except OperateError as error:
        return _end("Error:" if error.exit_code == BAD_INPUT else "Failed:", error, error.exit_code)
    except PipelineError as error:
        return _end("Failed:", error, FAILED)
    except OSError as error:
        if error.strerror is None:
            raise
        if error.filename is None:
            return _refused(error)
        if isinstance(error, IsADirectoryError):
            sentence = f"{error.filename} is a folder; name a file in it."
            return _end("Error:", sentence, BAD_INPUT)
        done = "made" if _made_a_folder(error) else "read or written"
        sentence = f"{error.filename} cannot be {done}: {error.strerror}."
        return _end("Error:", sentence, BAD_INPUT)
    except ModuleNotFoundError as missing:
        if missing.name is None or missing.name.split(".")[0] in OURS:
            raise
        advice = f"The package {missing.name} is missing: run `pipenv sync --dev`."
        return _end("Error:", advice, BAD_INPUT)
    except _bad_input() as error:
        return _end("Error:", error, BAD_INPUT)
    return 0


def _refused(error: OSError) -> int:
    return _end("Failed:", f"The operating system refused: {error.strerror}.", FAILED)


def _made_a_folder(error: OSError) -> bool:
    """Whether the call that failed was to make a folder: the error itself does not say it."""
    frames = [frame.name for frame in traceback.extract_tb(error.__traceback__)]
    return frames[-1:] == ["mkdir"]


def _sandboxes_that_run() -> str:
    """How this shell reaches the sandboxes that are up; nothing where none is."""
    from tools.sandbox.folder import FACTS_FILE, Facts, runs, sandbox_folders

    up = [path for path in sandbox_folders() if runs(path) and (path / FACTS_FILE).exists()]
    lines = [
        f"\nA sandbox with {Facts.read(path).environment!r} is up; this shell uses it after:\n"
        f"  source {path}/environment.sh"
        for path in up
    ]
    return "".join(lines)


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
