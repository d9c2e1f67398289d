"""Events that AWS services put on the default bus of the account, where moto puts none."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from tools.sandbox.account import Account
from tools.sandbox.glue.notice_board import Observer
from tools.sandbox.glue.notices import JobRunChanged, Notice
from tools.sandbox.glue.runs import JOB_FINISHED

# Glue developer guide, "Automating AWS Glue with EventBridge": severity and message of the events
# in its examples. What it says of a failed run is the run's own message.
ENDED = {
    "SUCCEEDED": ("INFO", "Job run succeeded"),
    "STOPPED": ("INFO", "Job run stopped"),
    "TIMEOUT": ("WARN", "Job run timed out"),
}


def aws_event(
    account: Account,
    source: str,
    detail_type: str,
    detail: Mapping[str, Any],
    *,
    resources: Sequence[str] = (),
) -> dict[str, Any]:
    """An event as the emulator keeps it on its way: its time is a number."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": detail_type,
        "source": source,
        "account": account.account_id,
        "time": time.time(),
        "region": account.region,
        "resources": list(resources),
        "detail": dict(detail),
    }


def glue_job_state_changes(account: Account) -> Observer:
    """An observer of the engine that sends what Glue sends when a job run has ended."""

    def observe(notice: Notice) -> None:
        if not isinstance(notice, JobRunChanged) or notice.state not in JOB_FINISHED:
            return
        severity, message = ENDED.get(notice.state, ("ERROR", notice.error_message or ""))
        detail = {
            "jobName": notice.job,
            "severity": severity,
            "state": notice.state,
            "jobRunId": notice.run_id,
            "message": message,
        }
        account.put_event(aws_event(account, "aws.glue", "Glue Job State Change", detail))

    return observe
