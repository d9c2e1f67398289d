"""The table of what was held against AWS is complete and names what exists."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import botocore.session
import pytest

from tools.sandbox.account.corrections import CORRECTIONS, Correction
from tools.sandbox.drift import CHECKED, Checked

PROOFS = "\n".join(
    Path(__file__).with_name(name).read_text(encoding="utf-8")
    for name in ("test_account_corrections.py", "test_topics.py")
)


def test_every_correction_is_in_the_table_and_the_table_names_no_other() -> None:
    named = {name for entry in CHECKED for name in entry.corrections}
    assert named == {correction.name for correction in CORRECTIONS}


@pytest.mark.parametrize("correction", CORRECTIONS, ids=lambda correction: correction.name)
def test_every_correction_has_a_test_that_says_whether_it_is_still_needed(
    correction: Correction,
) -> None:
    assert re.search(rf'"{correction.name}"', PROOFS)


def test_no_call_is_in_the_table_twice() -> None:
    counted = Counter(operation for entry in CHECKED for operation in entry.operations)
    assert [operation for operation, count in counted.items() if count > 1] == []


@pytest.mark.parametrize("entry", CHECKED, ids=lambda entry: f"{entry.service} {entry.calls[:30]}")
def test_every_call_is_an_operation_of_its_service(entry: Checked) -> None:
    known = botocore.session.Session().get_service_model(entry.service).operation_names
    assert set(entry.calls.split()) - set(known) == set()


@pytest.mark.parametrize("entry", CHECKED, ids=lambda entry: f"{entry.service} {entry.calls[:30]}")
def test_every_entry_says_what_it_was_held_against_and_what_was_found(entry: Checked) -> None:
    assert re.search(r"reference|guide|page|developer", entry.source)
    assert entry.finding
