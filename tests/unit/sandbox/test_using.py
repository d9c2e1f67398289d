"""What a sandbox says to the people who use it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.sandbox.notices import run_succeeded
from tools.sandbox.using import how_to_use
from tools.sandbox.view import narrate
from tools.sandbox.work import Work


@pytest.mark.parametrize("others", [False, True])
def test_curated_is_named_for_the_pipeline_or_for_all_of_them(others: bool) -> None:
    lines = how_to_use(Path("/s/environment.sh"), "dev", "orders", others=others)
    assert ("  /s/curated" in lines) is others
    assert ("  /s/curated/orders" in lines) is not others


def test_line_about_a_run_names_its_job_and_what_it_found() -> None:
    notice = run_succeeded("burst-dev-orders", "wr_2")
    line = "Run wr_2 of burst-dev-orders is SUCCEEDED"
    assert narrate(notice) == f"{line}."
    assert narrate(notice, Work(files=3, rows=1)) == f"{line}: took 3 files, 1 row."
    assert narrate(notice, Work()) == f"{line}: found no files."
