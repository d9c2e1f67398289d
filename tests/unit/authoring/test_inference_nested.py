"""Objects and lists in samples become structs, arrays and maps that the job reads."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from burst.contract import Column
from hypothesis import given
from hypothesis import strategies as st

from tools.authoring.inference import Inference, infer
from tools.authoring.samples import Sample
from tools.operate.errors import InputError


def of_lines(*rows: Any) -> Inference:
    return infer([Sample("a.json", "".join(json.dumps(row) + "\n" for row in rows).encode())])


def types(found: Inference) -> Mapping[str, str]:
    return {column.name: column.type for column in found.format.columns}


def test_objects_and_lists_get_the_types_of_what_is_inside() -> None:
    found = of_lines(
        {"id": 1, "items": [{"sku": "a", "unitPrice": 9.5}, {"sku": "b", "gift": True}]},
        {"id": 2, "items": [], "customer": {"since": "2026-11-26", "name": {"first": "Zoë"}}},
        {"id": 3, "customer": None, "tags": ["x", None], "at": {"ms": 1_700_000_000_000}},
    )

    assert types(found) == {
        "id": "bigint",
        "items": "array<struct<sku:string,unitPrice:decimal(18,3),gift:boolean>>",
        "customer": "struct<since:date,name:struct<first:string>>",
        "tags": "array<string>",
        "at": "struct<ms:bigint>",
    }
    [items] = [one for one in found.findings if one.name == "items"]
    assert items.evidence == "2 elements in 2 lists"
    assert [path for path, _, _ in items.inside] == [
        "items[].sku",
        "items[].unitPrice",
        "items[].gift",
    ]


@pytest.mark.parametrize(
    ("value", "kind", "doubt"),
    [
        ({"de-DE": 1, "en-US": 2.5}, "map<string,decimal(22,3)>", "by its 2 different keys"),
        ({f"u{n}": n for n in range(30)}, "struct<", ""),
        ({}, "map<string,string>", "no object has a field"),
        ([], "array<string>", "v[]: no sample has a value"),
        ({"a": None, "b": 1}, "struct<a:string,b:bigint>", "v.a: no sample has a value"),
        ({"a": "12", "b": "true"}, "struct<a:string,b:string>", "numbers or booleans in quotes"),
    ],
    ids=str,
)
def test_what_cannot_be_known_is_a_doubt(value: Any, kind: str, doubt: str) -> None:
    found = of_lines({"v": value})
    assert types(found)["v"].startswith(kind)
    assert doubt in "; ".join(found.findings[0].doubts)


def test_objects_of_which_each_has_other_keys_are_a_map() -> None:
    found = of_lines(*({"v": {f"user{n}": n, f"user{n + 1}": None}} for n in range(30)))
    assert types(found) == {"v": "map<string,bigint>"}


def test_what_no_type_takes_is_left_to_rescued_and_said() -> None:
    found = of_lines(
        {"id": 1, "v": {"ok": 1, "@type": "x", "mixed": 1, "Ok": 2}},
        {"id": 2, "v": {"ok": 2, "mixed": {"deep": 1}}},
    )

    assert types(found) == {"id": "bigint", "v": "struct<ok:bigint>"}
    assert found.format.unknown == "rescue"
    said = "; ".join(found.doubts)
    for words in ("v[\"@type\"]: '@type' is no name", "v.mixed: ", "v.Ok: 'Ok' differs"):
        assert words in said
    assert said.count("it is left to _rescued") == 3


def test_parquet_says_its_nested_types_itself() -> None:
    def sample(name: str, values: Any, kind: Any) -> Sample:
        body = io.BytesIO()
        pq.write_table(pa.table({"v": pa.array(values, kind)}), body)
        return Sample(name, body.getvalue())

    one = pa.struct([("aB", pa.int32()), ("l", pa.large_list(pa.decimal128(5, 2)))])
    other = pa.struct([("aB", pa.int64()), ("m", pa.map_(pa.string(), pa.timestamp("ns")))])
    found = infer(
        [
            sample("a", [{"aB": 1, "l": [Decimal("1.25")]}], one),
            sample("b", [{"aB": 2**40, "m": [("x", 0)]}, None], other),
        ]
    )

    wanted = "struct<aB:bigint,l:array<decimal(5,2)>,m:map<string,timestamp>>"
    assert found.format.columns == (Column("v", wanted),)
    assert found.rows == 3


SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "B", "b", "x-y", "", "c1"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(st.lists(st.fixed_dictionaries({"v": VALUES}), min_size=1, max_size=4))
def test_what_is_inferred_reads_the_sample_or_is_refused_in_a_sentence(rows: list[Any]) -> None:
    try:
        found = of_lines(*rows)
    except InputError:
        return
    assert found.rows == len(rows)
