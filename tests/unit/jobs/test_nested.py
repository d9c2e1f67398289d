"""Nested columns: what the files have inside comes out exactly, or is pointed to exactly."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from burst.columns import arrow_schema
from burst.contract import RESCUED, ArgumentError, Column, FileFormat, Format, parse_columns
from burst.parsing import ParseError, parse, parse_together
from burst.spark.columns import spark_type
from hypothesis import given
from hypothesis import strategies as st

ITEMS = "array<struct<sku:string,unitPrice:decimal(5,2),sold:date>>"
CUSTOMER = "struct<id:int,firstName:string,since:timestamp,tags:map<string,int>>"
ORDER = (Column("id", "int"), Column("items", ITEMS), Column("customer", CUSTOMER, optional=True))


def read(
    body: bytes, kind: Format, columns: tuple[Column, ...] = ORDER, **settings: Any
) -> list[dict[str, Any]]:
    format = FileFormat(kind, columns, **settings)
    batches = list(parse(io.BytesIO(body), key="k", format=format))
    for batch in batches:
        assert batch.schema == arrow_schema(columns, format.rescues)
    return [row for batch in batches for row in batch.to_pylist(maps_as_pydicts="strict")]


def lines(*rows: Any) -> bytes:
    return "\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows).encode()


# -- Any type, any value ---------------------------------------------------------------------------

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=4)
INSTANTS = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))
LEAVES: Mapping[str, st.SearchStrategy[Any]] = {
    "string": TEXT,
    "boolean": st.booleans(),
    "smallint": st.integers(-(2**15), 2**15 - 1),
    "bigint": st.integers(-(2**63), 2**63 - 1),
    "double": st.floats(allow_nan=False, allow_infinity=False),
    "float": st.floats(allow_nan=False, allow_infinity=False, width=32),
    "decimal(5,2)": st.decimals(-999, 999, places=2),
    "decimal(38,0)": st.integers(-(10**38) + 1, 10**38 - 1).map(Decimal),
    "date": st.dates(),
    "timestamp": INSTANTS,
}
# Upper case is the file's; the table has it in lower case.
FIELDS = ("a", "bC", "_d", "e1")


def types_of(*, maps: bool = True) -> st.SearchStrategy[str]:
    def nested(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        struct = st.dictionaries(st.sampled_from(FIELDS), inner, min_size=1, max_size=3).map(
            lambda parts: f"struct<{','.join(f'{name}:{kind}' for name, kind in parts.items())}>"
        )
        array = inner.map("array<{}>".format)
        return struct | array | (inner.map("map<string,{}>".format) if maps else array)

    return nested(st.recursive(st.sampled_from(sorted(LEAVES)), nested, max_leaves=4))


def values_of(
    column: Column, leaves: Mapping[str, st.SearchStrategy[Any]] = LEAVES
) -> st.SearchStrategy[Any]:
    """Values as Python has them, with the names of the file."""
    shape = column.shape
    if not shape:
        return st.none() | leaves[column.type]
    if shape.kind == "struct":
        parts = {name: values_of(part, leaves) for name, part in shape.fields.items()}
        return st.none() | st.fixed_dictionaries({}, optional=parts)
    if shape.kind == "array":
        return st.none() | st.lists(values_of(shape.parts[0], leaves), max_size=3)
    return st.none() | st.dictionaries(TEXT, values_of(shape.parts[1], leaves), max_size=2)


def expected(value: Any, column: Column) -> Any:
    """The same with the names of the table, and null for what is left out."""
    shape = column.shape
    if value is None or not shape:
        return value
    if shape.kind == "struct":
        return {p.name: expected(value.get(p.in_file), p) for p in shape.parts}
    if shape.kind == "array":
        return [expected(item, shape.parts[0]) for item in value]
    return {key: expected(item, shape.parts[1]) for key, item in value.items()}


def as_json(value: Any) -> str:
    if isinstance(value, dict):
        return f"{{{','.join(f'{json.dumps(k)}: {as_json(v)}' for k, v in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(as_json, value))}]"
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, datetime):
        return json.dumps(value.isoformat())
    return json.dumps(value.isoformat() if isinstance(value, date) else value)


@st.composite
def tables(draw: st.DrawFn, *, maps: bool = True) -> tuple[Column, list[Any]]:
    column = Column("c", draw(types_of(maps=maps)))
    return column, draw(st.lists(values_of(column), min_size=1, max_size=4))


@given(tables())
def test_values_of_json_come_out_exactly(table: tuple[Column, list[Any]]) -> None:
    column, values = table
    body = "\n".join(as_json({"c": value}) for value in values).encode()

    found = read(body, "json", (column,))

    assert found == [{"c": expected(value, column)} for value in values]


@given(tables(maps=False))
def test_files_read_together_give_what_each_gives(table: tuple[Column, list[Any]]) -> None:
    column, values = table
    format = FileFormat("json", (column,))
    contents = [as_json({"c": value}).encode() for value in values]

    together = parse_together(contents, format=format)

    if together:
        rows, counts = together
        assert rows.to_pylist() == [{"c": expected(value, column)} for value in values]
        assert counts == [1] * len(values)
    else:
        assert re.search(r"\d{20}|[eE]|\\u00", b"".join(contents).decode())


def file_type(column: Column) -> Any:
    """The pyarrow type with the names of the file, written down a second time."""
    shape = column.shape
    if not shape:
        return arrow_schema((column,)).types[0]
    parts = [file_type(part) for part in shape.parts]
    if shape.kind == "struct":
        return pa.struct(list(zip(shape.fields, parts, strict=True)))
    return pa.large_list(*parts) if shape.kind == "array" else pa.map_(*parts)


@given(tables())
def test_values_of_parquet_come_out_exactly(table: tuple[Column, list[Any]]) -> None:
    column, values = table
    body = io.BytesIO()
    pq.write_table(pa.table({"c": pa.array(values, file_type(column))}), body, row_group_size=2)

    found = read(body.getvalue(), "parquet", (column,))

    assert found == [{"c": expected(value, column)} for value in values]


# -- What is wrong is named ------------------------------------------------------------------------

GOOD = {"id": 1, "items": [{"sku": "a", "unitPrice": 1.25, "sold": "2026-11-26"}]}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ({"items": [{"sku": "a"}, {"sku": 7}]}, "field 'items[1].sku': found 7, expected a text"),
        ({"items": {"sku": "a"}}, "field 'items': found an object, expected a list"),
        ({"items": [["a"]]}, "field 'items[0]': found a list, expected an object"),
        ({"items": [{"unitPrice": 1234.5}]}, "'items[0].unitPrice': found 1234.5, expected a num"),
        (
            {"items": [{"sold": "26.11.2026"}]},
            "'items[0].sold': found '26.11.2026', expected a date",
        ),
        ({"items": [{"qty": 2}]}, "has the unknown field 'items[0].qty'; expected are 'sku', 'uni"),
        ({"items": [{"SKU": "a"}]}, "has the unknown field 'items[0].SKU'"),
        ('{"items": [{"sku": "a", "sku": "b"}]}', "has the field 'items[0].sku' twice"),
        (
            {"customer": {"tags": {"x": 1, "y y": "2"}}},
            "'customer.tags[\"y y\"]': found '2', expect",
        ),
        ('{"customer": {"tags": {"x": 1, "x": 2}}}', "has the field 'customer.tags[\"x\"]' twice"),
        ({"customer": {"tags": [1]}}, "field 'customer.tags': found a list, expected an object"),
        ({"customer": {"id": 2**31}}, "field 'customer.id': found 2147483648, expected a whole"),
    ],
    ids=str,
)
def test_reason_has_the_path_to_the_value(line: Any, said: str) -> None:
    text = line if isinstance(line, str) else json.dumps(line)
    with pytest.raises(ParseError, match=re.escape(said)) as raised:
        read(lines(GOOD, '{"id": 2, ' + text[1:]), "json")
    assert str(raised.value).startswith("Line 2")


def parquet(values: Any, kind: Any = None, name: str = "items") -> bytes:
    body = io.BytesIO()
    table = {"id": pa.array([1] * len(values), pa.int32()), name: pa.array(values, kind)}
    if name != "items":
        table["items"] = pa.nulls(len(values))
    pq.write_table(pa.table(table), body)
    return body.getvalue()


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (parquet([[{"sku": 1}]]), "Column 'items[].sku': found int64, expected string."),
        (parquet([{"sku": "a"}]), "Column 'items': found struct<sku: string>, expected array."),
        (parquet([[{"sku": "a", "b": 1}]]), "Column 'items[]' has the unknown field 'b'; expected"),
        (
            parquet([None, [{"unitPrice": Decimal("1.25")}, {"unitPrice": Decimal("1.255")}]]),
            "Column 'items[1].unitPrice', row 2: found 1.255, expected a number that fits",
        ),
        (
            parquet(
                [{"tags": [("a", 1), ("a", 2)]}],
                pa.struct([("tags", pa.map_(pa.string(), pa.int32()))]),
                "customer",
            ),
            "Column 'customer.tags', row 1: found [('a', 1), ('a', 2)], expected a map with each",
        ),
    ],
    ids=range(5),
)
def test_reason_of_parquet_has_the_path(body: bytes, said: str) -> None:
    with pytest.raises(ParseError, match=re.escape(said)):
        read(body, "parquet")


def test_fields_that_no_struct_declares_are_dropped_where_the_settings_say_so() -> None:
    row = {"id": 1, "items": [{"sku": "a", "more": {"x": [1]}}], "customer": {"odd name": 2}}
    for body in (lines(row), parquet([row["items"]])):
        kind: Format = "parquet" if body.startswith(b"PAR1") else "json"
        [found] = read(body, kind, unknown="drop")
        assert found["items"] == [{"sku": "a", "unitprice": None, "sold": None}]


@pytest.mark.parametrize(
    "line",
    [
        '{"id": 1, "items": [{"unitPrice": 1e-400}]}',
        '{"id": 1, "items": [{"unitPrice": 0.' + "1" * 40 + "}]}",
        '{"id": 1, "items": [{"unitPrice": 1E5}]}',
    ],
)
def test_no_number_inside_becomes_another_one(line: str) -> None:
    with pytest.raises(ParseError, match=r"items\[0\].unitPrice"):
        read(lines(line), "json")


def test_double_that_would_become_zero_inside_is_refused() -> None:
    columns = (Column("c", "array<struct<x:double>>"),)
    assert read(lines('{"c": [{"x": 0e-5}, {"x": 1e-3}]}'), "json", columns)
    with pytest.raises(ParseError, match=re.escape("Line 2, field 'c[1].x': found 1E-400")):
        read(lines('{"c": [{"x": 0.0}]}', '{"c": [{"x": 1}, {"x": 1e-400}]}'), "json", columns)


def test_96_bit_timestamps_inside_are_read_from_their_bytes() -> None:
    moment = datetime(1969, 7, 20, 20, 17, 40, tzinfo=UTC)
    body = io.BytesIO()
    table = pa.table(
        {
            "c": pa.array(
                [[{"at": moment}], None], pa.list_(pa.struct([("at", pa.timestamp("us", "UTC"))]))
            )
        }
    )
    pq.write_table(table, body, use_deprecated_int96_timestamps=True)

    found = read(body.getvalue(), "parquet", (Column("c", "array<struct<at:timestamp>>"),))

    assert found == [{"c": [{"at": moment}]}, {"c": None}]


# -- What is rescued is pointed to -----------------------------------------------------------------


def test_rescued_values_are_under_their_paths() -> None:
    row = (
        '{"id": 1, "items": [{"sku": "a", "qty": 1.50}, {"sku": 7, "sold": "x"}, 5], "items.x": 3,'
        ' "customer": {"id": "n", "odd name": {"deep": [1e2]}, "tags": {"x": "y", "z": 1}}}'
    )

    [found] = read(lines(row), "json", unknown="rescue", bad_values="rescue")

    rest = json.loads(found.pop(RESCUED), parse_float=str)
    assert found == {
        "id": 1,
        "items": [
            {"sku": "a", "unitprice": None, "sold": None},
            {"sku": None, "unitprice": None, "sold": None},
            None,
        ],
        "customer": {"id": None, "firstname": None, "since": None, "tags": {"x": None, "z": 1}},
    }
    assert rest == {
        "items[0].qty": "1.50",
        "items[1].sku": 7,
        "items[1].sold": "x",
        "items[2]": 5,
        '["items.x"]': 3,
        "customer.id": "n",
        'customer["odd name"]': {"deep": ["1e2"]},
        'customer.tags["x"]': "y",
    }


@pytest.mark.parametrize("depth", [50, 400, 900, 100_000])
def test_value_that_is_nested_deep_stops_no_run(depth: int) -> None:
    row = f'{{"id": 1, "items": null, "deep": {"[" * depth}{"]" * depth}}}'
    try:
        [found] = read(row.encode(), "json", unknown="rescue", bad_values="rescue")
    except ParseError:
        assert depth > 50
    else:
        assert found[RESCUED].count("[") == depth


def test_only_unknown_fields_are_rescued_where_bad_values_are_not() -> None:
    good = lines({"id": 1, "items": [{"sku": "a", "qty": 2}]})
    [found] = read(good, "json", unknown="rescue")
    assert json.loads(found[RESCUED]) == {"items[0].qty": 2}

    for wrong in ({"sku": 7}, {"sold": "x"}):
        with pytest.raises(ParseError, match=r"items\[0\]"):
            read(lines({"id": 1, "items": [wrong | {"qty": 2}]}), "json", unknown="rescue")


def test_values_of_parquet_are_rescued_under_their_paths() -> None:
    kind = pa.list_(
        pa.struct([("sku", pa.string()), ("unitPrice", pa.float64()), ("n", pa.int64())])
    )
    values = [[{"sku": "a", "unitPrice": 1.5, "n": 2}], None, [None, {"sku": "b"}]]

    found = read(parquet(values, kind), "parquet", unknown="rescue", bad_values="rescue")

    assert [row["items"] for row in found] == [
        [{"sku": "a", "unitprice": None, "sold": None}],
        None,
        [None, {"sku": "b", "unitprice": None, "sold": None}],
    ]
    rest = [row[RESCUED] and json.loads(row[RESCUED]) for row in found]
    assert rest == [{"items[0].unitPrice": "1.5", "items[0].n": "2"}, None, None]


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-300, 300) | TEXT | st.sampled_from(["2026-11-26"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*FIELDS, "x y", ""]), inner, max_size=3)
    ),
    max_leaves=8,
)
STEP = re.compile(r'\.(\w+)|\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]')


def steps_of(path: str) -> Iterator[str | int]:
    for match in STEP.finditer(path):
        if match[2]:
            yield int(match[2])
        else:
            yield match[1] or json.loads(f'"{match[3]}"')


def put_back(value: Any, path: list[str | int], rest: Any) -> Any:
    """The value with the rest where the path points to."""
    if not path:
        assert value is None
        return rest
    if isinstance(value, list):
        value[int(path[0])] = put_back(value[int(path[0])], path[1:], rest)
        return value
    value[path[0]] = put_back(value.get(path[0]), path[1:], rest)
    return value


def in_file(value: Any, column: Column) -> Any:
    """A value of the table as the file wrote it, without its nulls in structs."""
    shape = column.shape
    if value is None or not shape:
        return value.isoformat() if isinstance(value, date) else value
    if shape.kind == "struct":
        found = {p.in_file: in_file(value[p.name], p) for p in shape.parts}
        return {name: item for name, item in found.items() if item is not None}
    if shape.kind == "array":
        return [in_file(item, shape.parts[0]) for item in value]
    return {key: in_file(item, shape.parts[1]) for key, item in value.items()}


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: without_nulls(v) for k, v in value.items() if v is not None}
    return [without_nulls(item) for item in value] if isinstance(value, list) else value


@given(
    st.sampled_from(
        [
            "struct<a:int,bC:array<struct<a:string,_d:date>>>",
            "array<array<int>>",
            "map<string,struct<a:boolean,e1:string>>",
            "struct<a:struct<a:string,bC:int>,_d:map<string,string>>",
        ]
    ),
    st.lists(JUNK, min_size=1, max_size=4),
)
def test_whatever_json_has_can_be_put_together_again(kind: str, values: list[Any]) -> None:
    column = Column("c", kind)
    body = lines(*({"c": value} for value in values))

    found = read(body, "json", (column,), unknown="rescue", bad_values="rescue")

    for row, value in zip(found, values, strict=True):
        again = in_file(row["c"], column)
        for path, rest in json.loads(row[RESCUED] or "{}").items():
            assert path.startswith("c")
            again = put_back(again, list(steps_of(path[1:])), rest)
        assert without_nulls(again) == without_nulls(value)


FILE_TYPES = (
    "struct<a:bigint,bC:array<struct<a:string,_d:date,x:int>>,y:boolean>",
    "struct<a:string,bC:array<struct<_d:string,a:int>>>",
    "struct<bC:int,a:smallint,z:array<date>>",
    "array<string>",
)


@given(st.sampled_from(FILE_TYPES), st.data())
def test_whatever_parquet_has_can_be_put_together_again(kind: str, data: st.DataObject) -> None:
    written, column = (
        Column("c", kind),
        Column("c", "struct<a:int,bC:array<struct<a:string,_d:date>>>"),
    )
    leaves = {**LEAVES, "int": st.integers(-(2**31), 2**31 - 1)}
    values = data.draw(st.lists(values_of(written, leaves), min_size=1, max_size=3))
    body = io.BytesIO()
    pq.write_table(pa.table({"c": pa.array(values, file_type(written))}), body)

    found = read(body.getvalue(), "parquet", (column,), unknown="rescue", bad_values="rescue")

    for row, value in zip(found, values, strict=True):
        again = as_texts(in_file(row["c"], column))
        for path, rest in json.loads(row[RESCUED] or "{}").items():
            # What is nested is JSON in a text.
            nested = rest.startswith(("[", "{")) and not (kind.count("string") and path != "c")
            again = put_back(again, list(steps_of(path[1:])), json.loads(rest) if nested else rest)
        assert without_nulls(again) == without_nulls(as_texts(value))


def as_texts(value: Any) -> Any:
    """Values as `_rescued` writes those of Parquet."""
    if isinstance(value, dict):
        return {name: as_texts(item) for name, item in value.items()}
    if isinstance(value, list):
        return [as_texts(item) for item in value]
    if isinstance(value, bool):
        return str(value).lower()
    return value if value is None else str(value)


# -- The specification -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("strct<a:int>", "there is no type 'strct' (did you mean 'struct'?)"),
        ("struct<a:integer>", "at character 10: there is no type 'integer' (did you mean 'int'?)"),
        ("array<INT>", "at character 7: there is no type 'INT' (did you mean 'int'?)"),
        ("array< int>", "at character 7: expected a type, found a space, which types do not have"),
        ("struct<a:int", "at character 13: expected '>', found the end"),
        ("array<int>>", "at character 11: expected the end, found '>'"),
        ("struct<a:int,A:int>", "at character 14: the field 'A' is there twice (upper and lower"),
        ("struct<>", "at character 8: expected the name of a field"),
        ("struct<a-b:int>", "at character 9: expected ':', found '-b:int>'"),
        ("map<double,int>", "at character 5: the key of a map is string, smallint, int, bigint"),
        ("array<decimal(39,2)>", "at character 7: a decimal has a precision from 1 to 38"),
        ("array<" * 13 + "int" + ">" * 13, "at character 73: more than 12 types are in each other"),
        ("struct<a:" + "int," * 40_000, "it has 160,009 characters, 131,072 are allowed"),
    ],
    ids=lambda text: text[:30],
)
def test_wrong_type_is_refused_with_the_place(kind: str, said: str) -> None:
    with pytest.raises(ArgumentError, match=re.escape(said)):
        parse_columns(json.dumps([{"name": "c", "type": kind}]))


@given(types_of())
def test_spark_spells_a_type_as_the_table_has_it(kind: str) -> None:
    column = Column("c", kind)
    assert spark_type(column).simpleString() == column.hive_type


def test_table_has_the_fields_in_lower_case() -> None:
    column = Column("c", "map<string,array<struct<unitPrice:decimal(5,2)>>>")
    assert column.hive_type == "map<string,array<struct<unitprice:decimal(5,2)>>>"
