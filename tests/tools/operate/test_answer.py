"""A bar and the lines that are drawn while it lives, on a terminal and in a pipe."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.screen import Screen
from tests.terminal import Terminal

DRAWING = """
import sys, time
from tools.operate.answer import Answer
answer = Answer.to(False)
with answer.progress() as bar:
    task = bar.add_task("Upload", total=2)
    for name in ("a.csv", "b.csv"):
        bar.refresh()
        answer.draw(f"{name} (1 B)")
        bar.advance(task)
    later = bar.add_task("Start", total=None)
    bar.refresh()
answer.draw("done")
"""


@pytest.mark.parametrize("columns", [80, 120])
def test_lines_come_whole_above_the_bar_and_the_bar_goes_at_its_end(columns: int) -> None:
    with Terminal([sys.executable, "-c", DRAWING], columns=columns) as terminal:
        assert terminal.end() == 0
    assert Screen.of(terminal.text).lines == ["a.csv (1 B)", "b.csv (1 B)", "done"]
    assert "Upload" in terminal.text
    assert "2/2" in terminal.text
    assert "0/?" not in terminal.text


def test_bar_on_a_terminal_leaves_stdout_in_a_pipe_alone() -> None:
    piped = f"{sys.executable} -c '{DRAWING}' | cat > /dev/null"
    with Terminal(["sh", "-c", piped]) as terminal:
        assert terminal.end() == 0
    assert "a.csv" not in terminal.text
    assert "Upload" in terminal.text


def test_pipe_has_the_lines_and_nothing_else() -> None:
    ran = subprocess.run([sys.executable, "-c", DRAWING], capture_output=True, text=True)
    assert (ran.stdout, ran.stderr) == ("a.csv (1 B)\nb.csv (1 B)\ndone\n", "")
