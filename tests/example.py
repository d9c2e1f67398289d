"""What the tests stand on: the settings and the transform of the shipped example.

The user's own `cdktf.json` and `glue_jobs/transforms` are read in `tests/yours` alone.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from stacks.pipeline import transforms
from tools.sandbox import example_project
from tools.sandbox.example_project import SETTINGS, TRANSFORMS, copy_project

__all__ = [
    "READERS",
    "SETTINGS",
    "TRANSFORMS",
    "copy_project",
    "environments",
    "guard_the_users",
    "use_its_transform",
]

PROJECT = Path(__file__).resolve().parents[1]
USERS = (str(PROJECT / "cdktf.json"), str(PROJECT / "glue_jobs" / "transforms"))
# The quick rooms, and what of them reads the user's files or starts processes, which may.
QUICK = ("tests/unit/", "tests/synth/")
READERS = (
    "tests/yours",
    "tests/unit/test_architecture.py",
    "tests/unit/test_docs.py",
    "tests/tools/test_main.py",
    "tests/tools/test_forecast_interrupted.py",
    "tests/unit/authoring/test_writing.py",
    "tests/unit/sandbox/test_run_script.py",
    "tests/unit/sandbox/test_runtime.py",
    "tests/unit/sandbox/test_shells.py",
)


def environments() -> dict[str, Any]:
    """The example's environments, as plain data."""
    document = json.loads(SETTINGS.read_text(encoding="utf-8"))
    found: dict[str, Any] = document["context"]["environments"]
    return found


def use_its_transform() -> None:
    """From now on this process synthesizes with the example's transforms, not the user's."""
    transforms.TRANSFORMS = example_project.TRANSFORMS


def guard_the_users() -> None:
    """From now on a test of the quick rooms fails where it reads the user's files.

    So what it proves holds whatever they say, and only `READERS` run again with other settings
    (`tests/copies`).
    """
    sys.addaudithook(_refuse)


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    """An audit hook (PEP 578); the events are in the table of the Python documentation."""
    if event in ("open", "os.listdir", "os.scandir"):
        asked = arguments[0]
        if not isinstance(asked, str | os.PathLike):
            return
        if not os.path.abspath(asked).startswith(USERS):  # noqa: PTH100 - no look at the disk
            return
        done = f"reads {asked}"
    elif event in ("subprocess.Popen", "os.posix_spawn", "os.system"):
        done = "starts a process"
    else:
        return
    test = os.environ.get("PYTEST_CURRENT_TEST", "")
    if test.startswith(QUICK) and not test.startswith(READERS):
        raise AssertionError(
            f"{test} {done}: use tests/example.py in place of the user's files, or add the test to "
            "READERS there, so that it runs with other settings, too"
        )
