"""What of `_rescued` still needs somebody."""

from __future__ import annotations

from pathlib import Path

import pytest
from burst.contract import Column

from tests.example import SETTINGS
from tests.unit.operate.records import BATCH, LATER, NOW
from tools.operate.history import Batch
from tools.operate.replays.records import DoneReplay
from tools.operate.replays.selection import Output, Selection
from tools.operate.rescued import replaced_batches, taken_by_now, taken_by_settings, unclaimed


def batch(name: str, rescued: dict[str, int]) -> Batch:
    return Batch(name, NOW, 1, 9, 0, 0, 10, 1.0, True, None, None, rescued=rescued)


def test_rows_that_a_replay_removed_and_columns_that_are_declared_by_now_do_not_count() -> None:
    selection = Selection("archive", batch=BATCH, replace=True)
    replay = DoneReplay("r", NOW, selection, (), (Output(BATCH, "s3://lake/out"),))
    last = (batch(LATER, {"channel": 2, "id": 3}), batch(BATCH, {"channel": 4, "note": 5}))
    assert unclaimed(last, set(), set()) == {"channel": 6, "id": 3, "note": 5}
    assert unclaimed(last, replaced_batches([replay]), set()) == {"channel": 2, "id": 3}
    taken = taken_by_now([Column("sales_channel", "string", source="channel")], "quarantine")
    assert unclaimed(last, replaced_batches([replay]), taken) == {"id": 3}


def test_name_that_is_declared_says_nothing_where_values_that_do_not_fit_are_rescued() -> None:
    assert taken_by_now([Column("id", "int")], "rescue") == frozenset()


@pytest.mark.parametrize("pipeline", ["orders", "no such pipeline"])
def test_names_are_taken_from_the_settings_where_they_have_the_pipeline(
    pipeline: str, tmp_path: Path
) -> None:
    taken = taken_by_settings(SETTINGS, "dev", pipeline)
    assert ("order_id" in taken) is (pipeline == "orders")
    assert taken_by_settings(tmp_path / "absent.json", "dev", pipeline) == frozenset()
