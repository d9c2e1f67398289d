"""`burst forecast` in a process of its own, which somebody ends before it is done."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]


def test_ctrl_c_ends_it_with_130_and_without_a_traceback() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "tools.cli", "forecast", "--days", "104", "--like",
         "16000 files of 20 KB in 20 minutes, 3 times a day"],
        cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "FORCE_COLOR": "1", "TTY_INTERACTIVE": "1"},
    )  # fmt: skip
    try:
        process.wait(timeout=2)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=120)
    # Python ends by the signal itself, which a shell shows as 130, where it came while the text of
    # a class was executed, as numba and dataclasses do.
    assert process.returncode in (130, -signal.SIGINT), error
    assert "Traceback" not in error
    assert "Stopped" in error
