"""`burst move-to-cdktn`: the project on CDK Terrain, cdktf's successor.

CDK Terrain (`cdktn`) is cdktf under another name, kept alive by its users. It reads the same
`cdktf.json`, writes the same `cdktf.out` and gives every resource the same address, so a state
fits as it is; what changes are the names of the packages, and with them the imports.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

PROJECT_FOLDER = Path(__file__).resolve().parent.parent

# The newest versions with which the tests compare what is synthesized.
CDKTN, BINDINGS = "0.24.0", "25.8.1"

_PIPFILE = (
    (r'^cdktf = ".*"$', f'cdktn = "=={CDKTN}"'),
    (r'^cdktf-cdktf-provider-aws = ".*"$', f'cdktn-provider-aws = "=={BINDINGS}"'),
    (r"\bcdktf-cli@[\d.]+", f"cdktn-cli@{CDKTN}"),
)
_PYTHON = (
    (r"\bcdktf_cdktf_provider_aws\b", "cdktn_provider_aws"),
    (r"^(\s*)from cdktf( import|\.)", r"\1from cdktn\2"),
    (r"^(\s*)import cdktf$", r"\1import cdktn as cdktf"),
)
# These speak of the bindings of both, by name.
_OF_BOTH = (
    "stacks/lazy_bindings/",
    "tests/lazy_bindings/conftest.py",
    "tests/lazy_bindings/test_node_half.py",
    "tests/lazy_bindings/test_python_half.py",
    "tools/cdktn.py",
)

# The argument in the words of an error.
FOLDER = "FOLDER"


def move_to_cdktn(
    folder: Annotated[
        Path,
        typer.Argument(
            help="A copy of the project, for example a git worktree; its files are rewritten.",
            exists=True,
            file_okay=False,
            resolve_path=True,
        ),
    ],
) -> None:
    """Rewrite a copy of the project for CDK Terrain (cdktn), the successor of cdktf.

    Example: pipenv run burst move-to-cdktn ../burst-on-cdktn
    """
    if folder == PROJECT_FOLDER:
        raise typer.BadParameter(
            "this is the project itself; make a copy first, for example with "
            "`git worktree add ../burst-cdktn`, and name that.",
            param_hint=FOLDER,
        )
    if not (folder / "Pipfile").is_file() or not (folder / "cdktf.json").is_file():
        raise typer.BadParameter(f"there is no copy of the project in {folder}.", param_hint=FOLDER)
    changed = rewrite(folder)
    if not changed:
        raise typer.BadParameter(
            f"nothing in {folder} imports cdktf; was it moved already?", param_hint=FOLDER
        )
    for file in changed:
        typer.echo(f"rewritten: {file.relative_to(folder)}")
    typer.echo(
        "The lock still names cdktf. There, run `pipenv run lock`, `pipenv sync --dev` and\n"
        "`pipenv run python main.py`; then compare cdktf.out with that of this folder, and\n"
        "`pipenv run diff` with what is deployed."
    )


def rewrite(folder: Path) -> list[Path]:
    """Rename the packages in the Pipfile and the imports in every module; returns what changed."""
    changed = [folder / "Pipfile"] if _replace(folder / "Pipfile", _PIPFILE) else []
    return changed + [file for file in _modules(folder) if _replace(file, _PYTHON)]


def _modules(folder: Path) -> Iterator[Path]:
    for file in sorted(folder.rglob("*.py")):
        name = file.relative_to(folder).as_posix()
        if not name.startswith((".", *_OF_BOTH)):
            yield file


def _replace(file: Path, replacements: tuple[tuple[str, str], ...]) -> bool:
    before = text = file.read_text(encoding="utf-8")
    for old, new in replacements:
        text = re.sub(old, new, text, flags=re.MULTILINE)
    if text != before:
        file.write_text(text, encoding="utf-8")
    return text != before
