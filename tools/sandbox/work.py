"""What the runs of a pipeline have done, as its ledger says."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError
from burst.batch import BATCH_ID
from burst.contract import LEDGER, folder
from burst.ledger import PlanRecord, ResultRecord
from burst.s3 import is_gone

from tools.sandbox.errors import SandboxError
from tools.sandbox.using import OUTPUTS_FILE

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from tools.sandbox.glue.notices import JobRunChanged
    from tools.sandbox.sandbox import Sandbox


@dataclass(frozen=True)
class Work:
    """What one job run has done so far.

    Attributes:
        planned: files of the batches that it has begun.
        files: files of the batches that it has committed.
        rows: rows that these files gave.
    """

    planned: int = 0
    files: int = 0
    rows: int = 0


class LedgerWork:
    """The work of each run of one pipeline. A record is read once: it never changes."""

    def __init__(self, s3: S3Client, lake: str, pipeline: str) -> None:
        self._s3 = s3
        self._lake = lake
        self._folder = folder(LEDGER, pipeline)
        self.plans: dict[str, PlanRecord] = {}
        self.results: dict[str, ResultRecord] = {}

    def read(self) -> None:
        """Read what the runs have written since the last look. Raises `LedgerError`."""
        for key in keys(self._s3, self._lake, self._folder):
            batch, _, name = key.removeprefix(self._folder).partition("/")
            # Beside the batches are the records of replays, which have plans of their own.
            if not BATCH_ID.fullmatch(batch) or key in self.plans or key in self.results:
                continue
            try:
                if name == "plan.json":
                    self.plans[key] = PlanRecord.from_json(self._body(key), key=key)
                elif name == "result.json":
                    self.results[key] = ResultRecord.from_json(self._body(key), key=key)
            except ClientError as error:
                # `burst check` takes away the batches of its probes, also between list and read.
                if not is_gone(error):
                    raise

    def of(self, run_id: str) -> Work:
        """What was read of this job run."""
        results = [r for r in self.results.values() if r.origin.job_run_id == run_id]
        # Two batches took the place of such a one, and count for it.
        halved = {r.origin.batch for r in results if r.replaced_by is not None}
        return Work(
            planned=sum(
                len(plan.inputs)
                for plan in self.plans.values()
                if plan.origin.job_run_id == run_id and plan.origin.batch not in halved
            ),
            files=sum(len(result.files) for result in results),
            rows=sum(result.rows for result in results),
        )

    def _body(self, key: str) -> bytes:
        return self._s3.get_object(Bucket=self._lake, Key=key)["Body"].read()


def keys(s3: S3Client, bucket: str, prefix: str) -> Iterator[str]:
    """All keys that begin like this."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    for page in pages:
        for item in page.get("Contents", []):
            yield item["Key"]


def works(sandbox: Sandbox) -> Callable[[JobRunChanged], Work | None]:
    """Tells the work of a job run of any pipeline; None once the account is closing.

    Raises `LedgerError` for a record that somebody has damaged by hand.
    The outputs are read each time, because an apply may add pipelines while the sandbox runs.
    """
    s3 = sandbox.account.client("s3")
    ledgers: dict[str, LedgerWork] = {}

    def work_of(notice: JobRunChanged) -> Work | None:
        outputs = json.loads((sandbox.folder / OUTPUTS_FILE).read_text(encoding="utf-8"))
        for name, pipeline in outputs["pipelines"].items():
            if pipeline["job_name"] == notice.job:
                lake = outputs["lake_bucket_name"]
                ledger = ledgers.setdefault(name, LedgerWork(s3, lake, name))
                with contextlib.suppress(BotoCoreError, SandboxError):
                    ledger.read()
                    return ledger.of(notice.run_id)
        return None

    return work_of
