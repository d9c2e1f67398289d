"""What the columns do not take is in `_rescued`: with it, a file's values can be had back."""

from __future__ import annotations

import base64
import csv
import io
import json
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from burst.contract import RESCUED, Column, FileFormat, Format
from burst.parsing import ParseError, parse
from hypothesis import given
from hypothesis import strategies as st

COLUMNS = (
    Column("id", "int", "Order ID"),
    Column("day", "date"),
    Column("note", "string"),
    Column("price", "decimal(9,2)"),
)
NAMES = [column.in_file for column in COLUMNS]
OTHERS = ["extra", 'Ünknown, "quoted"', ""]


def read(
    body: bytes, kind: Format, *, unknown: Any = "rescue", bad_values: Any = "rescue"
) -> list[dict[str, Any]]:
    format = FileFormat(kind, COLUMNS, unknown=unknown, bad_values=bad_values)
    batches = parse(io.BytesIO(body), key="k", format=format)
    return [row for batch in batches for row in batch.to_pylist()]


def rest_of(row: Mapping[str, Any], **how: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(row[RESCUED] or "{}", **how)
    return found


# -- CSV -------------------------------------------------------------------------------------------

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6)
CSV_VALUE = TEXT | st.sampled_from(["", "7", "-1", "2026-11-25", "1.50", "1.234", "99999999999"])
WRITTEN: Mapping[str, Callable[[Any], str]] = {"Order ID": str, "day": date.isoformat, "note": str}


@given(
    st.lists(st.lists(CSV_VALUE, min_size=7, max_size=7), max_size=6),
    st.permutations([*NAMES, *OTHERS]),
)
def test_values_of_csv_can_be_had_back(rows: list[list[str]], header: list[str]) -> None:
    out = io.StringIO(newline="")
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows([header, *rows])

    found = read(out.getvalue().encode(), "csv")

    assert len(found) == len(rows)
    for row, texts in zip(found, rows, strict=True):
        rest = rest_of(row)
        for name, text in zip(header, texts, strict=True):
            value = next((row[c.name] for c in COLUMNS if c.in_file == name), None)
            if value is None or name in rest:
                assert value is None
                assert rest.get(name, "") == text
            elif isinstance(value, int | Decimal):
                assert value == Decimal(text)
            else:
                assert WRITTEN[name](value) == text


# -- JSON ------------------------------------------------------------------------------------------

SCALAR = (
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
    | st.sampled_from(["2026-11-25", "\ud800", "1.50", 7, 1.5])
)
NESTED = st.recursive(
    SCALAR,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=4,
)


def in_full(text: str) -> Any:
    """JSON with its numbers as they are written."""
    return json.loads(text, parse_float=lambda t: ["float", t], parse_int=lambda t: ["int", t])


@given(
    st.lists(
        st.fixed_dictionaries({}, optional=dict.fromkeys([*NAMES, *OTHERS], NESTED)), max_size=5
    )
)
def test_values_of_json_can_be_had_back(rows: list[dict[str, Any]]) -> None:
    rows = [dict.fromkeys(NAMES), *rows]
    lines = [json.dumps(row) for row in rows]

    found = read("\n".join(lines).encode(), "json")

    assert len(found) == len(rows)
    for row, line in zip(found, lines, strict=True):
        rest = in_full(row[RESCUED] or "{}")
        for name, value in in_full(line).items():
            column = next((column for column in COLUMNS if column.in_file == name), None)
            taken = row[column.name] if column else None
            if taken is None:
                assert rest.get(name) == value
                continue
            assert name not in rest
            plain = json.loads(line, parse_float=Decimal)[name]
            if isinstance(taken, Decimal):
                assert taken == Decimal(plain)
            else:
                assert (taken.isoformat() if isinstance(taken, date) else taken) == plain


# -- Parquet ---------------------------------------------------------------------------------------

BACK: list[tuple[pa.DataType, st.SearchStrategy[Any], Callable[[str], Any]]] = [
    (pa.int64(), st.integers(-(2**63), 2**63 - 1), int),
    (pa.float64(), st.floats(allow_nan=False), float),
    (pa.float32(), st.floats(width=32, allow_nan=False), float),
    (pa.bool_(), st.booleans(), lambda text: {"true": True, "false": False}[text]),
    (pa.string(), TEXT, str),
    (pa.dictionary(pa.int32(), pa.string()), TEXT, str),
    (pa.binary(), st.binary(max_size=4), base64.b64decode),
    (pa.date32(), st.dates(), date.fromisoformat),
    (pa.timestamp("us", "UTC"), st.datetimes(timezones=st.just(None)), lambda text: text),
    (
        pa.decimal128(20, 5),
        st.decimals(places=5, min_value=-9, max_value=9, allow_nan=False),
        Decimal,
    ),
    (pa.list_(pa.struct([("a", pa.int32())])), st.just([{"a": 1}, None, {"a": None}]), json.loads),
]


@given(st.lists(st.sampled_from(BACK), min_size=5, max_size=5), st.integers(0, 4), st.data())
def test_values_of_parquet_can_be_had_back(
    kinds: list[Any], rows: int, data: st.DataObject
) -> None:
    names = [*NAMES, "extra"]
    columns = {
        name: pa.array(data.draw(st.lists(st.none() | values, min_size=rows, max_size=rows)), kind)
        for name, (kind, values, _) in zip(names, kinds, strict=True)
    }
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out)

    found = read(out.getvalue(), "parquet")

    assert len(found) == rows
    for position, row in enumerate(found):
        rest = rest_of(row)
        for name, (kind, _, back) in zip(names, kinds, strict=True):
            value = columns[name][position].as_py()
            taken = next((row[c.name] for c in COLUMNS if c.in_file == name), None)
            if taken is not None or value is None:
                assert taken == value
                assert name not in rest
            elif isinstance(value, datetime):
                assert datetime.fromisoformat(rest[name]) == value
            elif pa.types.is_list(kind):
                assert rest[name] == '[{"a":"1"},null,{"a":null}]'
            else:
                assert back(rest[name]) == value


# -- One by one ------------------------------------------------------------------------------------


def parquet(**columns: Any) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out)
    return out.getvalue()


GOOD = b"Order ID,day,note,price\n7,2026-11-25,x,1.5\n"
WIDER = b"Order ID,day,note,price,z\n7,2026-11-25,x,1.5,9\n"
BAD = b"Order ID,day,note,price\nseven,2026-11-25,x,1.5\n"


@pytest.mark.parametrize(
    ("body", "unknown", "bad_values", "rescued"),
    [
        (GOOD, "rescue", "rescue", None),
        (WIDER, "rescue", "quarantine", '{"z":"9"}'),
        (WIDER, "drop", "rescue", None),
        (BAD, "quarantine", "rescue", '{"Order ID":"seven"}'),
        (BAD, "drop", "rescue", '{"Order ID":"seven"}'),
        (WIDER, "quarantine", "rescue", "the unknown column 'z'"),
        (BAD, "rescue", "quarantine", "found 'seven', expected a whole number"),
    ],
)
def test_each_setting_rescues_what_it_names(
    body: bytes, unknown: str, bad_values: str, rescued: str | None
) -> None:
    as_json = b"".join(
        json.dumps(dict(row, price=1.5, **{"Order ID": number})).encode() + b"\n"
        for row in csv.DictReader(io.StringIO(body.decode()))
        for number in [7 if row["Order ID"] == "7" else "seven"]
    )
    table = next(csv.DictReader(io.StringIO(body.decode())))
    as_parquet = parquet(
        **{name: [Decimal("1.5") if name == "price" else value] for name, value in table.items()}
        | {"Order ID": [7] if table["Order ID"] == "7" else ["seven"]}
        | {"day": [date(2026, 11, 25)]}
    )
    for kind, content in {"csv": body, "json": as_json, "parquet": as_parquet}.items():
        if rescued is not None and not rescued.startswith("{"):
            words = rescued.replace("column", "field") if kind == "json" else rescued
            with pytest.raises(ParseError) as caught:
                read(content, kind, unknown=unknown, bad_values=bad_values)  # type: ignore[arg-type]
            assert words in str(caught.value) or "found string, expected int" in str(caught.value)
        else:
            [row] = read(content, kind, unknown=unknown, bad_values=bad_values)  # type: ignore[arg-type]
            assert row[RESCUED] == rescued
            assert (row["note"], row["price"]) == ("x", Decimal("1.50"))


@pytest.mark.parametrize(
    ("kind", "body", "reason"),
    [
        ("csv", b"z,day,note,price\n1,2,3,4\n", "no column 'Order ID'"),
        ("csv", b"Order ID,day,note,price,z,z\n", "the column 'z' more than once"),
        ("csv", GOOD + b"1,2\n", "Row 3: found 2 values, expected 4"),
        ("csv", WIDER.replace(b"9", b"\xff"), "column 'z': found bytes that are not UTF-8"),
        ("json", b'{"z":1}\n', "No line has the field 'Order ID', 'day', 'note', 'price'"),
        ("json", b'{"z":1,"z":2}\n', "Line 1 has the field 'z' twice"),
        ("json", b'{"z":nope}\n', "Line 1, column 6: not JSON"),
        ("json", b'{"z":1e99999999999999999999}\n', "not JSON: a number is too large"),
        ("parquet", parquet(z=[1]), "no columns 'Order ID', 'day', 'note', 'price'"),
    ],
)
def test_what_is_no_value_or_a_missing_column_stays_bad(
    kind: Format, body: bytes, reason: str
) -> None:
    with pytest.raises(ParseError) as caught:
        read(body, kind)
    assert reason in str(caught.value)


def test_json_keeps_every_digit_and_what_is_nested() -> None:
    line = b'{"Order ID":1.0,"day":null,"note":{"a":[]},"price":1e2,"z":[1.50,-0,1E5,{"b":{}}]}\n'
    [row] = read(line, "json")
    assert (row["id"], row["note"], row["price"]) == (None, None, Decimal(100))
    assert row[RESCUED] == '{"Order ID":1.0,"note":{"a":[]},"z":[1.50,-0,1E5,{"b":{}}]}'
