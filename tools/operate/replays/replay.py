"""One replay from beginning to end, or from the step where it was interrupted.

    begin     the request is written; from now on the same command means this one
    plan      which files; they never change
    prepare   their bytes go to landing as uploads that are not visible yet
    send      each upload becomes a version of landing, once
    replace   with --replace: a run loads them, and each batch's old output goes after that
    done      what was sent is on record; the next request may begin

Every step may be repeated, by the same command after a crash or by another at the same time. A
request that somebody gives up meanwhile (giving_up.py) ends at its next record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from tools.operate.deployment import DeployedPipeline, Deployment
from tools.operate.errors import InputError, OperateError
from tools.operate.ledger import PipelineLedger
from tools.operate.replays import candidates
from tools.operate.replays.records import (
    DoneReplay,
    ReplayPlan,
    ReplayRecords,
    ReplayRequest,
    Sent,
    SentFile,
    Upload,
    removal_record,
    removed_at_from,
    removed_from,
    sent_from,
    uploads_from,
)
from tools.operate.replays.replacing import Replacement
from tools.operate.replays.selection import Choice, Item, Output, Selection
from tools.operate.replays.uploads import LandingUploads, Traces, in_threads, mark_of
from tools.operate.words import timestamp

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# Files per record: at most this many have to be prepared again after an interruption.
FILES_PER_RECORD = 250


@dataclass(frozen=True)
class ReplayProgress:
    """How far a replay is. step: prepare, send or replace."""

    step: str
    done: int
    total: int


@dataclass(frozen=True)
class Replayed:
    """What a replay did.

    request: None where there was nothing to do. continued: whether an interrupted one went on.
    expired: files whose uploads somebody gave up before they were sent (S3's own rule does after
    seven days); they are where they were, and the same command takes them again. outputs_kept: of
    batches that are not replaced because of them.
    """

    request: str | None
    continued: bool
    files: int
    bytes: int
    sent: int
    expired: tuple[Item, ...]
    outputs_removed: tuple[str, ...]
    outputs_kept: tuple[str, ...] = ()


Report = Callable[[ReplayProgress], None]
# Starts a run and follows it; calls the function now and then. Returns how the run ended, in words.
Load = Callable[[Callable[[], object]], str]


def ignore_progress(progress: ReplayProgress) -> None:
    """For callers that do not show it."""


def now_in_utc() -> datetime:
    """The clock of this machine, to the second."""
    return datetime.now(UTC).replace(microsecond=0)


def start_no_run(seen: Callable[[], object]) -> str:
    """For callers that have a run started by others."""
    return "No run was started."


@dataclass(frozen=True)
class Replay:
    """Replays for one pipeline. content: the corrected file that is sent in place of the one.

    load: how files that are to replace others get loaded. clock: tells when old rows went.
    """

    s3: S3Client
    deployment: Deployment
    pipeline: DeployedPipeline
    selection: Selection
    now: datetime
    content: Path | None = None
    report: Report = ignore_progress
    load: Load = start_no_run
    clock: Callable[[], datetime] = now_in_utc

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
        """Do it, or go on with it.

        Raises `OperateError` where somebody gave it up, or where a run did not load what is to
        replace the old rows: then the same command goes on.
        """
        request, continued = self._records.begin(self.selection, self.now)
        self._must_not_be_given_up(request)
        plan = self._plan(request)
        uploads = self._prepare(request, plan)
        sent = self._send(request, plan, uploads)
        removed, removed_at = self._replace(request, plan, sent)
        files = tuple(map(SentFile, plan.items, sent))
        done = DoneReplay(request.id, request.at, request.selection, files, removed, removed_at)
        self._records.finish(request, done)
        if removed != plan.outputs or not all(answer.sent for answer in sent):
            self._must_not_be_given_up(request)
        return Replayed(
            request=request.id,
            continued=continued,
            files=len(files),
            bytes=sum(item.size for item in plan.items),
            sent=sum(file.sent.sent for file in files),
            expired=tuple(file.item for file in files if not file.sent.sent),
            outputs_removed=tuple(output.uri for output in removed),
            outputs_kept=tuple(output.uri for output in plan.outputs if output not in removed),
        )

    @property
    def _records(self) -> ReplayRecords:
        return ReplayRecords.of(self.s3, self.deployment, self.pipeline)

    @property
    def _landing(self) -> LandingUploads:
        return LandingUploads(
            self.s3, self.deployment.landing_bucket, self.deployment.lake_bucket, self.content
        )

    def _must_not_be_given_up(self, request: ReplayRequest) -> None:
        if given_up := self._records.given_up(request):
            where = f"{self.deployment.environment} {self.pipeline.name}"
            raise OperateError(
                f"{given_up.by} gave the replay {request.id} up at {timestamp(given_up.at)}: it "
                f"sends nothing more. If it is still open, `burst replay {where} --give-up` ends "
                "it and says what was sent."
            )

    def _plan(self, request: ReplayRequest) -> ReplayPlan:
        plan = self._records.plan(request)
        if plan is not None:
            return plan
        try:
            choice = self.look()
        except Exception:
            # Nothing is done yet, and what was asked for cannot be: the next request may begin.
            with suppress(ClientError, BotoCoreError, OperateError):
                self._records.give_back(request)
            raise
        return self._records.fix_plan(request, ReplayPlan(choice.items, choice.outputs))

    def _prepare(self, request: ReplayRequest, plan: ReplayPlan) -> list[Upload]:
        uploads: list[Upload] = []
        for name, start, items in parts(plan, "prepared"):
            counter = _Counter(self.report, "prepare", start, len(plan.items))
            record = self._records.read(request, name)
            if record is None:
                ours = in_threads(
                    lambda at: self._landing.prepare(plan.items[at], mark_of(request, at)),
                    range(start, start + len(items)),
                    counter.advance,
                )
                record = self._records.write_once(
                    request, name, {"uploads": [asdict(upload) for upload in ours]}
                )
                self._abort_unless_recorded(items, ours, uploads_from(record))
            if len(uploads_from(record)) < len(items):
                # Who gave the request up wrote this record, so that nobody can send these files.
                self._must_not_be_given_up(request)
            counter.all(len(items))
            uploads += uploads_from(record)
        return uploads

    def _abort_unless_recorded(
        self, items: Sequence[Item], ours: Sequence[Upload], recorded: Sequence[Upload]
    ) -> None:
        """Somebody else wrote this record at the same moment: theirs counts."""
        if tuple(ours) != tuple(recorded):
            for item, upload in zip(items, ours, strict=True):
                # What is left of them expires, and nobody completes it.
                with suppress(ClientError):
                    self._landing.abort(item, upload)

    def _send(
        self, request: ReplayRequest, plan: ReplayPlan, uploads: Sequence[Upload]
    ) -> list[Sent]:
        sent: list[Sent] = []
        for name, start, items in parts(plan, "sent"):
            counter = _Counter(self.report, "send", start, len(plan.items))
            record = self._records.read(request, name)
            if record is None:
                self._must_not_be_given_up(request)
                ours = in_threads(
                    lambda at: self._landing.complete(plan.items[at], uploads[at]),
                    range(start, start + len(items)),
                    counter.advance,
                )
                ours = self._traced(request, items, start, ours)
                record = self._records.write_once(
                    request, name, {"sent": [asdict(item) for item in ours]}
                )
            counter.all(len(items))
            sent += sent_from(record)
        return sent

    def _traced(
        self, request: ReplayRequest, items: Sequence[Item], start: int, sent: Sequence[Sent]
    ) -> list[Sent]:
        """The same, where S3 no longer knew an upload by what can be found of it."""
        ledger = PipelineLedger.of(self.s3, self.deployment, self.pipeline)
        lost = [at for at, answer in enumerate(sent) if not answer.sent]
        traces = Traces(self._landing, ledger, request)
        found = traces.find([start + at for at in lost], [items[at] for at in lost])
        by_position = dict(zip(lost, found, strict=True))
        return [by_position.get(at, answer) for at, answer in enumerate(sent)]

    def _replace(
        self, request: ReplayRequest, plan: ReplayPlan, sent: Sequence[Sent]
    ) -> tuple[tuple[Output, ...], dict[str, datetime]]:
        """Have the files loaded and remove what they replace; returns what is removed, and when."""
        if not plan.outputs:
            return (), {}
        record = self._records.read(request, "removed")
        if record is None:
            self._must_not_be_given_up(request)
            removed_at = self._removed_after_loading(request, plan, sent)
            record = self._records.write_once(request, "removed", removal_record(removed_at))
        return removed_from(record, plan), removed_at_from(record)

    def _removed_after_loading(
        self, request: ReplayRequest, plan: ReplayPlan, sent: Sequence[Sent]
    ) -> dict[Output, datetime]:
        total = len(plan.outputs)
        replacement = Replacement.of(
            self.s3,
            self.deployment,
            self.pipeline,
            request,
            plan,
            sent,
            self._records.done(),
            lambda done: self.report(ReplayProgress("replace", done, total)),
            self.clock,
        )
        if replacement.remove_loaded():
            ended = self.load(replacement.remove_loaded)
            if why := replacement.remove_loaded():
                raise OperateError(
                    f"{ended} {why} Readers see the rows that are loaded again twice until the "
                    "same command has removed the old ones."
                )
        return replacement.removed_at


def parts(plan: ReplayPlan, step: str) -> Iterator[tuple[str, int, Sequence[Item]]]:
    """The files of each record of a step: the record's name, the first position, the files."""
    for number, start in enumerate(range(0, len(plan.items), FILES_PER_RECORD), 1):
        yield f"{step}-{number:04d}", start, plan.items[start : start + FILES_PER_RECORD]


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
