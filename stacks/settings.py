"""What an environment and its pipelines may be set to.

The settings live in the ``context`` of ``cdktf.json`` under ``environments``; `read_environments`
turns that file into validated models or raises `SettingsError`, which names for every wrong value
the environment, the pipeline, the field, the value and what is allowed.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic.fields import FieldInfo

PARTITION_COLUMNS = ("ingest_date", "batch")


class SettingsError(ValueError):
    """The settings cannot be used. ``problems`` holds one sentence for each wrong value."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


NAME = r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$"
EnvironmentName = Annotated[str, StringConstraints(max_length=16, pattern=NAME)]
PipelineName = Annotated[str, StringConstraints(max_length=24, pattern=NAME)]
TagKey = Annotated[str, StringConstraints(min_length=1, max_length=128)]
TagValue = Annotated[str, StringConstraints(max_length=256)]


class Settings(BaseModel):
    """Base of all settings: immutable, no unknown keys, no silent conversion of types."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def setting(default: Any = ..., *, allowed: str, description: str, **constraints: Any) -> Any:
    """Declare a field: ``allowed`` is what an error message offers instead of a wrong value."""
    return Field(
        default,
        description=description,
        json_schema_extra={"allowed": allowed},
        **constraints,
    )


class Column(Settings):
    """One column of a pipeline's files, in the order of the output."""

    name: str = setting(
        allowed="1 to 255 lower-case letters, digits and _, beginning with a letter",
        description="Name in the file's header or record, and in the curated table.",
        pattern=r"^[a-z][a-z0-9_]{0,254}$",
    )
    type: str = setting(
        allowed="string, boolean, int, bigint, double, date, timestamp or decimal(p,s) "
        "with 1 <= p <= 38 and 0 <= s <= p",
        description="Type in Hive's spelling, as in the Glue Data Catalog.",
    )

    @field_validator("name")
    @classmethod
    def _not_reserved(cls, name: str) -> str:
        if name in PARTITION_COLUMNS:
            raise ValueError("the name is taken by a partition of the curated table")
        return name

    @field_validator("type")
    @classmethod
    def _known_type(cls, text: str) -> str:
        if text in {"string", "boolean", "int", "bigint", "double", "date", "timestamp"}:
            return text
        decimal = re.fullmatch(r"decimal\((\d{1,2}),(\d{1,2})\)", text)
        if decimal and 0 <= int(decimal[2]) <= int(decimal[1]) <= 38 and int(decimal[1]) >= 1:
            return text
        raise ValueError("the type is not known")


class InputSettings(Settings):
    """What the producer's files look like."""

    format: Literal["csv", "json", "parquet"] = setting(
        allowed="csv (with a header line), json (one object a line) or parquet",
        description="Format of the files. A key that ends in `.gz` is decompressed (csv, json).",
    )
    columns: tuple[Column, ...] = setting(
        allowed="a list of one or more columns with different names",
        description="Columns that every file must have: `name` and `type` each.",
    )
    unknown_columns: Literal["quarantine", "drop"] = setting(
        "quarantine",
        allowed="quarantine or drop",
        description="What other columns do: they make the file a bad one, or they are left out. "
        "A missing column always makes it a bad one.",
    )
    delimiter: str = setting(
        ",",
        allowed="one ASCII character that is no letter, digit, double quote or line end; csv only",
        description="What stands between the values of a line (csv).",
        pattern=r'^[^A-Za-z0-9"\r\n\x00\x80-\U0010ffff]$',
    )
    encoding: Literal["utf-8", "utf-16", "iso-8859-1", "iso-8859-15", "cp1252"] = setting(
        "utf-8",
        allowed="utf-8, utf-16 (with a byte order mark), iso-8859-1, iso-8859-15 or cp1252; "
        "csv only",
        description="Encoding of the text (csv).",
    )

    @field_validator("delimiter", "encoding")
    @classmethod
    def _only_for_csv(cls, value: str, info: ValidationInfo) -> str:
        kind = info.data.get("format", "csv")
        if kind != "csv":
            raise ValueError(f"the format is {kind}, which has none to choose; leave it out")
        return value

    @field_validator("columns")
    @classmethod
    def _different_names(cls, columns: tuple[Column, ...]) -> tuple[Column, ...]:
        if not columns:
            raise ValueError("there is no column")
        names = [column.name for column in columns]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"these names stand there more than once: {', '.join(twice)}")
        return columns


class OutputSettings(Settings):
    """How the Parquet files in curated are written."""

    compression: Literal["snappy", "zstd"] = setting(
        "snappy",
        allowed="snappy (quick) or zstd (smaller)",
        description="Compression of the Parquet files.",
    )
    target_file_megabytes: int = setting(
        128,
        allowed="a whole number from 1 to 4096",
        description="Megabytes (of 1,024 KiB) of input, as stored, that go into one Parquet file. "
        "A smaller batch gives one file.",
        ge=1,
        le=4096,
    )


class JobSettings(Settings):
    """Size and version of the Glue job."""

    worker_type: Literal["G.1X", "G.2X", "G.4X", "G.8X"] = setting(
        "G.1X",
        allowed="G.1X, G.2X, G.4X or G.8X",
        description="Size of a worker (Glue API `Job.WorkerType`).",
    )
    number_of_workers: int = setting(
        2,
        allowed="a whole number, 2 or more (one worker drives, the others read and write)",
        description="Most workers that auto scaling may use (Glue API `Job.NumberOfWorkers`).",
        ge=2,
    )
    timeout_minutes: int = setting(
        60,
        allowed="a whole number from 1 to 10080 (seven days)",
        description="Minutes after which Glue stops a run (Glue API `Job.Timeout`).",
        ge=1,
        le=10080,
    )
    time_reserve: float = setting(
        0.25,
        allowed="a number from 0 to 0.9",
        description="Share of the timeout that must be left for a run to begin another batch. "
        "It must be more than one batch takes; files that wait are for the next run.",
        ge=0,
        le=0.9,
    )
    glue_version: Literal["5.0", "5.1"] = setting(
        "5.1",
        allowed="5.0 or 5.1 (the versions with Python 3.11)",
        description="Glue version: 5.0 runs Spark 3.5.4, 5.1 runs Spark 3.5.6.",
    )


class PipelineSettings(Settings):
    """One kind of file: where it lands, when its job starts, how it is read."""

    prefix: str = setting(
        allowed="1 to 256 letters, digits and !-_.'() in folders, ending in / and not "
        "beginning with it",
        description="Keys of the landing bucket that belong to this pipeline.",
        pattern=r"^([A-Za-z0-9!_.'()-]+/)+$",
        max_length=256,
    )
    suffix: str | None = setting(
        None,
        allowed="1 to 64 letters, digits and !-_.'(), or left out",
        description="End of the keys that belong to this pipeline; others are left alone.",
        pattern=r"^[A-Za-z0-9!_.'()-]{1,64}$",
    )
    batch_size: int = setting(
        allowed="a whole number from 1 to 100",
        description="Events after which the job starts at once (`EventBatchingCondition`).",
        ge=1,
        le=100,
    )
    batch_window_seconds: int = setting(
        900,
        allowed="a whole number from 1 to 900",
        description="Seconds after a batch's first event at which the job starts anyway.",
        ge=1,
        le=900,
    )
    input: InputSettings = setting(
        allowed="an object with `format` and `columns`",
        description="What the files look like.",
    )
    transform: str | None = setting(
        None,
        allowed="the name of a module in glue_jobs/transforms, without .py",
        description="Module that transforms the rows; the pipeline's name where left out.",
        pattern=r"^[a-z][a-z0-9_]*$",
    )
    max_files_per_batch: int = setting(
        10_000,
        allowed="a whole number from 1 to 100000",
        description="Most files in one batch; a run takes as many batches as there are.",
        ge=1,
        le=100_000,
    )
    max_bytes_per_batch: int = setting(
        10 * 1024**3,
        allowed="a whole number from 1048576 (1 MiB) to 1099511627776 (1 TiB)",
        description="Most bytes in one batch, as stored. A larger file is a batch of its own.",
        ge=1024**2,
        le=1024**4,
    )
    max_bad_fraction: float = setting(
        0.5,
        allowed="a number from 0 to 1 (never stop)",
        description="The run stops when more than this share of a batch's files is bad ...",
        ge=0,
        le=1,
    )
    min_bad_files: int = setting(
        5,
        allowed="a whole number from 1 to 100000",
        description="... and at least so many files of the batch are: in a small batch a few bad "
        "files are just bad files.",
        ge=1,
        le=100_000,
    )
    output: OutputSettings = setting(
        OutputSettings(),
        allowed="an object with settings of the output",
        description="How the Parquet files are written.",
    )
    job: JobSettings = setting(
        JobSettings(),
        allowed="an object with settings of the job",
        description="Size and version of the Glue job.",
    )


class LocalState(Settings):
    """Terraform state in a file beside `cdktf.json`: for trying things out alone."""

    backend: Literal["local"] = setting(
        "local", allowed="local", description="A file in the project folder."
    )


class S3State(Settings):
    """Terraform state in an S3 bucket, locked by a file beside it (`use_lockfile`)."""

    backend: Literal["s3"] = setting(allowed="s3", description="An object in an S3 bucket.")
    bucket: str = setting(
        allowed="the name of an existing bucket, 3 to 63 characters",
        description="Bucket that keeps the state; not one of the pipeline's own.",
        pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$",
    )
    key: str | None = setting(
        None,
        allowed="1 to 1024 characters",
        description="Object key; `burst/<environment>.tfstate` where left out.",
        min_length=1,
        max_length=1024,
    )
    region: str | None = setting(
        None,
        allowed="a region such as eu-central-1",
        description="Region of the bucket; the environment's where left out.",
        pattern=r"^[a-z]{2}(-[a-z]+)+-\d$",
    )


STATE_BACKENDS: Mapping[str, type[Settings]] = {"local": LocalState, "s3": S3State}


class EnvironmentSettings(Settings):
    """One deployment of the whole: a landing bucket, a lake bucket and any number of pipelines."""

    region: str = setting(
        allowed="a region such as eu-central-1",
        description="AWS region of everything in the environment.",
        pattern=r"^[a-z]{2}(-[a-z]+)+-\d$",
    )
    tags: dict[TagKey, TagValue] = setting(
        {},
        allowed="up to 40 tags; keys of 1 to 128 characters that do not begin with aws:, values of "
        "up to 256",
        description="Tags on every resource, beside `project` and `environment`.",
        max_length=40,
    )
    state: Annotated[LocalState | S3State, Field(discriminator="backend")] = setting(
        LocalState(),
        allowed='{"backend": "local"} or {"backend": "s3", "bucket": ...}',
        description="Where Terraform keeps the state.",
    )
    ephemeral: bool = setting(
        False,
        allowed="true or false",
        description="First key to deleting data: `true` where `destroy` may empty the buckets. "
        "The second is the variable `BURST_ALLOW_DATA_LOSS=1` at synth.",
    )
    pipelines: dict[PipelineName, PipelineSettings] = setting(
        allowed="an object with one or more pipelines by name: 1 to 24 lower-case letters, "
        "digits and single hyphens, beginning with a letter",
        description="The pipelines by name.",
        min_length=1,
    )

    @field_validator("tags")
    @classmethod
    def _not_reserved(cls, tags: dict[str, str]) -> dict[str, str]:
        reserved = [key for key in tags if key.lower().startswith("aws:")]
        if reserved:
            raise ValueError(f"AWS keeps these keys for itself: {', '.join(reserved)}")
        return tags

    @field_validator("pipelines")
    @classmethod
    def _prefixes_apart(cls, pipelines: dict[str, PipelineSettings]) -> dict[str, PipelineSettings]:
        # In sorted order a prefix stands right before the first string that begins with it.
        owners = sorted((pipeline.prefix, name) for name, pipeline in pipelines.items())
        for (outer, first), (inner, second) in itertools.pairwise(owners):
            if inner.startswith(outer):
                raise ValueError(
                    f"pipelines {first!r} and {second!r} overlap: a file under {inner!r} would "
                    f"start both; give them prefixes of which none begins with another"
                )
        return pipelines


class Environments(Settings):
    """All environments by name, as they stand in the context of `cdktf.json`."""

    environments: dict[EnvironmentName, EnvironmentSettings] = setting(
        allowed="an object with one or more environments by name: 1 to 16 lower-case letters, "
        "digits and single hyphens, beginning with a letter",
        description="The environments by name.",
        min_length=1,
    )


def read_environments(path: Path) -> Mapping[str, EnvironmentSettings]:
    """Read the environments from the ``context`` of a `cdktf.json`.

    Raises `SettingsError` when the file cannot be read, is no JSON, holds a key twice, or holds
    settings that are not allowed.
    """
    try:
        document = json.loads(
            path.read_text(encoding="utf-8"), object_pairs_hook=_object_without_duplicates
        )
    except OSError as error:
        raise SettingsError([f"{path.name} cannot be read: {error.strerror}."]) from error
    except ValueError as error:
        raise SettingsError([f"{path.name} is not usable: {error}"]) from error
    context = document.get("context", {}) if isinstance(document, dict) else {}
    environments = context.get("environments", {}) if isinstance(context, dict) else {}
    return parse_environments(environments, source=path.name)


def parse_environments(
    environments: object, *, source: str = "settings"
) -> Mapping[str, EnvironmentSettings]:
    """Validate the environments given as plain JSON data; raises `SettingsError`."""
    try:
        return Environments.model_validate_json(
            json.dumps({"environments": environments})
        ).environments
    except ValidationError as error:
        raise SettingsError(
            [_sentence(source, problem) for problem in error.errors(include_url=False)]
        ) from error


def _object_without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key!r} stands twice in one object; remove one of them.")
        found[key] = value
    return found


def _sentence(source: str, problem: Mapping[str, Any]) -> str:
    """One wrong value as a sentence: where, what, why not, and what is allowed."""
    where, allowed = _locate(problem["loc"])
    if problem["type"] == "missing":
        return f"{source}: {where} is missing. Allowed: {allowed}."
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
