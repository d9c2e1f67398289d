"""A test that reads what the user configures is told so."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests import example


@pytest.mark.parametrize(
    "look",
    [
        lambda: (example.PROJECT / "cdktf.json").read_text(encoding="utf-8"),
        lambda: list((example.PROJECT / "glue_jobs").rglob("*.py")),
        lambda: (example.PROJECT / "glue_jobs" / "transforms" / "__init__.py").read_bytes(),
        lambda: subprocess.run([sys.executable, "-c", ""], check=True),
    ],
    ids=["settings", "folder of transforms", "transform", "process that could"],
)
def test_test_that_looks_at_the_users_files_fails(look: object) -> None:
    assert callable(look)
    with pytest.raises(AssertionError, match=r"in place of the user's files"):
        look()
