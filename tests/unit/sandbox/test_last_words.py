"""Which line of a failed job's log becomes the run's error message."""

import pytest

from tools.sandbox.glue.job_process import MAX_ERROR_LENGTH, last_words

UNCAUGHT = """reading 3 files
Traceback (most recent call last):
  File "job.py", line 3, in <module>
    raise ValueError("boom")
ValueError: boom
"""
SAID = """ERROR:burst:The cause:
Traceback (most recent call last):
  File "job.py", line 3, in <module>
KeyError: 'id'
Batch 20261123 is left as it was: 3 of 3 files are bad.
26/11/23 03:31:13 INFO ShutdownHookManager: Shutdown hook called
"""
# What Java says when it is stopped while it cleans up.
STOPPED_WHILE_CLEANING_UP = """Batch 20261123 is left as it was: 3 of 3 files are bad.
26/11/23 03:31:13 ERROR ShutdownHookManager: Exception while deleting Spark temp dir
java.io.IOException: Cannot run program "rm": error=0, Failed to exec spawn helper
\tat java.base/java.lang.ProcessBuilder.start(ProcessBuilder.java:1143)
Caused by: java.io.IOException: error=0, Failed to exec spawn helper: pid: 29184, signal: 15
\tat java.base/java.lang.ProcessImpl.forkAndExec(Native Method)
\t... 12 more
"""


@pytest.mark.parametrize(
    ("log", "message"),
    [
        (UNCAUGHT, "ValueError: boom"),
        (SAID, "Batch 20261123 is left as it was: 3 of 3 files are bad."),
        (
            STOPPED_WHILE_CLEANING_UP,
            "Batch 20261123 is left as it was: 3 of 3 files are bad.",
        ),
        ("", "The job printed nothing."),
        ("26/11/23 03:31:13 WARN Utils: nothing else\n", "The job printed nothing."),
        ("x" * 9999, "x" * MAX_ERROR_LENGTH),
    ],
)
def test_the_error_message_of_a_run(log: str, message: str) -> None:
    assert last_words(log) == message
