"""Each transform gives the columns that its pipeline declares, before anything is deployed."""

from __future__ import annotations

import importlib
from collections.abc import Mapping

import pytest
from burst.columns import differences
from burst.contract import NO_TRANSFORM, PRIVATE, RESCUED, Column
from burst.spark.columns import spark_read_schema
from pyspark.sql import SparkSession

from stacks.pipeline.spec import input_columns
from stacks.pipeline.transforms import transform_module
from stacks.settings import PipelineSettings
from tests.yours.configured import pipelines
from tools.sandbox.runtime import settings_of


@pytest.mark.parametrize(("environment", "name", "pipeline"), pipelines().values(), ids=pipelines())
def test_transform_gives_the_columns_that_are_declared(
    spark: SparkSession, environment: str, name: str, pipeline: PipelineSettings
) -> None:
    columns = input_columns(pipeline.input.columns)
    schema = spark_read_schema(columns, pipeline.input.rescues)
    rows = spark.createDataFrame([], schema).drop(*PRIVATE)
    module = transform_module(environment, name, pipeline)
    if module == NO_TRANSFORM:
        return

    # On Glue 6.0 some expressions have another type.
    wanted = settings_of(pipeline.job.glue_version)
    before = {setting: str(spark.conf.get(setting)) for setting in wanted}
    try:
        _set(spark, wanted)
        given = importlib.import_module(f"transforms.{module}").transform(rows)
    finally:
        _set(spark, before)

    declared = [Column(column.name, column.type) for column in pipeline.curated_columns]
    declared += [Column(RESCUED, "string")] if pipeline.input.rescues else []
    found = differences(
        declared, {field.name: field.dataType.simpleString() for field in given.schema}
    )
    assert not found, (
        f"glue_jobs/transforms/{module}.py gives other columns than cdktf.json declares for the "
        f"pipeline {name!r} of {environment!r}: {'; '.join(found)}. Correct the transform, or the "
        "pipeline's added_columns and dropped_columns."
    )


def _set(spark: SparkSession, settings: Mapping[str, str]) -> None:
    for name, value in settings.items():
        spark.conf.set(name, value)
