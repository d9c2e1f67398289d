"""The lines of docs/values.md, one by one: what a value becomes, or why its file is refused."""

from __future__ import annotations

import gzip
import io
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from burst.contract import Column, FileFormat, Format
from burst.parsing.parse import parse
from burst.parsing.reasons import ParseError


def read(body: bytes, kind: Format, type_: str, key: str = "k", **how: Any) -> list[Any]:
    format = FileFormat(kind, (Column("v", type_),), **how)
    batches = parse(io.BytesIO(body), key=key, format=format)
    return [row["v"] for batch in batches for row in batch.to_pylist()]


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type,misc]


TEXTS: list[tuple[str, str, Any]] = [
    ("boolean", "TRUE", True),
    ("boolean", "0", False),
    ("int", "-2147483648", -(2**31)),
    ("int", "+007", 7),
    ("bigint", "9223372036854775807", 2**63 - 1),
    ("double", ".5", 0.5),
    ("double", "5.", 5.0),
    ("double", "1e308", 1e308),
    ("double", "5e-324", 5e-324),
    ("double", "-inf", float("-inf")),
    ("decimal(5,2)", "1.500", Decimal("1.50")),
    ("decimal(5,2)", "+00123.4", Decimal("123.40")),
    ("decimal(5,2)", "1.2e2", Decimal("120.00")),
    ("decimal(38,18)", "0E-18", Decimal(0)),
    ("decimal(38,38)", "-0." + "9" * 38, Decimal("-0." + "9" * 38)),
    ("decimal(38,0)", "9" * 38, Decimal("9" * 38)),
    ("date", "0001-01-01", date(1, 1, 1)),
    ("timestamp", "2025-01-31", at(2025, 1, 31)),
    ("timestamp", "2025-01-31 05", at(2025, 1, 31, 5)),
    ("timestamp", "2025-01-31T05:06+0530", at(2025, 1, 30, 23, 36)),
    ("timestamp", "9999-12-31T23:59:59.999999Z", at(9999, 12, 31, 23, 59, 59, 999_999)),
]


@pytest.mark.parametrize(("type_", "text", "value"), TEXTS)
def test_text_becomes_the_value_that_it_says(type_: str, text: str, value: object) -> None:
    assert read(f"v\n{text}\n".encode(), "csv", type_) == [value]


REFUSED = [
    ("boolean", ["tRUE", "t", "yes", "2", " true"]),
    ("int", ["2147483648", "-2147483649", "1.0", "1e3", "0x1F", "0xFFFFFFFF", "1_000", " 1", "-"]),
    ("bigint", ["9223372036854775808", "0x1", "++1", "\u0661"]),
    ("double", ["1e400", "-1e400", "1e-400", "0x1p3", "1d", "NaN(1)", ".", "1 "]),
    ("decimal(5,2)", ["1000", "-1000", "1.234", "1e3", "1e-3", "nan", "inf", "0x1", "1,0", "."]),
    ("decimal(10,2)", ["1E-100000000", "1E100000000", "1e-39", "1e39", "123456789"]),
    ("decimal(38,18)", ["400000000000000000000", "9" * 99, "1e20", "0." + "1" * 19]),
    ("date", ["2025-02-30", "0000-01-01", "10000-01-01", "20250131", "2025-1-31", "31.01.2025"]),
    (
        "timestamp",
        [
            "2025-01-31T01:02:03.1234567Z",
            "2025-01-31T24:00:00Z",
            "2025-01-31T01:02:60Z",
            "2025-01-31T01:02:03 CET",
            "2025-01-31T01:02:03+24:00",
            "0001-01-01T00:00:00+00:01",
            "9999-12-31T23:59:59-00:01",
            "0000-06-01T00:00:00Z",
        ],
    ),
]


@pytest.mark.parametrize(
    ("type_", "text"), [(type_, text) for type_, texts in REFUSED for text in texts]
)
def test_text_that_the_rules_do_not_know_is_refused_with_its_row(type_: str, text: str) -> None:
    quoted = f'"{text}"'

    with pytest.raises(ParseError) as caught:
        read(f"v\n\n\n{quoted}\n".encode(), "csv", type_)

    assert str(caught.value).startswith("Row 2, column 'v': found '")
    assert ", expected " in str(caught.value)


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        ("int", "1.0"),
        ("int", "1e3"),
        ("int", "true"),
        ("bigint", '"1"'),
        ("double", "NaN"),
        ("double", "-Infinity"),
        ("double", "1e-400"),
        ("double", '"1"'),
        ("boolean", "1"),
        ("boolean", '"true"'),
        ("decimal(10,2)", "1E-100000000"),
        ("decimal(10,2)", '"1E-100000000"'),
        ("decimal(10,2)", r'"1\u0065-100000000"'),
        ("decimal(10,2)", "123456789"),
        ("decimal(10,2)", '" 1"'),
        ("decimal(38,18)", "400000000000000000000"),
        ("date", "20250131"),
        ("timestamp", "1738285323"),
        ("string", r'"\udc00"'),
        ("string", "{}"),
    ],
)
def test_value_in_json_that_the_rules_do_not_know_is_refused_with_its_line(
    type_: str, value: str
) -> None:
    with pytest.raises(ParseError, match=r"^Line 3"):
        read(f'{{"v":null}}\n\n{{"v":{value}}}\n'.encode(), "json", type_)


@pytest.mark.parametrize(
    ("type_", "value", "expected"),
    [
        ("decimal(38,18)", "0.1", Decimal("0.1")),
        ("decimal(38,18)", "1.234567890123456789", Decimal("1.234567890123456789")),
        ("decimal(38,18)", "1e-18", Decimal("1e-18")),
        ("decimal(5,2)", r'"\u0031.5"', Decimal("1.50")),
        ("decimal(5,2)", "1.50" + "0" * 60, Decimal("1.50")),
        ("bigint", "-9223372036854775808", -(2**63)),
        ("double", "9007199254740993", 9007199254740992.0),
        ("string", r'"\u0000\ud83d\ude00"', "\0😀"),
    ],
)
def test_value_in_json_is_taken_from_its_digits(type_: str, value: str, expected: object) -> None:
    assert read(f'{{"v":{value}}}\n'.encode(), "json", type_) == [expected]


def test_exact_reader_of_json_gives_every_type(monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = ["string", "boolean", "int", "bigint", "double", "decimal(5,2)", "date", "timestamp"]
    values = ["x", True, -5, 1 << 62, 0.5, 1.5e-1, "2025-01-31", "2025-01-31T01:02:03Z"]
    columns = tuple(Column(kind, kind) for kind in kinds)
    line = json.dumps(dict(zip(kinds, values, strict=True))).replace("0.15", "1.5e-1")
    assert "1.5e-1" in line

    [batch] = parse(io.BytesIO(line.encode()), key="k", format=FileFormat("json", columns))

    assert batch.to_pylist()[0] == {
        **dict(zip(kinds, values, strict=True)),
        "decimal(5,2)": Decimal("0.15"),
        "date": date(2025, 1, 31),
        "timestamp": at(2025, 1, 31, 1, 2, 3),
    }


def parquet(values: Any, **how: Any) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table({"v": values}), out, **how)
    return out.getvalue()


PARQUET: list[tuple[str, Any, Any]] = [
    ("int", pa.array([5], pa.uint64()), 5),
    ("double", pa.array([1.5], pa.float16()), 1.5),
    ("double", pa.array([2**53], pa.int64()), 2.0**53),
    ("decimal(5,2)", pa.array([5], pa.int64()), Decimal("5.00")),
    ("decimal(38,30)", pa.array([2**26], pa.uint64()), Decimal(2**26)),
    ("decimal(5,2)", pa.array([Decimal("1.5")], pa.decimal256(76, 38)), Decimal("1.50")),
    ("string", pa.array(["x"], pa.string_view()), "x"),
    ("string", pa.array(["x"], pa.large_string()).dictionary_encode(), "x"),
    ("date", pa.array([date(1969, 12, 31)], pa.date64()), date(1969, 12, 31)),
    (
        "timestamp",
        pa.array([-1], pa.timestamp("ms", "Europe/Berlin")),
        at(1969, 12, 31, 23, 59, 59, 999_000),
    ),
    (
        "timestamp",
        pa.array([None, -1000], pa.timestamp("ns")),
        at(1969, 12, 31, 23, 59, 59, 999_999),
    ),
]


@pytest.mark.parametrize(("type_", "values", "expected"), PARQUET)
def test_value_in_parquet_is_converted_where_nothing_is_lost(
    type_: str, values: Any, expected: object
) -> None:
    assert read(parquet(values), "parquet", type_)[-1] == expected


NOT_IN_PARQUET: list[tuple[str, Any, str]] = [
    ("bigint", pa.array([1, 2**63], pa.uint64()), "row 2: found 9223372036854775808 (uint64)"),
    ("double", pa.array([2**53 + 1], pa.int64()), "row 1: found 9007199254740993 (int64)"),
    ("decimal(5,2)", pa.array([1000], pa.int64()), "it has 4 whole digits, 3 fit"),
    ("decimal(5,2)", pa.array([Decimal("1.234")]), "it has 3 decimals, 2 fit"),
    (
        "decimal(38,18)",
        pa.array([Decimal(4 * 10**20)], pa.decimal128(38, 0)),
        "row 1: found 400000000000000000000 (decimal128(38, 0)), expected a number that fits",
    ),
    ("decimal(5,2)", pa.array([1.5]), "found double, expected decimal(5,2)"),
    ("timestamp", pa.array([1], pa.timestamp("ns")), "row 1: found 1970-01-01"),
    ("timestamp", pa.array([2**60], pa.timestamp("ms")), "row 1: found "),
    ("date", pa.array([-800_000], pa.int32()).view(pa.date32()), "row 1: found "),
    ("string", pa.array([b"x"]), "found binary, expected string"),
    ("boolean", pa.array([1]), "found int64, expected boolean"),
]


@pytest.mark.parametrize(("type_", "values", "words"), NOT_IN_PARQUET)
def test_value_in_parquet_that_would_not_stay_the_same_is_refused(
    type_: str, values: Any, words: str
) -> None:
    with pytest.raises(ParseError) as caught:
        read(parquet(values), "parquet", type_)

    assert "Column 'v'" in str(caught.value)
    assert words in str(caught.value)


QUOTES: list[tuple[str, str]] = [
    ('1\n"a"b\n', "Row 3: found text after a closing quote"),
    ('1\n"a" \n', "Row 3: found text after a closing quote"),
    ('"a\nb"\na"b"\n', "Row 3: found a quote inside a value that is not quoted"),
    ('1\n2\n "a"\n', "Row 4: found a quote inside a value that is not quoted"),
    ('1\n"a\n2\n3', "Row 3: found a quoted value that has no closing quote"),
    ('"a""\n', "Row 2: found a quoted value that has no closing quote"),
]


@pytest.mark.parametrize(("rows", "reason"), QUOTES)
def test_quote_that_is_not_where_it_may_be_is_refused_with_its_row(rows: str, reason: str) -> None:
    with pytest.raises(ParseError) as caught:
        read(f"v\n{rows}".encode(), "csv", "string")

    assert str(caught.value).startswith(reason)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r'"say \"hi\""', 'say "hi"'),
        (r'"say ""hi"""', 'say "hi"'),
        (r'"ends with \\"', "ends with \\"),
        (r'"C:\new, and"', r"C:\new, and"),
        (r"C:\new", r"C:\new"),
        (r'"\\"""', '\\"'),
    ],
)
def test_escape_character_counts_before_a_quote_and_itself_only(text: str, value: str) -> None:
    assert read(f"v\n{text}\n".encode(), "csv", "string", escape="\\") == [value]


def test_null_in_a_file_of_one_column_is_a_pair_of_quotes() -> None:
    assert read(b'v\n""\n\na\n', "csv", "string") == [None, "a"]


def test_byte_order_mark_within_the_file_is_a_character() -> None:
    assert read("\ufeffv\n\ufeffa\n".encode(), "csv", "string") == ["\ufeffa"]


@pytest.mark.parametrize(
    ("key", "body", "reason"),
    [
        ("k.csv.gz", gzip.compress(gzip.compress(b"v\n1\n")), "compressed twice"),
        ("k.csv.gz", b"v\n1\n", "The key ends in .gz, but the file is not gzip data"),
        ("k.csv.GZ", gzip.compress(b"v\n1\n") + b"more", "After the gzip data come other bytes"),
        ("k.csv", b"\x28\xb5\x2f\xfd\x04\x00", "The file is zstd data (only gzip is"),
        ("k.csv", b"BZh91AY&SY\x00", "The file is bzip2 data"),
        ("k.csv", b"PAR1\x15\x04", "The file is a Parquet file, expected csv."),
    ],
    # The bytes would tell the time at which they were compressed.
    ids=["twice", "not at all", "and more", "zstd", "bzip2", "parquet"],
)
def test_compression_that_is_not_as_the_key_says_has_its_own_reason(
    key: str, body: bytes, reason: str
) -> None:
    with pytest.raises(ParseError) as caught:
        read(body, "csv", "string", key)

    assert reason in str(caught.value)


@pytest.mark.parametrize("name", ["ORCID", "PAR1", "BZh", "PK"])
def test_header_that_begins_like_another_format_is_a_header(name: str) -> None:
    format = FileFormat("csv", (Column(name, "int"),))

    [batch] = parse(io.BytesIO(f"{name}\n1\n".encode()), key="k", format=format)

    assert batch.to_pylist() == [{name: 1}]


def test_gzip_member_of_zeros_at_the_end_is_no_garbage() -> None:
    assert read(gzip.compress(b"v\n1\n") + b"\0" * 512, "csv", "int", "k.gz") == [1]


def test_null_in_a_decimal_column_beside_a_number_with_an_exponent_is_null() -> None:
    body = b'{"v": null, "d": 1e2}\n{"v": 1.5, "d": 2}\n'
    columns = (Column("v", "decimal(5,2)"), Column("d", "double"))
    batches = parse(io.BytesIO(body), key="k", format=FileFormat("json", columns))
    rows = [row for batch in batches for row in batch.to_pylist()]
    assert rows == [{"v": None, "d": 100.0}, {"v": Decimal("1.50"), "d": 2.0}]
