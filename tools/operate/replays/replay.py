"""One replay from beginning to end, or from the step where it was interrupted.

    begin     the request is written; from now on the same command means this one
    plan      which files; they never change
    prepare   their bytes go to landing as uploads that are not visible yet
    remove    with --replace: the batches' output goes, now that everything can come again
    send      each upload becomes a version of landing, once
    done      what was sent is on record; the next request may begin

Every step may be repeated, by the same command after a crash or by another at the same time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tools.operate.deployment import DeployedPipeline, Deployment
from tools.operate.errors import InputError
from tools.operate.ledger import PipelineLedger
from tools.operate.replays import candidates, curated
from tools.operate.replays.records import (
    DoneReplay,
    ReplayPlan,
    ReplayRecords,
    ReplayRequest,
    Sent,
    SentFile,
    Upload,
    plan_from,
    plan_record,
    sent_from,
    uploads_from,
)
from tools.operate.replays.selection import Choice, Item, Selection
from tools.operate.replays.uploads import LandingUploads, Traces, in_threads

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# Files per record: at most this many have to be prepared again after an interruption.
FILES_PER_RECORD = 250


@dataclass(frozen=True)
class ReplayProgress:
    """How far a replay is. step: prepare, remove or send."""

    step: str
    done: int
    total: int


@dataclass(frozen=True)
class Replayed:
    """What a replay did.

    request: None where there was nothing to do. continued: whether an interrupted one went on.
    expired: files whose uploads somebody gave up before they were sent (S3's own rule does after
    seven days); they are where they were, and the same command takes them again.
    """

    request: str | None
    continued: bool
    files: int
    bytes: int
    sent: int
    expired: tuple[Item, ...]
    outputs_removed: tuple[str, ...]


Report = Callable[[ReplayProgress], None]


def ignore_progress(progress: ReplayProgress) -> None:
    """For callers that do not show it."""


@dataclass(frozen=True)
class Replay:
    """Replays for one pipeline. content: the corrected file that is sent in place of the one."""

    s3: S3Client
    deployment: Deployment
    pipeline: DeployedPipeline
    selection: Selection
    now: datetime
    content: Path | None = None
    report: Report = ignore_progress

    def look(self) -> Choice:
        """What would be replayed now, without doing it."""
        choice = candidates.find(self.s3, self.deployment, self.pipeline, self.selection, self.now)
        if self.content is not None and len(choice.items) > 1:
            raise InputError(
                f"--with takes the place of one file, and this selection means "
                f"{len(choice.items)}, the first are {choice.items[0].key} and "
                f"{choice.items[1].key}. Name one by --key (and --batch)."
            )
        return choice

    def unfinished(self) -> ReplayRequest | None:
        """The request for this selection that was interrupted, if there is one."""
        found = self._records.open_request()
        return found if found is not None and found.selection == self.selection else None

    def run(self) -> Replayed:
        """Do it, or go on with it."""
        request, continued = self._records.begin(self.selection, self.now)
        plan = self._plan(request)
        uploads = self._prepare(request, plan)
        self._remove(request, plan)
        sent = self._send(request, plan, uploads)
        files = tuple(map(SentFile, plan.items, sent))
        done = DoneReplay(request.id, request.at, request.selection, files, plan.outputs)
        self._records.finish(request, done)
        return Replayed(
            request=request.id,
            continued=continued,
            files=len(files),
            bytes=sum(item.size for item in plan.items),
            sent=sum(file.sent.sent for file in files),
            expired=tuple(file.item for file in files if not file.sent.sent),
            outputs_removed=tuple(output.uri for output in plan.outputs),
        )

    @property
    def _records(self) -> ReplayRecords:
        return ReplayRecords.of(self.s3, self.deployment, self.pipeline)

    @property
    def _landing(self) -> LandingUploads:
        return LandingUploads(
            self.s3, self.deployment.landing_bucket, self.deployment.lake_bucket, self.content
        )

    def _plan(self, request: ReplayRequest) -> ReplayPlan:
        plan = self._records.plan(request)
        if plan is None:
            choice = self.look()
            record = plan_record(ReplayPlan(choice.items, choice.outputs))
            plan = plan_from(self._records.write_once(request, "plan", record))
        return plan

    def _prepare(self, request: ReplayRequest, plan: ReplayPlan) -> list[Upload]:
        uploads: list[Upload] = []
        for number, start in enumerate(range(0, len(plan.items), FILES_PER_RECORD), 1):
            items = plan.items[start : start + FILES_PER_RECORD]
            counter = _Counter(self.report, "prepare", start, len(plan.items))
            name = f"prepared-{number:04d}"
            record = self._records.read(request, name)
            if record is None:
                ours = in_threads(
                    lambda at: self._landing.prepare(plan.items[at], _mark(request, at)),
                    range(start, start + len(items)),
                    counter.advance,
                )
                record = self._records.write_once(
                    request, name, {"uploads": [asdict(upload) for upload in ours]}
                )
                self._give_up(items, ours, uploads_from(record))
            counter.all(len(items))
            uploads += uploads_from(record)
        return uploads

    def _give_up(
        self, items: Sequence[Item], ours: Sequence[Upload], recorded: Sequence[Upload]
    ) -> None:
        """Somebody else prepared these files at the same moment: theirs count."""
        if tuple(ours) != tuple(recorded):
            for item, upload in zip(items, ours, strict=True):
                self._landing.abort(item, upload)

    def _remove(self, request: ReplayRequest, plan: ReplayPlan) -> None:
        if not plan.outputs or self._records.read(request, "removed") is not None:
            return
        for number, output in enumerate(plan.outputs, 1):
            curated.remove(self.s3, self.deployment, self.pipeline, output)
            self.report(ReplayProgress("remove", number, len(plan.outputs)))
        self._records.write_once(request, "removed", {"outputs": len(plan.outputs)})

    def _send(
        self, request: ReplayRequest, plan: ReplayPlan, uploads: Sequence[Upload]
    ) -> list[Sent]:
        sent: list[Sent] = []
        for number, start in enumerate(range(0, len(plan.items), FILES_PER_RECORD), 1):
            count = min(FILES_PER_RECORD, len(plan.items) - start)
            counter = _Counter(self.report, "send", start, len(plan.items))
            name = f"sent-{number:04d}"
            record = self._records.read(request, name)
            if record is None:
                ours = in_threads(
                    lambda at: self._landing.complete(plan.items[at], uploads[at]),
                    range(start, start + count),
                    counter.advance,
                )
                ours = self._traced(request, plan.items[start : start + count], start, ours)
                record = self._records.write_once(
                    request, name, {"sent": [asdict(item) for item in ours]}
                )
            counter.all(count)
            sent += sent_from(record)
        return sent

    def _traced(
        self, request: ReplayRequest, items: Sequence[Item], start: int, sent: Sequence[Sent]
    ) -> list[Sent]:
        """The same, where S3 no longer knew an upload by what can be found of it."""
        ledger = PipelineLedger.of(self.s3, self.deployment, self.pipeline)
        traces = Traces(self._landing, ledger, request)
        return [
            answer if answer.sent else traces.find(item, _mark(request, at))
            for at, (item, answer) in enumerate(zip(items, sent, strict=True), start)
        ]


def _mark(request: ReplayRequest, position: int) -> str:
    return f"{request.id}/{position}"


@dataclass
class _Counter:
    """Reports one record's share of the whole."""

    report: Report
    step: str
    start: int
    total: int
    count: int = 0

    def advance(self) -> None:
        self.count += 1
        self.report(ReplayProgress(self.step, self.start + self.count, self.total))

    def all(self, count: int) -> None:
        self.report(ReplayProgress(self.step, self.start + count, self.total))
