"""Ends a replay that cannot or should not go on, also while it still runs somewhere else.

Every record of a replay is written once. Giving up writes those that are missing: "nothing was
prepared", or what was sent once the uploads can no longer be completed. A replay that still runs
is refused at its next record, finds what was written, and ends. So nobody can send a file that is
on record as not sent, and the next replay may take it.

    given-up.json         who decided, and when; written first
    prepared-0001.json    without uploads, where there was no record
    sent-0001.json        what of it came to landing, by its mark, after the uploads were aborted
    done.json             as for any replay: the next request may begin
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from tools.operate.deployment import DeployedPipeline, Deployment
from tools.operate.ledger import PipelineLedger
from tools.operate.replays.records import (
    DoneReplay,
    GivenUp,
    ReplayPlan,
    ReplayRecords,
    ReplayRequest,
    Sent,
    SentFile,
    Upload,
    removed_at_from,
    removed_from,
    sent_from,
    uploads_from,
)
from tools.operate.replays.replay import parts
from tools.operate.replays.selection import Item, Output
from tools.operate.replays.uploads import LandingUploads, Traces, in_threads

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class OpenReplay:
    """The open request, as its records say.

    files: planned ones; None where no plan was written. sent: on record as sent. uncertain: whose
    uploads are prepared, and whose sending is not on record: some may have been sent.
    """

    request: ReplayRequest
    given_up: GivenUp | None
    files: int | None
    sent: int
    uncertain: int
    outputs: tuple[Output, ...]
    outputs_removed: tuple[Output, ...]

    @property
    def unsent(self) -> int:
        """Files that did not come to landing for sure."""
        return (self.files or 0) - self.sent - self.uncertain


@dataclass(frozen=True)
class EndedReplay:
    """A request that was given up, and what it had done until then.

    doubled: batches whose old rows stay, although files of them were sent again.
    """

    request: str
    sent: tuple[SentFile, ...]
    unsent: tuple[Item, ...]
    outputs_removed: tuple[Output, ...]
    doubled: tuple[Output, ...]


@dataclass(frozen=True)
class GivingUp:
    """The end of one pipeline's open replay. by: the local user who decides."""

    s3: S3Client
    deployment: Deployment
    pipeline: DeployedPipeline
    by: str
    now: datetime

    def look(self) -> OpenReplay | None:
        """The open request; None where there is none."""
        records = self._records
        request = records.open_request()
        if request is None:
            return None
        found = records.plan(request)
        plan = found or ReplayPlan((), ())
        sent = uncertain = 0
        for name, _, items in parts(plan, "sent"):
            if record := records.read(request, name):
                sent += sum(answer.sent for answer in sent_from(record))
            elif records.read(request, name.replace("sent", "prepared")):
                uncertain += len(items)
        return OpenReplay(
            request=request,
            given_up=records.given_up(request),
            files=len(plan.items) if found else None,
            sent=sent,
            uncertain=uncertain,
            outputs=plan.outputs,
            outputs_removed=self._removed(request, plan),
        )

    def run(self, request: ReplayRequest) -> EndedReplay:
        """End this request; may be repeated, and by several at once."""
        records = self._records
        records.write_once(request, "given-up", {"by": self.by, "at": self.now})
        plan = records.fix_plan(request, ReplayPlan((), ()))
        sent = [answer for part in self._parts(request, plan) for answer in part]
        files = tuple(map(SentFile, plan.items, sent))
        record = records.read(request, "removed")
        removed = () if record is None else removed_from(record, plan)
        removed_at = {} if record is None else removed_at_from(record)
        done = DoneReplay(request.id, request.at, request.selection, files, removed, removed_at)
        records.finish(request, done)
        there = {file.item.batch for file in files if file.sent.sent}
        return EndedReplay(
            request=request.id,
            sent=tuple(file for file in files if file.sent.sent),
            unsent=tuple(file.item for file in files if not file.sent.sent),
            outputs_removed=removed,
            doubled=tuple(
                item for item in plan.outputs if item.batch in there and item not in removed
            ),
        )

    def _parts(self, request: ReplayRequest, plan: ReplayPlan) -> Iterator[tuple[Sent, ...]]:
        """What was sent, record by record; from then on nobody can send any more of it."""
        names = zip(parts(plan, "prepared"), parts(plan, "sent"), strict=True)
        for (prepared, start, items), (name, _, _) in names:
            uploads = uploads_from(self._records.write_once(request, prepared, {"uploads": []}))
            record = self._records.read(request, name)
            if record is None:
                found = self._ended(request, items, start, uploads)
                record = self._records.write_once(
                    request, name, {"sent": [asdict(answer) for answer in found]}
                )
            yield sent_from(record)

    def _ended(
        self, request: ReplayRequest, items: Sequence[Item], start: int, uploads: Sequence[Upload]
    ) -> list[Sent]:
        """Abort these uploads. S3 may have completed some of them before: their marks show it."""
        if not uploads:
            return [Sent(sent=False) for _ in items]
        landing = LandingUploads(
            self.s3, self.deployment.landing_bucket, self.deployment.lake_bucket
        )
        at = range(len(items))
        in_threads(lambda one: landing.abort(items[one], uploads[one]), at, lambda: None)
        ledger = PipelineLedger.of(self.s3, self.deployment, self.pipeline)
        return Traces(landing, ledger, request).find([start + one for one in at], items)

    def _removed(self, request: ReplayRequest, plan: ReplayPlan) -> tuple[Output, ...]:
        record = self._records.read(request, "removed")
        return () if record is None else removed_from(record, plan)

    @property
    def _records(self) -> ReplayRecords:
        return ReplayRecords.of(self.s3, self.deployment, self.pipeline)
