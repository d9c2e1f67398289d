"""What makes a pipeline need attention, and what does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from burst.ledger import UnreadableFile, UnsettledFile

from tests.unit.operate.records import BATCH, NOW, PIPELINE
from tools.operate.health import PipelineSnapshot, findings
from tools.operate.history import History, OpenBatch
from tools.operate.quarantine import Quarantine
from tools.operate.refusals import Unavailable
from tools.operate.runs import RefusedRun, Run
from tools.operate.waiting import Waiting

HEALTHY = PipelineSnapshot(
    pipeline=PIPELINE,
    at=NOW,
    rule_state="ENABLED",
    sweep_state="ENABLED",
    waiting=Waiting(0, 0, None, capped=False),
    history=History((), ()),
    runs=(),
    refused=(),
    quarantine=Quarantine(0, 3, (), capped=False),
    dead_letters=0,
    replay=None,
)
OPEN = History((OpenBatch(BATCH, 2, committed=False),), ())
REFUSED = UnsettledFile("orders/k", "v", "Access denied.", NOW)
UNSETTLED = History((OpenBatch(BATCH, 2, committed=True, unsettled=(REFUSED,)),), ())
PAUSED = replace(PIPELINE, paused=True)


def run(state: str, minutes_ago: int = 5) -> Run:
    started = NOW - timedelta(minutes=minutes_ago)
    return Run(f"jr_{minutes_ago}", state, started, None, 10, "it broke.", "wr_1")


def waiting(minutes: int, **changes: Any) -> Waiting:
    return replace(Waiting(4, 40, NOW - timedelta(minutes=minutes), capped=False), **changes)


def found(**changes: Any) -> tuple[str, ...]:
    return findings(replace(HEALTHY, **changes), environment="dev", max_age_seconds=3600)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"waiting": waiting(59)},
        {"runs": (run("RUNNING"), run("SUCCEEDED", 9))},
        {"runs": (run("RUNNING"),), "history": OPEN},
        {"runs": (run("SUCCEEDED"), run("FAILED", 9))},
        {"runs": (replace(run("FAILED"), of_check=True),)},
        {"runs": (replace(run("FAILED"), of_check=True), run("SUCCEEDED", 9))},
        {"sweep_state": None},
        {"refused": (RefusedRun("wr_2", NOW, "Concurrent runs exceeded"),)},
    ],
    ids=[
        "idle",
        "young files",
        "at work",
        "open batch at work",
        "recovered",
        "failed for a check",
        "failed for a check after a good one",
        "no sweep",
        "refused",
    ],
)
def test_healthy_pipeline_has_no_findings(changes: dict[str, Any]) -> None:
    assert found(**changes) == ()


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"rule_state": "MISSING"}, "does not exist"),
        ({"rule_state": "DISABLED"}, "disabled by hand"),
        ({"rule_state": "DISABLED", "pipeline": PAUSED}, "Paused by its setting"),
        ({"pipeline": PAUSED}, "The setting says paused"),
        ({"sweep_state": "DISABLED"}, "rule of the sweep"),
        ({"waiting": waiting(61)}, "`burst drain dev orders`"),
        ({"runs": (run("FAILED"),)}, "ended as FAILED: it broke."),
        ({"runs": (replace(run("FAILED"), of_check=True), run("FAILED", 9))}, "ended as FAILED"),
        ({"runs": (run("RUNNING"), run("TIMEOUT", 9))}, "ended as TIMEOUT"),
        ({"runs": (run("FAILED"),), "history": OPEN}, "Correct the cause"),
        ({"history": OPEN}, "1 batch began and no run is at work"),
        (
            {"history": UNSETTLED},
            "let go 1 file that is loaded, the first is orders/k: Access denied.",
        ),
        ({"quarantine": Quarantine(2, 0, (), capped=False)}, "2 files are in quarantine"),
        ({"dead_letters": 1}, "could not deliver 1 event"),
        ({"replay": ("r1", "--quarantine")}, "`burst replay dev orders --quarantine`"),
        (
            {
                "waiting": Waiting(
                    0,
                    0,
                    None,
                    capped=False,
                    unreadable=(UnreadableFile("orders/k", "v", 1, "Archived.", BATCH, NOW),),
                )
            },
            "orders/k: Archived.",
        ),
        ({"dead_letters": Unavailable("Access denied: sqs:GetQueueAttributes.")}, "Access denied"),
    ],
)
def test_each_thing_that_needs_attention_is_one_sentence(
    changes: dict[str, Any], what: str
) -> None:
    (sentence,) = found(**changes)
    assert what in sentence


def test_files_of_a_paused_pipeline_may_wait() -> None:
    (sentence,) = found(rule_state="DISABLED", pipeline=PAUSED, waiting=waiting(600))
    assert "Paused by its setting" in sentence


def test_same_refusal_of_several_parts_is_said_once() -> None:
    denied = Unavailable("Access denied: glue.")
    assert found(runs=denied, refused=denied) == ("Access denied: glue.",)
