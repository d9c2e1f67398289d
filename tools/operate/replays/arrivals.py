"""What the job has made of the versions that came to landing, as readers of curated see it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from burst.batch import output_uri
from burst.curated import curated_at

from tools.operate.connection import CLOCKS_APART
from tools.operate.ledger import Outcome, PipelineLedger, ResultRecord

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

Identity = tuple[str, str | None]


@dataclass(frozen=True)
class Arrival:
    """One version in a committed batch. visible: whether readers see the batch's rows."""

    batch: str
    outcome: Outcome
    reason: str | None
    visible: bool

    @property
    def is_loaded(self) -> bool:
        """Whether the job has taken the file, for good or for bad, and readers see that."""
        return self.visible and self.outcome in ("curated", "quarantined")


@dataclass
class Arrivals:
    """The versions that batches took since a moment; every look reads what is new."""

    s3: S3Client
    ledger: PipelineLedger
    since: datetime
    _results: dict[str, ResultRecord] = field(default_factory=dict, init=False)

    def look(self) -> dict[Identity, Arrival]:
        """Where each version is now that a committed batch took; the last batch counts."""
        names = self.ledger.batches(since=self.since - CLOCKS_APART)
        new = [b for b, records in names.items() if "result" in records and b not in self._results]
        self._results.update(zip(new, self.ledger.results(new), strict=True))
        staged = self._staged(b for b in self._results if "done" not in names[b])
        found: dict[Identity, Arrival] = {}
        for batch, result in sorted(self._results.items()):
            for file in result.files:
                found[file.identity] = Arrival(
                    batch, file.outcome, file.reason, visible=batch not in staged
                )
        return found

    def _staged(self, batches: Iterable[str]) -> set[str]:
        """Those of these committed batches that may not be published yet.

        A batch's rows are published first, then its stage is removed, then it is done.
        """
        roots = {
            output.removesuffix(output_uri("", batch))
            for batch in batches
            if (output := self._results[batch].output)
        }
        return {batch for root in roots for batch in curated_at(root, self.s3).stages()}
