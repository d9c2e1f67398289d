"""`burst clean`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from tools.operate.answer import Answer
from tools.operate.words import count, size
from tools.sandbox import cleaning
from tools.sandbox.folder import SANDBOXES


def clean(
    folders: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Folders that --folder named.",
            metavar="FOLDER",
            show_default="all below .sandbox",
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Remove what sandboxes and demos that have ended left on this machine.

    It says what and how much first. A sandbox that runs stays, and so does every folder that no
    sandbox made.

    Example: pipenv run burst clean --yes
    """
    console = Console(highlight=False)
    left, running = cleaning.look(folders or [])
    for folder in running:
        console.print(f"{folder} stays: its sandbox runs.", soft_wrap=True, markup=False)
    if not left:
        console.print(f"There is nothing to remove below {SANDBOXES}.", soft_wrap=True)
        return
    for item in left:
        console.print(f"{item.folder}  {size(item.bytes)}", soft_wrap=True, markup=False)
    total = sum(item.bytes for item in left)
    what = f"{count(len(left), 'folder')} with {size(total)} in all"
    Answer(as_json=False, console=console).confirm(
        f"Remove {what}?",
        yes=yes,
        text="",
        unasked=f"This would remove {what}: say --yes if you want that.",
        declined="Nothing was removed.",
    )
    for item in left:
        cleaning.remove(item.folder)
    console.print(f"Removed {what}.")
