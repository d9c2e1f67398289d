"""What is drawn for people fits 80 columns, with ids and numbers whole."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from tests.unit.operate.records import BATCH, LATER, NOW
from tests.unit.operate.test_health import HEALTHY
from tools.operate import ids
from tools.operate.answer import Answer
from tools.operate.history import Batch, History
from tools.operate.logs import Kind, LogLine
from tools.operate.replays.selection import Choice, Item, Selection
from tools.operate.rescued import unclaimed
from tools.operate.runs import Run
from tools.operate.status import EnvironmentStatus, PipelineStatus
from tools.operate.views.logs import head, line_text
from tools.operate.views.replaying import nothing_done
from tools.operate.views.status import status_panels
from tools.operate.views.tables import Labelled, RowsTable, batches_table, table_of
from tools.operate.words import ago, at_words, count, duration, range_words, size

RUN = "0123456789abcdef" * 4


@pytest.mark.parametrize("columns", [65, 80, 120])
def test_numbers_and_ids_of_batches_stay_whole(columns: int) -> None:
    batch = Batch(
        BATCH,
        NOW,
        1200,
        120_000,
        3,
        0,
        10**9,
        130.2,
        True,
        f"jr_{RUN}",
        f"wr_{RUN}",
        None,
        "by hand",
    )
    out = io.StringIO()
    Console(file=out, width=columns).print(batches_table([batch], with_run=True))
    for text in (ids.short_batch(BATCH), "1,200", "120,000", "1 h", "wr_01234567"):
        assert text in out.getvalue()
    assert all(len(line) <= columns for line in out.getvalue().splitlines())


@pytest.mark.parametrize(("columns", "left"), [(46, 1), (50, 0), (30, 3), (80, 0)])
def test_narrow_terminal_gets_fewer_columns_and_no_id_that_is_cut(columns: int, left: int) -> None:
    table = table_of("batch", "files", "rows", "took", "started by")
    table.add_row(ids.short_batch(BATCH), "1,200", "120,000", "2 min", "by hand")
    out = io.StringIO()
    console = Console(file=out, width=columns, force_terminal=True, color_system=None)
    Answer(as_json=False, console=console).draw(table)
    header, row, *note = [line.rstrip() for line in out.getvalue().splitlines()]
    names = ["batch", "files", "rows", "took", "started by"]
    assert header.split("  ")[0].strip() == "batch"
    assert ids.short_batch(BATCH) in row
    assert [name for name in names if name in header] == names[: len(names) - left]
    assert ("make the window wider" in " ".join(note)) is (left > 0)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (45, "45 s"),
        (60, "1 min"),
        (200, "3 min 20 s"),
        (7500, "2 h 5 min"),
        (86400, "1 d"),
    ],
)
def test_duration_is_in_its_two_largest_units_without_zeros(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_words_agree_with_their_numbers() -> None:
    assert (count(1, "row"), count(1200, "row")) == ("1 row", "1,200 rows")
    assert (size(1023), size(2048)) == ("1023 B", "2.0 KiB")
    assert ago(NOW - timedelta(hours=12), NOW) == "12 h ago"
    assert (range_words(1, 1000), range_words(0, None)) == ("1 to 1,000", "0 or more")


@pytest.mark.parametrize("columns", [80, 120])
def test_what_no_column_takes_is_named_in_the_status(columns: int) -> None:
    batch = Batch(BATCH, NOW, 2, 9, 0, 0, 10, 1.0, True, None, None, rescued={"channel": 7})
    last = (batch, replace(batch, batch=LATER))
    rescued = unclaimed(last, set(), set())
    began = NOW - timedelta(minutes=38, seconds=20)
    run = Run("jr_1", "SUCCEEDED", began, began + timedelta(seconds=38), 2, None, f"wr_{RUN}")
    run = replace(run, started_by="window (14 events)", files=1200)
    past = History((), last)
    snapshot = replace(HEALTHY, history=past, rescued=rescued, runs=(run,), at=NOW)
    status = EnvironmentStatus("dev", "eu-central-1", (PipelineStatus(snapshot, ()),))
    out = io.StringIO()
    Console(file=out, width=columns, force_terminal=True, color_system=None).print(
        *status_panels(status)
    )
    assert len(out.getvalue().splitlines()[0]) == columns
    assert "make the window wider" not in out.getvalue()
    assert "'channel' (14): `burst drift dev orders` says more" in out.getvalue()


ROWS = [
    [f"A-{n}", Decimal("12.5000"), datetime(2026, 11, 26, 22, 9, 7), None, '{"channel":"web"}']
    for n in range(3)
]
FIELDS = ("id", "string"), ("price", "decimal(18,4)"), ("at", "timestamp"), ("note", "string")
ROWS_TABLE = RowsTable(("column", "type"), [*FIELDS, ("_rescued", "string")], ROWS)


@pytest.mark.parametrize(("columns", "rows"), [(50, 1), (80, 2), (120, 3)])
def test_values_stay_whole_and_rows_without_room_are_counted(columns: int, rows: int) -> None:
    out = io.StringIO()
    Console(file=out, width=columns, force_terminal=True, color_system=None).print(ROWS_TABLE)
    lines = out.getvalue().splitlines()
    assert lines[2].split() == ["price", "decimal(18,4)", *["12.5000"] * rows]
    assert lines[4].split() == ["note", "string", *["null"] * rows]
    assert lines[5].split() == ["_rescued", "string", *['{"channel":"web"}'] * rows]
    assert ("no room" in out.getvalue()) is (rows < 3)


def test_rows_that_were_asked_for_stand_below_where_there_is_no_room_beside() -> None:
    out = io.StringIO()
    console = Console(file=out, width=50, force_terminal=True, color_system=None)
    console.print(replace(ROWS_TABLE, all_rows=True))
    assert re.findall(r"row \d", out.getvalue()) == ["row 1", "row 2", "row 3"]
    assert re.findall(r"A-\d", out.getvalue()) == ["A-0", "A-1", "A-2"]
    assert "no room" not in out.getvalue()


def test_key_with_blanks_is_never_broken() -> None:
    out = io.StringIO()
    key = "orders/" + "a very long name of a file " * 3 + ".csv"
    moved = Labelled([("2026-11-26", f"moved to archive/{key} by a run")], key)
    console = Console(file=out, width=60, force_terminal=True, color_system=None)
    console.print(moved, crop=False)
    assert f"  archive/{key}\n" in out.getvalue()


def test_trial_of_a_replay_with_another_file_names_that_file(tmp_path: Path) -> None:
    file = tmp_path / "right.csv"
    file.write_bytes(b"x" * 1234)
    item = Item("orders/bad.csv", "quarantine/orders/bad.csv", BATCH, 3_900)
    choice = Choice((item,), (), (), 0, (), ())
    selection = Selection("quarantine", key=item.key, content="0" * 64)
    lines = list(nothing_done(selection, choice, file, dry_run=True))
    assert lines[-1] == f"Dry run: {file} (1.2 KiB) would be sent in its place."


def test_pipe_gets_whole_values_and_no_blanks_at_the_ends_of_lines(
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = "s3://lake/" + "curated/" * 20
    Answer.to(False).draw(ROWS_TABLE, Panel(Text(path)))
    shown = capsys.readouterr().out
    assert shown.count('{"channel":"web"}') == 3
    assert path in shown
    assert all(line == line.rstrip() for line in shown.splitlines())


def test_status_in_a_pipe_is_lines_without_a_box(capsys: pytest.CaptureFixture[str]) -> None:
    finding = "The rule does not exist: " + "no file starts a run. " * 10
    ill = PipelineStatus(replace(HEALTHY, rule_state="MISSING"), (finding.strip(),))
    status = EnvironmentStatus("dev", "eu-central-1", (ill, PipelineStatus(HEALTHY, ())))
    Answer.to(False).draw(*status_panels(status))
    shown = capsys.readouterr().out.splitlines()
    assert shown[0] == "dev orders: attention"
    assert f"Attention    {finding.strip()}" in shown
    assert shown[shown.index("") + 1] == "dev orders: healthy"
    assert "Undelivered  none" in shown
    assert not set("".join(shown)) & set("╭╮╰╯│─")
    assert all(line == line.rstrip() for line in shown)


def test_sentence_is_broken_at_words_and_a_command_or_a_long_path_never() -> None:
    command = "  pipenv run burst inspect dev orders orders/2026/11/26/zurich-00013.csv"
    path = "/" + "long/" * 10
    text = f"The file is well-known and is in {path} now.\n{command}\n+ a difference, also long"
    text += "\n• a point of a list goes on"
    assert at_words(text, 20).split("\n") == [
        "The file is",
        "well-known and is in",
        path,
        "now.",
        command,
        "+ a difference, also long",
        "• a point of a list",
        "  goes on",
    ]
    assert at_words(text, 500) == text


@pytest.mark.parametrize(
    ("kind", "text", "label"),
    [
        ("output", "ERROR is what the script printed", "output"),
        ("error", "26/11/26 22:15:15 INFO SparkContext: started", "info"),
        ("error", "26/11/26 22:15:15 WARN Utils: an ERROR is only named", "warn"),
        ("error", "2026-11-26T22:15:15.123Z [ERROR] no room", "error"),
        ("error", "\tat java.lang.Thread.run", "stderr"),
    ],
)
def test_line_of_a_log_is_labelled_by_its_level(kind: Kind, text: str, label: str) -> None:
    shown = line_text(LogLine(NOW, kind, "jr_1-driver", text)).plain
    assert shown.split()[1] == label
    assert shown.endswith(f" {text}")


@pytest.mark.parametrize(("state", "words"), [("WAITING", "since"), ("RUNNING", "started")])
def test_run_that_waits_is_not_said_to_have_started(state: str, words: str) -> None:
    run = Run(f"jr_{RUN}", state, NOW, None, 0, None, None)
    assert f", {state}, {words} " in head(run)
