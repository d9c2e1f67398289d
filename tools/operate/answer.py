"""What a command prints: drawn for people, or as JSON for programs."""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import date, time
from decimal import Decimal
from typing import Any, ParamSpec, TypeVar

import typer
from rich.console import Console, RenderableType
from rich.measure import Measurement
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    Task,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

from tools import processes
from tools.operate.errors import DONE, FAILED, InputError, StoppedError
from tools.operate.refusals import Unavailable, explained
from tools.operate.words import at_words

# Columns of something that has no width: a pipe, a file.
UNLIMITED = 100_000

P = ParamSpec("P")
SAY_YES = "Say --yes if that is what you want; nothing was done."
R = TypeVar("R")


@dataclass(frozen=True)
class Answer:
    """Prints to stdout: what is drawn for people, or one JSON document and nothing else."""

    as_json: bool
    console: Console

    @classmethod
    def to(cls, as_json: bool) -> Answer:
        return cls(as_json, Console(highlight=False))

    def draw(self, *parts: RenderableType) -> None:
        """For people only."""
        if not self.as_json:
            for part in parts:
                if isinstance(part, str):
                    print_text(self.console, part)
                else:
                    print_part(self.console, part)

    def end(self, value: object, *, ok: bool, draw: Iterable[RenderableType] = ()) -> None:
        """The whole answer; raises `typer.Exit` with 1 unless all is well."""
        if self.as_json:
            self.print_json(value)
        else:
            self.draw(*draw)
        raise typer.Exit(DONE if ok else FAILED)

    def print_json(self, value: object) -> None:
        """The one JSON document."""
        typer.echo(json.dumps(plain(value), indent=1, ensure_ascii=False))

    def confirm(
        self, question: str, *, yes: bool, text: str, declined: str, unasked: str | None = None
    ) -> None:
        """Ask whether to go on, unless --yes was given; the one way in which a command asks.

        text: drawn before the question. declined: of the `StoppedError` for a no. unasked: of the
        `InputError` where nobody can be asked, in a pipe or with --json; default: the text, and
        how to agree to it.
        """
        if not yes and not self.can_ask:
            raise InputError(unasked or f"{text} {SAY_YES}")
        self.draw(*([text] if text else []))
        if not yes and not agreed(question):
            raise StoppedError(declined)

    @property
    def can_ask(self) -> bool:
        """Whether somebody is there to answer a question."""
        return not self.as_json and sys.stdin.isatty()

    def progress(self) -> Progress:
        """A progress bar, drawn on a terminal only; it goes when it ends: the answer says the rest.

        Where stdout and stderr are one terminal, the bar goes through the console of the answer,
        so that what is drawn meanwhile comes in whole lines above the bar. Else it is on stderr.
        """
        errors = Console(stderr=True, highlight=False)
        console = self.console if self.console.is_terminal and errors.is_terminal else errors
        return Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            _CountColumn(),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            # What is printed to stdout belongs there, also while there is a bar on stderr.
            redirect_stdout=self.console.is_terminal,
            disable=self.as_json or not errors.is_terminal,
        )


class _CountColumn(MofNCompleteColumn):
    """How many are done, where it is known of how many."""

    def render(self, task: Task) -> Text:
        return Text() if task.total is None else super().render(task)


def print_text(console: Console, text: str, style: str = "", hang: int = 0) -> None:
    """Print sentences: broken at words on a terminal, each on one line elsewhere.

    hang: by how many columns a terminal's lines are set in, but for the first.
    """
    shown = at_words(text, console.width, hang) if console.is_terminal else text
    console.print(shown, soft_wrap=True, markup=False, highlight=False, style=style)


def agreed(question: str) -> bool:
    """Ask on the terminal until the answer is yes or no; Enter, Ctrl-C and Ctrl-D are no."""
    while True:
        try:
            said = typer.prompt(f"{question} [y/N]", default="", show_default=False)
        except typer.Abort:
            # The terminal still stands behind the question.
            typer.echo()
            return False
        except SystemExit:
            # A signal: what follows begins with a line of its own, too.
            typer.echo()
            raise
        match said.strip().lower():
            case "y" | "yes":
                return True
            case "" | "n" | "no":
                return False
        typer.echo("Please type y for yes or n for no.")


def natural_width(console: Console, part: RenderableType) -> int:
    """How many columns it takes where nothing has to be broken."""
    return Measurement.get(console, console.options.update(width=UNLIMITED), part).maximum


def print_part(console: Console, part: RenderableType) -> None:
    """Print what is drawn, for a terminal or for a pipe."""
    if console.is_terminal:
        # What is wider than the terminal is broken by it, and not cut.
        console.print(part, markup=False, crop=False)
    else:
        print_whole(console, part)


def print_whole(console: Console, part: RenderableType) -> None:
    """Print what is drawn for a pipe: nothing is broken, and no line ends in blanks."""
    options = console.options.update(width=max(1, natural_width(console, part)), height=None)
    for line in console.render_lines(part, options, pad=False):
        text = "".join(segment.text for segment in line if not segment.control)
        console.print(text.rstrip(), soft_wrap=True, markup=False, highlight=False)


def plain(value: object) -> Any:
    """Dataclasses as JSON data; times in ISO 8601, what could not be read as its reason."""
    if isinstance(value, Unavailable):
        return {"unreadable": value.reason}
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        # As a number it would lose digits.
        return str(value)
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    return value


def explained_errors(command: Callable[P, R]) -> Callable[P, R]:
    """The command with errors as sentences, also when Ctrl-C ends it."""

    @functools.wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            with explained():
                return command(*args, **kwargs)
        except KeyboardInterrupt:
            raise StoppedError(processes.verdict()) from None

    return wrapped
