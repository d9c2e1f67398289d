"""The first rows of a file, as they are in curated. Needs pyarrow, a development package."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from burst.contract import SOURCE_KEY, SOURCE_VERSION

from tools.operate.errors import InputError
from tools.operate.inspection import KeyStory

if TYPE_CHECKING:
    import pyarrow as pa
    from mypy_boto3_s3 import S3Client


def rows_of_key(s3: S3Client, story: KeyStory, *, most: int) -> list[tuple[str, pa.Table]]:
    """Up to ``most`` rows of each version that has rows in curated, with the key."""
    return [
        (
            story.key,
            rows_of(s3, version.output, key=story.key, version_id=version.version_id, most=most),
        )
        for version in story.versions
        if most and version.output
    ]


def rows_of(s3: S3Client, output: str, *, key: str, version_id: str, most: int) -> pa.Table:
    """Up to ``most`` rows of one version in a batch's folder (an s3:// or file:// address).

    A transformation that drops `_source_key` leaves no way to tell files apart: then the batch's
    first rows. Raises `InputError` where pyarrow is not installed.
    """
    try:
        import pyarrow as pa
        import pyarrow.compute as pc
        import pyarrow.parquet as pq
    except ModuleNotFoundError as error:
        raise InputError("--rows reads Parquet with pyarrow: run `pipenv sync --dev`.") from error
    tables: list[Any] = []
    found = 0
    for source in parquet_files(s3, output):
        # Else a folder such as batch=... would be a column beside the file's own.
        table = pq.read_table(source, partitioning=None)
        for name, value in ((SOURCE_KEY, key), (SOURCE_VERSION, version_id)):
            if name in table.column_names:
                table = table.filter(pc.equal(table[name], value))
        tables.append(table.slice(0, most - found))
        found += tables[-1].num_rows
        if found >= most:
            break
    return pa.concat_tables(tables) if tables else pa.table({})


def parquet_files(s3: S3Client, output: str) -> Iterator[Any]:
    """What pyarrow reads of each Parquet file in a batch's folder (an s3:// or file:// address)."""
    address = urlsplit(output)
    if address.scheme == "file":
        yield from sorted(Path(url2pathname(address.path)).glob("*.parquet"))
        return
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket=address.netloc, Prefix=f"{address.path.lstrip('/')}/"
    )
    for page in pages:
        for item in page.get("Contents", []):
            if item["Key"].endswith(".parquet"):
                body = s3.get_object(Bucket=address.netloc, Key=item["Key"])["Body"].read()
                yield io.BytesIO(body)
