"""`burst review`: the command as a user types it."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from tools.review import markdown, terminal
from tools.review.dangers import errored
from tools.review.errors import PlanError
from tools.review.page import page_of
from tools.review.reading import read_plan
from tools.review.review import review as look_at
from tools.review.synthesized import filled, read_stack

DATA_LOSS = 3
STANDARD_INPUT = "-"


class Format(StrEnum):
    """What the page is written for."""

    MARKDOWN = "markdown"
    TERMINAL = "terminal"


def review(
    plan: Annotated[
        str,
        typer.Argument(
            help="What `terraform show -json PLANFILE` printed; - reads it from standard input.",
            metavar="PLAN.json",
        ),
    ],
    output: Annotated[
        Format, typer.Option("--format", help="For a comment on GitHub, or to read here.")
    ] = Format.TERMINAL,
    plan_text: Annotated[
        Path | None,
        typer.Option(
            help="What `terraform show -no-color PLANFILE` printed, to be added at the end.",
            metavar="FILE",
        ),
    ] = None,
    synthesized: Annotated[
        Path | None,
        typer.Option(
            help="The stack that was planned, cdk.tf.json: shows policies that name what is still "
            "to be made.",
            metavar="FILE",
        ),
    ] = None,
    stack: Annotated[
        str | None, typer.Option(help="Name of the stack; default: the plan's environment.")
    ] = None,
    commit: Annotated[str | None, typer.Option(help="What was planned, to be shown.")] = None,
    fail_on_data_loss: Annotated[
        bool, typer.Option("--fail-on-data-loss", help="End with exit code 3 if data would go.")
    ] = False,
) -> None:
    """Show what a reviewer must know of a plan: data that goes, permissions, settings, the rest."""
    source = "Standard input" if plan == STANDARD_INPUT else plan
    found, redact = read_plan(_content(plan), source=source)
    if found.errored:
        raise PlanError(errored(found, source))
    if synthesized is not None:
        resources = read_stack(_read(synthesized), source=str(synthesized))
        found = filled(found, resources, redact)
    text = None if plan_text is None else redact(_text(plan_text))
    result = look_at(found, stack=stack, commit=commit)
    if output is Format.MARKDOWN:
        sys.stdout.write(markdown.render(page_of(result), plan_text=text))
    else:
        terminal.show(Console(highlight=False), page_of(result), plan_text=text)
    if fail_on_data_loss and result.loses_data:
        raise typer.Exit(DATA_LOSS)


def _content(plan: str) -> bytes:
    if plan == STANDARD_INPUT:
        return sys.stdin.buffer.read()
    return _read(Path(plan))


def _text(file: Path) -> str:
    return _read(file).decode("utf-8-sig", errors="replace")


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise PlanError(f"{file} cannot be read: {error.strerror}.") from error
