"""The catalog: one database an environment, one table a pipeline over what its job writes."""

from __future__ import annotations

import copy
import json

import pytest

from stacks.pipeline.catalog import LINEAGE
from tests import example
from tests.synth.conftest import Synth
from tests.synth.synthesized import Synthesized
from tests.synth.test_burst_stack import ORDERS, orders, reference

DATABASE, TABLE = "aws_glue_catalog_database", "aws_glue_catalog_table"


@pytest.fixture(scope="module")
def two_pipelines(synth: Synth) -> Synthesized:
    """An environment and a pipeline whose names have hyphens, and a transform that drops."""
    environments = {"dev-eu": copy.deepcopy(example.environments()["dev"])}
    pipelines = environments["dev-eu"]["pipelines"]
    returns = copy.deepcopy(pipelines["orders"]) | {"prefix": "returns/", "transform": "orders"}
    returns["input"]["unknown_columns"] = "rescue"
    returns["output"]["dropped_columns"] = ["sku"]
    lines = "array<struct<unitPrice:decimal(9,2),tags:map<string,int>>>"
    returns["output"]["added_columns"] = [
        {"name": "sku", "type": "bigint"},
        {"name": "lines", "type": lines},
    ]
    pipelines["web-returns"] = returns
    return synth(environments)["dev-eu"]


def test_every_environment_has_one_database(stack: Synthesized) -> None:
    environment = stack.document["//"]["metadata"]["stackName"]
    assert stack.only(DATABASE)["name"] == f"burst_{environment}"
    assert stack.document["output"]["database_name"]["value"] == reference(
        stack, DATABASE, "catalog/database", "name"
    )


def test_table_lies_where_the_job_writes(stack: Synthesized) -> None:
    table, job = stack.only(TABLE), stack.only("aws_glue_job")
    assert table["storage_descriptor"]["location"] == (
        job["default_arguments"]["--curated_uri"] + "/"
    )
    assert table["database_name"] == reference(stack, DATABASE, "catalog/database", "name")


def test_table_has_the_declared_columns_and_the_lineage(stack: Synthesized) -> None:
    columns = stack.only(TABLE)["storage_descriptor"]["columns"]
    settings = orders(stack)
    declared = settings["input"]["columns"] + settings["output"]["added_columns"]
    assert [(item["name"], item["type"]) for item in columns] == [
        *((item["name"], item["type"]) for item in declared),
        *((name, "string") for name in LINEAGE),
    ]


def test_job_is_told_the_columns_of_the_table(stack: Synthesized) -> None:
    told = json.loads(stack.only("aws_glue_job")["default_arguments"]["--curated_columns"])
    columns = stack.only(TABLE)["storage_descriptor"]["columns"]
    assert told == [
        {"name": item["name"], "type": item["type"]}
        for item in columns
        if item["name"] not in LINEAGE
    ]


def test_days_are_projected_and_need_no_crawler(stack: Synthesized) -> None:
    table = stack.only(TABLE)
    assert [(key["name"], key["type"]) for key in table["partition_keys"]] == [
        ("ingest_date", "string")
    ]
    assert table["parameters"] == {
        "EXTERNAL": "TRUE",
        "classification": "parquet",
        "projection.enabled": "true",
        "projection.ingest_date.type": "date",
        "projection.ingest_date.format": "yyyy-MM-dd",
        "projection.ingest_date.range": "2025-01-01,NOW",
        "projection.ingest_date.interval": "1",
        "projection.ingest_date.interval.unit": "DAYS",
    }
    # Athena's own default for a partition is <location>/<key>=<value>/, which is the job's layout.
    assert "storage.location.template" not in table["parameters"]


def test_files_are_read_as_parquet(stack: Synthesized) -> None:
    storage = stack.only(TABLE)["storage_descriptor"]
    assert stack.only(TABLE)["table_type"] == "EXTERNAL_TABLE"
    assert storage["input_format"].endswith(".parquet.MapredParquetInputFormat")
    assert storage["output_format"].endswith(".parquet.MapredParquetOutputFormat")
    assert storage["ser_de_info"]["serialization_library"].endswith(".ParquetHiveSerDe")


def test_names_have_underscores_where_athena_takes_no_hyphen(two_pipelines: Synthesized) -> None:
    assert two_pipelines.only(DATABASE)["name"] == "burst_dev_eu"
    tables = two_pipelines.resources(TABLE).values()
    assert {table["name"] for table in tables} == {"orders", "web_returns"}
    deployed = two_pipelines.document["locals"]["deployed"]
    assert deployed["web-returns"]["table_name"] == reference(
        two_pipelines, TABLE, "pipeline-web-returns/table/table", "name"
    )


def test_every_pipeline_has_its_own_columns_and_location(two_pipelines: Synthesized) -> None:
    tables = two_pipelines.resources(TABLE)
    own = tables[f"{ORDERS}/table/table"]["storage_descriptor"]
    other = tables["pipeline-web-returns/table/table"]["storage_descriptor"]
    assert own["location"].endswith("/curated/orders/")
    assert other["location"].endswith("/curated/web-returns/")
    assert ("sku", "string") in [(item["name"], item["type"]) for item in own["columns"]]
    assert [item["type"] for item in other["columns"] if item["name"] == "sku"] == ["bigint"]


def test_fields_of_structs_are_in_lower_case_in_the_table_and_for_the_job(
    two_pipelines: Synthesized,
) -> None:
    name, kind = "lines", "array<struct<unitprice:decimal(9,2),tags:map<string,int>>>"
    table = two_pipelines.resources(TABLE)["pipeline-web-returns/table/table"]
    columns = table["storage_descriptor"]["columns"]
    assert (name, kind) in [(item["name"], item["type"]) for item in columns]
    job = two_pipelines.resources("aws_glue_job")["pipeline-web-returns/job/job"]
    told = json.loads(job["default_arguments"]["--curated_columns"])
    assert {"name": name, "type": kind} in told


def test_only_a_pipeline_that_rescues_has_the_column_for_it(two_pipelines: Synthesized) -> None:
    names = {
        address.split("/")[0]: [item["name"] for item in table["storage_descriptor"]["columns"]]
        for address, table in two_pipelines.resources(TABLE).items()
    }
    assert "_rescued" not in names[ORDERS]
    assert names["pipeline-web-returns"][-4:] == ["_rescued", *LINEAGE]
    told = {
        address.split("/")[0]: json.loads(job["default_arguments"]["--curated_columns"])[-1]["name"]
        for address, job in two_pipelines.resources("aws_glue_job").items()
    }
    assert told == {ORDERS: "is_late", "pipeline-web-returns": "_rescued"}
