"""`burst docs`: the parts of the documentation that are made from the code.

One is a whole file: the JSON schema of the settings, for editors. Each other part is
between two markers, in any Markdown file of the project:

    <!-- settings: begin -->
    <!-- settings: end -->
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from tools import cli, option_tables, settings_schema, settings_table

PROJECT_FOLDER = Path(__file__).resolve().parent.parent
# By the name in the markers.
PARTS: Mapping[str, Callable[[], str]] = {
    "settings": settings_table.table,
    "commands": option_tables.commands_table,
    "all options": option_tables.reference,
    **{
        f"options of burst {name}": partial(option_tables.option_table, name)
        for name in cli.COMMANDS
    },
}
_PART = re.compile(
    r"(?P<begin><!-- (?P<name>[a-z -]+): begin -->\n).*?(?P<end><!-- (?P=name): end -->\n)",
    re.DOTALL,
)
STALE = 1


def docs(
    write: Annotated[bool, typer.Option("--write", help="Bring the files up to date.")] = False,
) -> None:
    """Show which documentation differs from the code (exit code 1), or update it.

    Example: pipenv run burst docs --write
    """
    stale = {file: text for file, text in current() if _text(file) != text}
    for file, text in stale.items():
        if write:
            file.write_text(text, encoding="utf-8")
        typer.echo(f"{'written' if write else 'stale'}: {file.relative_to(PROJECT_FOLDER)}")
    if stale and not write:
        typer.echo("`pipenv run burst docs --write` brings them up to date.")
        raise typer.Exit(STALE)
    if not stale:
        typer.echo("All generated parts of the documentation are up to date.")


def current() -> Iterator[tuple[Path, str]]:
    """Every file with generated parts, and its text as it should be."""
    yield PROJECT_FOLDER / settings_schema.FILE, settings_schema.schema_text()
    for file in documents():
        text = file.read_text(encoding="utf-8")
        if _PART.search(text):
            yield file, _PART.sub(_filled, text)


def _text(file: Path) -> str | None:
    return file.read_text(encoding="utf-8") if file.exists() else None


def documents() -> list[Path]:
    """All Markdown files of the project that people read."""
    return sorted([*PROJECT_FOLDER.glob("*.md"), *(PROJECT_FOLDER / "docs").rglob("*.md")])


def without_generated_parts(text: str) -> str:
    """What people wrote."""
    return _PART.sub("", text)


def _filled(part: re.Match[str]) -> str:
    name = part["name"]
    if name not in PARTS:
        raise typer.BadParameter(
            f"nothing is generated under the name {name!r}. Allowed are: {', '.join(PARTS)}.",
            param_hint="the marker",
        )
    return f"{part['begin']}\n{PARTS[name]().strip(chr(10))}\n\n{part['end']}"
