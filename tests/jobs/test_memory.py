"""What a run takes of memory depends on the size of a block, not on the size of a file.

One CSV file, read by the script as Glue starts it. Its processes are watched from outside: the
driver, Spark's Java (whose heap has a fixed end, here Spark's default of 1 GiB) and Spark's Python
workers, each at its highest (resident memory, VmHWM of proc(5)). 10 and 100 MB by default; 1 GB
with `pytest tests/jobs/test_memory.py -m full -s`, which prints the figures.
"""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time
import zipfile
from collections import defaultdict
from pathlib import Path

import boto3
import pytest

from tests.benchmarks.job import environment, stand_in
from tests.benchmarks.process_tree import processes
from tests.benchmarks.stand_in_s3 import LAKE, LANDING, csv_file
from tests.jobs.test_script import Script, submit_arguments
from tests.jobs.world import World
from tools.sandbox.java import java_options

MIB = 1024**2
# Three blocks of 8 MiB, what pyarrow makes of them and keeps for the next ones, on top of 100 MiB
# for Python and its libraries. A file of 100 MB reaches some 270 MiB, and one of 1 GB 300.
WORKER_BYTES = 450 * MIB
DRIVER_BYTES = 200 * MIB
# The heap, and what Java takes besides.
JAVA_BYTES = 1024 * MIB + 600 * MIB


class Peaks:
    """The highest resident memory of a program's processes, by what they are."""

    def __init__(self, root: int) -> None:
        self.bytes: defaultdict[str, int] = defaultdict(int)
        self._root = root
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Peaks:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(0.1):
            for process in processes(self._root):
                try:
                    command = Path(f"/proc/{process}/cmdline").read_bytes()
                    status = Path(f"/proc/{process}/status").read_text()
                except OSError:
                    continue  # ended meanwhile
                if highest := re.search(r"^VmHWM:\s+(\d+) kB", status, re.M):
                    kind = self._kind(process, command)
                    self.bytes[kind] = max(self.bytes[kind], int(highest[1]) * 1024)

    def _kind(self, process: int, command: bytes) -> str:
        if process == self._root:
            return "driver"
        return "worker" if b"pyspark.daemon" in command else "java"


@pytest.mark.parametrize(
    "megabytes",
    [100, *(pytest.param(size, marks=pytest.mark.full) for size in (10, 1000))],
    ids=lambda size: f"{size} MB",
)
def test_memory_of_a_run_is_bounded_whatever_the_size_of_the_file(
    megabytes: int,
    tmp_path: Path,
    job_environment: dict[str, str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    size = len(csv_file(megabytes * 1000**2))
    with stand_in("--csv-bytes", str(megabytes * 1000**2)) as port:
        script = Script(tmp_path, environment(port))
        with zipfile.ZipFile(script.environment["PYTHONPATH"], "a") as package:
            package.writestr("transforms/untouched.py", "def transform(frame):\n    return frame\n")
        world = World(boto3.client("s3"), LANDING, LAKE, tmp_path / "curated")
        arguments = world.argv(transform="untouched")
        start = time.perf_counter()
        with (
            subprocess.Popen(
                [sys.executable, str(script.path), *arguments],
                cwd=tmp_path,
                env={
                    **script.environment,
                    "SPARK_LOCAL_DIRS": str(tmp_path / "spark"),
                    # With the second compiler where there is enough to do for it.
                    "PYSPARK_SUBMIT_ARGS": submit_arguments(
                        "-XX:+UseSerialGC" if megabytes > 100 else java_options()
                    ),
                },
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            ) as job,
            Peaks(job.pid) as peaks,
        ):
            said, errors = job.communicate(timeout=1800)
        seconds = time.perf_counter() - start
    assert job.returncode == 0, errors
    assert f'"bytes": {size}' in said
    found = {kind: round(peak / MIB) for kind, peak in sorted(peaks.bytes.items())}
    with capsys.disabled():
        print(f"\n{megabytes} MB in one file: {found} MiB at the highest, {seconds:.0f} s")
    assert peaks.bytes.keys() == {"driver", "java", "worker"}
    assert peaks.bytes["worker"] < WORKER_BYTES
    assert peaks.bytes["driver"] < DRIVER_BYTES
    assert peaks.bytes["java"] < JAVA_BYTES
