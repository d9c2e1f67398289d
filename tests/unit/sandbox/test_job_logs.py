"""Where the lines of a job go."""

from __future__ import annotations

import io
import os
import threading
from pathlib import Path

from tests.patience import PATIENCE
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


def test_line_that_comes_in_parts_stays_one_line_beside_those_of_the_other_stream(
    tmp_path: Path,
) -> None:
    heard = threading.Event()
    output: list[str] = []
    log = JobLog(tmp_path / "log.txt", output=output.extend, error=lambda _: heard.set())
    (out, out_end), (err, err_end) = os.pipe(), os.pipe()
    with os.fdopen(out_end, "wb", 0) as printed, os.fdopen(err_end, "wb", 0) as warned:
        log.follow(os.fdopen(out, "rb"), os.fdopen(err, "rb"))
        printed.write(b"the job says")
        warned.write(b"a warning\n")
        assert heard.wait(PATIENCE)
        printed.write(b" hello\nand ends")
    log.close()
    kept = (tmp_path / "log.txt").read_text()
    assert kept == "a warning\nthe job says hello\nand ends\n"
    assert output == ["the job says hello", "and ends"]
