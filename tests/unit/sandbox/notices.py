"""What the engine announces, for the tests of what is said of it."""

from __future__ import annotations

from datetime import UTC, datetime

from tools.sandbox.glue.notices import JobRunChanged


def run_succeeded(job: str, workflow_run_id: str) -> JobRunChanged:
    """A job run that has ended well."""
    return JobRunChanged(
        at=datetime(2026, 11, 26, tzinfo=UTC),
        job=job,
        run_id="jr_1",
        workflow_run_id=workflow_run_id,
        state="SUCCEEDED",
        error_message=None,
        log="log.txt",
    )
