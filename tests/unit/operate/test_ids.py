"""One short form of an id, and what may be typed in its place."""

from __future__ import annotations

import pytest

from tools.operate import ids
from tools.operate.errors import InputError

RUN = "wr_" + "0123456789abcdef" * 4


def test_run_is_shown_by_its_kind_and_eight_digits_and_that_is_taken_for_a_run() -> None:
    assert ids.short(RUN) == "wr_01234567"
    assert ids.looks_like_run(ids.short(RUN))


@pytest.mark.parametrize(
    ("text", "run", "batch"),
    [
        (RUN, True, False),
        ("jr_0123", True, False),
        ("jr_012", False, False),
        ("20250131T235959Z-0123abcd", False, True),
        ("20250131T235959Z", False, True),
        ("20250131", False, True),
        ("2025013", False, False),
        ("orders/20250131", False, False),
        ("20250131T235959Z-0123abcd9", False, False),
    ],
)
def test_what_is_typed_is_known_by_its_form(text: str, run: bool, batch: bool) -> None:
    assert (ids.looks_like_run(text), ids.looks_like_batch(text)) == (run, batch)


@pytest.mark.parametrize(
    ("batch", "time"),
    [
        ("20250131", "20250131T000000Z"),
        ("20250131T2359", "20250131T235900Z"),
        ("20250131T235959Z-01", "20250131T235959Z"),
    ],
)
def test_beginning_of_an_id_says_from_when_on_to_look(batch: str, time: str) -> None:
    assert ids.earliest_time(batch) == time


def test_id_is_found_by_its_beginning_and_only_where_it_is_the_only_one() -> None:
    known = ["jr_0123aa", "jr_0124bb"]

    def find(text: str) -> str:
        return ids.the_one(text, known, what="run", where="the job burst-dev-orders")

    assert find("jr_0123") == "jr_0123aa"
    with pytest.raises(InputError, match="the beginning of 2 ids, the first are jr_0123aa"):
        find("jr_012")
    with pytest.raises(InputError, match="no run jr_9999 in the job burst-dev-orders"):
        find("jr_9999")


@pytest.mark.parametrize(
    ("text", "what", "hint"),
    [
        ("wr_0123abcd", "batch", "It looks like the id of a run"),
        ("nonsense", "batch", "The id of a batch is like 2025"),
        ("20990101", "batch", "shows the last ones."),
        ("nonsense", "run", "The id of a run is like wr_"),
        ("wr_0123abcd", "run", "shows the last ones."),
    ],
)
def test_id_that_there_is_not_is_bad_input_with_a_hint(text: str, what: str, hint: str) -> None:
    error = ids.missing(text, what=what, where="there")
    assert error.exit_code == 2
    assert str(error).endswith(hint) or f"last ones. {hint}" in str(error)
