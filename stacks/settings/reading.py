"""From `cdktf.json` to validated settings, or to sentences that say what is wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from stacks.settings.document import parse_document, settings_text
from stacks.settings.environment import Environments, EnvironmentSettings
from stacks.settings.setting import Settings, SettingsError
from stacks.settings.state import STATE_BACKENDS, with_state_bucket

_FILLED_IN = (("s3", "bucket"), ("s3", "region"))


def read_settings(path: Path) -> Environments:
    """Read the environments and their state bucket from the ``context`` of a `cdktf.json`.

    Raises `SettingsError` when the file cannot be read, is no JSON, holds a key twice, or holds
    settings that are not allowed.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SettingsError([f"{path.name} cannot be read: {error.strerror}."]) from error
    document = parse_document(settings_text(content, path.name), path.name)
    context = document.get("context", {}) if isinstance(document, dict) else {}
    # cdktf and its constructs keep their own settings in the context.
    context = context if isinstance(context, dict) else {}
    ours = Environments.model_fields.keys() & context.keys()
    # A slip there would go unnoticed.
    meant = {key: _meant(key, Environments.model_fields, 0.75) for key in context.keys() - ours}
    if slips := [(key, name) for key, name in sorted(meant.items()) if name]:
        raise SettingsError(
            [f"{path.name}: the context has {key!r}: did you mean {name!r}?" for key, name in slips]
        )
    return parse_settings({name: context[name] for name in ours}, source=path.name)


def read_environments(path: Path) -> Mapping[str, EnvironmentSettings]:
    """Only the environments of `read_settings`."""
    return read_settings(path).environments


def parse_settings(given: Mapping[str, object], *, source: str = "settings") -> Environments:
    """Validate settings given as plain JSON data; raises `SettingsError`.

    An environment that keeps its state in S3 and names no bucket gets the `state_bucket`.
    """
    settings = with_state_bucket({"environments": {}} | dict(given))
    try:
        return Environments.model_validate_json(json.dumps(settings))
    except ValidationError as error:
        problems = error.errors(include_url=False)
        if any(problem["loc"][0] == "state_bucket" for problem in problems):
            # What follows from it would be named a second time, where the user wrote nothing.
            problems = [problem for problem in problems if problem["loc"][-2:] not in _FILLED_IN]
        raise SettingsError([_sentence(source, problem) for problem in problems]) from error


def parse_environments(
    environments: object, *, source: str = "settings"
) -> Mapping[str, EnvironmentSettings]:
    """Validate the environments given as plain JSON data; raises `SettingsError`."""
    return parse_settings({"environments": environments}, source=source).environments


def _meant(written: str, names: Iterable[str], cutoff: float) -> str | None:
    """The name that resembles what was written, if one does."""
    return next(iter(get_close_matches(written, list(names), n=1, cutoff=cutoff)), None)


def _sentence(source: str, problem: Mapping[str, Any]) -> str:
    """One wrong value as a sentence: where, what, why not, and what is allowed."""
    where, allowed = _locate(problem["loc"])
    if problem["type"] == "missing":
        return f"{source}: {where} is missing. Allowed: {allowed}."
    if problem["type"] == "extra_forbidden":
        meant = _meant(str(problem["loc"][-1]), re.findall(r"\w+", allowed), 0.6)
        allowed += f" (did you mean {meant!r}?)" if meant else ""
    if problem["type"] == "value_error" and problem["loc"][-1] == "pipelines":
        # Each is right for itself; the reason names those that do not go together.
        return f"{source}: {where}: {_reason(problem)}."
    value = json.dumps(problem["input"], ensure_ascii=False)
    shown = value if len(value) <= 80 else f"{value[:77]}..."
    return f"{source}: {where} = {shown}: {_reason(problem)}. Allowed: {allowed}."


def _reason(problem: Mapping[str, Any]) -> str:
    if problem["type"] == "extra_forbidden":
        return "there is no such setting"
    if problem["type"] == "string_pattern_mismatch":
        return "it does not have the right form"
    return str(problem["msg"]).removeprefix("Value error, ").rstrip(".")


def _locate(location: Sequence[str | int]) -> tuple[str, str]:
    """Follow an error's path through the models: where it is in words, and what is allowed there.

    A step is the name of a field, a key or an index inside the field's value, or the kind of state
    that pydantic chose (which no user wrote).
    """
    model: type[Settings] = Environments
    names, fields = [], []
    allowed = f"one of {', '.join(model.model_fields)}"
    for step in location:
        if step in model.model_fields:
            field = model.model_fields[str(step)]
            model = _model_of(field) or model
            fields.append(str(step))
            allowed = _allowed(field)
        elif fields[-1:] in (["environments"], ["pipelines"]):
            names.append(f"{fields.pop().removesuffix('s')} {str(step)!r}")
        elif fields[-1:] == ["state"] and step in STATE_BACKENDS:
            model = STATE_BACKENDS[str(step)]
        elif step != "[key]":
            fields.append(str(step))
            if isinstance(step, str) and fields[-2:-1] != ["tags"]:
                allowed = f"one of {', '.join(model.model_fields)}"
    if fields:
        names.append(f"field {'.'.join(fields)!r}")
    return ", ".join(names), allowed


def _allowed(field: FieldInfo) -> str:
    extra = field.json_schema_extra
    return str(extra["allowed"]) if isinstance(extra, dict) else ""


def _model_of(field: FieldInfo) -> type[Settings] | None:
    """The settings model that a field holds, directly, as values of a mapping or in a list."""
    pending = [field.annotation]
    while pending:
        annotation = pending.pop()
        if isinstance(annotation, type) and issubclass(annotation, Settings):
            return annotation
        pending.extend(reversed(getattr(annotation, "__args__", ())))
    return None
