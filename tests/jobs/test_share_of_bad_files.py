"""The share of bad files at which a run stops is the number that the settings say."""

from __future__ import annotations

from pathlib import Path

import pytest
from burst.errors import TooManyBadFilesError

from tests.jobs.world import World, as_csv, memory_world, order


def with_bad_files(folder: Path, bad: int, files: int = 100) -> World:
    world = memory_world(folder)
    for number in range(files):
        good = as_csv([order(number)])
        world.put(f"orders/{number}.csv", b"bad\n" if number < bad else good)
    return world


# 0.29 * 100 and 0.57 * 100 are a little less than that in floating point.
@pytest.mark.parametrize(("share", "bad"), [("0.29", 29), ("0.57", 57), ("0.07", 7), ("1e-1", 10)])
def test_run_stops_above_the_share_and_not_at_it(tmp_path: Path, share: str, bad: int) -> None:
    at_the_share = with_bad_files(tmp_path / "at", bad)
    above = with_bad_files(tmp_path / "above", bad + 1)

    assert at_the_share.drain_plain(max_bad_fraction=share).bad_files == bad
    with pytest.raises(TooManyBadFilesError, match=f"{bad + 1} of 100 files"):
        above.drain_plain(max_bad_fraction=share)
