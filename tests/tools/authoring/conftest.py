"""A project to work in, and a command line to type."""

from __future__ import annotations

import io
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from stacks.pipeline import transforms
from tests import example
from tools import cli
from tools.authoring.commands import drift, new, try_files

Burst = Callable[..., tuple[int, str]]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with the example's settings; commands work in it."""
    folder = tmp_path / "project"
    (folder / "tests/yours").mkdir(parents=True)
    shutil.copy(example.SETTINGS, folder)
    shutil.copytree(example.TRANSFORMS, folder / "glue_jobs/transforms")
    monkeypatch.setattr(new, "FOLDER", folder)
    monkeypatch.setattr(try_files, "FOLDER", folder)
    monkeypatch.setattr(drift, "FOLDER", folder)
    monkeypatch.setattr(transforms, "TRANSFORMS", folder / "glue_jobs/transforms")
    monkeypatch.chdir(tmp_path)
    return folder


@pytest.fixture
def burst(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Burst:
    """Run a command line: its exit code, and what it printed."""

    def run(*arguments: str, stdin: bytes = b"") -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["burst", *arguments])
        source = SimpleNamespace(buffer=io.BufferedReader(io.BytesIO(stdin)), isatty=lambda: False)
        monkeypatch.setattr(sys, "stdin", source)
        monkeypatch.setenv("COLUMNS", "200")
        try:
            code = cli.main()
        except SystemExit as end:
            code = int(end.code or 0)
        out, err = capsys.readouterr()
        return code, out + err

    return run
