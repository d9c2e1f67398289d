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
from tools.review.plan import Plan
from tools.review.reading import read_plan
from tools.review.review import review as look_at
from tools.review.synthesized import STACK_FILE, filled, is_of, read_stack

DATA_LOSS, WIDER = 3, 4
STACKS = Path("cdktf.out") / "stacks"
STANDARD_INPUT = "-"


class Format(StrEnum):
    """What the page is written for."""

    MARKDOWN = "markdown"
    TERMINAL = "terminal"


def review(
    plan: Annotated[
        str,
        typer.Argument(
            help="The output of `terraform show -json PLANFILE`; - reads it from standard input.",
            metavar="PLAN.json",
        ),
    ],
    output: Annotated[
        Format, typer.Option("--format", help="For a comment on GitHub, or to read here.")
    ] = Format.TERMINAL,
    plan_text: Annotated[
        Path | None,
        typer.Option(
            help="The output of `terraform show -no-color PLANFILE`, for the end of the page.",
            metavar="FILE",
        ),
    ] = None,
    synthesized: Annotated[
        Path | None,
        typer.Option(
            help="The stack that was planned, `cdk.tf.json`: says what policies permit that name "
            "something still to be created. Left out, it is looked for beside the plan and in "
            "`cdktf.out/stacks`.",
            metavar="FILE",
        ),
    ] = None,
    stack: Annotated[
        str | None,
        typer.Option(help="Name of the stack.", show_default="the plan's environment"),
    ] = None,
    commit: Annotated[str | None, typer.Option(help="What was planned, to be shown.")] = None,
    fail_on_data_loss: Annotated[
        bool, typer.Option("--fail-on-data-loss", help="End with exit code 3 if data would go.")
    ] = False,
    fail_on_wider: Annotated[
        bool,
        typer.Option(
            "--fail-on-wider",
            help="End with exit code 4 if permissions would become wide (wildcards, other "
            "principals, administration), or if a policy cannot be read.",
        ),
    ] = False,
) -> None:
    """Show what a reviewer must know of a plan: data that goes, permissions, settings, the rest.

    Example: pipenv run burst review plan.json --fail-on-data-loss
    """
    source = "Standard input" if plan == STANDARD_INPUT else plan
    found, redact = read_plan(_content(plan), source=source)
    if found.errored:
        raise PlanError(errored(found, source))
    stack_file = synthesized or _stack_beside(plan, found, stack)
    if stack_file is not None:
        resources = read_stack(_read(stack_file), source=str(stack_file))
        found = filled(found, resources, redact)
    text = None if plan_text is None else redact(_text(plan_text))
    shown = None if stack_file is None else str(stack_file)
    result = look_at(found, stack=stack, commit=commit, stack_file=shown)
    if output is Format.MARKDOWN:
        sys.stdout.write(markdown.render(page_of(result), plan_text=text))
    else:
        terminal.show(Console(highlight=False), page_of(result), plan_text=text)
    if fail_on_data_loss and result.loses_data:
        _say_why(DATA_LOSS, "data would go, and --fail-on-data-loss is given")
    if fail_on_wider and result.widens:
        _say_why(WIDER, "permissions would become wide, and --fail-on-wider is given")


def _say_why(code: int, why: str) -> None:
    """End with this exit code; the page above has said what, and where."""
    sys.stderr.write(f"Exit code {code}: {why}.\n")
    raise typer.Exit(code)


def _stack_beside(plan: str, found: Plan, stack: str | None) -> Path | None:
    """The stack that was planned, where it is found; says so where one is there that was not."""
    if plan == STANDARD_INPUT:
        return None
    file = Path(plan)
    name = stack or found.stack
    folders = [file.parent, *([STACKS / name] if name and Path(name).name == name else [])]
    for candidate in (folder / STACK_FILE for folder in folders):
        if not candidate.is_file():
            continue
        if candidate.stat().st_mtime > file.stat().st_mtime:
            why = "it is newer than the plan"
        elif not is_of(found, read_stack(_read(candidate), source=str(candidate))):
            why = "it is not the stack that was planned"
        else:
            return candidate
        sys.stderr.write(f"{candidate} is not used: {why}. Name it by --synthesized to use it.\n")
    return None


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
