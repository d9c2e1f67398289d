"""What of a failed job becomes the run's error message."""

import subprocess
import sys
from pathlib import Path

import pytest

from tools.sandbox.glue.job_process import MAX_ERROR_LENGTH, RUN_SCRIPT, error_message

CAUSED = """
try:
    {}["id"]
except KeyError as error:
    raise ValueError("3 of 3 files are bad.") from error
"""
LOGGED = """
import logging, sys
try:
    {}["id"]
except KeyError:
    logging.exception("The cause:")
print("3 of 3 files are bad.")
sys.exit(1)
"""
GOOD_ARGUMENTS = """
import sys
from pathlib import Path
assert sys.argv[1:] == ["--name", "value"], sys.argv
assert Path(sys.argv[0]).name == "job.py", sys.argv
assert Path(sys.path[0]) == Path(__file__).parent, sys.path
"""


def run(folder: Path, script: str) -> tuple[int, str]:
    (folder / "job.py").write_text(script, encoding="utf-8")
    error, job = folder / "error.txt", folder / "job.py"
    command = [sys.executable, str(RUN_SCRIPT), str(error), str(job), "--name", "value"]
    code = subprocess.run(command, capture_output=True, check=False).returncode
    return code, error_message(error, code)


@pytest.mark.parametrize(
    ("script", "code", "message"),
    [
        ("raise ValueError('boom')", 1, "ValueError: boom"),
        (CAUSED, 1, "ValueError: 3 of 3 files are bad."),
        (LOGGED, 1, "SystemExit: 1"),
        ("import sys; sys.exit('a sentence')", 1, "SystemExit: a sentence"),
        ("import os; os.kill(os.getpid(), 9)", -9, "Command failed with exit code -9"),
        (f"raise ValueError('{'x' * 9999}')", 1, f"ValueError: {'x' * MAX_ERROR_LENGTH}"),
    ],
    ids=["an exception", "its cause", "an exit", "an exit with words", "killed", "cut short"],
)
def test_error_message_is_the_exception_that_ended_the_job(
    tmp_path: Path, script: str, code: int, message: str
) -> None:
    assert run(tmp_path, script) == (code, message[:MAX_ERROR_LENGTH])


def test_script_runs_as_if_it_was_started_alone(tmp_path: Path) -> None:
    code, _ = run(tmp_path, GOOD_ARGUMENTS)
    assert code == 0
