"""Giving up the bad files of a batch, once a person has decided that they are wrong."""

from __future__ import annotations

import getpass
from dataclasses import dataclass, replace
from datetime import datetime

from tools.operate import ids
from tools.operate.errors import OperateError
from tools.operate.ledger import BadFile, PipelineLedger, SetAsideRecord


@dataclass(frozen=True)
class Verdicts:
    """The files of a batch that are known to be bad. given_up: whether that was decided before."""

    batch: str
    files: tuple[BadFile, ...]
    given_up: bool


def look(ledger: PipelineLedger, batch: str) -> Verdicts:
    """What may be set aside; raises `OperateError` where nothing of this batch may."""
    records = ledger.records(batch)
    where = f"{ledger.environment} {ledger.pipeline}"
    if records is None:
        in_ledger = f"the ledger of {ledger.environment}/{ledger.pipeline}"
        raise ids.missing(batch, what="batch", where=in_ledger)
    if records.result is not None and not records.halved:
        raise OperateError(
            f"Batch {batch} is committed: its bad files are in quarantine already. `burst inspect "
            f"{where} {batch}` shows them."
        )
    files = records.attempts.files if records.attempts else ()
    if not files:
        raise OperateError(
            f"No file of batch {batch} is known to be bad, so there is nothing to set aside. "
            f"`burst drain {where}` tries it, and `burst status {ledger.environment}` shows what "
            "it found."
        )
    record = ledger.given_up(batch)
    given_up = set(record.files) if record else set()
    return Verdicts(batch, files, given_up >= {file.identity for file in files})


def set_aside(ledger: PipelineLedger, verdicts: Verdicts, now: datetime) -> None:
    """Have the next run move these files to quarantine, as far as it still finds them bad.

    Only a record is written, which the job reads: landing is the job's alone.
    """
    before = ledger.given_up(verdicts.batch)
    chosen = [file.identity for file in verdicts.files]
    files = dict.fromkeys([*(before.files if before else ()), *chosen])
    attempts = ledger.attempts(verdicts.batch)
    if attempts is None:
        raise OperateError(f"Batch {verdicts.batch} has gone on meanwhile: look again.")
    origin = replace(attempts.origin, at=now, job_run_id=None, workflow_run_id=None)
    ledger.set_aside(SetAsideRecord(origin, tuple(files), getpass.getuser()))
