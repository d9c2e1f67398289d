"""The job understands what Glue passes, and says clearly what it does not."""

from __future__ import annotations

import json

import pytest
from burst.contract import (
    BAD_VALUES,
    COMPRESSIONS,
    DECIMAL_SEPARATORS,
    ENCODINGS,
    INPUT_FORMATS,
    RESERVED,
    ROW_CHANGES,
    SIMPLE_TYPES,
    THOUSANDS_SEPARATORS,
    UNKNOWN_COLUMNS,
    Bounds,
    Column,
    FileFormat,
    JobSpec,
    Output,
    TimeLimit,
    part_from_arguments,
)
from burst.errors import ArgumentError
from hypothesis import given
from hypothesis import strategies as st

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
    args = JobSpec.from_arguments(argv())

    assert (args.pipeline, args.suffix, args.transform) == ("orders", "", "orders")
    assert args.curated_uri == "s3://lake/curated/orders"
    assert args.format.columns == (Column("id", "bigint"), Column("price", "decimal(10, 2)"))
    assert args.bounds == Bounds(10_000, 10_737_418_240, 0.5, 5)
    assert (args.format.unknown, args.format.delimiter) == ("quarantine", ",")
    assert args.format.encoding == "utf-8"
    assert args.output == Output("snappy", 134_217_728)
    assert args.time == TimeLimit(None, 0.25)
    assert (args.job_run_id, args.workflow_run_id) == (None, None)


def test_part_is_read_alone_whatever_the_other_arguments_say() -> None:
    given = argv(transform="of_another_machine", prefix=None, min_bad_files="2")
    assert part_from_arguments(Bounds, given) == Bounds(min_bad_files=2)
    assert part_from_arguments(FileFormat, given).columns[0] == Column("id", "bigint")
    with pytest.raises(ArgumentError, match="required: --columns"):
        part_from_arguments(FileFormat, argv(columns=None))


@pytest.mark.parametrize(
    ("given", "delimiter"),
    [(";", ";"), ("\t", "\t"), ('"\\t"', "\t"), ('" "', " "), ('"|"', "|"), ("-", "-")],
)
def test_delimiter_is_a_character_or_its_json(given: str, delimiter: str) -> None:
    assert JobSpec.from_arguments(argv(csv_delimiter=given)).format.delimiter == delimiter


filled = st.text(min_size=1, max_size=30).filter(lambda text: text.strip() != "")
counts = st.integers(1, 10**15)
shares = st.floats(0, 1)
decimals = st.integers(1, 38).flatmap(
    lambda precision: st.builds(
        "decimal({},{})".format, st.just(precision), st.integers(0, precision)
    )
)
columns = st.lists(
    st.builds(
        Column,
        filled.filter(lambda name: name.lower() not in RESERVED),
        st.sampled_from(SIMPLE_TYPES) | decimals,
        st.just("") | filled,
        st.booleans(),
    ),
    min_size=1,
    max_size=4,
    unique_by=(lambda column: column.name.lower(), lambda column: column.in_file),
).map(tuple)
delimiters = st.characters(max_codepoint=127, exclude_characters='"\r\n\x00').filter(
    lambda character: not character.isalnum()
)
formats = st.one_of(
    st.builds(
        FileFormat,
        st.just("csv"),
        columns,
        st.sampled_from(UNKNOWN_COLUMNS),
        st.sampled_from(BAD_VALUES),
        delimiters,
        st.sampled_from(ENCODINGS),
        st.just("") | delimiters,
        st.lists(filled, max_size=2).map(tuple),
        st.sampled_from(DECIMAL_SEPARATORS),
        st.sampled_from(THOUSANDS_SEPARATORS),
    ).filter(
        lambda format: (
            format.escape != format.delimiter
            and format.decimal_separator != format.thousands_separator
        )
    ),
    st.builds(
        FileFormat,
        st.sampled_from([kind for kind in INPUT_FORMATS if kind != "csv"]),
        columns,
        st.sampled_from(UNKNOWN_COLUMNS),
        st.sampled_from(BAD_VALUES),
    ),
)
specs = st.builds(
    JobSpec,
    environment=filled,
    pipeline=filled,
    landing_bucket=filled,
    prefix=filled,
    suffix=st.text(max_size=30),
    lake_bucket=filled,
    curated_uri=filled.filter(lambda uri: not uri.endswith("/")),
    format=formats,
    transform=st.just("orders"),
    bounds=st.builds(Bounds, counts, counts, shares, counts),
    output=st.builds(
        Output,
        st.sampled_from(COMPRESSIONS),
        counts,
        st.none() | columns,
        st.sampled_from(ROW_CHANGES),
    ),
    time=st.builds(TimeLimit, st.none() | counts, shares),
    job_run_id=st.none() | filled,
    workflow_run_id=st.none() | filled,
)


@given(specs)
def test_specification_that_was_written_into_the_arguments_is_read_back(spec: JobSpec) -> None:
    written = spec.to_arguments()

    assert JobSpec.from_arguments([part for pair in written.items() for part in pair]) == spec


@pytest.mark.parametrize("prefix", ["-orders/", "--orders/", "--suffix/"])
def test_value_that_looks_like_an_argument_is_a_value(prefix: str) -> None:
    assert JobSpec.from_arguments(argv(prefix=prefix)).prefix == prefix


def test_argument_without_a_value_is_named() -> None:
    with pytest.raises(ArgumentError, match="Argument --suffix: expected one argument"):
        JobSpec.from_arguments([*argv(), "--suffix"])


def test_what_glue_adds_is_read_or_ignored() -> None:
    glue = (
        "--enable-metrics true --enable-job-insights true --job-bookmark-option disable "
        "--TempDir s3://t/ --extra-py-files s3://a/b.zip --conf a=b --enable-auto-scaling "
        "--JOB_ID j_1 --JOB_NAME job --JOB_RUN_ID jr_1 --WORKFLOW_NAME wf --WORKFLOW_RUN_ID wr_1 "
        "true"
    )

    args = JobSpec.from_arguments([*glue.split(), *argv()])

    assert (args.job_run_id, args.workflow_run_id) == ("jr_1", "wr_1")


def test_abbreviation_is_not_taken_for_an_argument() -> None:
    args = JobSpec.from_arguments([*argv(), "--suf", ".csv", "--max_files", "1"])

    assert (args.suffix, args.bounds.max_files) == ("", 10_000)


@pytest.mark.parametrize("name", sorted(GIVEN))
def test_missing_argument_is_named(name: str) -> None:
    with pytest.raises(ArgumentError, match=f"required: --{name}"):
        JobSpec.from_arguments(argv(**{name: None}))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"input_format": "xml"}, "--input_format is 'xml'; allowed are "),
        ({"pipeline": " "}, "--pipeline is empty"),
        ({"transform": "os.path"}, "there is no module"),
        ({"transform": "../orders"}, "there is no module"),
        ({"max_bad_fraction": "1.5"}, "'1.5' is not allowed, give a number from 0 to 1"),
        ({"max_bad_fraction": "nan"}, "'nan' is not allowed"),
        ({"min_bad_files": "0"}, "'0' is not allowed, give a whole number of 1 or more"),
        ({"max_files_per_batch": "many"}, "'many' is not allowed"),
        ({"max_bytes_per_batch": "1.5"}, "'1.5' is not allowed"),
        ({"unknown_columns": "keep"}, "invalid choice: 'keep'"),
        ({"bad_values": "drop"}, "invalid choice: 'drop'"),
        ({"columns": '[{"name": "_rescued", "type": "string"}]'}, "a name that the job itself"),
        ({"csv_delimiter": '"'}, "--csv_delimiter: give one ASCII character, no letter"),
        ({"csv_delimiter": "||"}, "give one ASCII character"),
        ({"csv_delimiter": "1"}, "give one ASCII character"),
        ({"csv_delimiter": "[1]"}, "give one ASCII character"),
        ({"csv_escape": "x"}, "--csv_escape: give one ASCII character, no letter"),
        ({"csv_escape": "\\", "csv_delimiter": "\\"}, "are both '\\\\'; they must differ"),
        ({"row_changes": "some"}, "invalid choice: 'some'"),
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
        (
            {"columns": '[{"name": "a", "type": "real"}]'},
            "'a' has the type 'real': there is no type 'real' (did you",
        ),
        ({"columns": '[{"name": "a", "type": "date", "format": "dd.MM"}]'}, "format 'dd.MM'"),
        ({"columns": '[{"name": "a", "type": "int", "optional": 1}]'}, "'a' has the optional 1"),
        (
            {"columns": json.dumps([{"name": n, "type": "int", "source": "x"} for n in "ab"])},
            "takes 'x' of the files twice",
        ),
        ({"csv_null_texts": '["NA", 1]'}, "a JSON list of texts"),
        ({"csv_decimal_separator": '";"'}, "invalid choice: ';'"),
        ({"csv_thousands_separator": '"."', "csv_decimal_separator": '"."'}, "they must differ"),
        (
            {"columns": '[{"name": "a", "type": 1}]'},
            "'a' has the type 1: there is no type '1'; allowed are",
        ),
        ({"columns": '[{"name": "a", "type": "decimal(39,2)"}]'}, "precision from 1 to 38"),
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
        JobSpec.from_arguments(argv(**changes))

    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)
