"""Whatever a pipeline's format and columns are, the job reads one probe and refuses the other."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime
from itertools import product

import pytest
from burst.contract import (
    BINARY_FORMATS,
    ENCODINGS,
    EPOCHS,
    INPUT_FORMATS,
    SIMPLE_TYPES,
    UNKNOWN_COLUMNS,
    Column,
    FileFormat,
    UnknownColumns,
)
from burst.parsing import ParseError, parse

from tests.unit.operate.records import PIPELINE
from tools.operate.checking.probe import ProbeFile, probe_files

NOW = datetime(2026, 2, 28, 23, 59, 59, 123456, tzinfo=UTC)
TYPES = (*SIMPLE_TYPES, "decimal(10,2)", "decimal(38,0)", "decimal(3,3)")
FORMATTED = (
    *(("date", form) for form in ("dd.MM.yyyy", "d/M/yyyy", "yyyyMMdd")),
    *(("timestamp", form) for form in ("yyyy-MM-dd HH:mm:ss.SSSX", "dd.MM.yyyy H:mm", *EPOCHS)),
    *(("binary", form) for form in BINARY_FORMATS),
)
# No CSV holds them; keys of maps in JSON are texts.
NESTED = (Column("n", "array<struct<aB:map<string,decimal(5,2)>,at:timestamp>>"),)
COLUMNS = (
    *(Column(f"c{n} of {type_}", type_) for n, type_ in enumerate(TYPES)),
    *(
        Column(f"f{n}", type_, source=f"F {n}", optional=True, format=form)
        for n, (type_, form) in enumerate(FORMATTED)
    ),
)
# Text holds bytes in a format only.
TEXT_COLUMNS = tuple(column for column in COLUMNS if column.type != "binary" or column.format)
COLUMNS_OF = {
    "csv": TEXT_COLUMNS,
    "json": (*TEXT_COLUMNS, *NESTED),
    "parquet": (*COLUMNS, *NESTED),
}
FORMATS = [FileFormat(kind, COLUMNS_OF[kind]) for kind in INPUT_FORMATS]
CSV = FORMATS[0]


def probes(
    format: FileFormat, suffix: str = "", *, with_row: bool = True
) -> tuple[ProbeFile, ProbeFile]:
    pipeline = replace(PIPELINE, suffix=suffix)
    good, bad = probe_files(
        pipeline,
        format,
        check="20260228T235959Z-1a2b3c4d",
        now=NOW,
        with_row=with_row,
        with_bad=True,
    )
    assert pipeline.owns(good.key)
    assert pipeline.owns(bad.key)
    return good, bad


def rows(file: ProbeFile, format: FileFormat) -> list[dict[str, object]]:
    batches = parse(io.BytesIO(file.body), key=file.key, format=format)
    return [row for batch in batches for row in batch.to_pylist()]


@pytest.mark.parametrize("suffix", ["", ".gz", ".export.GZ", "_done"])
@pytest.mark.parametrize("format", FORMATS, ids=lambda format: format.kind)
def test_job_reads_the_good_probe_in_each_format_compressed_or_not(
    format: FileFormat, suffix: str
) -> None:
    good, _ = probes(format, suffix)
    (row,) = rows(good, format)
    assert list(row) == [column.name for column in format.columns]
    assert row["c0 of string"] == "burst-check"
    assert None not in row.values()
    empty, _ = probes(format, suffix, with_row=False)
    assert (rows(empty, format), empty.rows, len(empty.body) > 0) == ([], 0, True)


@pytest.mark.parametrize("unknown", UNKNOWN_COLUMNS)
@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("format", FORMATS, ids=lambda format: format.kind)
def test_job_refuses_the_bad_probe_in_each_format(
    format: FileFormat, suffix: str, unknown: UnknownColumns
) -> None:
    format = replace(
        format, unknown=unknown, bad_values="rescue" if unknown == "rescue" else "quarantine"
    )
    _, bad = probes(format, suffix)
    with pytest.raises(ParseError):
        rows(bad, format)


@pytest.mark.parametrize(
    ("encoding", "delimiter", "escape"),
    [*product(ENCODINGS, ",\t-.", [""]), *product(["utf-8", "utf-16"], "\t:", "\\-")],
)
def test_csv_probes_have_the_encoding_delimiter_and_escape_of_the_pipeline(
    encoding: str, delimiter: str, escape: str
) -> None:
    names = ("a,b;c", "tab\tand|bar", 'quote " in it', "café")
    columns = (*(Column(name, "string") for name in names), *TEXT_COLUMNS)
    format = replace(
        CSV,
        columns=columns,
        encoding=encoding,  # type: ignore[arg-type]
        delimiter=delimiter,
        escape=escape,
    )
    good, bad = probes(format)
    assert len(rows(good, format)) == 1
    with pytest.raises(ParseError, match="values"):
        rows(bad, format)


def test_key_says_what_the_file_is_and_keeps_prefix_and_suffix() -> None:
    good, bad = probes(CSV, ".csv.gz")
    assert good.key == "orders/burst-check-20260228T235959Z-1a2b3c4d-good.csv.gz"
    assert bad.key == "orders/burst-check-20260228T235959Z-1a2b3c4d-bad.csv.gz"
    assert probes(FORMATS[1])[0].key.endswith("-good.json")
