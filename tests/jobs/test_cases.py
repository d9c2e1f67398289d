"""Small files on which loaders were seen to fail: the right value, or a reason to act on.

Each is the essence of a public bug report; `tests/jobs/cases` has the files. They go through the
engine that is shipped.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.jobs.world import World

CASES = Path(__file__).parent / "cases"

Columns = dict[str, str]


@pytest.fixture
def as_it_is(monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a transform that changes nothing."""
    module = ModuleType("transforms.as_it_is")
    module.__spec__ = importlib.util.spec_from_loader(module.__name__, None)
    module.transform = lambda frame: frame  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return "as_it_is"


@pytest.fixture
def load(spark_world: World, as_it_is: str) -> Callable[..., str | list[dict[str, Any]]]:
    """Load one file: its rows in curated, or the reason in quarantine."""

    def loaded(
        name: str, columns: Columns, body: bytes | None = None, **settings: Any
    ) -> str | list[dict[str, Any]]:
        kind = name.removesuffix(".gz").rpartition(".")[2]
        spark_world.put(f"orders/{name}", body or (CASES / name).read_bytes())
        spark_world.drain(
            input_format=kind,
            columns=json.dumps([{"name": key, "type": type_} for key, type_ in columns.items()]),
            transform=as_it_is,
            **settings,
        )
        reasons = [
            json.loads(body)
            for key, body in spark_world.in_lake("quarantine/").items()
            if key.endswith(".reason.json")
        ]
        if reasons:
            [record] = reasons
            assert record["key"] == f"orders/{name}"
            assert spark_world.curated() == []
            reason: str = record["reason"]
            return reason
        return [{key: row[key] for key in columns} for row in spark_world.curated()]

    return loaded


ABC = {"a": "int", "b": "string", "c": "string"}
REASONS: dict[str, tuple[str, Columns, list[str]]] = {
    "decimal with too many whole digits": (
        "decimal_10_2_too_large.csv",
        {"order_id": "string", "unit_price": "decimal(10,2)"},
        ["Row 2", "'unit_price'", "'123456789'", "decimal(10,2)", "9 whole digits, 8 fit"],
    ),
    "decimal that wraps around": (
        "decimal_38_18_wraps.csv",
        {"k": "int", "v": "decimal(38,18)"},
        ["Row 2", "'v'", "'400000000000000000000'", "21 whole digits, 20 fit"],
    ),
    "decimal whose exponent is out of all tables": (
        "decimal_segfault.csv",
        {"k": "int", "v": "decimal(10,2)"},
        ["Row 2", "'v'", "'1E-100000000'", "100000000 decimals, 2 fit"],
    ),
    "hexadecimal whole number": (
        "hex_int.csv",
        {"k": "int", "v": "int"},
        ["Row 2", "'v'", "'0xFFFFFFFF'", "a whole number of 32 bits"],
    ),
    "quote that closes inside a value": (
        "backslash_quotes.csv",
        ABC,
        ["Row 2", "text after a closing quote", "say", "expected a quote only around"],
    ),
    "page with a wrong checksum": (
        "parquet_crc_mismatch.parquet",
        {"a": "int", "b": "string"},
        ["Column 'a'", "checksum"],
    ),
    "gzip in gzip": (
        "double_gzip.csv.gz",
        {"a": "int", "b": "string"},
        ["compressed twice", "gzip data again", "expected csv"],
    ),
}


@pytest.mark.parametrize(("name", "columns", "words"), REASONS.values(), ids=REASONS)
def test_file_that_cannot_be_loaded_as_it_is_has_a_reason_to_act_on(
    load: Callable[..., str], name: str, columns: Columns, words: list[str]
) -> None:
    reason = load(name, columns)

    assert [word for word in words if word not in reason] == []


def test_quotes_are_read_with_the_escape_character_of_the_settings(
    load: Callable[..., list[Any]],
) -> None:
    rows = load("backslash_quotes.csv", ABC, csv_escape="\\")

    assert rows == [{"a": 1, "b": 'say "hi" now', "c": "x"}]


def test_timestamps_of_96_bits_before_1970_are_what_they_are(
    load: Callable[..., list[dict[str, Any]]],
) -> None:
    rows = load("int96_before_1970.parquet", {"t": "timestamp"})

    assert [row["t"] for row in rows] == [
        datetime(1965, 3, 4, 5, 6, 7, tzinfo=UTC),
        datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC),
        datetime(1960, 1, 1, tzinfo=UTC),
        datetime(2001, 1, 1, 1, tzinfo=UTC),
    ]


def test_line_end_in_a_value_at_the_border_of_a_block_is_kept(
    load: Callable[..., list[dict[str, Any]]],
) -> None:
    line = b'%07d,"plain text of a row",x\r\n'
    body = bytearray(b"id,s,p\r\n")
    # The parser reads the first 1 MiB, then 2 MiB at a time; pyarrow read 8 MiB at a time.
    borders = [number * 1024**2 for number in range(1, 10)]
    for border in borders:
        room = border - len(body) - 200
        body += b"".join(line % number for number in range(room // len(line % 0)))
        body += b'9999999,"' + b"A" * (border - len(body) - 10) + b'\r\nB",x\r\n'
        assert body[border - 1 : border + 1] == b"\r\n"

    loaded = load("border.csv", {"id": "int", "s": "string", "p": "string"}, bytes(body))

    texts = [row["s"] for row in loaded if row["id"] == 9_999_999]
    assert len(texts) == len(borders)
    assert {text.strip("A") for text in texts} == {"\r\nB"}
    assert {row["s"] for row in loaded if row["id"] != 9_999_999} == {"plain text of a row"}


def test_decimals_of_every_size_are_exact(load: Callable[..., list[dict[str, Any]]]) -> None:
    numbers = ["99999999999999999999.999999999999999999", "-0E-18", "1.5e-17", "+.5"]
    body = "v\n" + "\n".join(numbers) + "\n"

    rows = load("exact.csv", {"v": "decimal(38,18)"}, body.encode())

    assert [row["v"] for row in rows] == [Decimal(number) for number in numbers]
