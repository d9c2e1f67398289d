"""What is published to CloudWatch, and that no batch has to wait for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError
from burst.metrics import MAX_FAILURES, BatchMetrics, CloudWatchMetrics
from burst.s3.client import cloudwatch_client

BATCH = BatchMetrics(
    files=3,
    bad_files=1,
    rows=20,
    rows_written=18,
    bytes=4096,
    seconds={"read": 1.5, "write": 2.0, "settle": 0.25},
    oldest_seconds=61.5,
)


class FakeCloudWatch:
    """Keeps what is published, or fails with the next of these errors."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.calls = 0
        self.told: list[tuple[str, Sequence[Mapping[str, Any]]]] = []

    def put_metric_data(self, *, Namespace: str, MetricData: Sequence[Mapping[str, Any]]) -> None:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        self.told.append((Namespace, MetricData))


def metrics(cloudwatch: FakeCloudWatch) -> CloudWatchMetrics:
    return CloudWatchMetrics(lambda: cloudwatch, "dev", "orders")


def test_batch_is_published_in_one_request_under_environment_and_pipeline() -> None:
    cloudwatch = FakeCloudWatch()

    metrics(cloudwatch).publish(BATCH.values())

    [(namespace, data)] = cloudwatch.told
    assert namespace == "Burst"
    assert {item["MetricName"]: (item["Value"], item["Unit"]) for item in data} == {
        "Files": (3, "Count"),
        "BadFiles": (1, "Count"),
        "Rows": (20, "Count"),
        "RowsWritten": (18, "Count"),
        "Bytes": (4096, "Bytes"),
        "ReadSeconds": (1.5, "Seconds"),
        "WriteSeconds": (2, "Seconds"),
        "SettleSeconds": (0.25, "Seconds"),
        "OldestOutstandingSeconds": (61.5, "Seconds"),
    }
    dimensions = [
        {"Name": "Environment", "Value": "dev"},
        {"Name": "Pipeline", "Value": "orders"},
    ]
    assert all(item["Dimensions"] == dimensions for item in data)


def test_rows_that_the_transform_wrote_are_published_only_where_they_are_known() -> None:
    assert "RowsWritten" not in replace(BATCH, rows_written=None).values()
    assert replace(BATCH, rows_written=0).values()["RowsWritten"] == (0, "Count")


def test_files_with_something_rescued_are_published_where_there_are_any() -> None:
    assert "RescuedFiles" not in BATCH.values()
    assert replace(BATCH, rescued_files=2).values()["RescuedFiles"] == (2, "Count")


FAILURES = [
    ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "PutMetricData"),
    ClientError({"Error": {"Code": "Throttling", "Message": "slow"}}, "PutMetricData"),
    EndpointConnectionError(endpoint_url="https://monitoring"),
    NoCredentialsError(),
]


@pytest.mark.parametrize("error", FAILURES)
def test_failure_to_publish_is_logged_and_the_batch_goes_on(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    metrics(FakeCloudWatch(error)).publish(BATCH.values())

    assert f"The metrics could not be published: {error}" in caplog.text


def test_run_gives_up_on_metrics_after_a_few_failures_in_a_row() -> None:
    cloudwatch = FakeCloudWatch(*FAILURES)
    port = metrics(cloudwatch)
    for _ in range(10):
        port.publish(BATCH.values())

    assert cloudwatch.calls == MAX_FAILURES


def test_one_failure_does_not_silence_the_batches_after_it() -> None:
    cloudwatch = FakeCloudWatch(FAILURES[0])
    port = metrics(cloudwatch)
    for _ in range(5):
        port.publish(BATCH.values())

    assert len(cloudwatch.told) == 4


def test_client_waits_a_few_seconds_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    cloudwatch_client.cache_clear()
    config: Any = cloudwatch_client().meta.config  # type: ignore[attr-defined]
    cloudwatch_client.cache_clear()

    tries = config.retries["total_max_attempts"]
    assert tries * (config.connect_timeout + config.read_timeout) <= 6
