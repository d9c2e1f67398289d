"""How a run and a status are shown while they go on."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from tests.screen import Screen
from tests.unit.operate.records import BATCH, NOW
from tools.operate.draining import Drained, RunProgress
from tools.operate.following import progress_words
from tools.operate.history import Batch
from tools.operate.ids import short_batch
from tools.operate.views.runs import drained_line
from tools.operate.watching import watched


@pytest.mark.parametrize(
    ("batches", "files", "waited", "words"),
    [
        (0, 0, 7, "RUNNING"),
        (1, 3, 7, "RUNNING, 3 of 7 files in 1 batch"),
        # More came while it ran.
        (2, 9, 7, "RUNNING, 9 of 9 files in 2 batches"),
    ],
)
def test_progress_says_how_much_of_what_waited_is_loaded(
    batches: int, files: int, waited: int, words: str
) -> None:
    progress = RunProgress("wr_1", "RUNNING", 1.0, batches, files, waited)
    assert progress_words(progress) == words


def test_run_that_waits_names_the_run_before_it_and_in_the_end_what_that_one_took() -> None:
    progress = RunProgress("wr_1", "WAITING", 1.0, 0, 0, 7, behind="wr_0123456789")
    assert progress_words(progress) == "WAITING for the run wr_01234567"
    ahead = Batch(BATCH, NOW, 1, 41, 0, 0, 10, 1.0, True, "jr_0", "wr_0123456789")
    line = drained_line(
        Drained("wr_1", "SUCCEEDED", None, 96.0, (), 0, (ahead,)), "dev orders"
    ).plain
    assert line == (
        "The run wr_1 took 1 min 36 s: nothing was left to do, as wr_01234567 took 1 file, 41 rows."
    )


def test_bad_file_is_named_and_is_an_exit_code_also_where_the_run_before_took_it() -> None:
    ahead = Batch(BATCH, NOW, 2, 41, 1, 0, 10, 1.0, True, "jr_0", "wr_0123456789")
    drained = Drained("wr_1", "SUCCEEDED", None, 42.0, (), 0, (ahead,))
    why = f"`burst inspect dev orders {short_batch(BATCH)}` shows why."
    assert drained_line(drained, "dev orders").plain == (
        "The run wr_1 took 42 s: nothing was left to do, as wr_01234567 took 2 files, 41 rows. "
        f"1 of them is bad. {why}"
    )
    assert not drained.clean
    own = replace(drained, batches=(replace(ahead, bad_files=0),))
    assert (
        f" 1 of the files that wr_01234567 took is bad. {why}"
        in drained_line(own, "dev orders").plain
    )


@pytest.mark.parametrize(
    ("state", "bad", "clean"),
    [("SUCCEEDED", 0, True), ("SUCCEEDED", 1, False), ("FAILED", 0, False)],
)
def test_run_is_clean_only_where_it_succeeded_and_no_file_went_bad(
    state: str, bad: int, clean: bool
) -> None:
    batch = Batch(BATCH, NOW, 2, 1, bad, 0, 10, 1.0, True, "jr_1", "wr_1")
    assert Drained("wr_1", state, None, 1.0, (batch,), 0).clean is clean


def test_watched_screen_is_drawn_again_until_ctrl_c() -> None:
    shown = iter(["one", "two", "three"])
    waits = iter([None, None])

    def sleep(seconds: float) -> None:
        if next(waits, "end") == "end":
            raise KeyboardInterrupt

    out = io.StringIO()
    with pytest.raises(KeyboardInterrupt):
        watched(Console(file=out), lambda: next(shown), sleep)
    assert out.getvalue().split() == ["one", "two", "three"]


def test_watched_screen_that_is_too_high_is_cut_and_leaves_nothing_but_its_last_state() -> None:
    pictures = iter(["\n".join(f"{name} {n}" for n in range(40)) for name in ("old", "new")])
    waits = iter([None])
    drawn: list[list[str]] = []
    out = io.StringIO()

    def sleep(seconds: float) -> None:
        drawn.append(Screen.of(out.getvalue()).lines)
        if next(waits, "end") == "end":
            raise KeyboardInterrupt

    console = Console(file=out, force_terminal=True, width=80, height=24)
    with pytest.raises(KeyboardInterrupt):
        watched(console, lambda: next(pictures), sleep, more=": `burst status dev` prints all")
    for name, lines in zip(("old", "new"), drawn, strict=True):
        assert lines[:-1] == [f"{name} {n}" for n in range(23)]
        assert lines[-1] == "… 17 more lines: `burst status dev` prints all"
    assert Screen.of(out.getvalue()).lines == [f"new {n}" for n in range(40)]
