"""The batch size and window with which a sandbox was started, beside those of the settings."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tools.sandbox.commands.apply import what_stays
from tools.sandbox.folder import Facts
from tools.sandbox.sandbox import replacements


def facts(size: int | None, window: int | None) -> Facts:
    return Facts(1, "dev", "eu-central-1", "/p", None, size, window, "/s", {}, {})


@pytest.mark.parametrize(
    ("size", "window", "said"),
    [
        (None, 10, ["The batch window (10 s) stays"]),
        (1, 10, ["The batch size (1 event) and batch window (10 s) stay"]),
        (None, None, []),
    ],
)
def test_apply_says_of_what_was_given_at_the_start_alone_that_it_stays(
    size: int | None, window: int | None, said: list[str]
) -> None:
    rest = " as the sandbox was started, whatever the settings say."
    assert list(what_stays(facts(size, window))) == [f"{line}{rest}" for line in said]


def test_description_of_a_trigger_says_when_it_fires_in_the_sandbox(tmp_path: Path) -> None:
    trigger = {
        "description": "After 20 events or 60 seconds.",
        "event_batching_condition": [{"batch_size": 20, "batch_window": 60}],
    }
    resources = {"aws_glue_job": {}, "aws_glue_trigger": {"t": trigger}}
    (tmp_path / "cdk.tf.json").write_text(json.dumps({"resource": resources}), "utf-8")
    assert replacements(tmp_path, facts(None, 10), tmp_path)["aws_glue_trigger"]["t"] == {
        "description": "After 20 events or 10 seconds.",
        "event_batching_condition": [{"batch_size": 20, "batch_window": 10}],
    }
