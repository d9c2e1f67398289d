"""Files as they come: the good ones give their rows, the bad ones a reason in words."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from burst.contract import INPUT_FORMATS, Column, FileFormat, Format
from burst.parsing.json import no_json
from burst.parsing.parse import parse
from burst.parsing.reasons import ParseError, shown
from hypothesis import example, given
from hypothesis import strategies as st

COLUMNS = (
    Column("a", "int"),
    Column("b", "string"),
    Column("d", "decimal(5,2)"),
    Column("t", "timestamp"),
)
HEAD = b"a,b,d,t\n"
LINE = b"1,x,1.5,2025-01-31T01:02:03Z\n"
JSON = b'{"a":1,"b":"x","d":1.5,"t":"2025-01-31T01:02:03Z"}\n'
ROW = {"a": 1, "b": "x", "d": Decimal("1.50"), "t": datetime(2025, 1, 31, 1, 2, 3, tzinfo=UTC)}
NULLS = dict.fromkeys("abdt")


def read(
    body: bytes, kind: Format, key: str = "k", columns: tuple[Column, ...] = COLUMNS
) -> list[dict[str, Any]]:
    batches = parse(io.BytesIO(body), key=key, format=FileFormat(kind, columns))
    return [row for batch in batches for row in batch.to_pylist()]


def parquet(**columns: Any) -> bytes:
    """A Parquet file of three rows; a column that is None is left out."""
    given = {
        "t": pa.array([ROW["t"]] * 3, pa.timestamp("ms", "UTC")),
        "a": pa.array([1, 1, 1], pa.int64()),
        "b": ["x"] * 3,
        "d": [Decimal("1.5")] * 3,
        **columns,
    }
    out = io.BytesIO()
    pq.write_table(pa.table({k: v for k, v in given.items() if v is not None}), out)
    return out.getvalue()


GOOD: dict[str, tuple[Format, bytes, list[dict[str, Any]]]] = {
    "csv": ("csv", HEAD + LINE, [ROW]),
    "csv: BOM": ("csv", b"\xef\xbb\xbf" + HEAD + LINE, [ROW]),
    "csv: CRLF": ("csv", (HEAD + LINE).replace(b"\n", b"\r\n"), [ROW]),
    "csv: CR": ("csv", (HEAD + LINE).replace(b"\n", b"\r"), [ROW]),
    "csv: no line end at the end": ("csv", (HEAD + LINE)[:-1], [ROW]),
    "csv: columns in another order": ("csv", b"t,d,b,a\n2025-01-31T01:02:03Z,1.5,x,1\n", [ROW]),
    "csv: quoted line break": ("csv", HEAD + b'1,"x\r\ny",,\n', [{**NULLS, "a": 1, "b": "x\r\ny"}]),
    "csv: quoted quotes": ("csv", HEAD + b'1,"x""y",,\n', [{**NULLS, "a": 1, "b": 'x"y'}]),
    "csv: empty values are null": ("csv", HEAD + b',"",,\n', [NULLS]),
    "csv: NA is a text": ("csv", HEAD + b",NA,,\n", [{**NULLS, "b": "NA"}]),
    "csv: NUL in a text": ("csv", HEAD + b",x\0y,,\n", [{**NULLS, "b": "x\0y"}]),
    "csv: blank lines": ("csv", b"\n" + HEAD + b"\n" + LINE + b"\n\n", [ROW]),
    "csv: header only": ("csv", HEAD, []),
    "csv: header without line end": ("csv", HEAD[:-1], []),
    "csv: only line ends": ("csv", b"\n\n", []),
    "csv: empty": ("csv", b"", []),
    "json": ("json", JSON, [ROW]),
    "json: BOM": ("json", b"\xef\xbb\xbf" + JSON, [ROW]),
    "json: CRLF and blank lines": ("json", b"\r\n" + JSON[:-1] + b"\r\n  \n", [ROW]),
    "json: no line end at the end": ("json", JSON[:-1], [ROW]),
    "json: a field left out is null": ("json", JSON + b'{"a":1}\n', [ROW, {**NULLS, "a": 1}]),
    "json: escaped names": ("json", JSON.replace(b'"a"', b'"\\u0061"'), [ROW]),
    "json: all null": ("json", b'{"a":null,"b":null,"d":null,"t":null}', [NULLS]),
    "json: decimal as text": ("json", JSON.replace(b"1.5", b'"1.5"'), [ROW]),
    "json: empty": ("json", b"", []),
    "json: blank": ("json", b"\n \n", []),
    "parquet": ("parquet", parquet(), [ROW] * 3),
    "parquet: nanoseconds": (
        "parquet",
        parquet(t=pa.array([ROW["t"]] * 3, pa.timestamp("ns"))),
        [ROW] * 3,
    ),
    "parquet: dictionary": (
        "parquet",
        parquet(b=pa.array(["x"] * 3).dictionary_encode()),
        [ROW] * 3,
    ),
    "parquet: no rows": ("parquet", parquet(t=[], a=[], b=[], d=[]), []),
    "parquet: empty": ("parquet", b"", []),
}


@pytest.mark.parametrize(("kind", "body", "rows"), GOOD.values(), ids=GOOD)
def test_good_file_gives_its_rows(kind: Format, body: bytes, rows: list[dict[str, Any]]) -> None:
    assert read(body, kind) == rows


@pytest.mark.parametrize(
    ("message", "line", "at", "column", "words"),
    [
        # Python 3.11 and 3.13 on the same lines.
        ("Expecting property name enclosed in double quotes", '{"a":1, }', 8, 7, "a comma with"),
        ("Illegal trailing comma before end of object", '{"a":1, }', 6, 7, "a comma with"),
        ("Expecting value", '{"a":[1,]}', 8, 8, "a comma with"),
        ("Illegal trailing comma before end of array", '{"a":[1,]}', 7, 8, "a comma with"),
        ("Expecting ',' delimiter", '{"a":1\r', 7, 8, "the line ends before"),
        ("Words of a later Python", "{a:1}", 1, 2, "found what JSON does not have"),
    ],
)
def test_what_is_no_json_is_said_alike_in_every_python(
    message: str, line: str, at: int, column: int, words: str
) -> None:
    where, what = no_json(json.JSONDecodeError(message, line, at))
    assert where == column
    assert what.startswith(words)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ("it's", '"it\'s"'),
        ("a\\b", "'a\\b'"),
        ("1\u00a0000\t", "'1 000 '"),
        ("\udc89PNG", "'�PNG'"),
        (b"\x89PNG", "'�PNG'"),
        ("x" * 78, f"'{'x' * 78}'"),
        ("x" * 79, f"'{'x' * 77}…'"),
    ],
)
def test_what_a_file_has_is_shown_without_escapes(found: str | bytes, expected: str) -> None:
    assert shown(found) == expected


BAD: dict[str, tuple[Format, bytes, str]] = {
    "csv: short row": ("csv", HEAD + LINE + b"1,2\n", "Row 3: found 2 values, expected 4: '1,2'."),
    "csv: long row": ("csv", HEAD + b"1,2,3,,5\n", "Row 2: found 5 values, expected 4"),
    "csv: far row": ("csv", HEAD + LINE * 9 + b"1,2\n", "Row 11: found 2 values"),
    "csv: word for number": (
        "csv",
        HEAD + LINE + b"one,,,\n",
        "Row 3, column 'a': found 'one', expected a whole number of 32 bits.",
    ),
    "csv: number too large": ("csv", HEAD + b"3000000000,,,\n", "column 'a': found '3000000000'"),
    "csv: too many decimals": (
        "csv",
        HEAD + b",,1.234,\n",
        "Row 2, column 'd': found '1.234', expected a number that fits decimal(5,2) (it has 3 "
        "decimals, 2 fit).",
    ),
    "csv: decimal too large": ("csv", HEAD + b",,12345.6,\n", "column 'd': found '12345.6'"),
    "csv: no decimal": ("csv", HEAD + b",,x,\n", "column 'd': found 'x', expected a number that"),
    "csv: no such day": (
        "csv",
        HEAD + LINE + b",,,2025-02-30\n",
        "Row 3, column 't': found '2025-02-30', expected a timestamp such as",
    ),
    "csv: nanoseconds": ("csv", HEAD + b",,,2025-01-31T01:02:03.123456789Z\n", "at most 6"),
    "csv: missing column": ("csv", b"a,b,d\n1,2,3\n", "The header has no column 't'; it has 'a'"),
    "csv: unknown column": ("csv", b"a,b,d,t,e\n", "The header has the unknown column 'e'"),
    "csv: column twice": ("csv", b"a,b,d,t,a\n", "The header has the column 'a' more than once"),
    "csv: picture": (
        "csv",
        b"\x89PNG\r\n\x1a\n",
        "The header is not UTF-8 text: found the byte 0x89. If it is text, set the input's",
    ),
    "csv: other separator": ("csv", HEAD.replace(b",", b";"), "it has 'a;b;d;t'"),
    "csv: Latin-1": ("csv", HEAD + b"1,caf\xe9,,\n", "Row 2, column 'b': found bytes that are not"),
    "csv: Latin-1 in the header": (
        "csv",
        b"a,b,d,caf\xe9\n",
        "not UTF-8 text: found the byte 0xe9",
    ),
    "csv: UTF-16": ("csv", HEAD.decode().encode("utf-16"), "The file is text in UTF-16"),
    "csv: open quote in the header": ("csv", b'a,b,d,"t\n1,2,3', "The header cannot be read"),
    "csv: open quote": ("csv", HEAD + b'1,x,1,"2025-01-31\n', "Row 2: found a quoted v"),
    "csv: open quote that swallows rows": (
        "csv",
        b"t,d,a,b\n" + b',,1,"x\n' + b",,2,y\n" * 3,
        "Row 2: found a quoted value that has no closing quote",
    ),
    "csv: endless row": ("csv", HEAD + b'1,"' + b"x\n" * 9_000_000, "A row is longer than 8 MiB"),
    "csv: gzip without .gz": ("csv", gzip.compress(HEAD), "The file is gzip data"),
    "csv: Parquet": ("csv", parquet(), "The file is a Parquet file, expected csv."),
    "json: list": ("json", b"[1]\n", "Line 1: found '[1]', expected a JSON object."),
    "json: null": ("json", JSON + b"null\n", "Line 2: found 'null', expected a JSON object."),
    "json: NUL": ("json", JSON + b'{"a":1,\0"b":"x"}', "Line 2: found a NUL byte"),
    "json: object over lines": ("json", b'{"a":\n1}\n', "Line 2: found '1}'"),
    "json: two objects in a line": ("json", JSON[:-1] + JSON, "Line 1, column 51: not JSON"),
    "json: cut short": ("json", JSON + b'{"a":1,"b', "Line 2, column 8: not JSON: a text begins"),
    "json: unknown field": ("json", JSON + b'{"z":1}', "Line 2 has the unknown field 'z'"),
    "json: missing field": ("json", b'{"a":1}\n', "No line has the field 'b', 'd', 't'"),
    "json: field twice": ("json", b'{"a":1,"a":2}', "Line 1 has the field 'a' twice"),
    "json: object for text": (
        "json",
        JSON + b'{"b":{"x":1}}',
        "Line 2, field 'b': found an object, expected a text.",
    ),
    "json: text for number": ("json", b'{"a":"1"}', "Line 1, field 'a': found '1', expected a who"),
    "json: number for text": ("json", b'{"b":1}', "field 'b': found 1, expected a text"),
    "json: fraction for whole": ("json", b'{"a":1.5}', "field 'a': found 1.5, expected a whole"),
    "json: number too large": ("json", b'{"a":3000000000}', "field 'a': found 3000000000"),
    "json: enormous number": ("json", b'{"a":' + b"9" * 99_999 + b"}", "field 'a': found 9999"),
    "json: too many decimals": ("json", b'{"d":1.234}', "field 'd': found 1.234, expected a num"),
    "json: no timestamp": ("json", JSON + b'\n{"t":"x"}', "Line 3, field 't': found 'x', expected"),
    "json: Latin-1": ("json", JSON + b'{"b":"caf\xe9"}', "Line 2: found bytes that are not UTF-8"),
    "json: half a surrogate pair": (
        "json",
        b'{"b":"\\ud800"}',
        "field 'b': found '�', expected a text of",
    ),
    "json: deep nesting": ("json", b'{"a":' + b"[" * 99_999 + b"}", "Line 1"),
    "json: endless line": ("json", b'{"b":"' + b"x" * (17 << 20), "A line is longer than 16 MiB."),
    "parquet: csv": ("parquet", HEAD + LINE, "The file is not readable parquet"),
    "parquet: cut short": ("parquet", parquet()[:-20], "The file is not readable parquet"),
    "parquet: only magic": ("parquet", b"PAR1", "The file is not readable parquet"),
    "parquet: missing column": ("parquet", parquet(a=None), "The file has no column 'a'"),
    "parquet: unknown column": ("parquet", parquet(z=[1, 2, 3]), "has the unknown column 'z'"),
    "parquet: text for number": (
        "parquet",
        parquet(a=["1"] * 3),
        "Column 'a': found string, expected int.",
    ),
    "parquet: nested": (
        "parquet",
        parquet(b=[["x"]] * 3),
        "Column 'b': found list<element: string>",
    ),
    "parquet: number too large": (
        "parquet",
        parquet(a=[1, 2, 1 << 40]),
        "Column 'a', row 3: found 1099511627776 (int64), expected a whole number of 32 bits.",
    ),
}


@pytest.mark.parametrize(("kind", "body", "reason"), BAD.values(), ids=BAD)
def test_bad_file_has_a_reason_that_says_where_and_what(
    kind: Format, body: bytes, reason: str
) -> None:
    with pytest.raises(ParseError) as caught:
        read(body, kind)

    assert reason in str(caught.value)
    assert len(str(caught.value)) <= 500


@pytest.mark.parametrize(
    ("kind", "body"), [("csv", HEAD + LINE), ("json", JSON), ("parquet", parquet())]
)
def test_key_that_ends_in_gz_is_unzipped(kind: Format, body: bytes) -> None:
    assert read(gzip.compress(body), kind, "k.GZ")[0] == ROW


def test_gzip_file_of_several_members_is_read_to_its_end() -> None:
    assert read(gzip.compress(HEAD + LINE) + gzip.compress(LINE), "csv", "k.gz") == [ROW, ROW]


# Without the time, or every process would name the tests differently.
WHOLE = gzip.compress(HEAD + LINE * 1000, mtime=0)


@pytest.mark.parametrize("body", [WHOLE[:-4], WHOLE[:20], WHOLE[:5], WHOLE[:-8] + b"x" * 8])
def test_damaged_gzip_has_its_own_reason(body: bytes) -> None:
    with pytest.raises(ParseError, match="The gzip data is damaged or cut short"):
        read(body, "csv", "k.gz")


def test_timestamps_with_any_zone_or_none_are_instants_in_utc() -> None:
    texts = [
        "2025-01-31T01:02:03Z",
        "2025-01-31 01:02:03",
        "2025-01-31T03:02:03+02:00",
        "2025-01-30 20:02:03-0500",
        "2025-01-31T01:02:03.000000",
    ]
    body = "t\n" + "\n".join([*texts, "2025-01-31"])

    rows = read(body.encode(), "csv", columns=(Column("t", "timestamp"),))

    assert [row["t"] for row in rows[:-1]] == [ROW["t"]] * len(texts)
    assert rows[-1]["t"] == datetime(2025, 1, 31, tzinfo=UTC)


def test_every_type_can_be_read_from_csv_and_json() -> None:
    columns = tuple(
        Column(name, kind)
        for name, kind in {
            "s": "string",
            "y": "boolean",
            "i": "int",
            "l": "bigint",
            "f": "double",
            "n": "decimal(38,10)",
            "e": "date",
            "t": "timestamp",
        }.items()
    )
    expected = {
        "s": "x",
        "y": True,
        "i": -5,
        "l": 1 << 62,
        "f": 0.5,
        "n": Decimal("1.25"),
        "e": date(2025, 1, 31),
        "t": ROW["t"],
    }
    csv = f"s,y,i,l,f,n,e,t\nx,true,-5,{1 << 62},0.5,1.25,2025-01-31,2025-01-31T01:02:03Z\n"
    json = (
        f'{{"s":"x","y":true,"i":-5,"l":{1 << 62},"f":0.5,"n":1.25,"e":"2025-01-31",'
        '"t":"2025-01-31T01:02:03Z"}'
    )

    assert read(csv.encode(), "csv", columns=columns) == [expected]
    assert read(json.encode(), "json", columns=columns) == [expected]


class Breaking(io.BytesIO):
    """A connection that is reset after this many bytes."""

    def __init__(self, body: bytes, after: int) -> None:
        super().__init__(body[:after])

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        if not data:
            raise ConnectionResetError("reset by peer")
        return data


@pytest.mark.parametrize("after", [0, 3, 100, 2_000_000])
@pytest.mark.parametrize(
    ("kind", "body", "key"),
    [
        ("csv", HEAD + LINE * 100_000, "k"),
        ("json", JSON * 60_000, "k"),
        ("parquet", parquet(), "k"),
        ("csv", gzip.compress(HEAD + LINE * 100, mtime=0), "k.gz"),
    ],
)
def test_broken_connection_is_not_the_file_s_fault(
    kind: Format, body: bytes, key: str, after: int
) -> None:
    format = FileFormat(kind, COLUMNS)
    with pytest.raises(ConnectionResetError):
        list(parse(Breaking(body, after), key=key, format=format))


def test_good_rows_before_the_bad_one_are_streamed_first() -> None:
    body = HEAD + LINE * 500_000 + b"bad\n"
    batches = parse(io.BytesIO(body), key="k", format=FileFormat("csv", COLUMNS))

    assert next(batches).num_rows < 500_000
    with pytest.raises(ParseError, match="Row 500002"):
        list(batches)


csv_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


@given(st.lists(csv_texts, min_size=1, max_size=20))
@example(["\ufeff", '"', "\r", "\n", "\x00", ",", " ", "\u2028"])
def test_text_of_any_kind_survives_csv_and_json(texts: list[str]) -> None:
    import csv
    import json

    columns = (Column("n", "int"), Column("s", "string"))
    out = io.StringIO(newline="")
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    writer.writerows([["n", "s"], *enumerate(texts)])
    lines = "".join(json.dumps({"n": n, "s": text}) + "\n" for n, text in enumerate(texts))

    from_csv = read(out.getvalue().encode(), "csv", columns=columns)
    from_json = read(lines.encode(), "json", columns=columns)

    assert from_csv == [{"n": n, "s": text or None} for n, text in enumerate(texts)]
    assert from_json == [{"n": n, "s": text} for n, text in enumerate(texts)]


@given(st.binary(max_size=200), st.sampled_from(INPUT_FORMATS), st.booleans())
def test_random_bytes_never_give_anything_but_rows_or_a_reason(
    body: bytes, kind: Format, zipped: bool
) -> None:
    with contextlib.suppress(ParseError):
        read(body, kind, "k.gz" if zipped else "k")


@pytest.mark.parametrize(
    ("number", "decimal", "thousands", "said"),
    [
        ("12.5", ",", "", "a number with ',' before its decimals and nothing between thousands"),
        ("12,5", ".", "", "a number with '.' before its decimals and nothing between thousands"),
        ("1.234,5", ".", ",", "a number with '.' before its decimals and ',' between thousands"),
        ("1 234", ".", "", "a number with '.' before its decimals and nothing between thousands"),
        ("1.2345", ".", "", "a number that fits decimal(10,2) (it has 4 decimals, 2 fit)"),
        ("1.234", ".", "", "a number that fits decimal(10,2) (it has 3 decimals, 2 fit)"),
        ("x", ",", "", "a number that fits decimal(10,2)"),
    ],
)
def test_number_with_other_separators_is_told_which_the_settings_name(
    number: str, decimal: str, thousands: str, said: str
) -> None:
    format = FileFormat(
        "csv",
        (Column("d", "decimal(10,2)"),),
        delimiter=";",
        decimal_separator=decimal,
        thousands_separator=thousands,
    )
    with pytest.raises(ParseError) as caught:
        list(parse(io.BytesIO(f"d\n{number}\n".encode()), key="k", format=format))
    assert f"found {number!r}, expected {said}" in str(caught.value)
