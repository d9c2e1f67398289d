"""Settings that change what the pipelines cost or how they behave, old and new."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from burst.contract import (
    ColumnTypeError,
    FileFormat,
    Output,
    arguments_of,
    changes,
    parse_type,
)

from stacks.settings import DPUS
from tools.review.difference import Difference, differences, differing, follow, value_text
from tools.review.plan import Action, Path, Plan, ResourceChange, Unknown
from tools.review.subject import Subject, subject_of

# By resource type and setting: what a reader calls it.
SETTINGS: Mapping[str, Mapping[str, str]] = {
    "aws_glue_trigger": {
        "event_batching_condition.batch_size": "batch size (events)",
        "event_batching_condition.batch_window": "batch window (seconds)",
        "schedule": "schedule",
        "enabled": "trigger enabled",
        "type": "trigger type",
        "actions.job_name": "job that is started",
        "actions.timeout": "timeout of a started run (minutes)",
        "actions.arguments": "arguments of a started run",
    },
    "aws_glue_job": {
        "number_of_workers": "workers",
        "worker_type": "worker type",
        "max_capacity": "capacity (DPU)",
        "timeout": "timeout (minutes)",
        "glue_version": "Glue version",
        "execution_class": "execution class",
        "execution_property.max_concurrent_runs": "runs at a time",
        "job_run_queuing_enabled": "runs queue",
        "max_retries": "retries",
        "maintenance_window": "maintenance window",
        "command.name": "kind of job",
        "command.python_version": "Python version",
        "command.script_location": "job code: script",
        "default_arguments.--extra-py-files": "job code: package",
        "security_configuration": "security configuration",
    },
    "aws_glue_workflow": {"max_concurrent_runs": "workflow runs at a time"},
    "aws_cloudwatch_event_rule": {
        "state": "rule",
        "schedule_expression": "schedule",
    },
    "aws_cloudwatch_event_target": {
        "retry_policy.maximum_event_age_in_seconds": "deliver for (seconds)",
        "retry_policy.maximum_retry_attempts": "delivery attempts",
    },
    "aws_sqs_queue": {"message_retention_seconds": "messages kept (seconds)"},
    "aws_cloudwatch_log_group": {
        "retention_in_days": "logs kept (days)",
        "log_group_class": "log class",
    },
    "aws_s3_bucket_lifecycle_configuration": {
        "rule.expiration.days": "objects kept (days)",
        "rule.noncurrent_version_expiration.noncurrent_days": "old versions kept (days)",
        "rule.transition.days": "moved to other storage after (days)",
        "rule.transition.storage_class": "other storage",
        "rule.abort_incomplete_multipart_upload.days_after_initiation": "unfinished uploads (days)",
    },
    "aws_cloudwatch_metric_alarm": {
        "threshold": "alarm threshold",
        "period": "alarm period (seconds)",
        "evaluation_periods": "alarm periods",
        "datapoints_to_alarm": "periods that must be over it",
        "actions_enabled": "alarm notifies",
        "treat_missing_data": "alarm without data",
    },
    "aws_sns_topic_subscription": {"endpoint": "notified address", "protocol": "notified by"},
}
# Everything below these attributes changes the behaviour, whatever its name.
FAMILIES: Mapping[str, Mapping[str, str]] = {
    "aws_glue_job": {
        "default_arguments.": "argument ",
        "non_overridable_arguments.": "fixed argument ",
        "default_arguments": "arguments",
        "non_overridable_arguments": "fixed arguments",
    },
    "aws_glue_workflow": {"default_run_properties.": "run property "},
    "aws_cloudwatch_event_rule": {"event_pattern.": "events: ", "event_pattern": "events"},
    "aws_glue_trigger": {"actions.arguments.": "run argument "},
}
# Where columns stand, and what a reader calls them: those of the files and those of the table.
CATALOG: Path = ("storage_descriptor", 0, "columns")
OF_THE_FILES, OF_THE_TABLE = "column ", "curated column "
COLUMNS: Mapping[Path, str] = {
    ("default_arguments", arguments_of(FileFormat)["columns"].flag): OF_THE_FILES,
    ("default_arguments", arguments_of(Output)["columns"].flag): OF_THE_TABLE,
    CATALOG: OF_THE_TABLE,
}


_AND, _OPTIONAL = "; ", "optional"


@dataclass(frozen=True)
class SettingChange:
    """One setting with its old and new value.

    ``path`` is the attribute. ``label`` is our word for it, ``name`` the key of an
    argument or the like that belongs to it, or "". ``note`` is our remark, or "".
    """

    subject: Subject
    path: Path
    label: str
    name: str
    before: Any
    after: Any
    note: str = ""


@dataclass(frozen=True)
class NewPipeline:
    """What a pipeline that is added will do; None where the plan does not say."""

    name: str
    batch_size: Any = None
    batch_window: Any = None
    workers: Any = None
    worker_type: Any = None
    timeout: Any = None
    glue_version: Any = None


def setting_changes(plan: Plan) -> tuple[SettingChange, ...]:
    """All of them, pipeline by pipeline.

    What the job's arguments and the catalog say alike of a pipeline's columns is there once.
    """
    found: dict[object, SettingChange] = {}
    for change in plan.changes:
        for item in settings_of(change):
            alike = (item.subject.pipeline, item.label, item.name, repr(item.after))
            once = item.subject.pipeline and item.label == OF_THE_TABLE
            found.setdefault(alike if once else (change.address, item.path, item.name), item)
    return tuple(sorted(found.values(), key=lambda item: item.subject.pipeline or ""))


def settings_of(change: ResourceChange) -> Iterator[SettingChange]:
    """Which settings a resource's change changes."""
    if change.action not in (Action.CHANGE, Action.REPLACE):
        return
    subject = subject_of(change)
    for difference, label, name in _telling(change):
        if label in (OF_THE_FILES, OF_THE_TABLE):
            yield from _columns(subject, difference, label)
            continue
        yield SettingChange(
            subject,
            difference.path,
            label,
            name,
            difference.before,
            difference.after,
            _note(change, difference),
        )


def reported_paths(change: ResourceChange) -> set[Path]:
    """The attributes whose change `settings_of` tells."""
    return {difference.path for difference, _, _ in _telling(change)}


def new_pipelines(plan: Plan) -> tuple[NewPipeline, ...]:
    """The pipelines whose trigger or job is added."""
    found: dict[str, dict[str, Any]] = {}
    for change in plan.changes:
        pipeline = subject_of(change).pipeline
        if pipeline is None or change.action is not Action.ADD:
            continue
        if change.type == "aws_glue_trigger" and change.after.get("type") == "EVENT":
            condition = _first(change.after.get("event_batching_condition"))
            found.setdefault(pipeline, {}).update(
                batch_size=condition.get("batch_size"), batch_window=condition.get("batch_window")
            )
        if change.type == "aws_glue_job":
            found.setdefault(pipeline, {}).update(
                workers=change.after.get("number_of_workers"),
                worker_type=change.after.get("worker_type"),
                timeout=change.after.get("timeout"),
                glue_version=change.after.get("glue_version"),
            )
    return tuple(NewPipeline(name, **settings) for name, settings in sorted(found.items()))


def _first(blocks: Any) -> Mapping[str, Any]:
    return blocks[0] if isinstance(blocks, list) and blocks and isinstance(blocks[0], dict) else {}


def _telling(change: ResourceChange) -> Iterator[tuple[Difference, str, str]]:
    """The differences that count: each with its label and the name that belongs to it."""
    named = SETTINGS.get(change.type, {})
    families = FAMILIES.get(change.type, {})
    for difference in _by_setting(change):
        setting = difference.setting
        sides = (difference.before, difference.after)
        if difference.path in COLUMNS and all(map(_column_types, sides)):
            yield difference, COLUMNS[difference.path], ""
            continue
        if isinstance(difference.after, Unknown) and change.action is Action.REPLACE:
            continue
        if setting in named:
            yield difference, named[setting], ""
            continue
        for family, label in families.items():
            if setting == family or (family.endswith(".") and setting.startswith(family)):
                yield difference, label, setting.removeprefix(family)


def _by_setting(change: ResourceChange) -> Iterator[Difference]:
    """The differences, with what reads better whole, an argument or all columns, whole."""
    whole: list[Path] = [CATALOG] if change.type == "aws_glue_catalog_table" else []
    for family in ("default_arguments", "non_overridable_arguments"):
        sides = [side.get(family) for side in (change.before, change.after)]
        if all(isinstance(side, dict | None) for side in sides):
            names = dict.fromkeys(name for side in sides if side for name in side)
            whole += [(family, name) for name in names]
    for item in differences(change.before, change.after):
        if not any(item.path[: len(path)] == path for path in whole):
            yield item
    for path in whole:
        before, after = follow(change.before, path), follow(change.after, path)
        if differing(before, after):
            yield Difference(path, before, after)


def _columns(subject: Subject, difference: Difference, label: str) -> Iterator[SettingChange]:
    """Columns by name: added, removed, of another type, or in another order."""
    before, after = _column_types(difference.before) or {}, _column_types(difference.after) or {}
    for name in dict.fromkeys((*before, *after)):
        old, new = before.get(name), after.get(name)
        if old != new:
            note = _column_note(name, old, new) if label == OF_THE_FILES else ""
            yield SettingChange(subject, difference.path, label, name, old, new, note)
    if before == after:
        order = ", ".join(before), ", ".join(after)
        yield SettingChange(subject, difference.path, f"order of {label.strip()}s", "", *order)


def _column_note(name: str, old: str | None, new: str | None) -> str:
    if new is None:
        return "files that still have it are treated as unknown_columns says"
    before, after = (old or "").split(_AND), new.split(_AND)
    if inside := _changes_inside(name, before[0], after[0]):
        return inside
    if old is None or (_OPTIONAL in before) != (_OPTIONAL in after):
        if _OPTIONAL in after:
            return "files without it have null in every row"
        return "files without it are bad files from now on"
    if before[0] != after[0]:
        return "rows that are there already keep the old type"
    return "files must have it like this from now on"


def _changes_inside(name: str, before: str, after: str) -> str:
    """What changes inside of a nested column; empty where it is not nested, or was not."""
    try:
        old, new = parse_type(before), parse_type(after)
    except ColumnTypeError:
        return ""
    return "; ".join(changes(old, new, name)) if old.is_nested and old.kind == new.kind else ""


def _column_types(value: Any) -> dict[str, str] | None:
    """Columns as the job's argument and the catalog write them; None where it is none of both."""
    try:
        columns = json.loads(value) if isinstance(value, str) else value
        return {str(column["name"]): _AND.join(_column_parts(column)) for column in columns}
    except (TypeError, ValueError, KeyError):
        return None


def _column_parts(column: Mapping[str, Any]) -> Iterator[str]:
    """The type, and what else is set of a column of the files."""
    yield str(column["type"])
    if column.get("optional") is True:
        yield _OPTIONAL
    if source := column.get("source"):
        yield f"from {source!r}"
    if format := column.get("format"):
        yield f"written as {format}"


def _note(change: ResourceChange, difference: Difference) -> str:
    remark = _REMARKS.get((change.type, difference.setting))
    return remark(change, difference) if remark else ""


def _capacity(change: ResourceChange, difference: Difference) -> str:
    old, new = (_dpu(side) for side in (change.before, change.after))
    return f"at most {old:g} → {new:g} DPU for a run" if old and new and old != new else ""


def _dpu(side: Mapping[str, Any]) -> float | None:
    workers, kind = side.get("number_of_workers"), side.get("worker_type")
    if not isinstance(workers, int) or not isinstance(kind, str) or kind not in DPUS:
        return None
    return workers * DPUS[kind]


def _rule(change: ResourceChange, difference: Difference) -> str:
    if difference.after in ("DISABLED", False):
        return "paused: files wait in landing, no event starts a run"
    return "no longer paused: start the workflow once for the files that wait"


def _spark(change: ResourceChange, difference: Difference) -> str:
    if difference.after != "6.0":
        return ""
    return "Spark 4: a cast or a sum of a transform that goes wrong is an error (docs/glue-6.md)"


_REMARKS: Mapping[tuple[str, str], Callable[[ResourceChange, Difference], str]] = {
    ("aws_glue_job", "number_of_workers"): _capacity,
    ("aws_glue_job", "worker_type"): _capacity,
    ("aws_glue_job", "glue_version"): _spark,
    ("aws_cloudwatch_event_rule", "state"): _rule,
    ("aws_glue_job", "command.script_location"): lambda change, difference: "other code runs",
    ("aws_glue_job", "default_arguments.--extra-py-files"): (
        lambda change, difference: "other code runs"
    ),
    ("aws_sns_topic_subscription", "endpoint"): (
        lambda change, difference: "an e-mail address must confirm"
    ),
}


def shown(item: SettingChange) -> tuple[str, str]:
    """Old and new value as text; of the code's addresses only what differs."""
    before, after = value_text(item.before), value_text(item.after)
    if item.label.startswith("job code") and "/" in before and "/" in after:
        return before.rsplit("/", 1)[1], after.rsplit("/", 1)[1]
    return before, after
