"""One emulated S3 and one Spark for all tests of a process, whatever room they are in.

A plugin and no conftest, because two rooms must share the same Spark. What it needs is imported
where it is used: most tests need neither.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from tests.jobs.faulty_s3 import FaultyS3

GLUE_JOBS = Path(__file__).parents[1] / "glue_jobs"


@pytest.fixture(scope="session")
def session_line() -> Iterator[FaultyS3]:
    """The emulated account. Nothing spoils its line but a test that asks for `line`."""
    from tests.jobs.faulty_s3 import FaultyS3

    emulated = FaultyS3()
    yield emulated
    emulated.stop()


@pytest.fixture(scope="session")
def job_environment(session_line: FaultyS3) -> Iterator[dict[str, str]]:
    """The environment of a job's process: the emulated account, Java, Python."""
    from burst.s3.client import s3_client

    from tools.sandbox.java import java_home

    environment = {
        "AWS_ENDPOINT_URL": session_line.start(),
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "JAVA_HOME": str(java_home()),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_DRIVER_PYTHON": sys.executable,
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        s3_client.cache_clear()
        yield {**os.environ, **environment}


@pytest.fixture(scope="session")
def spark(job_environment: dict[str, str]) -> Iterator[SparkSession]:
    """The session that the job finds; four tries a task, as on a cluster."""
    from pyspark.sql import SparkSession

    from tools.sandbox.java import java_options

    with pytest.MonkeyPatch.context() as patch:
        # Spark's workers are processes of their own and find the package here.
        patch.setenv("PYTHONPATH", str(GLUE_JOBS))
        session = (
            SparkSession.builder.master("local[2,4]")
            .config("spark.ui.enabled", "false")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.sql.shuffle.partitions", "4")
            .config("spark.driver.extraJavaOptions", java_options())
            .getOrCreate()
        )
        session.sparkContext.setLogLevel("ERROR")
        yield session
        session.stop()
