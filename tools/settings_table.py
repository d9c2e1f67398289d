"""The tables of settings, made from the models so that the two cannot differ."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Annotated

import typer
from pydantic.fields import FieldInfo

from stacks import settings
from tools import settings_schema

SECTIONS: tuple[tuple[str, type[settings.Settings]], ...] = (
    ("An environment: `environments.<name>`", settings.EnvironmentSettings),
    ("Its state, `state`, in a local file", settings.LocalState),
    ("Its state, `state`, in S3", settings.S3State),
    ("Its state, `state`, in HCP Terraform", settings.CloudState),
    ("The bucket for the state, `state_bucket` beside `environments`", settings.StateBucket),
    ("What it keeps: `retention`", settings.RetentionSettings),
    (
        "An existing landing bucket: `existing_landing`",
        settings.ExistingLandingSettings,
    ),
    ("Its alerts: `alerts`", settings.AlertsSettings),
    ("Its GitHub repository: `github`", settings.GithubSettings),
    ("A pipeline: `environments.<name>.pipelines.<name>`", settings.PipelineSettings),
    ("Its files: `input`", settings.InputSettings),
    ("A column: an element of `input.columns`", settings.InputColumn),
    ("Its output: `output`", settings.OutputSettings),
    ("Its job: `job`", settings.JobSettings),
)


def show_settings(
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the JSON schema of cdktf.json instead.")
    ] = False,
) -> None:
    """Show every setting with its default and what is allowed.

    Example: pipenv run burst settings --schema
    """
    typer.echo(settings_schema.schema_text() if schema else table(), nl=not schema)


def table() -> str:
    """All settings as Markdown, one table a model."""
    return "\n".join(line for title, model in SECTIONS for line in _section(title, model))


def _section(title: str, model: type[settings.Settings]) -> Iterator[str]:
    yield f"\n{title}\n"
    yield "| setting | default | allowed | what it is |"
    yield "|---|---|---|---|"
    for name, field in model.model_fields.items():
        extra = field.json_schema_extra
        allowed = extra["allowed"] if isinstance(extra, dict) else ""
        cells = (f"`{name}`", _default(field), allowed, field.description)
        yield f"| {' | '.join(str(cell).replace('|', chr(92) + '|') for cell in cells)} |"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    if field.default is None:
        return ""
    if isinstance(field.default, settings.Settings):
        return "its defaults"
    return f"`{json.dumps(field.default)}`"
