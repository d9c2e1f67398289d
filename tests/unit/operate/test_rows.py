"""Rows of a file as `burst inspect --rows` reads them from a batch's folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pyarrow.parquet as pq

from tools.operate.rows import rows_of


def test_rows_have_the_columns_of_the_file_and_none_of_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "ingest_date=2025-01-31" / "batch=20250131T235959Z-0123abcd"
    folder.mkdir(parents=True)
    rows: dict[str, list[Any]] = {
        "order_id": ["a", "b", "c"],
        "_source_key": ["orders/1.csv", "orders/2.csv", "orders/1.csv"],
        "_source_version": ["v1", "v2", "v1"],
        "_batch": ["20250131T235959Z-0123abcd"] * 3,
    }
    pq.write_table(pa.table(rows), folder / "part-0.parquet")
    found = rows_of(cast(Any, None), folder.as_uri(), key="orders/1.csv", version_id="v1", most=5)
    assert found.column_names == list(rows)
    assert found["order_id"].to_pylist() == ["a", "c"]
