"""Arrivals from files, listings and inventories; and what is refused, with the reason."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from moto import mock_aws

from tools.forecast.errors import ForecastError
from tools.forecast.sources import (
    trace_from_file,
    trace_from_inventory,
    trace_from_listing,
    write_trace,
)
from tools.forecast.trace import Trace, moment

FIRST = datetime(2025, 1, 31, 10, tzinfo=UTC)
ARRIVALS = [(FIRST, 5), (FIRST + timedelta(seconds=1.5), 0), (FIRST + timedelta(days=1), 10**12)]


def pairs(trace: Trace) -> list[tuple[datetime, int]]:
    return [(moment(int(t)), int(s)) for t, s in zip(trace.times, trace.sizes, strict=True)]


@pytest.mark.parametrize("name", ["trace.csv", "trace.csv.gz"])
def test_saved_trace_is_read_back_and_the_same_trace_gives_the_same_bytes(
    tmp_path: Path, name: str
) -> None:
    file, again = tmp_path / name, tmp_path / f"again-{name}"
    write_trace(Trace.of(ARRIVALS, source="test"), file)
    trace = trace_from_file(file)
    assert pairs(trace) == ARRIVALS
    assert (trace.days, trace.notes) == (2, ())
    write_trace(trace, again)
    assert again.read_bytes() == file.read_bytes()


@pytest.mark.parametrize(
    "text",
    [
        "2025-01-31T10:00:00Z,5",
        "time,bytes\n2025-01-31T10:00:00+00:00,5\n\n",
        "\ufefftime,bytes\r\n2025-01-31T11:00:00+01:00, 5\r\n",
        "1738317600,5",
        "1738317600.0,5",
    ],
)
def test_times_are_read_in_the_usual_spellings(tmp_path: Path, text: str) -> None:
    file = tmp_path / "arrivals.csv"
    file.write_text(text, encoding="utf-8")
    assert pairs(trace_from_file(file)) == [(FIRST, 5)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "has no arrivals"),
        ("time,bytes\n", "has no arrivals"),
        ("2025-01-31T10:00:00Z\n", "line 1: '2025-01-31T10:00:00Z' is not a time such as"),
        ("2025-01-31T10:00:00Z,1,2\n", "line 1"),
        ("2025-01-31T10:00:00Z,5\nyesterday,5\n", "line 2: 'yesterday,5' is not a time such as"),
        ("2025-01-31T10:00:00Z,many\n", "line 1"),
        ("2025-01-31T10:00:00Z,1.5\n", "line 1"),
        ("2025-01-31T10:00:00,5\n", "the time '2025-01-31T10:00:00' has no zone"),
        ("2025-01-31T10:00:00Z,-5\n", "-5 bytes are not possible"),
        ("1925-01-31T10:00:00Z,5\n", "has a time before 1970"),
        ("nan,5\n", "line 1"),
        ("1e300,5\n", "line 1"),
    ],
)
def test_file_that_cannot_be_used_is_refused_with_the_line(
    tmp_path: Path, text: str, words: str
) -> None:
    file = tmp_path / "arrivals.csv"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ForecastError) as caught:
        trace_from_file(file)
    assert words in str(caught.value)
    assert str(file) in str(caught.value)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("no.csv", None),
        ("bad.csv.gz", b"no gzip"),
        ("latin.csv", b"\xe9,5"),
        ("short.csv.gz", gzip.compress(b"1738317600,5", mtime=0)[:-9]),
    ],
)
def test_file_that_cannot_be_read_is_named(tmp_path: Path, name: str, data: bytes | None) -> None:
    if data is not None:
        (tmp_path / name).write_bytes(data)
    with pytest.raises(ForecastError, match=name):
        trace_from_file(tmp_path / name)


def test_times_out_of_order_are_sorted_and_a_note_says_so(tmp_path: Path) -> None:
    file = tmp_path / "arrivals.csv"
    file.write_text("1738317700,2\n1738317600,1\n1738317800,3\n", encoding="utf-8")
    trace = trace_from_file(file)
    assert trace.sizes.tolist() == [1, 2, 3]
    (note,) = trace.notes
    assert "1 times in" in note
    assert "sorted by time" in note


# ---- listing -----------------------------------------------------------------------------------


@pytest.fixture
def s3() -> Iterator[Any]:
    with mock_aws():
        client = boto3.client(
            "s3", region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test"
        )
        client.create_bucket(Bucket="incoming")
        yield client


def test_listing_gives_every_object_under_the_prefix(
    s3: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "20")
    for number in range(43):
        s3.put_object(Bucket="incoming", Key=f"orders/{number}", Body=b"x" * (number % 7))
    s3.put_object(Bucket="incoming", Key="other/1", Body=b"xxx")
    counts: list[int] = []
    trace = trace_from_listing(s3, "incoming", "orders/", progress=counts.append)
    assert len(trace) == 43
    assert trace.total_bytes == sum(number % 7 for number in range(43))
    assert counts == [20, 40, 43]
    assert any("deleted or replaced are missing" in note for note in trace.notes)


def test_empty_listing_is_refused_with_the_way_to_look(s3: Any) -> None:
    with pytest.raises(ForecastError, match=r"s3://incoming/orders/ holds no object.*aws s3 ls"):
        trace_from_listing(s3, "incoming", "orders/")


# ---- S3 Inventory ------------------------------------------------------------------------------

ROWS = [("orders/a.csv", 5, ARRIVALS[0][0]), ("orders/b.csv", 7, FIRST + timedelta(seconds=2)),
        ("other/c.csv", 9, FIRST)]  # fmt: skip


def inventory(folder: Path, kind: str, data: bytes, schema: str) -> str:
    name = f"data.{'csv.gz' if kind == 'CSV' else 'parquet'}"
    (folder / name).write_bytes(data)
    manifest = folder / "manifest.json"
    manifest.write_text(
        json.dumps(
            {
                "sourceBucket": "incoming",
                "fileFormat": kind,
                "fileSchema": schema,
                "files": [{"key": f"incoming/all/data/{name}", "size": len(data)}],
            }
        ),
        encoding="utf-8",
    )
    return str(manifest)


def csv_inventory(folder: Path) -> str:
    # S3 writes no header, and quotes every value.
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    for key, size, time in ROWS:
        writer.writerow(["incoming", key, size, time.isoformat().replace("+00:00", ".000Z")])
    data = gzip.compress(text.getvalue().encode())
    return inventory(folder, "CSV", data, "Bucket, Key, Size, LastModifiedDate")


def parquet_inventory(folder: Path) -> str:
    table = pa.table(
        {
            "bucket": ["incoming"] * 3,
            "key": [key for key, _, _ in ROWS],
            "size": [size for _, size, _ in ROWS],
            "last_modified_date": pa.array([t for _, _, t in ROWS], pa.timestamp("ms", "UTC")),
        }
    )
    out = io.BytesIO()
    pq.write_table(table, out)
    return inventory(folder, "Parquet", out.getvalue(), "message s3.inventory {}")


def from_disk(name: str) -> bytes:
    return Path(name).read_bytes()


@pytest.mark.parametrize("make", [csv_inventory, parquet_inventory])
def test_inventory_gives_the_objects_under_the_prefix(tmp_path: Path, make: Any) -> None:
    trace = trace_from_inventory(make(tmp_path), from_disk, prefix="orders/")
    assert pairs(trace) == [(time, size) for _, size, time in ROWS[:2]]
    assert len(trace_from_inventory(make(tmp_path), from_disk)) == 3


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ([], "is no manifest.json of S3 Inventory"),
        ({"files": []}, "is no manifest.json of S3 Inventory"),
        ({"fileFormat": "ORC", "fileSchema": "", "files": []}, "in ORC; CSV and Parquet are read"),
        ({"fileFormat": "CSV", "fileSchema": "Bucket, Key", "files": []}, "has no field Size"),
        ({"fileFormat": "Parquet", "fileSchema": "", "files": []}, "has no object under"),
        ({"fileFormat": "Parquet", "files": [{"key": "a/gone.parquet"}]}, "gone.parquet"),
    ],
)
def test_inventory_that_cannot_be_used_is_refused(
    tmp_path: Path, document: Any, words: str
) -> None:
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(ForecastError) as caught:
        trace_from_inventory(str(manifest), from_disk)
    assert words in str(caught.value)


def test_inventory_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ForecastError, match=r"manifest\.json cannot be read"):
        trace_from_inventory(str(tmp_path / "manifest.json"), from_disk)
