"""One burst, end to end: files in, rows out, and proof that each row came out once."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
from burst.contract import ARCHIVE, LEDGER, QUARANTINE, REASON_SUFFIX, folder
from burst.ledger import ResultRecord

from tools.sandbox import diagnosis
from tools.sandbox.errors import PipelineError
from tools.sandbox.glue.notices import Snapshot
from tools.sandbox.glue.runs import WorkflowRun
from tools.sandbox.orders import COLUMNS, OrderFile
from tools.sandbox.sandbox import Sandbox

FIRST_FILES = 10
FIRST_SECONDS = 3.0
OTHER_SECONDS = 10.0
EVENT_SECONDS = 10.0
PROCESS_SECONDS = 300.0
LOOK_EVERY_SECONDS = 0.25
LOG_LINES = 15
GOOD_STATES = frozenset({"WAITING", "STARTING", "RUNNING", "SUCCEEDED"})


@dataclass(frozen=True)
class FileCounts:
    """How many of the burst's files are where."""

    sent: int
    waiting: int
    archived: int
    quarantined: int


@dataclass(frozen=True)
class BurstProgress:
    """What the live view shows: the burst at one progress."""

    seconds: float
    total: int
    files: FileCounts
    engine: Snapshot


@dataclass(frozen=True)
class Outcome:
    """What became of a burst.

    Attributes:
        bad_files: files of the burst that no job can read.
        quarantined: the files in quarantine, each with the reason.
        rows_in: rows of the good files.
        lost: rows that went in and did not come out.
        extra: rows that came out more often than they went in.
        latencies: seconds from a file's arrival to the commit of its batch, in the order of
            arrival.
    """

    files: int
    bad_files: int
    quarantined: tuple[tuple[str, str], ...]
    rows_in: int
    rows_out: int
    lost: int
    extra: int
    runs: tuple[WorkflowRun, ...]
    latencies: tuple[float, ...]
    curated: Path
    sample: pa.Table

    @property
    def complete(self) -> bool:
        """Whether every row of the good files came out once, and the bad files were set aside."""
        rows_agree = self.lost == 0 and self.extra == 0 and self.rows_in == self.rows_out
        return rows_agree and len(self.quarantined) == self.bad_files


class Burst:
    """Sends files to a deployed pipeline and follows them to the end.

    Raises `PipelineError` naming the cause when an event is not delivered, a run fails, or files
    wait and nothing is going to fetch them.
    """

    def __init__(
        self, sandbox: Sandbox, files: Sequence[OrderFile], *, pipeline: str, prefix: str
    ) -> None:
        self._sandbox = sandbox
        self._files = files
        self._pipeline = pipeline
        self._prefix = prefix
        self._s3 = sandbox.account.client("s3")
        self._landing = str(sandbox.outputs["landing_bucket_name"])
        self._lake = str(sandbox.outputs["lake_bucket_name"])
        self._before = sandbox.engine.snapshot()
        self._sent: dict[str, datetime] = {}
        self._sender_stops = threading.Event()

    def run(self, show: Callable[[BurstProgress], None] = lambda progress: None) -> Outcome:
        """Send everything, wait until it is processed, and compare rows in with rows out."""
        started = time.monotonic()
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="producer") as producer:
            sending = producer.submit(self._send)
            try:
                for progress in self._progress(started):
                    show(progress)
                    self._raise_when_stuck(progress)
                    if sending.done():
                        sending.result()
            finally:
                self._sender_stops.set()
        return self._outcome()

    def _send(self) -> None:
        """The producer: some files at once, the others spread over the next seconds."""
        pauses = _pauses(len(self._files))
        for file, pause in zip(self._files, pauses, strict=True):
            if self._sender_stops.wait(pause):
                return
            key = f"{self._prefix}{file.name}"
            self._sent[key] = datetime.now(UTC)
            self._s3.put_object(Bucket=self._landing, Key=key, Body=file.body)

    def _progress(self, started: float) -> Iterator[BurstProgress]:
        """How far the burst has come, until all files are settled and nothing runs."""
        while True:
            progress = BurstProgress(
                seconds=time.monotonic() - started,
                total=len(self._files),
                files=self._look(),
                engine=self._sandbox.engine.snapshot(),
            )
            yield progress
            settled = progress.files.archived + progress.files.quarantined
            if settled >= len(self._files) and progress.files.waiting == 0 and progress.engine.idle:
                return
            time.sleep(LOOK_EVERY_SECONDS)

    def _look(self) -> FileCounts:
        moved = [
            key
            for area in (ARCHIVE, QUARANTINE)
            for key in self._keys(self._lake, folder(area, self._pipeline))
        ]
        quarantined = [key for key in moved if key.startswith(folder(QUARANTINE, self._pipeline))]
        return FileCounts(
            sent=len(self._sent),
            waiting=sum(1 for _ in self._keys(self._landing, self._prefix)),
            archived=len(moved) - len(quarantined),
            quarantined=sum(not key.endswith(REASON_SUFFIX) for key in quarantined),
        )

    def _keys(self, bucket: str, prefix: str) -> Iterator[str]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        for page in pages:
            for item in page.get("Contents", []):
                yield item["Key"]

    def _raise_when_stuck(self, progress: BurstProgress) -> None:
        self._raise_when_a_run_failed(progress.engine)
        if self._is_stuck(progress):
            raise PipelineError(self._why(progress))
        if progress.seconds > PROCESS_SECONDS:
            raise PipelineError(
                f"The burst is not processed after {PROCESS_SECONDS:.0f} seconds. "
                f"{self._why(progress)}"
            )

    def _raise_when_a_run_failed(self, engine: Snapshot) -> None:
        for run in engine.job_runs[len(self._before.job_runs) :]:
            if run.state not in GOOD_STATES:
                tail = "\n".join(Path(run.log).read_text("utf-8").splitlines()[-LOG_LINES:])
                raise PipelineError(
                    f"Job run {run.run_id} ended as {run.state}: {run.error_message}\n"
                    f"The end of its log ({run.log}):\n{tail}"
                )

    def _is_stuck(self, progress: BurstProgress) -> bool:
        """An event was refused, or all files are sent, some wait, and nothing will fetch them."""
        if progress.engine.undelivered_events > self._before.undelivered_events:
            return True
        if (
            progress.files.sent < progress.total
            or not progress.files.waiting
            or not progress.engine.idle
        ):
            return False
        since_last = datetime.now(UTC) - max(self._sent.values())
        return since_last.total_seconds() > EVENT_SECONDS

    def _why(self, progress: BurstProgress) -> str:
        key = f"{self._prefix}{self._files[0].name}"
        found = diagnosis.causes(self._sandbox.account, self._sandbox.outputs, self._pipeline, key)
        reasons = found or progress.engine.problems or ["The cause is not known."]
        return f"{progress.files.waiting} files wait in landing. " + " ".join(reasons)

    def _outcome(self) -> Outcome:
        table = self._read_curated()
        rows_out = Counter(zip(*(_texts(table[name]) for name in COLUMNS), strict=True))
        rows_in = Counter(row for file in self._files for row in file.rows)
        results = list(self._results())
        return Outcome(
            files=len(self._files),
            bad_files=sum(file.bad for file in self._files),
            quarantined=tuple(
                (file.key, file.reason or "")
                for result in results
                for file in result.files
                if file.outcome == "quarantined"
            ),
            rows_in=rows_in.total(),
            rows_out=table.num_rows,
            lost=(rows_in - rows_out).total(),
            extra=(rows_out - rows_in).total(),
            runs=self._sandbox.engine.snapshot().workflow_runs,
            latencies=tuple(self._latencies(results)),
            curated=self._sandbox.curated(self._pipeline),
            sample=table.slice(0, 5),
        )

    def _read_curated(self) -> pa.Table:
        folder = self._sandbox.curated(self._pipeline)
        if not folder.exists():
            return pa.table({name: pa.array([], pa.string()) for name in COLUMNS})
        return ds.dataset(folder, format="parquet", partitioning="hive").to_table()

    def _results(self) -> Iterator[ResultRecord]:
        """What the ledger says of each batch."""
        for key in self._keys(self._lake, folder(LEDGER, self._pipeline)):
            if key.endswith("/result.json"):
                body = self._s3.get_object(Bucket=self._lake, Key=key)["Body"].read()
                yield ResultRecord.from_json(body, key=key)

    def _latencies(self, results: Sequence[ResultRecord]) -> Iterator[float]:
        committed = {file.key: result.origin.at for result in results for file in result.files}
        for key, sent in self._sent.items():
            if key in committed:
                yield (committed[key] - sent).total_seconds()


def _pauses(files: int) -> list[float]:
    """Seconds to wait before each file."""
    first = min(files, FIRST_FILES)
    others = files - first
    return [FIRST_SECONDS / FIRST_FILES] * first + [OTHER_SECONDS / max(others, 1)] * others


def _texts(column: pa.ChunkedArray) -> list[str]:
    """A curated column as the producer wrote it."""
    if pa.types.is_timestamp(column.type):
        return [f"{instant:%Y-%m-%dT%H:%M:%SZ}" for instant in column.to_pylist()]
    return [str(value) for value in column.to_pylist()]
