"""Where in a long ledger a run may begin to look: all batches up to here are done.

Without it every start would list every record that the pipeline ever wrote. The one rule:

    no batch up to the mark is open

It holds whatever the clocks say, although a batch's id begins with the time of its planning: the
mark moves forward only over batches that the run itself found done, and before a plan is written
whose id does not come after the mark, the mark moves back. Whoever loses the checkpoint loses
nothing but time: without it, or with one that cannot be read, the whole ledger is listed.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from burst.batch import BATCH_ID, ID_TIME
from burst.s3 import is_gone, read_whole

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

log = logging.getLogger("burst")

CHECKPOINT_FORMAT = 1
# S3 lists 1,000 records a request, and a batch has three: up to here a listing is one request.
WORTH_A_MARK = 300


@dataclass
class Checkpoint:
    """The mark of one pipeline, `ledger/<pipeline>/checkpoint.json`, as this run knows it.

    mark: the id of a batch, or None where there is none. It need not be one that exists.
    """

    s3: S3Client
    bucket: str
    pipeline: str
    environment: str
    mark: str | None = field(default=None, init=False)

    @property
    def key(self) -> str:
        return f"ledger/{self.pipeline}/checkpoint.json"

    def load(self) -> str | None:
        """Read the mark and return it; one that cannot be trusted is as good as none."""
        try:
            text = read_whole(self.s3, self.bucket, self.key)
        except ClientError as error:
            if not is_gone(error):
                raise
            return None
        self.mark = self._trusted(text)
        if self.mark is None:
            log.warning("%s is damaged. The whole ledger is listed instead.", self.key)
        return self.mark

    def advance(self, done: Mapping[str, object]) -> None:
        """Move forward to the newest of these batches, all of them done, if that saves enough."""
        if len(done) > WORTH_A_MARK:
            self._write(max(done))

    def make_room_for(self, batch: str) -> None:
        """Move back where this batch, which is about to be planned, would not be found."""
        if self.mark is not None and batch <= self.mark:
            planned_at = datetime.strptime(batch.partition("-")[0], ID_TIME)
            before = planned_at - timedelta(seconds=1)
            self._write(f"{before.strftime(ID_TIME)}-ffffffff")

    def _write(self, mark: str) -> None:
        record = {
            "format": CHECKPOINT_FORMAT,
            "record": "checkpoint",
            "pipeline": self.pipeline,
            "environment": self.environment,
            "done_up_to": mark,
        }
        self.s3.put_object(
            Bucket=self.bucket,
            Key=self.key,
            Body=(json.dumps(record, indent=1) + "\n").encode(),
            ContentType="application/json",
        )
        self.mark = mark

    def _trusted(self, text: bytes) -> str | None:
        try:
            record = json.loads(text)
        except (ValueError, RecursionError):
            return None
        expected = (CHECKPOINT_FORMAT, "checkpoint", self.pipeline, self.environment)
        names = ("format", "record", "pipeline", "environment")
        if not isinstance(record, dict) or tuple(record.get(name) for name in names) != expected:
            return None
        mark = record.get("done_up_to")
        return mark if isinstance(mark, str) and BATCH_ID.fullmatch(mark) else None
