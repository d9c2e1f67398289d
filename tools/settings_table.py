"""The tables of settings, made from the models so that the two cannot differ."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from collections.abc import Iterator
from typing import Annotated

import typer
from pydantic.fields import FieldInfo

from stacks import settings
from stacks.settings.reasons import meant
from tools import settings_schema
from tools.operate.errors import InputError

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
    name: Annotated[
        str | None, typer.Argument(help="Only the settings of this name, such as batch_size.")
    ] = None,
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the JSON schema of cdktf.json instead.")
    ] = False,
) -> None:
    """Show every setting with its default and what is allowed; in a pipe as Markdown.

    Example: pipenv run burst settings batch_size
    """
    if schema:
        typer.echo(settings_schema.schema_text(), nl=False)
    elif name or sys.stdout.isatty():
        typer.echo(listing(name, width=shutil.get_terminal_size().columns))
    else:
        typer.echo(table().lstrip("\n"))


def listing(name: str | None, *, width: int) -> str:
    """The settings for people, in lines of this width; of one name, or all where it is None.

    Raises `InputError` where no setting has the name.
    """
    sections = {
        title: [(one, field) for one, field in model.model_fields.items() if name in (None, one)]
        for title, model in SECTIONS
    }
    if not any(sections.values()):
        known = dict.fromkeys(one for _, model in SECTIONS for one in model.model_fields)
        close = meant(str(name), known)
        hint = f" (did you mean {close!r}?)" if close else ""
        raise InputError(f"There is no setting {name!r}{hint}; `burst settings` lists them all.")
    lines: list[str] = []
    for title, fields in sections.items():
        lines += ["", title.replace("`", "")] if fields else []
        for one, field in fields:
            default = _default(field).strip("`")
            lines.append(f"  {one}" + (f" [{default}]" if default else ""))
            for words in (field.description, f"Allowed: {_allowed(field)}."):
                lines += textwrap.wrap(
                    str(words).replace("`", ""),
                    width=max(width, 40),
                    initial_indent="      ",
                    subsequent_indent="      ",
                )
    return "\n".join(lines).lstrip("\n")


def table() -> str:
    """All settings as Markdown, one table a model."""
    return "\n".join(line for title, model in SECTIONS for line in _section(title, model))


def _section(title: str, model: type[settings.Settings]) -> Iterator[str]:
    yield f"\n{title}\n"
    yield "| setting | default | allowed | what it is |"
    yield "|---|---|---|---|"
    for name, field in model.model_fields.items():
        cells = (f"`{name}`", _default(field), _allowed(field), field.description)
        yield f"| {' | '.join(str(cell).replace('|', chr(92) + '|') for cell in cells)} |"


def _allowed(field: FieldInfo) -> str:
    extra = field.json_schema_extra
    return str(extra["allowed"]) if isinstance(extra, dict) else ""


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    if field.default is None:
        return ""
    if isinstance(field.default, settings.Settings):
        return "its defaults"
    return f"`{json.dumps(field.default)}`"
