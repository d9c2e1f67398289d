"""Which tests run when nobody asks for more, in the gate, and by command."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT_FOLDER = Path(__file__).resolve().parents[2]
TESTS = """
import pytest


def test_each_time(): ...


@pytest.mark.gate
def test_in_the_gate(): ...


@pytest.mark.full
def test_by_command(): ...
"""
EACH_TIME, IN_THE_GATE, BY_COMMAND = "each_time", "in_the_gate", "by_command"


@pytest.mark.parametrize(
    ("arguments", "run"),
    [
        ([], [EACH_TIME]),
        (["--gate"], [EACH_TIME, IN_THE_GATE]),
        (["test_some.py"], [EACH_TIME, IN_THE_GATE]),
        (["-m", "full"], [BY_COMMAND]),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("processes", ["0", "1"])
def test_gate_adds_tests_and_those_that_take_minutes_are_asked_for(
    arguments: list[str], run: list[str], processes: str, tmp_path: Path
) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\ntestpaths = .\n", encoding="utf-8")
    (tmp_path / "test_some.py").write_text(TESTS, encoding="utf-8")
    command = ["-p", "tests.long_proofs", "-p", "no:cacheprovider", "-v", "-n", processes]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *command, *arguments],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(PROJECT_FOLDER)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = set(re.findall(r"::test_(\w+)", done.stdout))
    assert found == set(run)
    assert ("1 test more runs in the gate" in done.stdout) == (not arguments)


def test_gate_runs_all_of_its_tests() -> None:
    script = (PROJECT_FOLDER / ".ci" / "run").read_text(encoding="utf-8")
    assert re.search(r"pipenv run test .*--gate", script)
