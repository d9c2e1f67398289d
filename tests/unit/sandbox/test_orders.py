"""The demo's order files: realistic, repeatable, and bad only where they are meant to be."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from tools.sandbox.orders import COLUMNS, OrderFile, generate

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def rows(file: OrderFile) -> list[tuple[str, ...]]:
    header, *lines = csv.reader(io.StringIO(file.body.decode(), newline=""))
    assert tuple(header) == COLUMNS
    return [tuple(line) for line in lines]


@given(files=st.integers(1, 30), seed=st.integers(0, 1000), share=st.floats(0, 1))
def test_good_files_hold_the_rows_that_are_to_come_out_and_bad_ones_give_none(
    files: int, seed: int, share: float
) -> None:
    bad = int(files * share)
    made = generate(files, seed=seed, now=NOW, bad=bad)
    assert len({file.name for file in made}) == files
    assert sum(file.bad for file in made) == bad
    for file in made:
        if file.bad:
            assert file.rows == ()
            assert rows(file)[-1][COLUMNS.index("quantity")] == "three"
        else:
            assert tuple(rows(file)) == file.rows


def test_same_seed_gives_the_same_files_and_another_seed_others() -> None:
    first = generate(5, seed=3, now=NOW, bad=1)
    assert generate(5, seed=3, now=NOW, bad=1) == first
    assert generate(5, seed=4, now=NOW, bad=1) != first


def test_burst_holds_updates_and_repeats_of_earlier_orders() -> None:
    seen = [row for file in generate(25, seed=1, now=NOW) for row in file.rows]
    orders = [row[0] for row in seen]
    assert len(set(orders)) < len(set(seen)) < len(seen)
