"""The alerts' messages as a terminal shows them."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta

import pytest
from burst.batch import REASON_SUFFIX, destination
from rich.console import Console

from tools.sandbox.alert_lines import (
    ALERT,
    QuarantinedFile,
    alert_line,
    for_the_demo,
    quarantine_lines,
    quarantined,
)
from tools.sandbox.command import print_line
from tools.sandbox.glue.notices import JobRunChanged, MessagePublished, ProblemFound
from tools.sandbox.narration import Narrator

SENTENCE = "Environment dev: a file could not be read."
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
TOPIC = "arn:aws:sns:eu-central-1:123456789012:alerts"


def message(key: str, pipeline: str = "orders") -> str:
    place = destination(
        "quarantine",
        pipeline=pipeline,
        batch="20260301T110000Z-0000aaaa",
        key=key,
        version_id="v",
    )
    return json.dumps({"alert": SENTENCE, "bucket": "lake", "reason": place + REASON_SUFFIX})


def test_message_about_a_file_names_its_pipeline_and_its_key() -> None:
    file = quarantined(message("orders/a/b.csv"))
    assert file
    assert (file.pipeline, file.key, file.sentence) == ("orders", "orders/a/b.csv", SENTENCE)


@pytest.mark.parametrize(
    "text",
    [
        "plain",
        "[1]",
        '{"alert": "x"}',
        '{"alert": "x", "reason": "short/key"}',
        '{"alert": "x", "reason": "archive/a/b/c/d.reason.json"}',
        '{"alert": "x", "reason": "quarantine/a/b/c/d.csv"}',
    ],
)
def test_other_messages_are_about_no_file(text: str) -> None:
    assert quarantined(text) is None


def test_command_in_a_line_has_the_name_of_its_pipeline() -> None:
    sentence = "Correct it: `burst replay dev PIPELINE --quarantine`."
    [line] = quarantine_lines([QuarantinedFile("returns", "returns/x.csv", sentence)])
    assert line.endswith("`burst replay dev returns --quarantine`.")


def test_seven_files_are_one_line_with_the_first_ones() -> None:
    found = [quarantined(message(f"orders/{number}.csv")) for number in range(7)]
    other = quarantined(message("returns/x.csv", "returns"))
    lines = quarantine_lines([file for file in (*found, other) if file])
    assert lines == [
        "Alert: pipeline orders, 7 files: orders/0.csv, orders/1.csv, orders/2.csv and 4 more. "
        f"The alert of each: {SENTENCE}",
        f"Alert: pipeline returns, returns/x.csv. {SENTENCE}",
    ]


def test_run_that_failed_is_told_with_its_error_and_a_short_id() -> None:
    text = json.dumps({"alert": f"Run jr_{'0123456789abcdef' * 4} ended.", "error": "no room"})
    assert alert_line(text) == "Alert: Run jr_01234567 ended. It said: no room"
    assert alert_line("plain") == "Alert: plain"


def test_files_are_gathered_until_something_else_happens() -> None:
    printed: list[tuple[datetime, str]] = []
    narrator = Narrator(lambda at, line: printed.append((at, line)))
    for second in range(2):
        at = NOW + timedelta(seconds=second)
        text = message(f"orders/{second}.csv")
        narrator.take(MessagePublished(at=at, topic_arn=TOPIC, message=text))
    # Nobody cares about a run that only starts.
    run = {"job": "j", "run_id": "jr_1", "workflow_run_id": None, "log": "", "error_message": None}
    narrator.take(JobRunChanged(state="STARTING", **run))
    assert (printed, narrator.gathers) == ([], True)
    narrator.take(ProblemFound(at=NOW, message="A problem."))
    assert printed == [
        (
            NOW,
            "Alert: pipeline orders, 2 files: orders/0.csv and orders/1.csv. The alert of each: "
            + SENTENCE,
        ),
        (NOW, "A problem."),
    ]
    assert not narrator.gathers


def test_alert_of_the_demo_says_that_its_commands_find_no_account() -> None:
    assert for_the_demo(f"{ALERT}read it").startswith(f"{ALERT}read it (Here the account goes")
    assert for_the_demo("Run wr_1 of j is SUCCEEDED.") == "Run wr_1 of j is SUCCEEDED."


@pytest.mark.parametrize("columns", [80, 120])
def test_line_goes_on_beside_its_time_and_is_one_line_in_a_pipe(columns: int) -> None:
    text = f"{ALERT}pipeline orders, {'a word and ' * 30}`burst status`.\nIt said: no room"
    out = io.StringIO()
    print_line(Console(file=out, width=columns, force_terminal=True), text, NOW)
    first, *others = out.getvalue().splitlines()
    assert first.startswith("12:00:00 Alert: pipeline orders, a word")
    assert len(others) > 2
    assert all(line.startswith(" " * 9) and line[9] != " " for line in others)
    assert others[-1].strip() == "It said: no room"
    assert max(len(line) for line in (first, *others)) <= columns
    piped = io.StringIO()
    print_line(Console(file=piped), text.replace("\n", " "), NOW)
    assert len(piped.getvalue().splitlines()) == 1
