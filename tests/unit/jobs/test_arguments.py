"""The job understands what Glue passes, and says clearly what it does not."""

from __future__ import annotations

import json

import pytest
from burst.arguments import Bounds, Output, TimeLimit, parse_arguments
from burst.columns import Column
from burst.errors import ArgumentError

COLUMNS = [{"name": "id", "type": "bigint"}, {"name": "price", "type": "decimal(10, 2)"}]
GIVEN = {
    "environment": "dev",
    "pipeline": "orders",
    "landing_bucket": "landing",
    "prefix": "orders/",
    "lake_bucket": "lake",
    "curated_uri": "s3://lake/curated/orders/",
    "input_format": "csv",
    "columns": json.dumps(COLUMNS),
    "transform": "orders",
}


def argv(**changes: str | None) -> list[str]:
    values = {name: value for name, value in {**GIVEN, **changes}.items() if value is not None}
    return [part for name, value in values.items() for part in (f"--{name}", value)]


def test_arguments_are_read_and_those_left_out_have_their_defaults() -> None:
    args = parse_arguments(argv())

    assert (args.pipeline, args.suffix, args.transform) == ("orders", "", "orders")
    assert args.curated_uri == "s3://lake/curated/orders"
    assert args.format.columns == (Column("id", "bigint"), Column("price", "decimal(10, 2)"))
    assert args.bounds == Bounds(10_000, 10_737_418_240, 0.5, 5)
    assert (args.format.drop_unknown, args.format.delimiter) == (False, ",")
    assert args.format.encoding == "utf-8"
    assert args.output == Output("snappy", 134_217_728)
    assert args.time == TimeLimit(None, 0.25)
    assert (args.job_run_id, args.workflow_run_id) == (None, None)


@pytest.mark.parametrize(
    ("given", "delimiter"),
    [(";", ";"), ("\t", "\t"), ('"\\t"', "\t"), ('" "', " "), ('"|"', "|"), ("-", "-")],
)
def test_delimiter_is_a_character_or_its_json(given: str, delimiter: str) -> None:
    assert parse_arguments(argv(csv_delimiter=given)).format.delimiter == delimiter


def test_what_glue_adds_is_read_or_ignored() -> None:
    glue = (
        "--enable-metrics true --enable-job-insights true --job-bookmark-option disable "
        "--TempDir s3://t/ --extra-py-files s3://a/b.zip --conf a=b --enable-auto-scaling "
        "--JOB_ID j_1 --JOB_NAME job --JOB_RUN_ID jr_1 --WORKFLOW_NAME wf --WORKFLOW_RUN_ID wr_1 "
        "true"
    )

    args = parse_arguments([*glue.split(), *argv()])

    assert (args.job_name, args.job_run_id) == ("job", "jr_1")
    assert (args.workflow_name, args.workflow_run_id) == ("wf", "wr_1")


def test_abbreviation_is_not_taken_for_an_argument() -> None:
    args = parse_arguments([*argv(), "--suf", ".csv", "--max_files", "1"])

    assert (args.suffix, args.bounds.max_files) == ("", 10_000)


@pytest.mark.parametrize("name", sorted(GIVEN))
def test_missing_argument_is_named(name: str) -> None:
    with pytest.raises(ArgumentError, match=f"required: --{name}"):
        parse_arguments(argv(**{name: None}))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"input_format": "xml"}, "allowed are csv, json and parquet"),
        ({"pipeline": " "}, "--pipeline is empty"),
        ({"transform": "os.path"}, "there is no module"),
        ({"transform": "../orders"}, "there is no module"),
        ({"max_bad_fraction": "1.5"}, "'1.5' is not allowed, give a number from 0 to 1"),
        ({"max_bad_fraction": "nan"}, "'nan' is not allowed"),
        ({"min_bad_files": "0"}, "'0' is not allowed, give a whole number of 1 or more"),
        ({"max_files_per_batch": "many"}, "'many' is not allowed"),
        ({"max_bytes_per_batch": "1.5"}, "'1.5' is not allowed"),
        ({"unknown_columns": "keep"}, "invalid choice: 'keep'"),
        ({"csv_delimiter": '"'}, "--csv_delimiter: give one ASCII character, no letter"),
        ({"csv_delimiter": "||"}, "give one ASCII character"),
        ({"csv_delimiter": "1"}, "give one ASCII character"),
        ({"csv_delimiter": "[1]"}, "give one ASCII character"),
        ({"csv_encoding": "ebcdic"}, "invalid choice: 'ebcdic'"),
        (
            {"input_format": "json", "csv_delimiter": ";"},
            "--csv_delimiter is for csv only, and --input_format is 'json'",
        ),
        (
            {"input_format": "parquet", "csv_encoding": "utf-8"},
            "--csv_encoding is for csv only, and --input_format is 'parquet'",
        ),
        ({"compression": "lzo"}, "invalid choice: 'lzo'"),
        ({"target_file_bytes": "0"}, "'0' is not allowed, give a whole number of 1 or more"),
        ({"timeout_minutes": "0"}, "'0' is not allowed, give a whole number of 1 or more"),
        ({"time_reserve": "2"}, "'2' is not allowed, give a number from 0 to 1"),
        ({"columns": "{"}, "--columns is not JSON"),
        ({"columns": "[]"}, "at least one column"),
        ({"columns": '[{"name": "a"}]'}, "must be an object with name and type"),
        ({"columns": '[{"name": "", "type": "int"}]'}, "text that is not empty"),
        ({"columns": '[{"name": "a", "type": "float"}]'}, "'a' has the type 'float'; allowed are"),
        ({"columns": '[{"name": "a", "type": 1}]'}, "'a' has the type 1; allowed are"),
        ({"columns": '[{"name": "a", "type": "decimal(39,2)"}]'}, "precision 1 to 38"),
        ({"columns": '[{"name": "a", "type": "decimal(2,3)"}]'}, "decimal"),
        ({"columns": '[{"name": "_batch", "type": "int"}]'}, "a name that the job itself uses"),
        (
            {"columns": '[{"name": "a", "type": "int"}, {"name": "A", "type": "int"}]'},
            "'A' twice",
        ),
    ],
)
def test_value_that_is_not_allowed_is_named_with_what_is(
    changes: dict[str, str], sentence: str
) -> None:
    with pytest.raises(ArgumentError) as caught:
        parse_arguments(argv(**changes))

    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)
