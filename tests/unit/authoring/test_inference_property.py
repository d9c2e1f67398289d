"""What is inferred from files reads these files, whatever is in them."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from burst.parsing import parse
from hypothesis import given
from hypothesis import strategies as st

from tools.authoring.inference import Inference, infer
from tools.authoring.samples import read_samples

NAMES = ("id", "amount", "at", "note")
TEXT = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=12)
LATIN = st.text(st.characters(codec="cp1252", exclude_categories=["Cc"]), max_size=12)
WHOLE = st.integers(-(10**20), 10**20) | st.integers(-5, 5)
DECIMALS = st.decimals(allow_nan=False, allow_infinity=False, places=3, max_value=10**12)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
DATES = st.dates().map(date.isoformat)
TIMES = st.datetimes().map(datetime.isoformat)


def csv_values(texts: st.SearchStrategy[str]) -> st.SearchStrategy[st.SearchStrategy[str]]:
    """One strategy for the values of a column, of one kind or of several."""
    kinds = [
        texts,
        WHOLE.map(str),
        DECIMALS.map(str),
        FLOATS.map(repr),
        DATES,
        TIMES,
        TIMES.map("{}Z".format),
        st.sampled_from(["true", "False", "0", "1"]),
        st.sampled_from(["007", "+41", "1e5", "NaN", ".5", "5."]),
        st.just(""),
    ]
    return st.lists(st.sampled_from(kinds), min_size=1, max_size=3).map(
        lambda chosen: st.one_of(*chosen, st.just(""))
    )


@st.composite
def csv_files(draw: st.DrawFn) -> dict[str, bytes]:
    """Up to three files of one pipeline."""
    encoding = draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]))
    delimiter = draw(st.sampled_from(",;\t|"))
    line_end = draw(st.sampled_from(["\n", "\r\n"]))
    columns = [draw(csv_values(LATIN if encoding == "cp1252" else TEXT)) for _ in NAMES]
    files = {}
    for number in range(draw(st.integers(1, 3))):
        out = io.StringIO(newline="")
        writer = csv.writer(out, delimiter=delimiter, lineterminator=line_end)
        writer.writerow(NAMES)
        for _ in range(draw(st.integers(0, 4))):
            writer.writerow([draw(column) for column in columns])
        zipped = draw(st.booleans())
        body = out.getvalue().encode(encoding)
        files[f"{number}.csv{'.gz' * zipped}"] = gzip.compress(body) if zipped else body
    return files


JSON_VALUES = st.sampled_from(
    [
        TEXT,
        WHOLE,
        FLOATS,
        WHOLE | FLOATS,
        st.booleans(),
        DATES,
        TIMES.map("{}Z".format),
        st.none(),
    ]
)


@st.composite
def json_files(draw: st.DrawFn) -> dict[str, bytes]:
    columns = [draw(JSON_VALUES) | st.none() for _ in NAMES]
    ascii_only = draw(st.booleans())
    return {
        f"{number}.json": "\n".join(
            json.dumps(
                {name: draw(column) for name, column in zip(NAMES, columns, strict=True)},
                ensure_ascii=ascii_only,
            )
            for _ in range(draw(st.integers(1, 4)))
        ).encode()
        for number in range(draw(st.integers(1, 3)))
    }


PARQUET_COLUMNS: Sequence[tuple[Any, st.SearchStrategy[Any]]] = (
    (pa.int8(), st.integers(-128, 127)),
    (pa.uint32(), st.integers(0, 2**32 - 1)),
    (pa.uint64(), st.integers(0, 2**64 - 1)),
    (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    (pa.float32(), st.floats(width=32)),
    (pa.float64(), st.floats()),
    (pa.bool_(), st.booleans()),
    (pa.string(), TEXT),
    (pa.large_string(), TEXT),
    (pa.date32(), st.dates()),
    (pa.timestamp("us"), st.datetimes()),
    (pa.timestamp("ms", "UTC"), st.just(datetime(2025, 1, 1))),
    (pa.decimal128(9, 3), st.just(Decimal("1.125"))),
    (pa.dictionary(pa.int32(), pa.string()), TEXT),
    (pa.null(), st.none()),
)


@st.composite
def parquet_files(draw: st.DrawFn) -> dict[str, bytes]:
    columns = [draw(st.sampled_from(PARQUET_COLUMNS)) for _ in NAMES]
    files = {}
    for number in range(draw(st.integers(1, 2))):
        rows = draw(st.integers(0, 3))
        arrays = {
            name: pa.array([draw(values | st.none()) for _ in range(rows)], kind)
            for name, (kind, values) in zip(NAMES, columns, strict=True)
        }
        out = io.BytesIO()
        pq.write_table(pa.table(arrays), out)
        files[f"{number}.parquet"] = out.getvalue()
    return files


def inferred(files: dict[str, bytes]) -> tuple[Inference, int]:
    """What is inferred, and how many rows the job reads with it from the files as they are."""
    with TemporaryDirectory() as folder:
        for name, body in files.items():
            (Path(folder) / name).write_bytes(body)
        found = infer(read_samples([str(Path(folder) / name) for name in files]))
    batches = [
        batch
        for name, body in files.items()
        for batch in parse(io.BytesIO(body), key=f"p/{name}", format=found.format)
    ]
    return found, sum(batch.num_rows for batch in batches)


@given(csv_files())
def test_csv_files_are_read_with_what_was_inferred_from_them(files: dict[str, bytes]) -> None:
    found, rows = inferred(files)
    assert {column.name for column in found.format.columns} == set(NAMES)
    assert found.rows == rows


@given(json_files())
def test_json_files_are_read_with_what_was_inferred_from_them(files: dict[str, bytes]) -> None:
    found, rows = inferred(files)
    assert {column.name for column in found.format.columns} == set(NAMES)
    assert found.rows == rows == sum(body.count(b"\n") + 1 for body in files.values())


@given(parquet_files())
def test_parquet_files_are_read_with_what_was_inferred_from_them(files: dict[str, bytes]) -> None:
    found, rows = inferred(files)
    assert {column.name for column in found.format.columns} == set(NAMES)
    assert found.rows == rows
