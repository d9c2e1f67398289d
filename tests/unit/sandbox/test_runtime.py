"""What runs a job of a Glue version here."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from tools.sandbox.java import java_home
from tools.sandbox.runtime import ANSI, GLUE_6_FOLDER, GLUE_6_SPARK, installed, runtime_of

PINS = Path(__file__).parents[2] / "jobs" / "glue-6.0-requirements.txt"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "a user's cache"))
    return tmp_path


@pytest.mark.parametrize("glue_version", ["5.1", ""])
def test_other_versions_run_with_what_is_installed(glue_version: str, tmp_path: Path) -> None:
    runtime = runtime_of(glue_version, tmp_path)
    assert runtime == installed()
    assert (runtime.python, runtime.spark) == (Path(sys.executable), version("pyspark"))
    assert not runtime.settings
    assert not runtime.note


def test_glue_6_runs_with_its_own_libraries_where_they_are(tmp_path: Path) -> None:
    python = tmp_path / GLUE_6_FOLDER / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    runtime = runtime_of("6.0", tmp_path)
    assert (runtime.python, runtime.spark) == (python, GLUE_6_SPARK)
    assert not runtime.settings
    assert not runtime.note
    assert f"pyspark=={GLUE_6_SPARK}" in PINS.read_text().splitlines()


def test_glue_6_without_its_libraries_has_ansi_mode_and_says_so(tmp_path: Path) -> None:
    runtime = runtime_of("6.0", tmp_path)
    assert runtime.python == Path(sys.executable)
    assert runtime.settings == ANSI
    assert GLUE_6_FOLDER in runtime.note


def test_java_for_spark_4_starts_where_a_module_is_asked_for_that_it_lacks(cache: Path) -> None:
    plain, home = java_home("3.5.6"), java_home("4.1.1")
    assert cache in home.parents
    assert cache not in plain.parents
    asked = "--add-modules=jdk.incubator.vector"
    done = subprocess.run(
        [home / "bin" / "java", "-Dtold=a b", asked, "-version"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert subprocess.run(
        [plain / "bin" / "java", asked, "-version"], capture_output=True
    ).returncode
    assert java_home("4.1.1") == home
