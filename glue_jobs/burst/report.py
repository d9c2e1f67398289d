"""What a run says about its work: one line of JSON per event, and metrics."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime

from burst.batch import InputFile
from burst.contract import DRAINED, OUT_OF_TIME
from burst.drift import rescued_files
from burst.ledger import Outcome, ResultRecord
from burst.metrics import BatchMetrics, Metrics, waiting

log = logging.getLogger("burst")

# The log names at most this many files of a kind; their record names all.
MAX_NAMED = 10


@dataclass(frozen=True)
class Summary:
    """What a run did. bytes as stored in S3; resumed counts batches that an earlier run began.

    unreadable_files: what the run's batches held that S3 does not let the job read.
    left_unreadable: what of that kind lies in landing now, found by any run.
    left_unsettled: files that are loaded and that S3 does not let go.
    waiting_files, waiting_bytes: what the last listing held that the run had no time for.
    """

    batches: tuple[str, ...] = ()
    resumed: int = 0
    files: int = 0
    rows: int = 0
    bytes: int = 0
    bad_files: int = 0
    unreadable_files: int = 0
    left_unreadable: int = 0
    left_unsettled: int = 0
    delete_markers: int = 0
    waiting_files: int = 0
    waiting_bytes: int = 0

    def plus(self, result: ResultRecord) -> Summary:
        if result.replaced_by is not None:
            return self
        return replace(
            self,
            batches=(*self.batches, result.origin.batch),
            files=self.files + len(result.files),
            rows=self.rows + result.rows,
            bytes=self.bytes + result.bytes,
            bad_files=self.bad_files + count(result, "quarantined"),
            unreadable_files=self.unreadable_files + count(result, "unreadable"),
        )


def count(result: ResultRecord, outcome: Outcome) -> int:
    """How many files of the batch ended like this."""
    return sum(file.outcome == outcome for file in result.files)


@dataclass(frozen=True)
class Watch:
    """Seconds per phase, for the result record and the log."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.seconds[name] = round(time.perf_counter() - start, 3)


@dataclass(frozen=True)
class Report:
    """Tells the log and CloudWatch about one pipeline."""

    environment: str
    pipeline: str
    metrics: Metrics
    clock: Callable[[], datetime]

    def say(self, event: str, **fields: object) -> None:
        """One line of JSON, for people and for queries on the log group."""
        where = {"environment": self.environment, "pipeline": self.pipeline}
        log.info(json.dumps({"event": event, **where, **fields}, ensure_ascii=False))

    def age(self, files: Sequence[InputFile]) -> float:
        """Seconds since the oldest of these came; by S3's clock and ours, so never below 0."""
        oldest = min(file.last_modified for file in files)
        return max(0.0, round((self.clock() - oldest).total_seconds(), 3))

    def batch(self, result: ResultRecord, watch: Watch, age: float) -> None:
        """The figures of a batch."""
        figures = BatchMetrics(
            files=len(result.files),
            bad_files=count(result, "quarantined"),
            rows=result.rows,
            rows_written=result.rows_written,
            bytes=result.bytes,
            seconds=watch.seconds,
            oldest_seconds=age,
            rescued_files=rescued_files(result),
        )
        self.say("batch", batch=result.origin.batch, **vars(figures))
        self.metrics.publish(figures.values())

    def refused(self, event: str, refused: Sequence[tuple[InputFile, str]], record: str) -> None:
        """Files that S3 refuses, each with its reason. record: where all of them are."""
        named = [
            {"key": file.key, "version_id": file.version_id, "reason": reason}
            for file, reason in refused[:MAX_NAMED]
        ]
        self.say(event, count=len(refused), files=named, all=record)

    def rest(
        self,
        left: Sequence[InputFile],
        unreadable: Sequence[InputFile],
        unsettled: Sequence[InputFile],
    ) -> None:
        """What lies in landing at the end of the run, and for how long: for lack of time, or until
        somebody does something about it."""
        if rest := [*left, *unreadable, *unsettled]:
            self.metrics.publish(
                waiting(self.age(rest), unreadable=len(unreadable), unsettled=len(unsettled))
            )

    def end(self, summary: Summary) -> None:
        """The run is over."""
        counts = {**vars(summary), "batches": len(summary.batches)}
        self.say(OUT_OF_TIME if summary.waiting_files else DRAINED, **counts)
