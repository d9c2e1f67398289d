"""What a batch was, for CloudWatch: how much, how long, how old."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

log = logging.getLogger("burst")

NAMESPACE = "Burst"
# After so many failures in a row a run says no more: each one costs a batch a few seconds.
MAX_FAILURES = 2


@dataclass(frozen=True)
class BatchMetrics:
    """One batch. bytes as stored in S3; seconds per phase: read, write, settle.

    oldest_seconds: how long the batch's oldest file had been in landing when the batch was taken.
        Batches are taken oldest first, so nothing had waited longer.
    """

    files: int
    bad_files: int
    rows: int
    bytes: int
    seconds: Mapping[str, float]
    oldest_seconds: float

    def values(self) -> dict[str, tuple[float, str]]:
        """Each metric's value and unit, by name."""
        phases = {f"{phase.title()}Seconds": spent for phase, spent in self.seconds.items()}
        return {
            "Files": (self.files, "Count"),
            "BadFiles": (self.bad_files, "Count"),
            "Rows": (self.rows, "Count"),
            "Bytes": (self.bytes, "Bytes"),
            **{name: (spent, "Seconds") for name, spent in phases.items()},
            **waiting(self.oldest_seconds),
        }


def waiting(
    oldest_seconds: float, *, unreadable: int = 0, unsettled: int = 0
) -> dict[str, tuple[float, str]]:
    """The age of the oldest file that waits in landing, how many of those that wait S3 does not
    let the job read, and how many it does not let go although they are loaded."""
    values = {"OldestOutstandingSeconds": (oldest_seconds, "Seconds")}
    counts = {"UnreadableFiles": unreadable, "UnsettledFiles": unsettled}
    return values | {name: (count, "Count") for name, count in counts.items() if count}


class Metrics(Protocol):
    """Takes values by name, each with its unit. It never raises and never takes long."""

    def publish(self, values: Mapping[str, tuple[float, str]]) -> None: ...


class NoMetrics:
    """Nobody listens."""

    def publish(self, values: Mapping[str, tuple[float, str]]) -> None:
        pass


class CloudWatch(Protocol):
    """What is used of boto3's client."""

    def put_metric_data(self, *, Namespace: str, MetricData: Sequence[Mapping[str, Any]]) -> Any:
        """Publish values, up to 1,000 of them a request."""


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
            self.client().put_metric_data(Namespace=NAMESPACE, MetricData=self._data(values))
        except (ClientError, BotoCoreError) as error:
            self.failures += 1
            log.warning("The metrics could not be published: %s", error)
        else:
            self.failures = 0

    def _data(self, values: Mapping[str, tuple[float, str]]) -> list[dict[str, Any]]:
        dimensions = [
            {"Name": "Environment", "Value": self.environment},
            {"Name": "Pipeline", "Value": self.pipeline},
        ]
        return [
            {"MetricName": name, "Dimensions": dimensions, "Value": float(value), "Unit": unit}
            for name, (value, unit) in values.items()
        ]
