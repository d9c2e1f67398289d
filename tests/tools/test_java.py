"""Java with the archive of Spark's classes, and without it."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pyspark
import pytest

from tools.sandbox.java import (
    BASE,
    CLASSES,
    QUICK_JAVA,
    ArchiveMaker,
    archive_folder,
    java_home,
    java_options,
    make_archive,
)


def java(options: str) -> subprocess.CompletedProcess[str]:
    """Ask Java for its version, as Spark would call it."""
    return subprocess.run(
        ["bash", "-c", f"{java_home()}/bin/java {options} -version"],
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_an_archive_there_is_no_word_of_one(tmp_path: Path) -> None:
    assert java_options(tmp_path) == QUICK_JAVA


def test_archive_that_does_not_fit_is_left_aside_without_a_word(tmp_path: Path) -> None:
    folder = tmp_path / "a user's folder"
    folder.mkdir()
    (folder / CLASSES).write_bytes(b"of another Java")
    done = java(java_options(folder))
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith("openjdk version")


def test_archive_belongs_to_one_release_of_java_and_of_spark(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert archive_folder().parent == tmp_path / "burst" / "java"
    assert "pyspark-3.5" in archive_folder().name


def test_archive_that_somebody_makes_already_is_not_made_twice(tmp_path: Path) -> None:
    with ArchiveMaker(tmp_path):
        while not (tmp_path / BASE).exists():
            time.sleep(0.02)
        make_archive(tmp_path)
        assert not (tmp_path / CLASSES).exists()
    # Whoever leaves the block takes the maker with him.
    assert not (tmp_path / CLASSES).exists()


@pytest.mark.full
def test_archive_is_made_once_and_java_takes_its_classes_from_it(tmp_path: Path) -> None:
    with ArchiveMaker(tmp_path) as maker:
        maker.wait()
    made = (tmp_path / CLASSES).stat()
    make_archive(tmp_path)
    assert (tmp_path / CLASSES).stat().st_mtime_ns == made.st_mtime_ns
    # Java takes an archive only where the classes come from the same places, as with Spark.
    spark = Path(pyspark.__file__).parent
    options = java_options(tmp_path).replace("-Xlog:cds*=off", "")
    done = java(f"{options} -Xshare:on -cp '{spark}/conf:{spark}/jars/*'")
    assert done.returncode == 0, done.stderr
