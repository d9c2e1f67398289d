"""The forecast's remark on a changed setting, where the repository keeps a trace of arrivals."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tools.review.behaviour import SettingChange
from tools.review.plan import Plan, ResourceChange
from tools.review.subject import subject_of

TRACES = Path("traces")
# The settings on which runs and their price depend, as `behaviour` calls them.
LABELS = (
    "batch size (events)",
    "batch window (seconds)",
    "workers",
    "worker type",
    "timeout (minutes)",
    "Glue version",
    "workflow runs at a time",
    "schedule",
)
_REGION = re.compile(r"arn:[a-z-]+:glue:([a-z0-9-]+):")
_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
# Where the sweep is off, there is no resource that says so.
_NO_SWEEP: Mapping[str, Any] = {"sweep_seconds": None}
_SECONDS = {"minute": 60, "hour": 3_600, "day": 86_400}


@dataclass
class _Sides:
    """The settings of one pipeline before and after, by the names of `Candidate`."""

    before: dict[str, Any] = field(default_factory=lambda: dict(_NO_SWEEP))
    after: dict[str, Any] = field(default_factory=lambda: dict(_NO_SWEEP))
    region: str | None = None


def with_forecasts(
    changes: Iterable[SettingChange], plan: Plan, environment: str | None, traces: Path = TRACES
) -> tuple[SettingChange, ...]:
    """The same changes; the first of each pipeline that a forecast knows has its remark.

    A pipeline without a trace, or of which the plan does not say all settings, gets none; neither
    does anyone where the development packages are not installed.
    """
    remarked: set[str] = set()
    result = []
    for item in changes:
        pipeline = item.subject.pipeline
        if pipeline and pipeline not in remarked and item.label in LABELS:
            remarked.add(pipeline)
            remark = _remark(plan, pipeline, traces / f"{environment}-{pipeline}.csv.gz")
            if remark:
                note = "; ".join(part for part in (item.note, remark) if part)
                item = replace(item, note=note)
        result.append(item)
    return tuple(result)


def _remark(plan: Plan, pipeline: str, file: Path) -> str:
    if not file.is_file():
        return ""
    try:
        # Numba is a development package, and takes its time to import.
        from tools.forecast.change import change_sentence
        from tools.forecast.model import Candidate
    except ModuleNotFoundError:
        return ""
    sides = _settings(plan, pipeline)
    try:
        before, after = Candidate(**sides.before), Candidate(**sides.after)
    except TypeError:
        return ""
    return change_sentence(file, before, after, sides.region) if before != after else ""


def _settings(plan: Plan, pipeline: str) -> _Sides:
    sides = _Sides()
    for change in plan.changes:
        if subject_of(change).pipeline != pipeline:
            continue
        sides.before |= _of(change, change.before)
        sides.after |= _of(change, change.after)
        found = _REGION.match(str(change.before.get("arn", "")))
        sides.region = found[1] if found else sides.region
    return sides


def _of(change: ResourceChange, side: Mapping[str, Any]) -> dict[str, Any]:
    """What one resource says of its pipeline's settings."""
    if change.type == "aws_glue_trigger":
        condition = (side.get("event_batching_condition") or [{}])[0]
        return _numbers(
            batch_size=condition.get("batch_size"),
            batch_window_seconds=condition.get("batch_window"),
        )
    if change.type == "aws_glue_workflow":
        return {"max_concurrent_runs": _numbers(limit=side.get("max_concurrent_runs")).get("limit")}
    if change.type == "aws_glue_job":
        names = ("worker_type", "glue_version")
        return {
            **_numbers(workers=side.get("number_of_workers"), timeout_minutes=side.get("timeout")),
            **{name: side[name] for name in names if isinstance(side.get(name), str)},
        }
    if change.type == "aws_cloudwatch_event_rule" and side.get("schedule_expression"):
        rate = _RATE.fullmatch(str(side["schedule_expression"]))
        return {"sweep_seconds": int(rate[1]) * _SECONDS[rate[2]] if rate else _SECONDS["day"]}
    return {}


def _numbers(**values: Any) -> dict[str, int]:
    return {name: value for name, value in values.items() if isinstance(value, int)}
