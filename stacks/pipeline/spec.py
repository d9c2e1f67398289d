"""From the settings of a pipeline to the specification of its job."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from burst.contract import (
    MIB,
    RESCUED,
    Bounds,
    Column,
    FileFormat,
    JobSpec,
    Output,
    TimeLimit,
    arguments_of,
)

from stacks.pipeline.transforms import transform_module
from stacks.settings import Column as ColumnSettings
from stacks.settings import InputColumn, PipelineSettings, Settings
from stacks.settings.pipeline import CSV_ONLY

Part = TypeVar("Part")


def job_spec(
    environment: str,
    pipeline: str,
    settings: PipelineSettings,
    *,
    landing_bucket: str,
    lake_bucket: str,
    curated_uri: str,
) -> JobSpec:
    """What a pipeline's job is to do; raises `SettingsError` where its transform is missing."""
    return JobSpec(
        environment=environment,
        pipeline=pipeline,
        landing_bucket=landing_bucket,
        prefix=settings.prefix,
        suffix=settings.suffix or "",
        lake_bucket=lake_bucket,
        curated_uri=curated_uri,
        format=_part(
            FileFormat,
            settings.input,
            kind=settings.input.format,
            columns=input_columns(settings.input.columns),
            unknown=settings.input.unknown_columns,
            bad_values=settings.input.bad_values,
            **{name: getattr(settings.input, name) for name in CSV_ONLY},
        ),
        transform=transform_module(environment, pipeline, settings),
        bounds=_part(Bounds, settings),
        output=_part(
            Output,
            settings.output,
            file_bytes=settings.output.target_file_megabytes * MIB,
            columns=(
                *_columns(settings.curated_columns),
                *([Column(RESCUED, "string")] if settings.input.rescues else []),
            ),
        ),
        time=_part(TimeLimit, settings.job),
    )


def _part(part: Callable[..., Part], settings: Settings, **given: Any) -> Part:
    """A part of the specification: each field that is not given is the setting of its argument."""
    arguments = arguments_of(part).items()
    return part(
        **{name: getattr(settings, item.name) for name, item in arguments if name not in given},
        **given,
    )


def _columns(columns: Sequence[ColumnSettings]) -> tuple[Column, ...]:
    return tuple(Column(column.name, column.hive_type) for column in columns)


def input_columns(columns: Sequence[InputColumn]) -> tuple[Column, ...]:
    """The columns of the files as the job knows them."""
    return tuple(
        Column(one.name, one.type, one.source or "", one.optional, one.format or "")
        for one in columns
    )
