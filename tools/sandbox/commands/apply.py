"""`burst sandbox apply`."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from tools import processes
from tools.operate.words import count
from tools.sandbox.folder import running_folder
from tools.sandbox.terraform import find_terraform

if TYPE_CHECKING:
    from tools.sandbox.applying import Planned
    from tools.sandbox.folder import Facts


def apply(
    folder: Annotated[
        Path | None,
        typer.Option(help="Folder of the sandbox.", show_default="the one that runs"),
    ] = None,
) -> None:
    """Bring a running sandbox up to date with changed settings or code; its data stays.

    It shows the plan and applies it. Where a setting is wrong or Terraform fails, the sandbox stays
    as it was.

    Example: pipenv run burst sandbox apply
    """
    console = Console(highlight=False)
    find_terraform()
    home = running_folder(folder)

    # Here, because they load much that a wrong option does not need.
    from tools.sandbox import applying, using

    with contextlib.ExitStack() as block:
        # A pipe gets the line, a terminal something that moves below it.
        console.print(f"Planning for the sandbox {home.name}: about half a minute.", markup=False)
        with console.status("Planning"):
            planned = block.enter_context(applying.planned(home))
        _show_plan(console, planned)
        outputs = _apply(console, planned)
        using.write_outputs(home, outputs)
    if planned.plan is not None:
        console.print("Applied. Files that wait or come now are handled by what is deployed now.")


def _show_plan(console: Console, planned: Planned) -> None:
    from tools.review import terminal
    from tools.review.page import page_of
    from tools.review.reading import read_plan
    from tools.review.review import review
    from tools.review.synthesized import STACK_FILE, filled, read_stack

    if planned.plan is None:
        console.print("Nothing changes: what is deployed is what the settings say.")
        return
    found, redact = read_plan(json.dumps(planned.plan).encode(), source="The plan")
    file = Path(planned.after.stack_folder) / STACK_FILE
    found = filled(found, read_stack(file.read_bytes(), source=str(file)), redact)
    terminal.show(console, page_of(review(found, stack_file=str(file))))
    console.print()
    if any(change.type == "aws_glue_trigger" for change in found.changes):
        for line in what_stays(planned.after):
            console.print(line)


def what_stays(facts: Facts) -> Iterator[str]:
    """Which batching is the sandbox's own, as it was told when it was started."""
    own = []
    if facts.batch_size is not None:
        own.append(f"batch size ({count(facts.batch_size, 'event')})")
    if facts.batch_window is not None:
        own.append(f"batch window ({facts.batch_window} s)")
    if own:
        words, stay = " and ".join(own), "stay" if len(own) > 1 else "stays"
        yield f"The {words} {stay} as the sandbox was started, whatever the settings say."


def _apply(console: Console, planned: Planned) -> dict[str, Any]:
    if planned.plan is None:
        return planned.apply()
    with console.status("Applying ...") as status, processes.drawn_live(status.stop):
        return planned.apply()
