"""With --replace: the old rows of a batch go as soon as all of its files are loaded again.

New rows first, old ones after: in between, for seconds, readers see both, and at no moment neither.
Plain Parquet has no way to swap files of a table in one step (docs/costs-and-limits.md).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from tools.operate.deployment import DeployedPipeline, Deployment
from tools.operate.ledger import PipelineLedger, ResultRecord
from tools.operate.replays import curated
from tools.operate.replays.arrivals import Arrival, Arrivals, Identity
from tools.operate.replays.records import DoneReplay, ReplayPlan, ReplayRequest, Sent, sent_before
from tools.operate.replays.selection import Earlier, Output, of_a_whole_batch

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class Awaited:
    """An old output, and the versions that have to be loaded before it may go.

    unsent: keys that did not come to landing; with one of them it stays.
    """

    output: Output
    versions: tuple[Identity, ...]
    unsent: tuple[str, ...] = ()

    def missing(self, arrivals: Mapping[Identity, Arrival]) -> list[Identity]:
        """The versions of which readers see nothing yet."""
        return [
            version
            for version in self.versions
            if version not in arrivals or not arrivals[version].is_loaded
        ]


def awaited(
    plan: ReplayPlan,
    sent: Sequence[Sent],
    results: Sequence[ResultRecord],
    earlier: Mapping[str, Earlier],
) -> list[Awaited]:
    """What each output of the plan waits for: its files, sent now or by an earlier replay.

    results: of the outputs' batches, in their order. earlier: by keys in the lake bucket.
    """
    here: dict[str, Identity] = {
        place: (file.key, file.version_id) for place, file in earlier.items()
    }
    for item, answer in zip(plan.items, sent, strict=True):
        if answer.sent:
            here[item.source] = (item.key, answer.version_id)
    found = []
    for output, result in zip(plan.outputs, results, strict=True):
        places = [(file.key, place) for file, place in of_a_whole_batch(result)]
        found.append(
            Awaited(
                output,
                versions=tuple(here[place] for _, place in places if place in here),
                unsent=tuple(key for key, place in places if place not in here),
            )
        )
    return found


@dataclass
class Replacement:
    """The removal of what a request replaces.

    removed_at: what is gone, and when; of what went in an earlier try, when this one saw it.
    """

    s3: S3Client
    deployment: Deployment
    pipeline: DeployedPipeline
    waiting: Sequence[Awaited]
    arrivals: Arrivals
    report: Callable[[int], None]
    clock: Callable[[], datetime]
    removed_at: dict[Output, datetime] = field(default_factory=dict, init=False)

    @classmethod
    def of(
        cls,
        s3: S3Client,
        deployment: Deployment,
        pipeline: DeployedPipeline,
        request: ReplayRequest,
        plan: ReplayPlan,
        sent: Sequence[Sent],
        done: Sequence[DoneReplay],
        report: Callable[[int], None],
        clock: Callable[[], datetime],
    ) -> Replacement:
        """The outputs of this request, which has sent its files; done: the replays before it."""
        ledger = PipelineLedger.of(s3, deployment, pipeline)
        earlier = sent_before(done)
        results = ledger.results([output.batch for output in plan.outputs])
        waiting = awaited(plan, sent, results, earlier)
        named = {version for entry in waiting for version in entry.versions}
        since = [file.at for file in earlier.values() if (file.key, file.version_id) in named]
        arrivals = Arrivals(s3, ledger, min([request.at, *since]))
        return cls(s3, deployment, pipeline, waiting, arrivals, report, clock)

    def remove_loaded(self) -> str | None:
        """Remove each old output of which all files are loaded again; may be repeated.

        Returns why the first of the others stays, None where none does that a run could replace.
        """
        found = self.arrivals.look()
        why = None
        for entry in self.waiting:
            if entry.output in self.removed_at or entry.unsent:
                continue
            if missing := entry.missing(found):
                why = why or _why(entry.output, missing[0], found.get(missing[0]))
                continue
            curated.remove(self.s3, self.deployment, self.pipeline, entry.output)
            self.removed_at[entry.output] = self.clock()
            self.report(len(self.removed_at))
        return why


def _why(output: Output, version: Identity, arrival: Arrival | None) -> str:
    if arrival is None:
        why = "is not loaded yet"
    elif arrival.outcome == "gone":
        why = "was deleted from landing before it was read"
    elif arrival.outcome == "unreadable":
        why = f"cannot be read: {arrival.reason}"
    else:
        why = f"is in batch {arrival.batch}, whose rows are not published yet"
    return f"The old rows of batch {output.batch} stay: {version[0]} ({version[1]}) {why}."
