"""One burst, end to end: files in, rows out, and proof that each row came out once."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.dataset as ds
from burst.contract import (
    ARCHIVE,
    LINEAGE,
    PARTITIONS,
    QUARANTINE,
    REASON_SUFFIX,
    SOURCE_KEY,
    folder,
)
from burst.ledger import FileResult

from stacks.settings import PipelineSettings
from tools.operate.ids import short
from tools.sandbox import diagnosis
from tools.sandbox.errors import PipelineError
from tools.sandbox.glue.notices import Snapshot
from tools.sandbox.glue.runs import WorkflowRun
from tools.sandbox.orders import COLUMNS, OrderFile
from tools.sandbox.sandbox import Sandbox
from tools.sandbox.work import LedgerWork, Work, keys

FIRST_FILES = 10
FIRST_SECONDS = 3.0
OTHER_SECONDS = 10.0
EVENT_SECONDS = 10.0
# For how long nothing may change before the burst is given up.
STANDSTILL_SECONDS = 300.0
LOOK_EVERY_SECONDS = 0.25
LOG_LINES = 15
# How many rows of curated are looked at for the few that are shown.
SAMPLE_ROWS = 500
GOOD_STATES = frozenset({"WAITING", "STARTING", "RUNNING", "SUCCEEDED"})
CURATED_FILE, QUARANTINED_FILE = "curated", "quarantined"


class BurstFile(Protocol):
    """A file of the burst: its name below the pipeline's prefix, and what is in it."""

    @property
    def name(self) -> str: ...
    @property
    def body(self) -> bytes: ...


@dataclass(frozen=True)
class FileCounts:
    """How many of the burst's files are where."""

    sent: int
    waiting: int
    archived: int
    quarantined: int


@dataclass(frozen=True)
class BurstProgress:
    """What the live view shows: the burst at one moment.

    Attributes:
        work: by the id of the job run.
    """

    seconds: float
    total: int
    files: FileCounts
    engine: Snapshot
    work: Mapping[str, Work] = field(default_factory=dict)


@dataclass(frozen=True)
class Rows:
    """The rows of the good files against those in curated.

    Attributes:
        came_in: as the producer, or the ledger where the files are not ours, counts them.
        came_out: rows in curated.
        lost: rows that went in and did not come out.
        extra: rows that came out more often than they went in.
        agree: what is proven where nothing is lost and nothing extra.
    """

    came_in: int
    came_out: int
    lost: int
    extra: int
    agree: str


@dataclass(frozen=True)
class Outcome:
    """What became of a burst.

    Attributes:
        files: how many were sent.
        results: what the ledger says of each of them.
        bad_files: files that no job can read; None where nobody knows beforehand.
        runs: the workflow runs, with the work of each.
        latencies: seconds from a file's arrival to the commit of its batch, in the order of
            arrival.
        sample: some rows of curated; its first columns matter most.
    """

    files: int
    results: tuple[FileResult, ...]
    bad_files: int | None
    rows: Rows
    runs: tuple[tuple[WorkflowRun, Work], ...]
    latencies: tuple[float, ...]
    curated: Path
    sample: pa.Table

    @property
    def quarantined(self) -> tuple[FileResult, ...]:
        """The files in quarantine."""
        return tuple(file for file in self.results if file.outcome == QUARANTINED_FILE)

    @property
    def loaded(self) -> int:
        """How many files gave their rows."""
        return sum(file.outcome == CURATED_FILE for file in self.results)

    @property
    def complete(self) -> bool:
        """Whether every file is accounted for once, and every row of the good ones came out."""
        accounted = len(self.results) == self.files == self.loaded + len(self.quarantined)
        expected = self.bad_files in (None, len(self.quarantined))
        return accounted and expected and self.rows.lost == 0 and self.rows.extra == 0


class Burst:
    """Sends files to a deployed pipeline and follows them to the end.

    Raises `PipelineError` naming the cause when an event is not delivered, a run fails, or files
    wait and nothing is going to fetch them.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        files: Sequence[BurstFile],
        *,
        pipeline: str,
        settings: PipelineSettings,
    ) -> None:
        self._sandbox = sandbox
        self._files = files
        self._pipeline = pipeline
        self._settings = settings
        self._s3 = sandbox.account.client("s3")
        self._landing = str(sandbox.outputs["landing_bucket_name"])
        self._lake = str(sandbox.outputs["lake_bucket_name"])
        self._before = sandbox.engine.snapshot()
        self._sent: dict[str, datetime] = {}
        self._sender_stops = threading.Event()
        self._ledger = LedgerWork(self._s3, self._lake, pipeline)

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
            key, body = f"{self._settings.prefix}{file.name}", file.body
            self._sent[key] = datetime.now(UTC)
            self._s3.put_object(Bucket=self._landing, Key=key, Body=body)

    def _progress(self, started: float) -> Iterator[BurstProgress]:
        """How far the burst has come, until all files are settled and nothing runs."""
        last, since = None, started
        while True:
            now = time.monotonic()
            # In this order: what a run has done is in the ledger before the run has ended.
            files = self._look()
            engine = self._sandbox.engine.snapshot()
            self._ledger.read()
            yield BurstProgress(
                seconds=now - started,
                total=len(self._files),
                files=files,
                engine=engine,
                work=self._work(engine),
            )
            settled = files.archived + files.quarantined
            if settled >= len(self._files) and files.waiting == 0 and engine.idle:
                return
            state = (files, engine.workflow_runs, [run.state for run in engine.job_runs])
            if state != last:
                last, since = state, now
            if now - since > STANDSTILL_SECONDS:
                raise PipelineError(
                    f"Nothing has changed for {STANDSTILL_SECONDS:.0f} seconds. "
                    f"{self._why(files, engine)}"
                )
            time.sleep(LOOK_EVERY_SECONDS)

    def _look(self) -> FileCounts:
        moved = [
            key
            for area in (ARCHIVE, QUARANTINE)
            for key in keys(self._s3, self._lake, folder(area, self._pipeline))
        ]
        quarantined = [key for key in moved if key.startswith(folder(QUARANTINE, self._pipeline))]
        return FileCounts(
            sent=len(self._sent),
            waiting=sum(1 for _ in keys(self._s3, self._landing, self._settings.prefix)),
            archived=len(moved) - len(quarantined),
            quarantined=sum(not key.endswith(REASON_SUFFIX) for key in quarantined),
        )

    def _work(self, engine: Snapshot) -> dict[str, Work]:
        return {
            run.run_id: self._ledger.of(run.run_id)
            for run in engine.job_runs[len(self._before.job_runs) :]
        }

    def _raise_when_stuck(self, progress: BurstProgress) -> None:
        self._raise_when_a_run_failed(progress.engine)
        if self._is_stuck(progress):
            raise PipelineError(self._why(progress.files, progress.engine))

    def _raise_when_a_run_failed(self, engine: Snapshot) -> None:
        for run in engine.job_runs[len(self._before.job_runs) :]:
            if run.state not in GOOD_STATES:
                log = Path(run.log).read_text("utf-8", errors="replace")
                tail = "\n".join(log.splitlines()[-LOG_LINES:])
                raise PipelineError(
                    f"Job run {short(run.run_id)} ended as {run.state}: {run.error_message}\n"
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

    def _why(self, files: FileCounts, engine: Snapshot) -> str:
        sent = next(iter(self._sent))
        found = diagnosis.causes(self._sandbox.account, self._sandbox.outputs, self._pipeline, sent)
        reasons = found or engine.problems or ["The cause is not known."]
        return f"{files.waiting} files wait in landing. " + " ".join(reasons)

    def _outcome(self) -> Outcome:
        self._ledger.read()
        results = [
            (result, file)
            for result in self._ledger.results.values()
            for file in result.files
            if file.key in self._sent
        ]
        committed = {file.key: result.origin.at for result, file in results}
        engine = self._sandbox.engine.snapshot()
        curated = self._sandbox.curated(self._pipeline)
        return Outcome(
            files=len(self._files),
            results=tuple(file for _, file in results),
            bad_files=_known_as_bad(self._files),
            rows=self._rows([file for _, file in results], curated),
            runs=tuple(self._runs(engine)),
            latencies=tuple(
                (committed[key] - sent).total_seconds()
                for key, sent in self._sent.items()
                if key in committed
            ),
            curated=curated,
            sample=_sample(curated, self._settings),
        )

    def _runs(self, engine: Snapshot) -> Iterator[tuple[WorkflowRun, Work]]:
        work = self._work(engine)
        for run in engine.workflow_runs[len(self._before.workflow_runs) :]:
            its = [work[job.run_id] for job in engine.job_runs if job.workflow_run_id == run.run_id]
            yield run, its[0] if its else Work()

    def _rows(self, results: Sequence[FileResult], curated: Path) -> Rows:
        orders = [file for file in self._files if isinstance(file, OrderFile)]
        if orders:
            return compare_orders(orders, _read(curated, COLUMNS))
        sources = _read(curated, (SOURCE_KEY,))
        rows_out = Counter(str(key) for key in sources[SOURCE_KEY].to_pylist())
        if self._settings.output.row_changes == "none":
            return compare_by_file(results, rows_out)
        written = sum(result.rows_written or 0 for result in self._ledger.results.values())
        return compare_counts(sum(file.rows for file in results), written, rows_out.total())


def compare_orders(files: Sequence[OrderFile], curated: pa.Table) -> Rows:
    """Each value of each row that the producer made against curated."""
    rows_in = Counter(row for file in files for row in file.rows)
    rows_out = Counter(zip(*(_texts(curated[name]) for name in COLUMNS), strict=True))
    return _compared(rows_in, rows_out, "every row came out once")


def compare_by_file(results: Sequence[FileResult], rows_out: Counter[str]) -> Rows:
    """The rows that each file gave against the rows in curated that name it as their source."""
    rows_in = Counter({file.key: file.rows for file in results})
    return _compared(rows_in, rows_out, "the rows of every file came out once")


def compare_counts(read: int, written: int, rows_out: int) -> Rows:
    """What the transform wrote against curated, where it may change the number of rows."""
    return Rows(
        came_in=read,
        came_out=rows_out,
        lost=max(0, written - rows_out),
        extra=max(0, rows_out - written),
        agree=f"every row that the transform gave came out once, and it gave {written:,}",
    )


def _compared(rows_in: Counter[Any], rows_out: Counter[Any], agree: str) -> Rows:
    return Rows(
        came_in=rows_in.total(),
        came_out=rows_out.total(),
        lost=(rows_in - rows_out).total(),
        extra=(rows_out - rows_in).total(),
        agree=agree,
    )


def _known_as_bad(files: Sequence[BurstFile]) -> int | None:
    orders = [file for file in files if isinstance(file, OrderFile)]
    return sum(file.bad for file in orders) if orders else None


def _read(curated: Path, columns: Sequence[str]) -> pa.Table:
    if not curated.exists():
        return pa.table({name: pa.array([], pa.string()) for name in columns})
    return _dataset(curated).to_table(columns=list(columns))


def _sample(curated: Path, settings: PipelineSettings) -> pa.Table:
    """Rows of curated: first what the transform has added, with the first column and the file."""
    if not curated.exists():
        return pa.table({})
    rows = _dataset(curated).head(SAMPLE_ROWS)
    added = [column.name for column in settings.output.added_columns]
    kept = [name for name in rows.column_names if name not in (*added, *LINEAGE, *PARTITIONS)]
    return rows.select([*kept[:1], SOURCE_KEY, *added, *kept[1:]])


def _dataset(curated: Path) -> ds.Dataset:
    return ds.dataset(curated, format="parquet", partitioning="hive")


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
