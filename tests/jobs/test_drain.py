"""A burst from landing to curated, with the shipped data engine."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pyarrow.parquet as pq
import pytest
from burst.batch import output_uri
from burst.drain import drain
from burst.errors import LedgerError, RowEngineError, TooManyBadFilesError
from burst.ledger import DoneRecord, Ledger, ResultRecord
from burst.spark.row_engine import SparkRowEngine
from mypy_boto3_s3 import S3Client
from pyspark.sql import SparkSession

from tests.jobs.world import (
    COLUMNS,
    World,
    as_csv,
    as_csv_gz,
    as_json,
    as_parquet,
    order,
)


@pytest.mark.parametrize(
    ("input_format", "suffix", "write"),
    [
        ("csv", ".csv", as_csv),
        ("csv", ".csv.gz", as_csv_gz),
        ("json", ".json", as_json),
        ("parquet", ".parquet", as_parquet),
    ],
)
def test_every_row_of_a_burst_is_in_curated_once(
    spark_world: World, input_format: str, suffix: str, write: Callable[..., bytes]
) -> None:
    world = spark_world
    bodies = {
        f"orders/part {n}{suffix}": write([order(10 * n + i) for i in range(10)]) for n in range(6)
    }
    versions = {key: world.put(key, body) for key, body in bodies.items()}

    summary = world.drain(input_format=input_format, suffix=suffix)

    assert (summary.files, summary.rows, summary.bad_files) == (6, 60, 0)
    assert world.order_ids() == [order(n)["order_id"] for n in range(60)]
    assert world.in_landing() == []
    [batch] = world.ledger()
    for row in world.curated():
        number = int(row["order_id"][2:])
        key = f"orders/part {number // 10}{suffix}"
        assert (row["_source_key"], row["_source_version"]) == (key, versions[key])
        assert row["_batch"] == batch
        assert row["updated_at"] == datetime(2025, 1, 2, 4, 4, 5, 123456, tzinfo=UTC)
        assert row["unit_price"] == Decimal(number).scaleb(-2)
        assert row["order_total"] == row["quantity"] * row["unit_price"]
        assert (row["is_current"], row["is_late"]) == (True, True)


def test_what_the_columns_do_not_take_is_rescued_and_counted(spark_world: World) -> None:
    world = spark_world
    known = as_csv([order(1)])
    lines = as_csv([order(2, quantity="many"), order(3)]).decode().splitlines()
    wider = [f"{line},{more}" for line, more in zip(lines, ["channel", "web", ""], strict=True)]
    world.put("orders/known.csv", known)
    world.put("orders/wider.csv", "\n".join(wider).encode())

    summary = world.drain(unknown_columns="rescue", bad_values="rescue", transform="none")

    assert (summary.files, summary.rows, summary.bad_files) == (2, 3, 0)
    rows = {row["order_id"]: (row["quantity"], row["_rescued"]) for row in world.curated()}
    assert rows == {
        "o-00001": (2, None),
        "o-00002": (None, '{"quantity":"many","channel":"web"}'),
        "o-00003": (4, None),
    }
    [batch] = world.ledger()
    files = {file["key"]: file.get("rescued") for file in world.record(batch, "result")["files"]}
    assert files == {
        "orders/known.csv": None,
        "orders/wider.csv": {"quantity": 1, "channel": 1},
    }


def test_column_that_is_declared_later_is_null_in_the_files_before(
    spark_world: World, spark: SparkSession
) -> None:
    world = spark_world
    wider = b"\n".join(
        line + more
        for line, more in zip(as_csv([order(2)]).splitlines(), [b",stock", b",7"], strict=True)
    )
    columns = [*COLUMNS, {"name": "stock", "type": "bigint", "optional": True}]
    world.put("orders/before.csv", as_csv([order(1)]))
    world.drain(unknown_columns="rescue", transform="none")
    world.put("orders/after.csv", wider)
    world.put("orders/without.csv", as_csv([order(3)]))
    world.drain(unknown_columns="rescue", transform="none", columns=json.dumps(columns))

    # As the table over curated declares it, which is how Athena reads Parquet: by name.
    declared = "order_id string, stock bigint, _rescued string"
    rows = spark.read.schema(declared).parquet(world.curated_uri).collect()

    found = {row["order_id"]: (row["stock"], row["_rescued"]) for row in rows}
    assert found == {"o-00001": (None, None), "o-00002": (7, None), "o-00003": (None, None)}


def test_archive_holds_the_bytes_and_the_ledger_says_where(spark_world: World) -> None:
    world = spark_world
    body = as_csv([order(1), order(2)])
    version = world.put("orders/a.csv", body)

    summary = world.drain(WORKFLOW_RUN_ID="wr_1")

    [batch] = summary.batches
    assert world.ledger() == {batch: ["done.json", "plan.json", "result.json"]}
    [planned] = world.record(batch, "plan")["inputs"]
    assert (planned["key"], planned["version_id"]) == ("orders/a.csv", version)
    result = world.record(batch, "result")
    assert (result["rows"], result["bytes"], result["workflow_run_id"]) == (2, len(body), "wr_1")
    assert set(result["seconds"]) == {"read", "write"}
    [file] = result["files"]
    assert world.in_lake("archive/") == {file["destination"]: body}
    assert result["output"] == output_uri(world.curated_folder.as_uri(), batch)
    folder = world.curated_folder / output_uri(".", batch)
    assert len(list(folder.glob("*.parquet"))) == 1


def test_bad_file_is_quarantined_with_its_reason_and_the_rest_passes(spark_world: World) -> None:
    world = spark_world
    bad = as_csv([order(n) for n in range(2000)] + [order(7, quantity="many")])
    world.put("orders/good.csv", as_csv([order(3)]))
    world.put("orders/bad.csv", bad)
    world.put("orders/empty.csv", b"")

    summary = world.drain()

    assert (summary.files, summary.rows, summary.bad_files) == (3, 1, 1)
    assert world.order_ids() == ["o-00003"]
    assert world.in_landing() == []
    quarantine = world.in_lake("quarantine/")
    [key] = [key for key in quarantine if key.endswith("bad.csv")]
    assert quarantine[key] == bad
    reason = json.loads(quarantine[key + ".reason.json"])
    assert reason["reason"] == (
        "Row 2002, column 'quantity': found 'many', expected a whole number of 32 bits."
    )
    assert reason["replay"].endswith(f"--batch {reason['batch']} --key orders/bad.csv")


def test_file_overwritten_while_it_is_processed_is_processed_again(spark_world: World) -> None:
    world = spark_world
    world.put("orders/a.csv", as_csv([order(1)]))
    later = [as_csv([order(2)])]

    def overwrite() -> None:
        if later:
            world.put("orders/a.csv", later.pop())

    summary = world.drain(after_read=overwrite)

    assert len(summary.batches) == 2
    assert world.order_ids() == ["o-00001", "o-00002"]
    assert world.in_landing() == []
    assert len(world.in_lake("archive/")) == 2


def test_two_versions_of_one_key_are_both_processed(spark_world: World) -> None:
    world = spark_world
    world.put("orders/a.csv", as_csv([order(1)]))
    world.put("orders/a.csv", as_csv([order(1, status="Returned")]))

    summary = world.drain()

    assert (len(summary.batches), summary.files) == (1, 2)
    assert sorted(row["status"] for row in world.curated()) == ["Returned", "Shipped"]
    assert [row["is_current"] for row in world.curated()].count(True) == 1
    assert len(world.in_lake("archive/")) == 2


def test_file_whose_newest_version_is_a_delete_marker_is_still_processed(
    spark_world: World, s3: S3Client
) -> None:
    world = spark_world
    world.put("orders/a.csv", as_csv([order(1)]))
    s3.delete_object(Bucket=world.landing, Key="orders/a.csv")

    summary = world.drain()

    assert world.order_ids() == ["o-00001"]
    assert summary.delete_markers == 1


def test_what_does_not_fit_in_a_batch_is_the_next_batch_of_the_run(spark_world: World) -> None:
    world = spark_world
    for number in range(5):
        world.put(f"orders/{number}.csv", as_csv([order(number)]))

    summary = world.drain(max_files_per_batch=2)

    assert len(set(summary.batches)) == 3
    assert len(world.order_ids()) == len(set(world.order_ids())) == 5


def test_too_many_bad_files_stop_the_run_and_touch_nothing(spark_world: World) -> None:
    world = spark_world
    for number in range(6):
        world.put(f"orders/{number}.csv", b"other,columns\n1,2\n")
    world.put("orders/good.csv", as_csv([order(1)]))

    with pytest.raises(TooManyBadFilesError, match="6 of 7 files of batch"):
        world.drain()

    assert len(world.in_landing()) == 7
    assert list(world.ledger().values()) == [["attempts.json", "plan.json"]]
    assert world.curated() == []
    assert world.in_lake("archive/") == world.in_lake("quarantine/") == {}


def test_batch_stopped_for_bad_files_is_finished_once_the_columns_are_right(
    spark_world: World,
) -> None:
    world = spark_world
    for number in range(6):
        world.put(f"orders/{number}.json", as_json([order(number)]))
    with pytest.raises(TooManyBadFilesError):
        world.drain()
    [batch] = world.ledger()

    summary = world.drain(input_format="json")

    assert (summary.batches, summary.resumed) == ((batch,), 1)
    assert len(world.order_ids()) == 6
    names = ["attempts.json", "done.json", "plan.json", "result.json"]
    assert world.ledger() == {batch: names}


def test_run_that_crashed_while_writing_is_finished_by_the_next_run(
    spark_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = spark_world
    world.put("orders/a.csv", as_csv([order(1)]))
    with monkeypatch.context() as patch:
        patch.setattr("burst.ledger.Ledger.write", _crash_at(ResultRecord))
        with pytest.raises(ZeroDivisionError):
            world.drain()
    # What was staged is no reader's business.
    assert world.order_ids() == []
    assert world.in_landing() == ["orders/a.csv"]

    summary = world.drain()

    assert summary.resumed == 1
    assert world.order_ids() == ["o-00001"]
    assert world.in_landing() == []


def test_run_that_crashed_while_settling_is_settled_by_the_next_run(
    spark_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = spark_world
    world.put("orders/a.csv", as_csv([order(1)]))
    world.put("orders/b.csv", b"bad\n")
    with monkeypatch.context() as patch:
        patch.setattr("burst.ledger.Ledger.write", _crash_at(DoneRecord))
        with pytest.raises(ZeroDivisionError):
            world.drain()

    summary = world.drain()

    assert (summary.resumed, summary.files, summary.rows) == (1, 2, 1)
    assert world.order_ids() == ["o-00001"]
    assert len(world.in_lake("archive/")) == 1
    assert len(world.in_lake("quarantine/")) == 2
    [batch] = world.ledger()
    assert world.record(batch, "done")["missing"] == []


def _crash_at(record: type) -> Callable[[Ledger, Any], None]:
    """`Ledger.write`, but the process "dies" before this record is written."""
    write = Ledger.write

    def crash(ledger: Ledger, written: Any) -> None:
        if isinstance(written, record):
            raise ZeroDivisionError
        write(ledger, written)

    return crash


def test_failure_of_s3_while_reading_is_no_file_s_fault(spark_world: World) -> None:
    world = spark_world
    world.put("orders/a.csv", as_csv([order(1)]))
    args = world.arguments()
    engine = SparkRowEngine("no-such-bucket", args.format, args.transform)

    with pytest.raises(RowEngineError, match=r"while reading batch .*NoSuchBucket.*next run"):
        drain(args, s3=world.s3, engine=engine)

    assert world.in_landing() == ["orders/a.csv"]
    assert world.drain().resumed == 1
    assert world.order_ids() == ["o-00001"]
    assert world.in_lake("quarantine/") == {}


def test_version_that_someone_deleted_before_it_was_read_does_not_block_the_rest(
    spark_world: World, s3: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = spark_world
    version = world.put("orders/a.csv", as_csv([order(1)]))
    world.put("orders/b.csv", as_csv([order(2)]))
    with monkeypatch.context() as patch:
        patch.setattr("burst.ledger.Ledger.write", _crash_at(ResultRecord))
        with pytest.raises(ZeroDivisionError):
            world.drain()
    s3.delete_object(Bucket=world.landing, Key="orders/a.csv", VersionId=version)

    world.drain()

    assert world.order_ids() == ["o-00002"]
    [batch] = world.ledger()
    outcomes = {file["key"]: file["outcome"] for file in world.record(batch, "result")["files"]}
    assert outcomes == {"orders/a.csv": "gone", "orders/b.csv": "curated"}


def test_damaged_plan_stops_the_run_and_names_the_record(world: World, s3: S3Client) -> None:
    key = "ledger/orders/20250131T235959Z-0123abcd/plan.json"
    s3.put_object(Bucket=world.lake, Key=key, Body=b'{"format": 1, "rec')

    with pytest.raises(LedgerError, match=key):
        world.drain()


def test_files_elsewhere_in_the_bucket_are_left_alone(spark_world: World) -> None:
    world = spark_world
    for key in ("orders/a.csv", "orders/a.csv.part", "refunds/a.csv", "ordersX.csv"):
        world.put(key, as_csv([order(1)]))
    # A folder marker does not end in the suffix, so nobody is told of it and it stays, too.
    world.put("orders/", b"")

    summary = world.drain(suffix=".csv")

    assert summary.files == 1
    assert sorted(world.in_landing()) == [
        "orders/",
        "orders/a.csv.part",
        "ordersX.csv",
        "refunds/a.csv",
    ]


STRANGE_KEYS = [
    "orders/a b  c .csv",
    "orders/ü€😀.csv",
    "orders/a+b%20c%zz.csv",
    "orders//double.csv",
    "orders/../up.csv",
    "orders/./here.csv",
    "orders/tab\tkey.csv",
    "orders/x=1/y&z?q#h.csv",
    "orders/'quotes\"<>.csv",
    "orders/" + "k" * 1017,
    "orders/" + "ü" * 508,
]


def test_keys_of_any_kind_arrive_in_curated_and_archive(spark_world: World) -> None:
    world = spark_world
    bodies = {key: as_csv([order(n)]) for n, key in enumerate(STRANGE_KEYS)}
    for key, body in bodies.items():
        world.put(key, body)

    summary = world.drain()

    assert (summary.files, summary.rows) == (len(bodies), len(bodies))
    assert {row["_source_key"] for row in world.curated()} == set(bodies)
    assert sorted(world.in_lake("archive/").values()) == sorted(bodies.values())
    assert world.in_landing() == []


def test_log_has_one_json_line_a_batch(
    spark_world: World, caplog: pytest.LogCaptureFixture
) -> None:
    spark_world.put("orders/a.csv", as_csv([order(1)]))
    with caplog.at_level("INFO", logger="burst"):
        spark_world.drain()

    lines = [json.loads(record.message) for record in caplog.records if record.name == "burst"]
    assert [line["event"] for line in lines] == ["batch", "drained"]
    assert (lines[0]["files"], lines[0]["rows"], lines[0]["bad_files"]) == (1, 1, 0)
    assert set(lines[0]["seconds"]) == {"read", "write", "settle"}


def test_place_that_spark_cannot_write_to_is_named_and_nothing_is_committed(
    spark_world: World,
) -> None:
    spark_world.put("orders/a.csv", as_csv([order(1)]))

    with pytest.raises(RowEngineError, match=r'while writing .*No FileSystem for scheme "nowhere"'):
        spark_world.drain(curated_uri="nowhere://lake/curated")

    assert list(spark_world.ledger().values()) == [["attempts.json", "plan.json"]]
    assert spark_world.in_landing() == ["orders/a.csv"]


def test_parquet_has_the_size_and_the_compression_of_the_settings(spark_world: World) -> None:
    bodies = [as_csv([order(10 * n + i) for i in range(10)]) for n in range(4)]
    for n, body in enumerate(bodies):
        spark_world.put(f"orders/{n}.csv", body)

    spark_world.drain(compression="zstd", target_file_bytes=sum(map(len, bodies)) // 2)

    files = list(spark_world.curated_folder.rglob("*.parquet"))
    assert len(files) == 2
    codecs = {pq.ParquetFile(file).metadata.row_group(0).column(0).compression for file in files}
    assert codecs == {"ZSTD"}
    assert len(spark_world.order_ids()) == 40


def test_files_larger_than_what_is_fetched_ahead_are_streamed(
    spark_world: World,
) -> None:
    rows = [order(n, sku="s" * 400) for n in range(12_000)]
    body = as_csv(rows)
    assert len(body) > 5 * 1024**2
    spark_world.put("orders/large.csv", body)
    spark_world.put("orders/small.csv", as_csv([order(99_999)]))

    summary = spark_world.drain()

    assert summary.rows == 12_001
    assert len(set(spark_world.order_ids())) == 12_001
