"""A copy of the project with the settings that the demo plays: the example's, or one pipeline.

Without a pipeline of the user's, the demo sends order files, so it needs a pipeline for orders,
whatever the user has configured.
"""

from __future__ import annotations

import shutil
from pathlib import Path

_PROJECT_FOLDER = Path(__file__).resolve().parents[2]
_EXAMPLE = Path(__file__).with_name("example")
SETTINGS = _EXAMPLE / "cdktf.json"
TRANSFORMS = _EXAMPLE / "transforms"


def copy_project(folder: Path) -> Path:
    """Copy all that `main.py` needs into ``folder``, with the example's own; returns the folder."""
    _copy_code(folder, TRANSFORMS)
    shutil.copy(SETTINGS, folder)
    return folder


def _copy_code(folder: Path, transforms: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copytree(_PROJECT_FOLDER / "stacks", folder / "stacks")
    shutil.copytree(
        _PROJECT_FOLDER / "glue_jobs",
        folder / "glue_jobs",
        ignore=shutil.ignore_patterns(TRANSFORMS.name),
    )
    shutil.copytree(transforms, folder / "glue_jobs" / TRANSFORMS.name)
    shutil.copy(_PROJECT_FOLDER / "main.py", folder)
