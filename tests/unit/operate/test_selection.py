"""Which files a replay means, and which it leaves out."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from burst.contract import Area

from tests.unit.operate.records import BATCH, NOW, PIPELINE, file_result, result
from tools.operate.errors import InputError, OperateError
from tools.operate.ledger import FileResult
from tools.operate.replays import archived
from tools.operate.replays.selection import (
    ArchivedFile,
    Choice,
    Earlier,
    Item,
    Selection,
    choose,
    how_to_restore,
    since_when,
)

GOOD = file_result("orders/good.csv")
BAD = file_result("orders/bad.csv", "quarantined")
OTHER = file_result("orders/other.csv", "quarantined")
GONE = file_result("orders/gone.csv", "gone")
STRANGER = file_result("elsewhere/x.csv", "quarantined")


def places(*files: Any) -> frozenset[str]:
    return frozenset(file.destination for file in files if file.destination)


def chosen(selection: Selection, *files: Any, **changes: Any) -> Choice:
    known: dict[str, Any] = {"present": places(*files), "replayed": {}}
    return choose(selection, [result(files)], pipeline=PIPELINE, **{**known, **changes})


def earlier(file: FileResult, area: Area = "quarantine") -> dict[str | None, Earlier]:
    """What is on record of a file that came back as a new version."""
    return {file.destination: Earlier(file.key, area, "r1", NOW, "again")}


def keys(choice: Choice) -> list[str]:
    return [item.key for item in choice.items]


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (Selection("quarantine"), ["orders/bad.csv", "orders/other.csv"]),
        (Selection("quarantine", key="orders/b*"), ["orders/bad.csv"]),
        (Selection("quarantine", key="bad.csv"), []),
        (Selection("quarantine", key="ORDERS/bad.csv"), []),
        (Selection("archive", key="*"), ["orders/good.csv"]),
        (Selection("archive", batch=BATCH), ["orders/good.csv"]),
    ],
)
def test_files_of_the_area_that_match_are_chosen(selection: Selection, expected: list[str]) -> None:
    assert keys(chosen(selection, GOOD, BAD, OTHER, GONE)) == expected


def test_file_that_came_back_before_is_never_chosen_again() -> None:
    choice = chosen(Selection("quarantine"), BAD, OTHER, replayed=earlier(BAD))
    assert keys(choice) == ["orders/other.csv"]
    assert choice.replayed == (Earlier("orders/bad.csv", "quarantine", "r1", NOW, "again"),)


AGAIN = dataclasses.replace(GOOD, version_id="again", destination="archive/orders/again")


@pytest.mark.parametrize(
    ("selection", "area", "expected"),
    [
        (Selection("archive", key="orders/*"), "archive", []),
        (Selection("archive", since="2d"), "archive", []),
        # Who names the batch, or replaces what is there, means just this copy.
        (Selection("archive", batch=BATCH), "archive", [AGAIN.destination]),
        (Selection("archive", since="2d", replace=True), "archive", [AGAIN.destination]),
        # What was corrected is loaded for the first time.
        (Selection("archive", key="orders/*"), "quarantine", [AGAIN.destination]),
    ],
)
def test_copy_that_a_replay_made_is_not_taken_for_another_file(
    selection: Selection, area: Area, expected: list[str]
) -> None:
    choice = chosen(selection, GOOD, AGAIN, replayed=earlier(GOOD, area))
    assert [item.source for item in choice.items] == expected
    assert [(file.key, file.batch) for file in choice.replayed] == [("orders/good.csv", BATCH)]


ITEM = Item("orders/a.csv", "archive/orders/a", BATCH, 10)


@pytest.mark.parametrize(
    ("head", "words"),
    [
        ({}, None),
        ({"StorageClass": "GLACIER_IR"}, None),
        ({"StorageClass": "INTELLIGENT_TIERING"}, None),
        ({"StorageClass": "GLACIER"}, "orders/a.csv (GLACIER)"),
        ({"StorageClass": "DEEP_ARCHIVE"}, "orders/a.csv (DEEP_ARCHIVE)"),
        (
            {"StorageClass": "GLACIER", "Restore": 'ongoing-request="true"'},
            "orders/a.csv (GLACIER, being restored)",
        ),
        (
            {
                "StorageClass": "GLACIER",
                "Restore": 'ongoing-request="false", expiry-date="Fri, 21 Dec 2012 00:00:00 GMT"',
            },
            None,
        ),
        (
            {"StorageClass": "INTELLIGENT_TIERING", "ArchiveStatus": "ARCHIVE_ACCESS"},
            "orders/a.csv (INTELLIGENT_TIERING ARCHIVE_ACCESS)",
        ),
        (
            {"StorageClass": "INTELLIGENT_TIERING", "ArchiveStatus": "DEEP_ARCHIVE_ACCESS"},
            "orders/a.csv (INTELLIGENT_TIERING DEEP_ARCHIVE_ACCESS)",
        ),
    ],
)
def test_archived_is_what_s3_returns_only_after_it_is_restored(
    head: dict[str, str], words: str | None
) -> None:
    found = archived.state(ITEM, "lake", head)
    assert (found.words if found else None) == words


@pytest.mark.parametrize(
    ("storage_class", "said"),
    [
        ("GLACIER", "--restore-request Days=7"),
        ("GLACIER", "about 3 to 5 hours"),
        ("DEEP_ARCHIVE", "about 12 hours"),
        ("INTELLIGENT_TIERING ARCHIVE_ACCESS", "--restore-request '{}'"),
        ("INTELLIGENT_TIERING DEEP_ARCHIVE_ACCESS", "about 12 hours"),
    ],
)
def test_how_to_restore_depends_on_the_class(storage_class: str, said: str) -> None:
    file = ArchivedFile("orders/a.csv", "archive/orders/a", BATCH, "lake", storage_class, False)
    assert said in how_to_restore(file)
    assert "--bucket lake --key archive/orders/a " in how_to_restore(file)


def test_file_that_is_no_longer_in_the_lake_is_counted_as_missing() -> None:
    choice = chosen(Selection("quarantine"), BAD, OTHER, present=places(OTHER))
    assert (keys(choice), choice.missing) == (["orders/other.csv"], 1)


def test_file_that_no_pipeline_would_take_from_landing_is_left_out_and_named() -> None:
    choice = chosen(Selection("quarantine"), BAD, STRANGER)
    assert (keys(choice), choice.foreign) == (["orders/bad.csv"], ("elsewhere/x.csv",))


def test_replacing_takes_the_whole_output_and_all_of_its_files() -> None:
    choice = chosen(Selection("archive", batch=BATCH, replace=True), GOOD, BAD)
    assert keys(choice) == ["orders/good.csv"]
    assert [(output.batch, output.uri) for output in choice.outputs] == [(BATCH, "s3://lake/out")]


def test_replacing_a_batch_whose_files_came_back_before_removes_the_rows_that_are_there_twice() -> (
    None
):
    choice = chosen(Selection("archive", batch=BATCH, replace=True), GOOD, replayed=earlier(GOOD))
    assert (keys(choice), len(choice.outputs)) == ([], 1)


def test_output_that_was_removed_before_is_not_removed_again() -> None:
    selection = Selection("archive", batch=BATCH, replace=True)
    choice = chosen(selection, GOOD, replayed=earlier(GOOD), removed={BATCH})
    assert choice.outputs == ()


@pytest.mark.parametrize(
    ("file", "present", "why"),
    [
        (GOOD, frozenset(), "no longer holds its archived bytes"),
        (
            file_result("elsewhere/x.csv"),
            places(file_result("elsewhere/x.csv")),
            r"the pipeline takes only orders/\*\.csv",
        ),
    ],
    ids=["bytes gone", "key of nobody"],
)
def test_batch_that_could_not_come_back_whole_is_not_replaced(
    file: Any, present: frozenset[str], why: str
) -> None:
    with pytest.raises(OperateError, match=why):
        chosen(Selection("archive", batch=BATCH, replace=True), file, present=present)


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"area": "archive"}, "would bring back everything"),
        ({"area": "archive", "batch": "yesterday"}, "--batch is 'yesterday'"),
        ({"area": "archive", "key": "*", "replace": True}, "whole batches"),
        ({"area": "quarantine", "replace": True}, "whole batches"),
        ({"area": "archive", "batch": BATCH, "content": "0a"}, "goes with --quarantine"),
    ],
)
def test_selection_that_makes_no_sense_is_refused_with_the_reason(
    options: dict[str, Any], what: str
) -> None:
    with pytest.raises(InputError, match=what):
        Selection(**options)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("90m", NOW - timedelta(minutes=90)),
        ("6h", NOW - timedelta(hours=6)),
        ("2d", NOW - timedelta(days=2)),
        ("1w", NOW - timedelta(weeks=1)),
        ("2026-02-01", datetime(2026, 2, 1, tzinfo=UTC)),
        ("2026-02-01T10:00", datetime(2026, 2, 1, 10, tzinfo=UTC)),
        ("2026-02-01T10:00:00Z", datetime(2026, 2, 1, 10, tzinfo=UTC)),
        ("2026-02-01T10:00+02:00", datetime(2026, 2, 1, 8, tzinfo=UTC)),
    ],
)
def test_since_is_a_time_or_how_long_ago(text: str, moment: datetime) -> None:
    assert since_when(text, NOW) == moment


@pytest.mark.parametrize("text", ["", "yesterday", "5", "-2d", "2026-13-01"])
def test_since_that_is_neither_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="give a time such as"):
        since_when(text, NOW)


@pytest.mark.parametrize("replace", [False, True])
def test_probe_of_a_check_never_comes_back_and_does_not_keep_others_from_it(replace: bool) -> None:
    probe = file_result("orders/burst-check-20260301T100000Z-0123abcd-good.csv")
    selection = Selection("archive", batch=BATCH, replace=replace)
    # Its archived bytes are gone, as the check leaves them.
    choice = chosen(selection, GOOD, probe, present=places(GOOD))
    assert (keys(choice), choice.missing, len(choice.outputs)) == (
        ["orders/good.csv"],
        0,
        int(replace),
    )
