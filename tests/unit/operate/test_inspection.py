"""The story of a key and of a batch, from records alone."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

import pytest
from burst.batch import InputFile
from rich.console import Console, RenderableType

from tests.unit.operate.records import BATCH, LATER, NOW, done, file_result, plan, result, version
from tools.operate.answer import Answer
from tools.operate.inspection import (
    KeyStory,
    ReplayIndex,
    batch_story,
    key_versions,
)
from tools.operate.ledger import BatchRecords
from tools.operate.replays.records import DoneReplay, Sent, SentFile
from tools.operate.replays.selection import Item, Output, Selection
from tools.operate.views import inspection as views

KEY = "orders/a.csv"
WHERE = "dev orders"
BAD = file_result(KEY, "quarantined")
BAD_BATCH = BatchRecords(plan([BAD]), result([BAD], output=None), done([BAD]))
NO_REPLAYS = ReplayIndex(())


def replay_of(version_id: str) -> ReplayIndex:
    item = Item(KEY, BAD.destination or "", BATCH, 10)
    files = (SentFile(item, Sent(sent=True, version_id=version_id)),)
    return ReplayIndex((DoneReplay("r1", NOW, Selection("quarantine"), files, ()),))


def test_version_in_landing_waits() -> None:
    file = InputFile(KEY, "new", "e", 5, NOW)
    (story,) = key_versions(KEY, [file], [], NO_REPLAYS)
    assert (story.where, [step.what for step in story.steps]) == ("landing", ["arrived in landing"])


def test_quarantined_version_tells_why_and_where_it_lies() -> None:
    (story,) = key_versions(KEY, [], [BAD_BATCH], NO_REPLAYS)
    assert (story.where, story.reason, story.place) == (
        "quarantine",
        "quarantined because",
        BAD.destination,
    )
    assert [step.what for step in story.steps] == [
        "arrived in landing",
        f"taken into batch {BATCH}",
        "set aside: quarantined because",
        f"moved to {BAD.destination}",
    ]


def test_version_of_which_something_was_rescued_tells_what_and_how_often() -> None:
    good = replace(file_result(KEY), rescued={"channel": 3})
    records = BatchRecords(plan([good]), result([good]), done([good]))
    (story,) = key_versions(KEY, [], [records], NO_REPLAYS)
    assert story.steps[2].what == (
        "3 rows loaded into curated; no column takes 'channel' (3), which is in _rescued"
    )
    out = io.StringIO()
    Console(file=out, width=80).print(*views.batch_story(batch_story(records, NO_REPLAYS), WHERE))
    assert "'channel' (3) rows" in out.getvalue()


def test_replay_joins_the_version_that_was_set_aside_and_the_one_that_came_of_it() -> None:
    good = replace(file_result(KEY, batch=LATER), version_id="again")
    again = BatchRecords(
        plan([good], batch=LATER), result([good], batch=LATER), done([good], batch=LATER)
    )
    first, second = key_versions(KEY, [], [BAD_BATCH, again], replay_of("again"))
    assert first.steps[-1].what == "brought back by the replay r1 as version again"
    assert (
        second.steps[0].what
        == f"arrived in landing, brought back by the replay r1 from batch {BATCH}"
    )
    assert (second.where, second.rows, second.output) == ("archive", 3, "s3://lake/out")


def test_version_that_could_be_read_only_later_is_one_story() -> None:
    refused = file_result(KEY, "unreadable")
    good = file_result(KEY, batch=LATER)
    (story,) = key_versions(
        KEY,
        [],
        [
            BatchRecords(plan([refused]), result([refused], output=None), done([refused])),
            BatchRecords(plan([good], batch=LATER), result([good], batch=LATER), done([good])),
        ],
        NO_REPLAYS,
    )
    assert story.version_id == version(KEY)
    assert story.where == "archive"
    assert "left in landing: unreadable because" in [step.what for step in story.steps]


def test_version_of_a_batch_without_a_result_is_being_read() -> None:
    (story,) = key_versions(KEY, [], [BatchRecords(plan([BAD]), None, None)], NO_REPLAYS)
    assert (story.where, story.rows, story.place) == ("reading", 0, None)


def test_rows_that_a_replay_removed_are_nowhere() -> None:
    good = file_result(KEY)
    removed = DoneReplay(
        "r2",
        NOW + timedelta(hours=1),
        Selection("archive", batch=BATCH, replace=True),
        (),
        (Output(BATCH, "s3://lake/out"),),
    )
    records = BatchRecords(plan([good]), result([good]), done([good]))
    (story,) = key_versions(KEY, [], [records], ReplayIndex((removed,)))
    assert story.output is None
    assert story.steps[-1].what == "its rows were removed by the replay r2"
    assert batch_story(records, ReplayIndex((removed,))).output_removed_by == "r2"


def test_old_rows_go_when_the_replay_removed_them_and_not_when_it_began() -> None:
    first = file_result(KEY)
    again = replace(file_result(KEY, batch=LATER), version_id="again")
    old = BatchRecords(plan([first]), result([first]), done([first]))
    new = BatchRecords(
        plan([again], batch=LATER), result([again], batch=LATER), done([again], batch=LATER)
    )
    began, went = new.plan.origin.at - timedelta(minutes=1), new.plan.origin.at + timedelta(hours=1)
    replaying = DoneReplay(
        "r3",
        began,
        Selection("archive", batch=BATCH, replace=True),
        (SentFile(Item(KEY, first.destination or "", BATCH, 10), Sent(True, "again")),),
        (Output(BATCH, "s3://lake/out"),),
        {BATCH: went},
    )
    index = ReplayIndex((replaying,))
    versions = key_versions(KEY, [], [old, new], index)
    stories = [*(story.steps for story in versions), batch_story(old, index).steps]
    told = sorted((step.at, step.what) for steps in stories[:2] for step in steps)
    assert told[-1] == (went, "its rows were removed by the replay r3")
    for steps in stories:
        assert [step.at for step in steps] == sorted(step.at for step in steps)
    assert batch_story(old, index).steps[-1].at == went


def test_batch_tells_its_state_and_each_of_its_files() -> None:
    good = file_result("orders/b.csv")
    files = [BAD, good]
    story = batch_story(BatchRecords(plan(files), result(files), None), replay_of("again"))
    assert (story.state, story.rows, story.rows_written) == ("committed", 3, None)
    assert [(file.key, file.outcome, file.replayed) for file in story.files] == [
        (KEY, "quarantined", True),
        ("orders/b.csv", "curated", False),
    ]


def test_batch_shows_the_rows_that_were_read_beside_those_that_were_written() -> None:
    files = [file_result(KEY)]
    committed = replace(result(files), rows_written=2)
    story = batch_story(BatchRecords(plan(files), committed, done(files)), NO_REPLAYS)
    out = io.StringIO()
    for part in views.batch_story(story, WHERE):
        Console(file=out, width=80).print(part)
    assert "3 read, 2 written" in out.getvalue()


def drawn(parts: Iterable[RenderableType], columns: int = 80) -> str:
    """As on a terminal of so many columns, without its colours."""
    out = io.StringIO()
    console = Console(file=out, width=columns, force_terminal=True, color_system=None)
    Answer(as_json=False, console=console).draw(*parts)
    return out.getvalue()


@pytest.mark.parametrize("columns", [50, 80, 120])
def test_ids_keys_and_paths_stand_whole_on_lines_to_themselves(columns: int) -> None:
    key = f"orders/{'2026-11/' * 12}a.csv"
    bad = file_result(key, "quarantined")
    good = file_result(key.replace("a.csv", "b.csv"))
    records = BatchRecords(
        plan([bad, good]), result([bad, good], output=f"s3://lake/{key}"), done([bad, good])
    )
    shown = drawn(views.batch_story(batch_story(records, NO_REPLAYS), WHERE), columns)
    lines = [line.strip() for line in shown.splitlines()]
    assert {bad.key, good.key, f"s3://lake/{key}"} <= set(lines)
    story = KeyStory(key, key_versions(key, [], [records], NO_REPLAYS), 0, 1, 1)
    shown = drawn(views.key_parts(story, (), WHERE), columns)
    assert bad.destination in [line.strip() for line in shown.splitlines()]
    assert f"burst replay dev orders --quarantine --key {key} --with FILE\n" in shown
    assert "│" not in shown


def test_file_that_was_corrected_is_no_longer_in_quarantine_and_needs_nothing() -> None:
    good = replace(file_result(KEY, batch=LATER), version_id="again")
    again = BatchRecords(
        plan([good], batch=LATER), result([good], batch=LATER), done([good], batch=LATER)
    )
    versions = key_versions(KEY, [], [BAD_BATCH, again], replay_of("again"))
    shown = drawn(views.key_parts(KeyStory(KEY, versions, 0, 2, 2), (), WHERE))
    assert (
        f"version {version(KEY)}, 10 B: was in quarantine, loaded since as version again" in shown
    )
    assert "burst replay" not in shown


def test_two_versions_of_a_key_in_a_batch_are_told_apart() -> None:
    first, second = file_result(KEY), replace(file_result(KEY), version_id="second")
    records = BatchRecords(plan([first, second]), result([first, second]), None)
    shown = drawn(views.batch_story(batch_story(records, NO_REPLAYS), WHERE))
    assert f"{KEY} (version {version(KEY)})" in shown
    assert f"{KEY} (version second)" in shown
