"""What a batch was, for CloudWatch: how much, how long, how old."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from burst.contract import METRICS_NAMESPACE, MetricName, metric_dimensions, phase_metric

log = logging.getLogger("burst")

# After this many failures in a row a run publishes nothing more: each costs a few seconds.
MAX_FAILURES = 2


@dataclass(frozen=True)
class BatchMetrics:
    """One batch. bytes as stored in S3; seconds per phase: read, write, settle.

    rows: read from the files. rows_written: by the transform; None where the record does not say.
    rescued_files: with something in `_rescued`; published where there are any.
    oldest_seconds: how long the batch's oldest file had been in landing when the batch was taken.
        Batches are taken oldest first, so nothing had waited longer.
    """

    files: int
    bad_files: int
    rows: int
    rows_written: int | None
    bytes: int
    seconds: Mapping[str, float]
    oldest_seconds: float
    rescued_files: int = 0

    def values(self) -> dict[str, tuple[float, str]]:
        """Each metric's value and unit, by name."""
        phases = {phase_metric(phase): spent for phase, spent in self.seconds.items()}
        rescued = {MetricName.RESCUED_FILES: (self.rescued_files, "Count")}
        written = {MetricName.ROWS_WRITTEN: self.rows_written}
        return {
            MetricName.FILES: (self.files, "Count"),
            MetricName.BAD_FILES: (self.bad_files, "Count"),
            MetricName.ROWS: (self.rows, "Count"),
            **{name: (rows, "Count") for name, rows in written.items() if rows is not None},
            MetricName.BYTES: (self.bytes, "Bytes"),
            **(rescued if self.rescued_files else {}),
            **{name: (spent, "Seconds") for name, spent in phases.items()},
            **waiting(self.oldest_seconds),
        }


def waiting(
    oldest_seconds: float, *, unreadable: int = 0, unsettled: int = 0
) -> dict[str, tuple[float, str]]:
    """The age of the oldest file in landing, and how many S3 refuses to return or to delete."""
    values = {MetricName.OLDEST_OUTSTANDING_SECONDS: (oldest_seconds, "Seconds")}
    counts = {MetricName.UNREADABLE_FILES: unreadable, MetricName.UNSETTLED_FILES: unsettled}
    return values | {name: (count, "Count") for name, count in counts.items() if count}


class Metrics(Protocol):
    """Takes values by name, each with its unit. It never raises and never takes long."""

    def publish(self, values: Mapping[str, tuple[float, str]]) -> None: ...


class NoMetrics:
    """Discards everything."""

    def publish(self, values: Mapping[str, tuple[float, str]]) -> None:
        pass


class CloudWatch(Protocol):
    """What is used of boto3's client."""

    def put_metric_data(self, *, Namespace: str, MetricData: Sequence[Mapping[str, Any]]) -> Any:
        """Publish up to 1,000 values per request."""


@dataclass
class CloudWatchMetrics:
    """Publishes under the project's namespace. Whatever fails is logged; the batch goes on.

    client: makes the client once there is something to publish; an empty run has no use for it.
    """

    client: Callable[[], CloudWatch]
    environment: str
    pipeline: str
    failures: int = field(default=0, init=False)

    def publish(self, values: Mapping[str, tuple[float, str]]) -> None:
        if self.failures >= MAX_FAILURES:
            return
        try:
            self.client().put_metric_data(
                Namespace=METRICS_NAMESPACE, MetricData=self._data(values)
            )
        except (ClientError, BotoCoreError) as error:
            self.failures += 1
            log.warning("The metrics could not be published: %s", error)
        else:
            self.failures = 0

    def _data(self, values: Mapping[str, tuple[float, str]]) -> list[dict[str, Any]]:
        dimensions = [
            {"Name": name, "Value": value}
            for name, value in metric_dimensions(self.environment, self.pipeline).items()
        ]
        return [
            {"MetricName": name, "Dimensions": dimensions, "Value": float(value), "Unit": unit}
            for name, (value, unit) in values.items()
        ]
