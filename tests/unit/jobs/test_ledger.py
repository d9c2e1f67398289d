"""A record reads back as it was written, or the run stops with its name and what to do."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, get_args

import pytest
from burst.batch import InputFile
from burst.errors import LedgerError
from burst.ledger import DoneRecord, FileResult, Origin, Outcome, PlanRecord, ResultRecord
from hypothesis import given
from hypothesis import strategies as st

BATCH = "20250131T120000Z-0123abcd"
times = st.datetimes(timezones=st.just(UTC))
counts = st.integers(0, 2**63)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)

origins = st.builds(
    Origin,
    batch=st.just(BATCH),
    pipeline=texts,
    environment=texts,
    transform=texts,
    job_run_id=st.none() | texts,
    workflow_run_id=st.none() | texts,
    at=times,
)
inputs = st.builds(
    InputFile, key=texts, version_id=texts, etag=texts, size=counts, last_modified=times
)
plans = st.builds(
    PlanRecord, origin=origins, inputs=st.lists(inputs, min_size=1, max_size=4).map(tuple)
)


@st.composite
def file_results(draw: st.DrawFn) -> FileResult:
    outcome: Outcome = draw(st.sampled_from(get_args(Outcome)))
    return FileResult(
        key=draw(texts),
        version_id=draw(texts),
        size=draw(counts),
        outcome=outcome,
        rows=draw(counts),
        reason=None if outcome == "curated" else draw(texts),
        destination=None if outcome in ("gone", "unreadable") else draw(texts),
        rescued=draw(st.dictionaries(texts, counts, max_size=2)),
    )


results = st.builds(
    ResultRecord,
    origin=origins,
    output=st.none() | texts,
    rows=counts,
    bytes=counts,
    seconds=st.dictionaries(texts, st.floats(0, 1e6)),
    files=st.lists(file_results(), max_size=4).map(tuple),
)
dones = st.builds(
    DoneRecord,
    origin=origins,
    archived=counts,
    quarantined=counts,
    gone=counts,
    unreadable=counts,
    missing=st.lists(texts, max_size=3).map(tuple),
)


@given(plans | results | dones)
def test_record_reads_back_as_it_was_written(
    record: PlanRecord | ResultRecord | DoneRecord,
) -> None:
    assert type(record).from_json(record.to_json(), key="k") == record


ORIGIN = Origin(BATCH, "orders", "dev", "orders", "jr_1", None, datetime(2025, 1, 31, tzinfo=UTC))
PLAN = PlanRecord(ORIGIN, (InputFile("a", "v", "e", 1, ORIGIN.at),))
RESULT = ResultRecord(
    ORIGIN, None, 1, 1, {"read": 1.0}, (FileResult("a", "v", 1, "curated", 1, None, "archive/a"),)
)


def test_record_has_a_line_for_each_file() -> None:
    files = PLAN.inputs * 3

    lines = PlanRecord(ORIGIN, files).to_json().splitlines()

    assert lines[0] == "{"
    assert ' "transform": "orders",' in lines
    assert sum('"version_id": "v"' in line for line in lines) == len(files)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "nonsense", b"\xff\xfe", '"text"'])
def test_record_that_is_no_json_object_names_its_key(text: str | bytes) -> None:
    with pytest.raises(LedgerError, match=r"ledger/orders/b/plan\.json is damaged"):
        PlanRecord.from_json(text, key="ledger/orders/b/plan.json")


def _damage(record: PlanRecord | ResultRecord, path: str, value: Any) -> str:
    fields = json.loads(record.to_json())
    *parents, last = path.split(".")
    place = fields
    for name in parents:
        place = place[int(name)] if name.isdigit() else place[name]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return json.dumps(fields)


@pytest.mark.parametrize(
    ("record", "path", "value", "sentence"),
    [
        (PLAN, "inputs", ..., "inputs is None, expected a list"),
        (PLAN, "inputs", [], r"inputs is \[\], expected at least one input"),
        (PLAN, "inputs", ["a"], r"inputs\[0\] is 'a', expected an object"),
        (PLAN, "inputs.0.size", "1", r"inputs\[0\]\.size is '1', expected a number of 0 or more"),
        (PLAN, "inputs.0.size", -1, r"inputs\[0\]\.size is -1, expected a number of 0 or more"),
        (PLAN, "inputs.0.size", True, r"size is True, expected a number"),
        (PLAN, "inputs.0.key", None, r"inputs\[0\]\.key is None, expected a text"),
        (PLAN, "inputs.0.last_modified", "today", "last_modified is 'today', expected a time"),
        (PLAN, "inputs.0.last_modified", "2025-01-01", "expected a time with its offset from UTC"),
        (PLAN, "batch", "../other", r"batch is '\.\./other', expected a batch id"),
        (PLAN, "job_run_id", ..., "job_run_id is None, expected a text or null"),
        (PLAN, "record", "done", "record is 'done', expected 'plan'"),
        (RESULT, "files.0.outcome", "lost", "expected curated, quarantined, gone or unreadable"),
        (RESULT, "files.0.destination", None, "destination is None, expected what fits"),
        (RESULT, "files.0.reason", "bad", "reason is 'bad', expected what fits"),
        (RESULT, "seconds", [1], r"seconds is \[1\], expected an object"),
        (RESULT, "seconds.read", "1", r"seconds\.read is '1', expected a number"),
    ],
)
def test_damaged_field_is_named_with_what_was_found_and_expected(
    record: PlanRecord | ResultRecord, path: str, value: Any, sentence: str
) -> None:
    with pytest.raises(LedgerError, match=sentence):
        type(record).from_json(_damage(record, path, value), key="k")


def test_error_says_what_to_do() -> None:
    with pytest.raises(LedgerError, match=r"Restore an earlier version.*Do not delete it"):
        ResultRecord.from_json("", key="k")


def test_record_of_a_later_format_asks_for_the_job_that_wrote_it() -> None:
    with pytest.raises(LedgerError, match="record format 3, this job reads the formats 1 and 2"):
        PlanRecord.from_json(_damage(PLAN, "format", 3), key="k")
