"""Traces from what people have: a file of arrivals, a listing, S3 Inventory."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools.forecast.errors import ForecastError
from tools.forecast.trace import Trace, moment

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

Arrival = tuple[datetime, int]
Read = Callable[[str], bytes]

ONLY_WHAT_IS_THERE = (
    "The arrivals are the objects that are there: those that were deleted or replaced are missing, "
    "and copied ones have the time of the copy."
)
_EXPECTED = "a time such as 2025-01-31T23:59:59Z (or seconds since 1970), a comma, and bytes"


def trace_from_file(file: Path) -> Trace:
    """A CSV of `time,bytes`, with or without a header; `.gz` is unzipped.

    Raises ForecastError with the line when it cannot be read, a time has no zone, or a size is
    negative.
    """
    with _reading(str(file)):
        data = file.read_bytes()
        text = (gzip.decompress(data) if file.suffix == ".gz" else data).decode("utf-8-sig")
    arrivals = list(_arrivals(text.splitlines(), str(file)))
    trace = Trace.of(arrivals, source=str(file))
    late = sum(later[0] < earlier[0] for earlier, later in pairwise(arrivals))
    if not late:
        return trace
    note = f"{late:,} times in {file} are earlier than the one before: all were sorted by time."
    return replace(trace, notes=(note,))


def write_trace(trace: Trace, file: Path) -> None:
    """The trace as a file that `trace_from_file` reads; gzipped where it ends in .gz."""
    lines = [
        f"{moment(int(time)).isoformat()},{size}"
        for time, size in zip(trace.times, trace.sizes, strict=True)
    ]
    data = ("time,bytes\n" + "\n".join(lines) + "\n").encode()
    with _reading(str(file)):
        # Without a time inside, the same trace gives the same bytes.
        file.write_bytes(gzip.compress(data, mtime=0) if file.suffix == ".gz" else data)


def trace_from_listing(
    s3: S3Client, bucket: str, prefix: str, *, progress: Callable[[int], None] = lambda _: None
) -> Trace:
    """Every object under a prefix of any bucket: when it was last modified, and its size.

    Objects that have been deleted or replaced since are not in a listing. progress is called with
    the number of objects so far.
    """
    source = f"s3://{bucket}/{prefix}"
    found: list[Arrival] = []
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        found += [(item["LastModified"], item["Size"]) for item in page.get("Contents", [])]
        progress(len(found))
    if not found:
        raise ForecastError(
            f"{source} holds no object, so there is nothing to forecast from. Look for the prefix "
            f"with `aws s3 ls s3://{bucket}/`, or describe the arrivals with --like."
        )
    trace = Trace.of(found, source=f"the listing of {source}")
    return replace(trace, notes=(ONLY_WHAT_IS_THERE,))


def trace_from_inventory(manifest: str, read: Read, *, prefix: str = "") -> Trace:
    """The objects of an S3 Inventory report (CSV or Parquet) under a prefix.

    manifest: path or `s3://` address of its `manifest.json` (S3 user guide, "Locating your
    inventory list"); the files lie in the bucket that the manifest is in, or beside it on a disk.
    read: the bytes behind such a name.
    """
    with _reading(manifest):
        document = json.loads(read(manifest))
    if not isinstance(document, dict) or "fileFormat" not in document or "files" not in document:
        raise ForecastError(f"{manifest} is no manifest.json of S3 Inventory.")
    columns = _inventory_columns(document, manifest)
    found: list[Arrival] = []
    for item in document["files"]:
        place = _beside(manifest, str(item["key"]))
        with _reading(place):
            found += _inventory_file(document, columns, read(place), prefix)
    if not found:
        raise ForecastError(f"{manifest} has no object under {prefix!r}.")
    trace = Trace.of(found, source=f"the inventory {manifest}")
    return replace(trace, notes=(ONLY_WHAT_IS_THERE,))


def _arrivals(lines: Iterable[str], source: str) -> Iterator[Arrival]:
    for number, row in enumerate(csv.reader(lines), start=1):
        if not row or (number == 1 and row[0].strip().lower() in ("time", "arrived", "timestamp")):
            continue
        if len(row) != 2:
            raise ForecastError(f"{source}, line {number}: {','.join(row)!r} is not {_EXPECTED}.")
        time, size = _time(row[0].strip()), _size(row[1].strip())
        if time is None or size is None:
            raise ForecastError(f"{source}, line {number}: {','.join(row)!r} is not {_EXPECTED}.")
        if time.tzinfo is None:
            raise ForecastError(
                f"{source}, line {number}: the time {row[0]!r} has no zone. Add one, for instance "
                "Z for UTC."
            )
        if size < 0:
            raise ForecastError(
                f"{source}, line {number}: {size} bytes are not possible; 0 or more are allowed."
            )
        yield time, size


def _time(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        pass
    try:
        return datetime.fromtimestamp(float(text), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _size(text: str) -> int | None:
    try:
        return int(text)
    except ValueError:
        return None


def _inventory_columns(document: Mapping[str, Any], manifest: str) -> dict[str, int]:
    if document["fileFormat"] not in ("CSV", "Parquet"):
        raise ForecastError(
            f"{manifest} is of an inventory in {document['fileFormat']}; CSV and Parquet are read."
        )
    names = [name.strip() for name in str(document.get("fileSchema", "")).split(",")]
    columns = {name: place for place, name in enumerate(names)}
    if document["fileFormat"] == "CSV":
        for needed in ("Key", "Size", "LastModifiedDate"):
            if needed not in columns:
                raise ForecastError(
                    f"{manifest}: the inventory has no field {needed}; add it to the inventory's "
                    "configuration."
                )
    return columns


def _inventory_file(
    document: Mapping[str, Any], columns: Mapping[str, int], data: bytes, prefix: str
) -> list[Arrival]:
    if document["fileFormat"] == "Parquet":
        import pyarrow.parquet as pq

        table = pq.read_table(io.BytesIO(data), columns=["key", "size", "last_modified_date"])
        rows = zip(*(column.to_pylist() for column in table.columns), strict=True)
        return [
            (time if time.tzinfo else time.replace(tzinfo=UTC), size or 0)
            for key, size, time in rows
            if key.startswith(prefix)
        ]
    reader = csv.reader(io.StringIO(gzip.decompress(data).decode()))
    key, size, time = (columns[name] for name in ("Key", "Size", "LastModifiedDate"))
    return [
        (datetime.fromisoformat(row[time]), int(row[size] or 0))
        for row in reader
        if row[key].startswith(prefix)
    ]


def _beside(manifest: str, key: str) -> str:
    if manifest.startswith("s3://"):
        return f"s3://{manifest.removeprefix('s3://').split('/')[0]}/{key}"
    return str(Path(manifest).parent / Path(key).name)


@contextmanager
def _reading(name: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ForecastError(
            f"{name} cannot be read or written: {error.strerror or error}."
        ) from error
    except UnicodeDecodeError as error:
        byte = f"byte {error.start + 1:,} is 0x{error.object[error.start]:02x}"
        raise ForecastError(f"{name} is not UTF-8 text: {byte}.") from error
    except json.JSONDecodeError as error:
        raise ForecastError(
            f"{name} is not JSON: line {error.lineno}, column {error.colno} cannot be read."
        ) from error
    except (ValueError, EOFError) as error:
        raise ForecastError(f"{name} cannot be read: {error}.") from error
