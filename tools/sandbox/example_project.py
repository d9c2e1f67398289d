"""A copy of the project with the settings that the demo plays: the example's, or one pipeline.

Without a pipeline of the user's, the demo sends order files, so it needs a pipeline for orders,
whatever the user has configured.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from tools.sandbox.code_copy import copy_code

_PROJECT_FOLDER = Path(__file__).resolve().parents[2]
_EXAMPLE = Path(__file__).with_name("example")
SETTINGS = _EXAMPLE / "cdktf.json"
TRANSFORMS = _EXAMPLE / "transforms"


def copy_project(folder: Path) -> Path:
    """Copy all that `main.py` needs into ``folder``, with the example's own; returns the folder."""
    copy_code(_PROJECT_FOLDER, folder, transforms=TRANSFORMS)
    shutil.copy(SETTINGS, folder)
    return folder
