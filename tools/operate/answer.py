"""What a command prints: drawn for people, or as JSON for programs."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import date, time
from decimal import Decimal
from typing import Any, ParamSpec, TypeVar

import typer
from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tools import processes
from tools.operate.errors import DONE, FAILED, StoppedError
from tools.operate.refusals import Unavailable, explained
from tools.operate.words import at_words

P = ParamSpec("P")
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
                    self.console.print(part, markup=False)

    def end(self, value: object, *, ok: bool, draw: Iterable[RenderableType] = ()) -> None:
        """The whole answer; raises `typer.Exit` with 1 unless all is well."""
        if self.as_json:
            typer.echo(json.dumps(plain(value), indent=1, ensure_ascii=False))
        else:
            self.draw(*draw)
        raise typer.Exit(DONE if ok else FAILED)

    def progress(self) -> Progress:
        """A progress bar on stderr, which is drawn on a terminal only."""
        errors = Console(stderr=True)
        return Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=errors,
            disable=self.as_json or not errors.is_terminal,
        )


def print_text(console: Console, text: str, style: str = "") -> None:
    """Print sentences: broken at words on a terminal, each on one line elsewhere."""
    shown = at_words(text, console.width) if console.is_terminal else text
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
        match said.strip().lower():
            case "y" | "yes":
                return True
            case "" | "n" | "no":
                return False
        typer.echo("Please type y for yes or n for no.")


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
