"""From `cdktf.json` to validated settings, or to sentences that say what is wrong, and where."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from stacks.settings.document import parse_document, place_of, settings_text
from stacks.settings.environment import (
    ENVIRONMENT_NAMES,
    PIPELINE_NAMES,
    Environments,
    EnvironmentSettings,
)
from stacks.settings.pipeline import PipelineSettings
from stacks.settings.reasons import json_kind, meant, reason
from stacks.settings.setting import Settings, SettingsError
from stacks.settings.state import STATE_BACKENDS, with_state_bucket

_FILLED_IN = (("s3", "bucket"), ("s3", "region"))
CONTEXT, ENVIRONMENTS = "context", "environments"
# What has names that people choose.
_NAMES: Mapping[type[Settings], str] = {
    EnvironmentSettings: ENVIRONMENT_NAMES,
    PipelineSettings: PIPELINE_NAMES,
}


def read_settings(path: Path) -> Environments:
    """Read the environments and their state bucket from the ``context`` of a `cdktf.json`.

    Raises `SettingsError` when the file cannot be read, is no JSON, holds a key twice, or holds
    settings that are not allowed.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SettingsError([f"{path.name} cannot be read: {error.strerror}."]) from error
    return parse_text(settings_text(content, path.name), path.name)


def parse_text(text: str, name: str) -> Environments:
    """The settings in the text of a `cdktf.json`; name: what the errors call it.

    Raises `SettingsError`, with line and column of everything that is wrong.
    """
    context = parse_context(text, name)
    ours = {key: context[key] for key in Environments.model_fields if key in context}
    return parse_settings(ours, source=name, text=text)


def parse_context(text: str, name: str) -> dict[str, Any]:
    """The ``context`` with its ``environments``, not validated; cdktf has keys of its own in it.

    Raises `SettingsError` where there is none.
    """
    document = parse_document(text, name)

    def refuse(path: Sequence[str], cause: str) -> SettingsError:
        return SettingsError([f"{name} is not usable: {place_of(text, path)}: {cause}."])

    if not isinstance(document, dict):
        raise refuse(
            (),
            f"expected an object, found {json_kind(document)}; write "
            '{"context": {"environments": {...}}}, see docs/settings.md',
        )
    if ENVIRONMENTS in document:
        raise refuse(
            (ENVIRONMENTS,), "'environments' stands beside 'context'; move it into the 'context'"
        )
    if CONTEXT not in document:
        raise refuse(
            (), 'there is no \'context\' in the file; add "context": {"environments": {...}}'
        )
    context = document[CONTEXT]
    if not isinstance(context, dict):
        raise refuse(
            (CONTEXT,),
            f"'context' is {json_kind(context)}; it is an object with 'environments' in it",
        )
    known = Environments.model_fields
    # cdktf and its constructs keep their own settings in the context; a slip would go unnoticed.
    slips = {key: meant(key, known, 0.75) for key in sorted(context.keys() - known.keys())}
    if problems := [
        f"{name}, {place_of(text, (CONTEXT, key))}: the context has {key!r}: did you mean {one!r}?"
        for key, one in slips.items()
        if one
    ]:
        raise SettingsError(problems)
    if ENVIRONMENTS not in context:
        raise refuse((CONTEXT,), "there is no 'environments' in the 'context'; add it")
    return context


def place_in(file: Path | None, *path: str) -> str:
    """The file, and where in it what stands at this path below `environments`.

    Where the path leads out of the file it is the last step that is there. file: valid, as
    `read_settings` has read it; None for settings that are in no file.
    """
    if file is None:
        return "cdktf.json"
    text = settings_text(file.read_bytes(), file.name)
    return f"{file.name}, {place_of(text, (CONTEXT, ENVIRONMENTS, *path))}"


def read_environments(path: Path) -> Mapping[str, EnvironmentSettings]:
    """Only the environments of `read_settings`."""
    return read_settings(path).environments


def parse_settings(
    given: Mapping[str, object], *, source: str = "settings", text: str | None = None
) -> Environments:
    """Validate settings given as plain JSON data; raises `SettingsError`.

    An environment that keeps its state in S3 and names no bucket gets the `state_bucket`. text: of
    the file whose context the settings are, to name lines.
    """
    settings = with_state_bucket({ENVIRONMENTS: {}} | dict(given))
    try:
        return Environments.model_validate_json(json.dumps(settings))
    except ValidationError as error:
        problems = error.errors(include_url=False)
        if any(problem["loc"][0] == "state_bucket" for problem in problems):
            # What follows from it would be named a second time, where the user wrote nothing.
            problems = [problem for problem in problems if problem["loc"][-2:] not in _FILLED_IN]
        raise SettingsError(
            [_sentence(source, text, settings, problem) for problem in problems]
        ) from error


def parse_environments(
    environments: object, *, source: str = "settings"
) -> Mapping[str, EnvironmentSettings]:
    """Validate the environments given as plain JSON data; raises `SettingsError`."""
    return parse_settings({ENVIRONMENTS: environments}, source=source).environments


@dataclass(frozen=True)
class _Place:
    """Where a value is. words: for people. path: of keys and indexes, as far as they are given."""

    words: str
    path: tuple[str | int, ...]
    allowed: str


def _sentence(source: str, text: str | None, given: Any, problem: Mapping[str, Any]) -> str:
    """One wrong value as a sentence: where, what, why not, and what is allowed."""
    place = _locate(problem["loc"], given)
    allowed = place.allowed
    where = f"{source}: {place.words}"
    if text is not None:
        where = f"{source}, {place_of(text, (CONTEXT, *place.path))}: {place.words}"
    if problem["type"] == "missing":
        return f"{where} is missing. Allowed: {allowed}."
    if problem["type"] == "extra_forbidden":
        close = meant(str(problem["loc"][-1]), re.findall(r"\w+", allowed))
        allowed += f" (did you mean {close!r}?)" if close else ""
    if problem["type"] == "value_error" and problem["loc"][-1] == "pipelines":
        # Each is right for itself; the reason names those that do not go together.
        return f"{where}: {reason(problem)}."
    value = json.dumps(problem["input"], ensure_ascii=False)
    shown = value if len(value) <= 80 else f"{value[:77]}..."
    if problem["loc"][-1] == "[key]":
        # The key is what is wrong, and it is named already.
        return f"{where}: {reason(problem)}. Allowed: {allowed}."
    return f"{where} = {shown}: {reason(problem)}. Allowed: {allowed}."


def _locate(location: Sequence[str | int], given: Any) -> _Place:
    """Follow an error's path through the models and the data.

    A step is the name of a field, a key or an index inside the field's value, or the kind of state
    that pydantic chose (which no user wrote).
    """
    model: type[Settings] = Environments
    names: list[str] = []
    fields: list[str] = []
    path: list[str | int] = []
    allowed = f"one of {', '.join(model.model_fields)}"
    for step in location:
        with contextlib.suppress(LookupError, TypeError):
            given = given[step]
            path.append(step)
        if step in model.model_fields:
            field = model.model_fields[str(step)]
            model = _model_of(field) or model
            fields.append(str(step))
            allowed = _allowed(field)
        elif fields[-1:] in (["environments"], ["pipelines"]):
            kind = fields.pop().removesuffix("s")
            names.append(f"{kind} {str(step)!r}")
            allowed = f"an object with the settings of the {kind}"
        elif fields[-1:] == ["state"] and step in STATE_BACKENDS:
            model = STATE_BACKENDS[str(step)]
        elif isinstance(step, int):
            names += [f"field {'.'.join(fields)!r}", _element(fields[-1], step, given)]
            fields = []
        elif step != "[key]":
            fields.append(step)
            if fields[-2:-1] != ["tags"]:
                allowed = f"one of {', '.join(model.model_fields)}"
        elif not fields and model in _NAMES:
            allowed = _NAMES[model]
    if fields:
        names.append(f"field {'.'.join(fields)!r}")
    return _Place(", ".join(names), tuple(path), allowed)


def _element(field: str, index: int, given: Any) -> str:
    """What people call an element of a list: they count from 1."""
    kind = "column" if field.endswith("columns") else "element"
    name = given.get("name") if isinstance(given, dict) else None
    return f"{kind} {index + 1}" + (f" ({name!r})" if isinstance(name, str) else "")


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
