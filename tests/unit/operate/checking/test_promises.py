"""What the flight of the probes proves: each promise on what was seen, without AWS."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from burst.contract import Bounds

from tests.unit.operate.checking.facts import ORDERS, QUEUE, SOUND, TOPIC, but
from tests.unit.operate.records import BATCH, NOW, origin
from tools.operate.checking import promises
from tools.operate.checking.aftermath import Aftermath
from tools.operate.checking.check import why_no_bad, why_no_row
from tools.operate.checking.cleaning import Traces, rows_that_stay, rows_to_remove
from tools.operate.checking.cost import Sending, cost, cost_words
from tools.operate.checking.facts import AlertRule
from tools.operate.checking.findings import Finding, Promise, Verdict
from tools.operate.checking.flight import Failed, Second, Seen
from tools.operate.checking.links import chain
from tools.operate.checking.probe import ProbeFile
from tools.operate.checking.second_plan import planned
from tools.operate.ledger import FileResult, ResultRecord
from tools.operate.refusals import Unavailable
from tools.operate.routing import DeadLetter
from tools.operate.runs import Run

GOOD_KEY, BAD_KEY = (
    f"orders/burst-check-20260228T235959Z-1a2b3c4d-{k}.csv" for k in ("good", "bad")
)
GOOD, BAD = ProbeFile("good", GOOD_KEY, b"id\n1\n", 1), ProbeFile("bad", BAD_KEY, b"x\n", 0)
REFUSED = Unavailable("Access denied: x:Y.")
OUTPUT = f"s3://lake/curated/orders/ingest_date=2026-03-01/batch={BATCH}"


def run(state: str = "SUCCEEDED", **changes: Any) -> Run:
    ended = None if state in ("RUNNING", "WAITING") else NOW
    found = Run("jr_0123456789", state, NOW, ended, 40, None, "wr_abcdef0123", "size (2 events)")
    return but(found, **changes)  # type: ignore[no-any-return]


def file(kind: str, outcome: str, **changes: Any) -> FileResult:
    key, rows = (GOOD_KEY, 1) if kind == "good" else (BAD_KEY, 0)
    found = FileResult(key, "v", 5, outcome, rows, "The header.", f"area/{kind}")  # type: ignore[arg-type]
    return but(found, **changes)  # type: ignore[no-any-return]


def result(*files: FileResult, output: str | None = OUTPUT) -> ResultRecord:
    found = files or (file("good", "curated"), file("bad", "quarantined"))
    return ResultRecord(origin(BATCH), output, 1, 10, {}, found, rows_written=1)


def seen(*results: ResultRecord, **changes: Any) -> Seen:
    """All went well, but for the changes."""
    found = Seen(
        files=(GOOD, BAD),
        sent_at=NOW,
        started=run(),
        started_after=12.0,
        results=results or (result(),),
        done=frozenset({BATCH}),
        run=run(),
        runs=(run(),),
        second=Second("wr_1", waited=True, state="SUCCEEDED", error=None, ended=True),
        to_fail=Failed("jr_2", "FAILED", "ArgumentError: --input_format is 'burst-check'", True),
    )
    return but(found, **changes)  # type: ignore[no-any-return]


AFTER = Aftermath(archived=5, quarantined=5, reason="The header.", rows=1, metric=2)


def of(promise: str, flown: Seen, after: Aftermath = AFTER) -> Finding:
    """One finding by the name of its promise."""
    failed, topic = flown.to_fail, TOPIC
    return {
        "event": lambda: promises.event(flown, SOUND, chain(SOUND)),
        "run": lambda: promises.run(flown, SOUND),
        "rows": lambda: promises.rows(flown, SOUND, after, "--no-row."),
        "archive": lambda: promises.archive(flown, SOUND, after),
        "quarantine": lambda: promises.quarantine(flown, SOUND, after, ""),
        "alert-quarantine": lambda: promises.quarantine_alert(flown, SOUND, topic, True),
        "metrics": lambda: promises.metrics(flown, SOUND, after),
        "queuing": lambda: promises.queuing(flown, SOUND),
        "failed-run": lambda: promises.failure(failed, SOUND),
        "alert-failed-run": lambda: promises.failure_alert(failed, SOUND, True),
    }[promise]()


PROMISES = (
    "event",
    "run",
    "rows",
    "archive",
    "quarantine",
    "alert-quarantine",
    "metrics",
    "queuing",
    "failed-run",
    "alert-failed-run",
)


@pytest.mark.parametrize("promise", PROMISES)
def test_promise_that_is_kept_is_seen(promise: str) -> None:
    finding = of(promise, seen())
    assert (finding.link, finding.verdict) == (promise, Verdict.SEEN)


NOTHING: dict[str, Any] = {"started": None, "run": None, "runs": (), "results": ()}
NOT_SEEN, NOT_TRIED = Verdict.NOT_SEEN, Verdict.NOT_TRIED


@pytest.mark.parametrize(
    ("promise", "flown", "verdict", "what"),
    [
        ("event", seen(**NOTHING), NOT_SEEN, "five minutes after they were switched on"),
        (
            "run",
            seen(run=run("FAILED", error="RowEngineError: the transform raised.")),
            NOT_SEEN,
            "run wr_abcdef01 ended as FAILED: RowEngineError: the transform raised. Its log: "
            "/burst/dev/orders/error.",
        ),
        ("run", seen(run=None, runs=(run("FAILED", error="x"),)), NOT_SEEN, "ended as FAILED: x"),
        ("run", seen(run=None, runs=(run("WAITING"),)), NOT_SEEN, "is WAITING and did not end"),
        ("run", seen(run=None), NOT_SEEN, "ended and took no probe"),
        ("run", seen(**NOTHING), NOT_TRIED, "No run began"),
        ("rows", seen(**NOTHING), NOT_SEEN, "No batch took orders/burst-check"),
        (
            "rows",
            seen(result(file("good", "quarantined", reason="The transform raised."))),
            NOT_SEEN,
            "(quarantined): The transform raised. If its made-up values are what your transform "
            "refuses, --no-row",
        ),
        ("rows", seen(result(file("good", "curated", rows=2))), NOT_SEEN, "read 2 rows and not 1"),
        ("rows", seen(result(output=None)), Verdict.SEEN, "your transform dropped it"),
        ("archive", seen(**NOTHING), NOT_TRIED, "was not loaded"),
        ("quarantine", seen(**NOTHING), NOT_SEEN, "No batch took the bad file"),
        ("quarantine", seen(result(file("bad", "curated"))), NOT_SEEN, "not set aside but curated"),
        ("alert-quarantine", seen(**NOTHING), NOT_TRIED, "No file went to quarantine"),
        ("metrics", seen(**NOTHING), NOT_TRIED, "No batch took the probes"),
        ("queuing", seen(second=None), NOT_TRIED, "No run was at work"),
        (
            "queuing",
            seen(second=Second("wr_1", False, "FAILED", "Concurrent runs exceeded for x", True)),
            NOT_SEEN,
            "did not wait but ended as FAILED: Concurrent runs exceeded for x",
        ),
        (
            "queuing",
            seen(second=Second("wr_1", True, "RUNNING", None, False)),
            NOT_SEEN,
            "is still RUNNING",
        ),
        (
            "queuing",
            seen(second=Second("wr_1", False, "SUCCEEDED", None, True)),
            NOT_TRIED,
            "never seen waiting",
        ),
        ("failed-run", seen(to_fail=None), NOT_TRIED, "None was started"),
        ("failed-run", seen(to_fail=REFUSED), NOT_TRIED, "Access denied"),
        (
            "failed-run",
            seen(to_fail=Failed("jr_2", "FAILED", "SystemExit: 1", ended=True)),
            NOT_SEEN,
            "Glue shows 'SystemExit: 1'",
        ),
        (
            "failed-run",
            seen(to_fail=Failed("jr_2", "SUCCEEDED", None, ended=True)),
            NOT_SEEN,
            "and not as FAILED",
        ),
        (
            "failed-run",
            seen(to_fail=Failed("jr_2", "WAITING", None, ended=False)),
            NOT_SEEN,
            "is still WAITING",
        ),
        ("alert-failed-run", seen(to_fail=None), NOT_TRIED, "No run failed"),
    ],
)
def test_promise_that_is_not_kept_says_why(
    promise: str, flown: Seen, verdict: Verdict, what: str
) -> None:
    finding = of(promise, flown)
    assert finding.verdict is verdict
    assert what in finding.detail


@pytest.mark.parametrize(
    ("promise", "after", "verdict", "what"),
    [
        ("rows", but(AFTER, rows=0), Verdict.SEEN, "your transform dropped it"),
        ("rows", but(AFTER, rows=REFUSED), NOT_TRIED, "1 row was read and written. Access"),
        ("archive", but(AFTER, archived=None), NOT_SEEN, "no object area/good in the lake"),
        ("archive", but(AFTER, archived=4), NOT_SEEN, "has 4 bytes, and the file had 5"),
        ("archive", but(AFTER, archived=REFUSED), NOT_TRIED, "Access denied"),
        ("quarantine", but(AFTER, reason=None), NOT_SEEN, "No reason lies beside it"),
        ("quarantine", but(AFTER, quarantined=None), NOT_SEEN, "no object area/bad"),
        ("quarantine", but(AFTER, reason=REFUSED), Verdict.SEEN, "area/bad has its 5 bytes"),
        ("metrics", but(AFTER, metric=1), NOT_SEEN, "counts 1 since the upload, and 2 probes came"),
        ("metrics", but(AFTER, metric=REFUSED), NOT_TRIED, "Access denied"),
    ],
)
def test_what_is_not_there_afterwards_is_named(
    promise: str, after: Aftermath, verdict: Verdict, what: str
) -> None:
    finding = of(promise, seen(), after)
    assert finding.verdict is verdict
    assert what in finding.detail


def test_file_without_a_row_says_why_it_had_none() -> None:
    finding = of("rows", seen(result(file("good", "curated", rows=0)), files=(but(GOOD, rows=0),)))
    assert (finding.verdict, "had no row. --no-row." in finding.detail) == (NOT_TRIED, True)


def test_event_that_starts_nothing_is_explained_by_its_letter_and_by_the_links() -> None:
    letter = DeadLetter("1", "r", "NO_PERMISSIONS", "No glue:notifyEvent.", GOOD_KEY)
    now = but(SOUND, queue=but(QUEUE, depth=1, letters=(letter,)), workflow=False)
    finding = promises.event(seen(**NOTHING), now, chain(now))
    assert finding.verdict is NOT_SEEN
    assert "could not deliver to the workflow (NO_PERMISSIONS)" in finding.detail
    assert "There is no workflow burst-dev-orders" in finding.detail


@pytest.mark.parametrize(
    ("topic", "what"),
    [
        (but(TOPIC, rules={}), "`alerts.quarantine` is off."),
        (
            but(TOPIC, rules={}, alarms={"orders": ("burst-dev-orders.bad-files",)}),
            "`alerts.quarantine` is burst: the alarm burst-dev-orders.bad-files reports it",
        ),
        (REFUSED, "Access denied"),
        (None, "There is no topic."),
        (but(TOPIC, rules=REFUSED), "Access denied"),
    ],
)
def test_alert_of_a_bad_file_is_not_tried_where_the_settings_have_none(
    topic: Any, what: str
) -> None:
    finding = promises.quarantine_alert(seen(), SOUND, topic, None)
    assert finding.verdict is NOT_TRIED
    assert what in finding.detail


@pytest.mark.parametrize(
    ("heard", "verdict"), [(True, Verdict.SEEN), (False, NOT_SEEN), (REFUSED, NOT_TRIED)]
)
def test_alert_is_seen_where_it_was_heard(heard: Any, verdict: Verdict) -> None:
    rules = {"r": AlertRule("ENABLED", frozenset({"orders"}), quarantine=True)}
    topic = but(TOPIC, rules=rules)
    assert promises.quarantine_alert(seen(), SOUND, topic, heard).verdict is verdict
    assert promises.failure_alert(seen().to_fail, SOUND, heard).verdict is verdict


# ---- what is sent, and what is taken away ------------------------------------------------------


def test_no_row_comes_into_a_batch_with_files_of_producers() -> None:
    assert why_no_row(SOUND, wanted=True) == ""
    assert "3 files of producers wait" in why_no_row(but(SOUND, waiting=3), wanted=True)
    assert why_no_row(but(SOUND, waiting=REFUSED), wanted=True)
    assert why_no_row(SOUND, wanted=False) == "--no-row."


@pytest.mark.parametrize(
    ("least", "share", "sent"), [(5, 0.5, True), (1, 0.5, True), (1, 0.4, False), (2, 0.0, True)]
)
def test_no_bad_file_is_sent_where_one_stops_a_batch(least: int, share: float, sent: bool) -> None:
    bounds = Bounds(min_bad_files=least, max_bad_fraction=share)
    facts = but(SOUND, job=but(SOUND.job, reads=but(SOUND.reads, bounds=bounds)))
    assert (why_no_bad(facts) == "") is sent


def test_rows_are_removed_from_a_batch_that_holds_probes_only() -> None:
    traces = Traces([GOOD_KEY, BAD_KEY], [result()])
    assert [output.uri for output in rows_to_remove(traces)] == [OUTPUT]
    assert list(rows_that_stay(traces, "dev", ORDERS)) == []


def test_batch_with_files_of_producers_is_left_alone_and_the_row_that_stays_is_named() -> None:
    theirs = but(file("good", "curated"), key="orders/a.csv")
    traces = Traces([GOOD_KEY], [result(file("good", "curated"), theirs)])
    assert list(rows_to_remove(traces)) == []
    (sentence,) = rows_that_stay(traces, "dev", ORDERS)
    assert f"1 row of {GOOD_KEY} stays in curated, in batch {BATCH}" in sentence
    assert f"`burst replay dev orders --archive --batch {BATCH} --replace`" in sentence


def test_clean_up_says_what_stays_and_that_a_run_may_still_write() -> None:
    assert promises.cleaned(SOUND, [], still_at_work=False).verdict is Verdict.SEEN
    finding = promises.cleaned(SOUND, ["A queue stays."], still_at_work=True)
    assert finding.verdict is NOT_SEEN
    assert finding.detail.startswith("A queue stays. A run that may have taken the probes")


def test_cost_counts_files_runs_hours_messages_and_the_longest_window() -> None:
    slow = but(SOUND, trigger=but(SOUND.trigger, window=900), pipeline=but(ORDERS, name="slow"))
    known = cost([Sending(SOUND, True, True), Sending(slow, False, False)])
    assert (known.pipelines, known.files, known.runs) == (("orders", "slow"), 3, 6)
    assert (known.dpu_hours, known.seconds, known.messages) == (0.27, 900 + 360, 3)
    text = " ".join(cost_words(known))
    assert "3 probe files to orders, slow and starts 6 runs: about 0.27 DPU hours" in text
    assert "up to 21 min" in text
    assert "1 row with made-up values" in text
    assert "costs nothing" in " ".join(cost_words(cost([])))


@pytest.mark.parametrize(
    ("code", "output", "errors", "verdict", "what"),
    [
        (0, "", "", Verdict.SEEN, "no changes"),
        (2, "x\nPlan: 0 to add, 1 to change, 0 to destroy.\n", "", NOT_SEEN, "Plan: 0 to add, 1"),
        (1, "", "╷\n│ Error: no state\n╵", NOT_TRIED, "cannot plan: Error: no state"),
    ],
)
def test_second_plan_is_judged_by_terraforms_exit_code(
    code: int, output: str, errors: str, verdict: Verdict, what: str
) -> None:
    finding = planned(Promise("", "second-plan", "x"), code, output, errors, "folder")
    assert finding.verdict is verdict
    assert what in finding.detail


def test_flight_is_over_when_every_probe_is_in_a_settled_batch() -> None:
    assert seen().loaded
    assert not seen(done=frozenset()).loaded
    assert not seen(result(file("good", "curated"))).loaded
    late = run("RUNNING", started_at=NOW + timedelta(seconds=1))
    assert seen(runs=(late,)).active
