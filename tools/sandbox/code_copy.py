"""A copy of all that a synth needs of the project but its settings."""

from __future__ import annotations

import shutil
from pathlib import Path

CACHE = "__pycache__"


def copy_code(project: Path, folder: Path, *, transforms: Path | None = None) -> None:
    """Copy `main.py`, the stacks and the job. transforms: a folder in place of the project's."""
    theirs = project / "glue_jobs" / "transforms"
    without_cache = shutil.ignore_patterns(CACHE)
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(project / "main.py", folder)
    shutil.copytree(project / "stacks", folder / "stacks", ignore=without_cache)
    shutil.copytree(
        project / "glue_jobs",
        folder / "glue_jobs",
        ignore=shutil.ignore_patterns(CACHE, theirs.name),
    )
    copied = folder / "glue_jobs" / theirs.name
    shutil.copytree(transforms or theirs, copied, ignore=without_cache)
