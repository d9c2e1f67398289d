"""From the settings of a pipeline to the specification of its job."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from burst.contract import (
    MIB,
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
from stacks.settings import PipelineSettings, Settings


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
        format=FileFormat(
            kind=settings.input.format,
            columns=_columns(settings.input.columns),
            drop_unknown=settings.input.unknown_columns == "drop",
            delimiter=settings.input.delimiter,
            encoding=settings.input.encoding,
            escape=settings.input.escape,
        ),
        transform=transform_module(environment, pipeline, settings),
        bounds=Bounds(**_of_the_same_name(Bounds, settings)),
        output=Output(
            compression=settings.output.compression,
            file_bytes=settings.output.target_file_megabytes * MIB,
            columns=_columns(settings.curated_columns),
            row_changes=settings.output.row_changes,
        ),
        time=TimeLimit(**_of_the_same_name(TimeLimit, settings.job)),
    )


def _of_the_same_name(part: type, settings: Settings) -> dict[str, Any]:
    """The fields of a part of the specification whose arguments are called as the settings are."""
    arguments = arguments_of(part)
    return {field: getattr(settings, argument.name) for field, argument in arguments.items()}


def _columns(columns: Sequence[ColumnSettings]) -> tuple[Column, ...]:
    return tuple(Column(column.name, column.type) for column in columns)
