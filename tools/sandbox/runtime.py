"""The Python and the Spark with which a job of some Glue version runs on this machine."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.metadata import version
from pathlib import Path

PROJECT_FOLDER = Path(__file__).resolve().parents[2]
GLUE_6 = "6.0"
# Made by hand or by .ci/run from tests/jobs/glue-6.0-requirements.txt.
GLUE_6_FOLDER = ".venv-glue-6.0"
GLUE_6_SPARK = "4.1.1"
# The default of Spark 4 (Spark SQL migration guide, "Upgrading from Spark SQL 3.5 to 4.0").
ANSI = {"spark.sql.ansi.enabled": "true"}


@dataclass(frozen=True)
class Runtime:
    """What runs a job.

    Attributes:
        python: the interpreter of driver and workers.
        spark: the version of its pyspark.
        settings: of Spark, beside those of every job here.
        note: in what it is not the job's Glue version; "" where nothing needs to be said.
    """

    python: Path
    spark: str
    settings: Mapping[str, str] = field(default_factory=dict)
    note: str = ""


@cache
def installed() -> Runtime:
    """What is installed beside the project, which are the libraries of Glue 5.1."""
    return Runtime(Path(sys.executable), version("pyspark"))


def settings_of(glue_version: str) -> Mapping[str, str]:
    """The settings that make another Spark calculate as that of this Glue version."""
    return ANSI if glue_version == GLUE_6 else {}


def runtime_of(glue_version: str, project: Path = PROJECT_FOLDER) -> Runtime:
    """What stands in for a Glue version: for 6.0 its own libraries, where they are installed.

    Without them the job runs with those of Glue 5.1 and the part of Spark 4 that changes results.
    project: the folder in which the libraries of Glue 6.0 may be.
    """
    if glue_version != GLUE_6:
        return installed()
    python = project / GLUE_6_FOLDER / "bin" / "python"
    if python.exists():
        return Runtime(python, GLUE_6_SPARK)
    runtime = installed()
    note = (
        f"The libraries of Glue {GLUE_6} are not in {GLUE_6_FOLDER}: this run has Spark "
        f"{runtime.spark} with ANSI mode on (docs/glue-6.md)."
    )
    return replace(runtime, settings=ANSI, note=note)
