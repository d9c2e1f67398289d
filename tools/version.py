"""Which version of the project this is."""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
from pathlib import Path

PROJECT_FOLDER = Path(__file__).resolve().parent.parent
_RELEASE = re.compile(r"^## \[(?P<name>[^]]+)\]", re.MULTILINE)


def version_text() -> str:
    """The newest release of the changelog, the commit where there is one, and this Python."""
    found = _RELEASE.search((PROJECT_FOLDER / "CHANGELOG.md").read_text(encoding="utf-8"))
    release = found["name"].lower() if found else "unknown"
    commit = _commit()
    return f"burst {release}{f' ({commit})' if commit else ''}, Python {platform.python_version()}"


def _commit() -> str:
    git = shutil.which("git")
    if git is None:
        return ""
    done = subprocess.run(  # noqa: S603 - git itself, no shell.
        [git, "-C", str(PROJECT_FOLDER), "describe", "--always", "--dirty"],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip()
