"""What people see of a check: by pipeline, whole at 80 columns, the first fault at the end."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from tools.operate.checking import Finding, Verdict
from tools.operate.views.checking import findings_parts, verdict_line

LONG = "The rule burst-dev-orders is DISABLED, though the setting is not paused. " * 3
FINDINGS = [
    Finding("orders", "rule", "The rule is enabled", Verdict.NOT_SEEN, LONG, stops=True),
    Finding("orders", "job", "The job exists", Verdict.SEEN),
    Finding("", "second-plan", "A second plan is empty", Verdict.NOT_TRIED, "No Terraform."),
    Finding("orders", "log-groups", "Log groups", Verdict.NOT_SEEN, "One is missing."),
]


def drawn(width: int = 80) -> str:
    out = io.StringIO()
    console = Console(file=out, width=width)
    console.print(*findings_parts(FINDINGS, "dev"), sep="\n")
    return out.getvalue()


@pytest.mark.parametrize("width", [65, 80, 120])
def test_every_line_fits_and_every_reason_is_whole(width: int) -> None:
    text = drawn(width)
    assert all(len(line) <= width for line in text.splitlines())
    for finding in FINDINGS:
        assert " ".join(finding.detail.split()) in " ".join(text.split())


def test_findings_stand_under_their_pipeline_in_their_order() -> None:
    lines = [line.strip() for line in drawn(200).splitlines()]
    assert lines[:2] == ["", "dev"]
    assert lines.index("dev orders") == 5
    shown = [line.split("  ")[0] for line in lines if line.startswith(("seen", "not "))]
    assert shown == ["not tried", "not seen", "seen", "not seen"]


def test_last_line_counts_and_begins_with_what_keeps_files_from_being_loaded() -> None:
    line = verdict_line(FINDINGS[::-1], "dev").plain
    assert line.startswith("2 promises not seen (1 seen, 2 not seen, 1 not tried). ")
    assert "Begin with dev orders: The rule burst-dev-orders is DISABLED" in line
    good = verdict_line(FINDINGS[1:3], "dev").plain
    assert good == "dev: 1 seen, 1 not tried; nothing is broken."
