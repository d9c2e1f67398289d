"""From what `terraform show -json` prints to a `Plan`, or to a sentence that says what is wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tools.review.errors import PlanError
from tools.review.plan import (
    Action,
    Check,
    Deferred,
    Invocation,
    OutputChange,
    Plan,
    ResourceChange,
)
from tools.review.sensitivity import Redactor, masked, sensitive_texts

FORMAT = "1"
HOW = "save a plan with `terraform plan -out=FILE` and give me `terraform show -json FILE`"
BINARY = b"PK\x03\x04"
# What Terraform's list of actions means (Terraform documentation, "JSON Output Format").
ACTIONS: Mapping[tuple[str, ...], Action] = {
    ("no-op",): Action.NO_OP,
    ("create",): Action.ADD,
    ("read",): Action.READ,
    ("update",): Action.CHANGE,
    ("delete",): Action.DESTROY,
    ("delete", "create"): Action.REPLACE,
    ("create", "delete"): Action.REPLACE,
    ("forget",): Action.FORGET,
    ("create", "forget"): Action.FORGET,
    ("forget", "create"): Action.FORGET,
}


# Properties that say nothing a reviewer has to decide on.
ASIDE = frozenset({"timestamp", "applyable", "relevant_attributes", "proposed_unknown"})
PASSED = "pass"


class _Part(BaseModel):
    # Terraform adds properties in minor versions of the format; what is not known is ignored.
    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)


class _Change(_Part):
    actions: list[str]
    before: Any = None
    after: Any = None
    after_unknown: Any = None
    before_sensitive: Any = None
    after_sensitive: Any = None
    replace_paths: list[list[str | int]] | None = None
    importing: Any = None


class _Resource(_Part):
    address: str
    mode: str = "managed"
    type: str
    name: str
    change: _Change
    action_reason: str | None = None
    deposed: str | None = None
    previous_address: str | None = None


class _Invocation(_Part):
    address: str
    lifecycle_action_trigger: dict[str, Any] | None = None
    invoke_action_trigger: dict[str, Any] | None = None


class _Check(_Part):
    address: dict[str, Any]
    status: str
    instances: list[dict[str, Any]] = Field(default_factory=list)


class _Deferred(_Part):
    reason: str = "unknown"
    resource_change: dict[str, Any] | None = None
    action_invocation: dict[str, Any] | None = None


class _Document(_Part):
    format_version: str
    terraform_version: str = ""
    errored: bool = False
    complete: bool = True
    resource_changes: list[_Resource] = Field(default_factory=list)
    resource_drift: list[_Resource] = Field(default_factory=list)
    output_changes: dict[str, _Change] = Field(default_factory=dict)
    prior_state: dict[str, Any] = Field(default_factory=dict)
    planned_values: dict[str, Any] = Field(default_factory=dict)
    configuration: dict[str, Any] = Field(default_factory=dict)
    variables: dict[str, Any] = Field(default_factory=dict)
    action_invocations: list[_Invocation] = Field(default_factory=list)
    checks: list[_Check] = Field(default_factory=list)
    deferred_changes: list[_Deferred] = Field(default_factory=list)
    deferred_action_invocations: list[_Deferred] = Field(default_factory=list)


def read_plan(content: bytes, *, source: str) -> tuple[Plan, Redactor]:
    """The plan in what `terraform show -json` printed, and what redacts its secrets elsewhere.

    ``source`` is how messages call the file. Raises `PlanError` where it is no JSON, no plan, or a
    plan in a format that is not known.
    """
    data = _json(content, source)
    if not isinstance(data, dict) or "format_version" not in data:
        raise PlanError(f"{source} is JSON, but no plan of Terraform's: {HOW}.")
    if str(data["format_version"]).split(".")[0] != FORMAT:
        raise PlanError(
            f"{source} has format_version {json.dumps(data['format_version'])}, which is not "
            f"supported: version {FORMAT} is, which Terraform writes since 1.1."
        )
    if "values" in data or not {"planned_values", "resource_changes"} & data.keys():
        raise PlanError(f"{source} is a state, not a plan: {HOW}.")
    document = _document(data, source)
    redact = Redactor(_secrets(document))
    plan = _plan(document, redact)
    return replace(plan, unknown_parts=dict(_unknown_parts(data, redact))), redact


def _json(content: bytes, source: str) -> Any:
    if not content.strip():
        raise PlanError(f"{source} is empty: {HOW}.")
    if content.startswith(BINARY):
        raise PlanError(
            f"{source} is a plan in Terraform's binary format, which only Terraform reads: give me "
            f"what `terraform show -json {source}` prints."
        )
    try:
        # Takes UTF-8, UTF-16 and UTF-32, so also what `>` of PowerShell writes.
        return json.loads(content)
    except RecursionError as error:
        raise PlanError(f"{source} is nested too deeply to be a plan: {HOW}.") from error
    except ValueError as error:
        if re.match(rb'\s*\{"@level"', content):
            raise PlanError(
                f"{source} is the log that `terraform plan -json` prints, not the plan: {HOW}."
            ) from error
        where = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        raise PlanError(f"{source} is not JSON{where}, or cut short: {HOW}.") from error


def _document(data: Mapping[str, Any], source: str) -> _Document:
    # A null where a list may be left out is what other writers of the format do.
    present = {key: value for key, value in data.items() if value is not None}
    try:
        return _Document.model_validate(present)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, problem["loc"]))
        raise PlanError(
            f"{source} is no plan of Terraform's, or a damaged one ({where}: {problem['msg']}): "
            f"{HOW}."
        ) from error


def _secrets(document: _Document) -> Iterator[str]:
    resources = (*document.resource_changes, *document.resource_drift)
    for change in (*(item.change for item in resources), *document.output_changes.values()):
        yield from sensitive_texts(change.before, change.before_sensitive)
        yield from sensitive_texts(change.after, change.after_sensitive)
    for name in document.variables:
        if _at(document.configuration, "root_module", "variables", name, "sensitive"):
            yield from sensitive_texts(_at(document.variables, name, "value"), True)


def _stack(document: _Document, redact: Redactor) -> str | None:
    """The output `environment`: as it will be, or in a plan that destroys it, as it was."""
    stack = _at(document.planned_values, "outputs", "environment", "value")
    secret = _at(document.planned_values, "outputs", "environment", "sensitive")
    change = document.output_changes.get("environment")
    if stack is None and change is not None:
        stack, secret = change.before, change.before_sensitive
    return redact(stack) if isinstance(stack, str) and not secret else None


def _plan(document: _Document, redact: Redactor) -> Plan:
    return Plan(
        terraform_version=document.terraform_version,
        stack=_stack(document, redact),
        errored=document.errored,
        complete=document.complete,
        changes=tuple(_resource(item, redact) for item in document.resource_changes),
        drift=tuple(_resource(item, redact) for item in document.resource_drift),
        outputs=tuple(
            OutputChange(redact(name), _action(change), *_before_and_after(change, redact))
            for name, change in document.output_changes.items()
        ),
        data=dict(_data(document.prior_state, redact)),
        references=dict(_references(document.configuration)),
        configured=frozenset(
            redact(str(_at(resource, "address")))
            for resource in _at(document.configuration, "root_module", "resources") or []
        ),
        invocations=tuple(_invocation(item, redact) for item in document.action_invocations),
        checks=tuple(_check(item, redact) for item in document.checks if item.status != PASSED),
        deferred=tuple(
            _deferred(item, redact)
            for item in (*document.deferred_changes, *document.deferred_action_invocations)
        ),
    )


def _invocation(item: _Invocation, redact: Redactor) -> Invocation:
    trigger = _at(item.lifecycle_action_trigger, "triggering_resource_address") or _at(
        item.invoke_action_trigger, "calling_resource_address"
    )
    return Invocation(redact(item.address), redact(str(trigger or "")))


def _check(item: _Check, redact: Redactor) -> Check:
    problems = [
        str(_at(problem, "message"))
        for instance in item.instances
        for problem in _at(instance, "problems") or []
    ]
    address = str(_at(item.address, "to_display") or _at(item.address, "name") or "a check")
    return Check(redact(address), redact(item.status), tuple(map(redact, problems)))


def _deferred(item: _Deferred, redact: Redactor) -> Deferred:
    what = item.resource_change or item.action_invocation
    return Deferred(redact(str(_at(what, "address"))), redact(item.reason))


def _unknown_parts(data: Mapping[str, Any], redact: Redactor) -> Iterator[tuple[str, int]]:
    """Properties that a newer Terraform may have added, as far as they hold anything."""
    for name, value in data.items():
        if name not in _Document.model_fields and name not in ASIDE and value:
            yield redact(name), len(value) if isinstance(value, list | dict) else 1


def _resource(item: _Resource, redact: Redactor) -> ResourceChange:
    change = item.change
    before, after = _before_and_after(change, redact)
    return ResourceChange(
        address=redact(item.address),
        type=item.type,
        name=item.name,
        action=Action.READ if item.mode == "data" else _action(change),
        before=before if isinstance(before, dict) else {},
        after=after if isinstance(after, dict) else {},
        replace_paths=tuple(tuple(path) for path in change.replace_paths or ()),
        reason=item.action_reason,
        deposed=item.deposed is not None,
        previous_address=item.previous_address,
        imported=change.importing is not None,
    )


def _before_and_after(change: _Change, redact: Redactor) -> tuple[Any, Any]:
    return (
        masked(change.before, None, change.before_sensitive, redact),
        masked(change.after, change.after_unknown, change.after_sensitive, redact),
    )


def _action(change: _Change) -> Action:
    try:
        return ACTIONS[tuple(change.actions)]
    except KeyError:
        # What is not known must not pass as harmless.
        return Action.DESTROY if "delete" in change.actions else Action.CHANGE


def _references(
    configuration: Mapping[str, Any],
) -> Iterator[tuple[tuple[str, str], tuple[str, ...]]]:
    for resource in _at(configuration, "root_module", "resources") or []:
        for attribute, expression in (_at(resource, "expressions") or {}).items():
            references = _at(expression, "references")
            if references:
                yield (str(_at(resource, "address")), attribute), tuple(map(str, references))


def _data(state: Mapping[str, Any], redact: Redactor) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for resource in _at(state, "values", "root_module", "resources") or []:
        if _at(resource, "mode") == "data":
            marks = _at(resource, "sensitive_values")
            yield (
                str(_at(resource, "address")),
                masked(_at(resource, "values"), None, marks, redact),
            )


def _at(value: Any, *keys: str) -> Any:
    """The value below the keys, or None."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value
