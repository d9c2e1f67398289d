"""The workflows' scripts, run as a workflow runs them, with GitHub's variables."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.patience import PATIENCE
from tests.workflows.github import REPOSITORY, Github, listening

PROJECT_FOLDER = Path(__file__).resolve().parents[2]
SCRIPTS = PROJECT_FOLDER / ".github" / "scripts"
COMMIT = "a" * 40
Script = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def github() -> Iterator[Github]:
    with listening(Github()) as server:
        yield server


@pytest.fixture
def script(github: Github, tmp_path: Path) -> Script:
    """A function that runs one script and returns what it said."""

    def run(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, str(SCRIPTS / name), *arguments],
            cwd=tmp_path,
            env=os.environ
            | {
                "GITHUB_API_URL": github.url,
                "GITHUB_SERVER_URL": "https://github.com",
                "GITHUB_REPOSITORY": REPOSITORY,
                "GITHUB_RUN_ID": "99",
                "GITHUB_SHA": COMMIT,
                "GITHUB_TOKEN": "a-token",
                "BURST_RETRY_SECONDS": "0",
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )

    return run
