"""Where the lines of a job go."""

from __future__ import annotations

import io
from pathlib import Path

from tools.sandbox.glue.job_logs import JobLog


def test_line_of_the_sandbox_stands_before_those_of_the_job(tmp_path: Path) -> None:
    output: list[str] = []
    error: list[str] = []
    log = JobLog(tmp_path / "log.txt", output=output.extend, error=error.extend)
    job = tmp_path / "job"
    job.write_bytes(b"hello\n")
    log.say("This is not Spark 4.")
    log.follow(job.open("rb"), io.FileIO("/dev/null"))
    log.close()
    assert (tmp_path / "log.txt").read_text() == "This is not Spark 4.\nhello\n"
    assert output == ["This is not Spark 4.", "hello"]
    assert error == []
