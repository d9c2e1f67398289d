"""What the tests stand on: the settings and the transform of the shipped example.

The user's own `cdktf.json` and `glue_jobs/transforms` are read in `tests/yours` alone.
"""

from __future__ import annotations

import json
from typing import Any

from stacks.pipeline import transforms
from tools.sandbox import example_project
from tools.sandbox.example_project import SETTINGS, TRANSFORMS, copy_project

__all__ = ["SETTINGS", "TRANSFORMS", "copy_project", "environments", "use_its_transform"]


def environments() -> dict[str, Any]:
    """The example's environments, as plain data."""
    document = json.loads(SETTINGS.read_text(encoding="utf-8"))
    found: dict[str, Any] = document["context"]["environments"]
    return found


def use_its_transform() -> None:
    """From now on this process synthesizes with the example's transforms, not the user's."""
    transforms.TRANSFORMS = example_project.TRANSFORMS
