"""What a new pipeline adds to the project: settings, a transform module and its test."""

from __future__ import annotations

import contextlib
import json
import keyword
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from burst.contract import NO_TRANSFORM, Column, FileFormat, column_fields
from pydantic import TypeAdapter, ValidationError

from stacks.settings import PipelineSettings, parse_context, parse_text, settings_text
from stacks.settings.environment import PIPELINE_NAMES, PipelineName
from stacks.settings.pipeline import CSV_ONLY
from tools.operate.errors import InputError
from tools.operate.json_text import indentation, with_text
from tools.operate.words import there_is_no

SETTINGS = "cdktf.json"
# What errors call a text that is not written yet: its lines are others than those of the file.
PROPOSED_SETTINGS = f"{SETTINGS} as it would be"
ENVIRONMENTS, PIPELINES = "environments", "pipelines"
_WIDTH = 100
# As it is shown before it is written: a narrow terminal, and a comma.
_SHOWN_WIDTH = 79


@dataclass(frozen=True)
class Choices:
    """What the samples do not say.

    prefix: with its slash. environment: None for all. passes_through: whether the rows are loaded
    as they come, without a transform module. workers: of the job; None for the default.
    """

    pipeline: str
    prefix: str
    suffix: str | None
    batch_size: int
    window_seconds: int
    environment: str | None
    passes_through: bool = False
    workers: int | None = None

    @property
    def module(self) -> str:
        """The name of the transform module."""
        return self.pipeline.replace("-", "_")


@dataclass(frozen=True)
class Proposal:
    """New files and texts by their path. kept: files that are there already and stay."""

    folder: Path
    environments: tuple[str, ...]
    member: str
    texts: Mapping[str, str]
    before: bytes
    kept: tuple[str, ...]

    def write(self) -> None:
        """Write all of it, the settings last, or nothing. Raises OSError."""
        written: list[Path] = []
        try:
            for name, text in self.texts.items():
                path = self.folder / name
                if name != SETTINGS:
                    # "x": a file of that name that came meanwhile is not ours.
                    with path.open("x", encoding="utf-8") as file:
                        written.append(path)
                        file.write(text)
            settings = self.folder / SETTINGS
            if settings.read_bytes() != self.before:
                raise InputError(f"{SETTINGS} has been changed meanwhile; run the command again.")
            try:
                settings.write_bytes(self.texts[SETTINGS].encode())
            except OSError:
                # The disk may be full; a file that cannot be written has not changed.
                with contextlib.suppress(OSError):
                    settings.write_bytes(self.before)
                raise
        except BaseException:
            for path in written:
                path.unlink(missing_ok=True)
            raise


def propose(folder: Path, choices: Choices, format: FileFormat) -> Proposal:
    """What has to be written.

    folder: of the project. Raises `InputError` or `SettingsError` where the name or the prefix is
    taken or not allowed, there is no such environment, or cdktf.json cannot be used.
    """
    _must_be_allowed(choices)
    before, text, environments = _current(folder)
    chosen = _chosen(environments, choices)
    member = pipeline_settings(choices, format)
    line_end = "\r\n" if "\r\n" in text else "\n"
    for name in chosen:
        path = ("context", ENVIRONMENTS, name, PIPELINES)
        try:
            indent = indentation(text, path)
            shown = laid_out(member, indent).replace("\n", line_end)
            text = with_text(text, path, choices.pipeline, shown)
        except KeyError:
            path_text = f"{ENVIRONMENTS}.{name}.{PIPELINES}"
            raise InputError(
                f'{SETTINGS} has no object {path_text}; add it: "{PIPELINES}": {{}}.'
            ) from None
    parse_text(text, PROPOSED_SETTINGS)
    module = choices.module
    if keyword.iskeyword(module):
        raise InputError(
            f"A pipeline cannot be called {choices.pipeline!r}: its transform would be a module "
            "of that name, which is a word of Python."
        )
    files = {
        f"glue_jobs/transforms/{module}.py": transform_text(choices.pipeline),
        f"tests/yours/test_transform_{module}.py": test_text(
            choices.pipeline, module, format.columns
        ),
    }
    if choices.passes_through:
        files = {}
    kept = tuple(name for name in files if (folder / name).exists())
    texts = {name: file for name, file in files.items() if name not in kept}
    return Proposal(
        folder, chosen, laid_out(member, "", _SHOWN_WIDTH), {**texts, SETTINGS: text}, before, kept
    )


def _must_be_allowed(choices: Choices) -> None:
    """Name what was typed, and not the settings that it would become in every environment."""
    if not _fits(PipelineName, choices.pipeline):
        raise InputError(
            f"A pipeline cannot be called {choices.pipeline!r}. Allowed: {PIPELINE_NAMES}."
        )
    for name in ("prefix", "suffix"):
        field, value = PipelineSettings.model_fields[name], getattr(choices, name)
        kind = field.rebuild_annotation()
        if not _fits(kind, value):
            extra = field.json_schema_extra
            allowed = extra["allowed"] if isinstance(extra, dict) else ""
            close = f"{value}/"
            hint = f" (did you mean {close!r}?)" if _fits(kind, close) else ""
            raise InputError(f"--{name} {value!r} is not allowed{hint}. Allowed: {allowed}.")


def _fits(kind: Any, value: str | None) -> bool:
    try:
        TypeAdapter(kind).validate_python(value)
    except ValidationError:
        return False
    return True


def _current(folder: Path) -> tuple[bytes, str, Mapping[str, Any]]:
    """The settings file: its bytes, its text, and its environments."""
    try:
        before = (folder / SETTINGS).read_bytes()
    except OSError as error:
        raise InputError(f"{folder / SETTINGS} cannot be read: {error.strerror}.") from error
    text = settings_text(before, SETTINGS)
    # Says what is wrong already, with its line, before anything is added.
    parse_text(text, SETTINGS)
    return before, text, parse_context(text, SETTINGS)[ENVIRONMENTS]


def _chosen(environments: Mapping[str, Any], choices: Choices) -> tuple[str, ...]:
    if choices.environment is not None and choices.environment not in environments:
        raise InputError(
            there_is_no("environment", choices.environment, [*environments], f"in {SETTINGS}")
        )
    chosen = tuple(environments) if choices.environment is None else (choices.environment,)
    there = [
        name
        for name in chosen
        if isinstance(environments[name], dict)
        and choices.pipeline in (environments[name].get(PIPELINES) or {})
    ]
    if there:
        raise InputError(
            f"There is a pipeline {choices.pipeline!r} already, in {', '.join(there)} of "
            f"{SETTINGS}. Choose another name, or another --environment."
        )
    return chosen


def pipeline_settings(choices: Choices, format: FileFormat) -> dict[str, Any]:
    """The pipeline as `cdktf.json` has it; what is the default of a setting is left out."""
    suffix = {"suffix": choices.suffix} if choices.suffix else {}
    options = {
        name: value
        for name in CSV_ONLY
        if (value := getattr(format, name)) != getattr(FileFormat, name)
    }
    if format.unknown != FileFormat.unknown:
        options["unknown_columns"] = format.unknown
    columns = [column_fields(column) for column in format.columns]
    transform = {"transform": NO_TRANSFORM} if choices.passes_through else {}
    return {
        "prefix": choices.prefix,
        **suffix,
        "batch_size": choices.batch_size,
        "batch_window_seconds": choices.window_seconds,
        "input": {"format": format.kind, **options, "columns": columns},
        **transform,
        **({"job": {"number_of_workers": choices.workers}} if choices.workers else {}),
    }


def laid_out(value: Any, indent: str | None, width: int = _WIDTH) -> str:
    """The value as JSON text: what fits on a line is on one, the rest is indented by two.

    indent: what is in front of the member that has the value; None to put all on one line.
    width: characters of the longest object on one line, with the indent.
    """
    line = json.dumps(value, ensure_ascii=False)
    nested = isinstance(value, dict) and any(isinstance(v, dict | list) for v in value.values())
    if indent is None or not isinstance(value, dict | list) or not value:
        return line
    if isinstance(value, dict) and not nested and len(indent) + len(line) <= width:
        return line
    inner = f"{indent}  "
    if isinstance(value, dict):
        parts = [
            f"{json.dumps(key, ensure_ascii=False)}: {laid_out(item, inner, width)}"
            for key, item in value.items()
        ]
    else:
        parts = [laid_out(item, inner, width) for item in value]
    begin, end = "{}" if isinstance(value, dict) else "[]"
    joined = f",\n{inner}".join(parts)
    return f"{begin}\n{inner}{joined}\n{indent}{end}"


def transform_text(pipeline: str) -> str:
    """The module of a transform that changes nothing."""
    return f'''"""The rows of the pipeline {pipeline}, as they come.

To add columns, return `frame.withColumns(...)` and declare them in the pipeline's
`output.added_columns`; glue_jobs/transforms/__init__.py has the rules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def transform(frame: DataFrame) -> DataFrame:
    """Every row as it was in its file."""
    return frame
'''


def _listed(column: Column) -> str:
    """A column as the formatter of the project leaves it; types may be long."""
    name, kind = json.dumps(column.name), json.dumps(column.type)
    line = f"    Column({name}, {kind}),"
    if len(line) <= _WIDTH:
        return line
    inner = f"        {name}, {kind}"
    if len(inner) > _WIDTH:
        inner = f"        {name},\n        {kind},"
    return f"    Column(\n{inner}\n    ),"


def test_text(pipeline: str, module: str, columns: Sequence[Column]) -> str:
    """The test of that transform, with the pipeline's own columns."""
    listed = "\n".join(_listed(column) for column in columns)
    return f'''"""The transform of the pipeline {pipeline}."""

from __future__ import annotations

from burst.contract import LINEAGE, PRIVATE, SOURCE_KEY, Column
from burst.spark.columns import spark_read_schema
from pyspark.sql import SparkSession
from transforms.{module} import transform

COLUMNS = (
{listed}
)


def test_every_row_comes_out_as_it_went_in(spark: SparkSession) -> None:
    schema = spark_read_schema(COLUMNS)
    empty = dict.fromkeys(schema.names)
    lineage = dict.fromkeys(LINEAGE, "v")
    rows = [{{**empty, **lineage, SOURCE_KEY: key}} for key in ("first", "second")]
    frame = spark.createDataFrame([tuple(row.values()) for row in rows], schema).drop(*PRIVATE)

    given = transform(frame)

    assert given.schema == frame.schema
    assert sorted(given.collect()) == sorted(frame.collect())
'''
