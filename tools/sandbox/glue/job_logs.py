"""What a job prints, as Glue keeps it: in a file of its run, and in CloudWatch Logs."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from tools.sandbox.errors import SandboxError

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

# AWS Glue user guide, "Logging for AWS Glue jobs": the prefix of the groups `error` and `output`,
# and the stream of the driver. Everything runs in the driver here.
DEFAULT_PREFIX = "/aws-glue/jobs"
PREFIX_ARGUMENT = "--custom-logGroup-prefix"
DRIVER_STREAM = "{run_id}-driver"
# Of one read: far less than a call to PutLogEvents may hold (1 MiB, 10,000 lines).
CHUNK = 64 * 1024
JOIN_SECONDS = 5.0

Lines = Callable[[list[str]], None]


def group_prefix(arguments: Mapping[str, str], security_configuration: str, role: str) -> str:
    """The names of the log groups of a run without their last part.

    With a security configuration Glue puts that and the role's name between (same page).
    """
    prefix = arguments.get(PREFIX_ARGUMENT, DEFAULT_PREFIX)
    if not security_configuration:
        return prefix
    return f"{prefix}/{security_configuration}-role/{role.rpartition('/')[2]}"


def cloudwatch(logs: CloudWatchLogsClient, group: str, stream: str) -> Lines:
    """Sends lines to a stream of a log group; where the group is missing, they go nowhere."""
    made = False

    def send(lines: list[str]) -> None:
        nonlocal made
        now = round(time.time() * 1000)
        # Neither a missing group nor an account that is closing may stop a job.
        with contextlib.suppress(ClientError, BotoCoreError, SandboxError):
            if not made:
                logs.create_log_stream(logGroupName=group, logStreamName=stream)
                made = True
            logs.put_log_events(
                logGroupName=group,
                logStreamName=stream,
                logEvents=[{"timestamp": now, "message": line} for line in lines],
            )

    return send


class JobLog:
    """Takes what a job prints on its two streams, as it comes.

    Args:
        file: gets the lines of both streams, in the order in which they end.
        output: gets the lines of standard output.
        error: gets those of standard error.
    """

    def __init__(self, file: Path, *, output: Lines, error: Lines) -> None:
        self._file = file.open("ab")
        self._lock = threading.Lock()
        self._sinks = (output, error)
        self._threads: list[threading.Thread] = []

    def follow(self, output: IO[bytes], error: IO[bytes]) -> None:
        """Read both streams to their ends, in threads."""
        for stream, sink in zip((output, error), self._sinks, strict=True):
            thread = threading.Thread(
                target=self._read, args=(stream, sink), name="glue-job-log", daemon=True
            )
            thread.start()
            self._threads.append(thread)

    def say(self, line: str) -> None:
        """A line of the sandbox itself, before those of the job."""
        with self._lock:
            self._file.write(f"{line}\n".encode())
        self._sinks[0]([line])

    def close(self) -> None:
        """Return when everything that was printed is in its place."""
        for thread in self._threads:
            thread.join(JOIN_SECONDS)
        with self._lock:
            self._file.close()

    def _read(self, stream: IO[bytes], sink: Lines) -> None:
        rest = b""
        with stream:
            while chunk := os.read(stream.fileno(), CHUNK):
                *whole, rest = (rest + chunk).split(b"\n")
                self._keep(whole)
                _send(sink, whole)
        if rest:
            self._keep([rest])
            _send(sink, [rest])

    def _keep(self, lines: list[bytes]) -> None:
        # Whole lines: a job writes a line in parts, and the other stream would come between them.
        with self._lock:
            if not self._file.closed:
                self._file.write(b"".join(line + b"\n" for line in lines))
                self._file.flush()


def _send(sink: Lines, lines: list[bytes]) -> None:
    # CloudWatch Logs takes no empty message (API reference, InputLogEvent).
    texts = [line.decode("utf-8", "replace").rstrip("\r") for line in lines]
    if texts := [text for text in texts if text.strip()]:
        sink(texts)
