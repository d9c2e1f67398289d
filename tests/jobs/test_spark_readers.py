"""Our parsers and Spark's own readers and writers, where both follow the same rules."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from burst.contract import Column, FileFormat, Format
from burst.parsing.parse import parse
from pyspark.sql import SparkSession

TEXTS = [
    'say "hi" now',
    "line\nbreak",
    "line\r\nbreak, and more",
    "comma, comma",
    "a\\b,c",
    "ends with \\",
    '\\"',
    '"\\',
    "\\\\,",
    '"',
    '""',
    "é\u2028😀",
    " spaces ",
    "plain",
]
COLUMNS = (Column("a", "int"), Column("b", "string"), Column("c", "string"))
EPOCH_DAYS = [
    datetime(1, 1, 1, tzinfo=UTC),
    datetime(1582, 10, 4, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(1677, 1, 1, 1, 2, 3, 4, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, 59, 1, tzinfo=UTC),
    datetime(1970, 1, 1, tzinfo=UTC),
    datetime(2025, 1, 31, 1, 2, 3, 123_456, tzinfo=UTC),
    datetime(2262, 4, 12, tzinfo=UTC),
    datetime(2400, 2, 29, 12, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
]


def ours(
    body: bytes, kind: Format, columns: tuple[Column, ...], **how: Any
) -> list[tuple[Any, ...]]:
    batches = parse(io.BytesIO(body), key="k", format=FileFormat(kind, columns, **how))
    return [tuple(row.values()) for batch in batches for row in batch.to_pylist()]


def only_file(folder: Path, suffix: str) -> bytes:
    [file] = folder.glob(f"part-*.{suffix}")
    return file.read_bytes()


def numbered(texts: Sequence[str]) -> list[tuple[int, str, str]]:
    return [(number, text, "x") for number, text in enumerate(texts)]


def test_quoted_values_are_what_spark_s_reader_makes_of_them(
    spark: SparkSession, tmp_path: Path
) -> None:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows([("a", "b", "c"), *numbered(TEXTS)])
    file = tmp_path / "texts.csv"
    file.write_bytes(out.getvalue().encode())

    theirs = spark.read.csv(
        file.as_uri(),
        schema="a int, b string, c string",
        header=True,
        multiLine=True,
        escape='"',
    ).collect()

    assert ours(file.read_bytes(), "csv", COLUMNS) == numbered(TEXTS)
    # Spark's reader may make LF of a line end in a value.
    assert [row.b.replace("\r\n", "\n") for row in theirs] == [
        text.replace("\r\n", "\n") for text in TEXTS
    ]


def test_what_spark_s_csv_writer_writes_is_read_with_the_backslash_as_escape(
    spark: SparkSession, tmp_path: Path
) -> None:
    texts = [text for text in TEXTS if "\n" not in text]
    folder = tmp_path / "written"
    spark.createDataFrame(numbered(texts), "a int, b string, c string").coalesce(1).write.csv(
        str(folder), header=True, ignoreLeadingWhiteSpace=False, ignoreTrailingWhiteSpace=False
    )

    assert ours(only_file(folder, "csv"), "csv", COLUMNS, escape="\\") == numbered(texts)


@pytest.mark.parametrize("kind", ["INT96", "TIMESTAMP_MICROS", "TIMESTAMP_MILLIS"])
def test_timestamps_of_every_kind_that_spark_writes_are_read_for_all_years(
    spark: SparkSession, tmp_path: Path, kind: str
) -> None:
    times = [
        time.replace(microsecond=time.microsecond // 1000 * 1000)
        if kind == "TIMESTAMP_MILLIS"
        else time
        for time in EPOCH_DAYS
    ]
    changed = {
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.parquet.outputTimestampType": kind,
        "spark.sql.parquet.int96RebaseModeInWrite": "CORRECTED",
        "spark.sql.parquet.datetimeRebaseModeInWrite": "CORRECTED",
    }
    before = {name: spark.conf.get(name) for name in changed}
    try:
        for name, value in changed.items():
            spark.conf.set(name, value)
        microseconds = [(number, (time - EPOCH_DAYS[4])) for number, time in enumerate(times)]
        frame = spark.createDataFrame(
            [
                (number, delta.days * 86_400_000_000 + delta.seconds * 10**6 + delta.microseconds)
                for number, delta in microseconds
            ],
            "a int, m bigint",
        ).selectExpr("a", "timestamp_micros(m) as t")
        frame.coalesce(1).write.parquet(str(tmp_path / "written"))
    finally:
        for name, old in before.items():
            spark.conf.set(name, str(old))
    columns = (Column("t", "timestamp"), Column("a", "int"))

    found = ours(only_file(tmp_path / "written", "parquet"), "parquet", columns)

    assert found == [(time, number) for number, time in enumerate(times)]
