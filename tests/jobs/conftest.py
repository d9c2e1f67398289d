"""Two buckets of its own for each test of the job, on the S3 and the Spark of `tests.spark`."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from mypy_boto3_s3 import S3Client
from pyspark.sql import SparkSession

from tests.jobs.faulty_s3 import FaultyS3, no_faults
from tests.jobs.world import World, new_world

_numbers = itertools.count(1)


@pytest.fixture
def line(session_line: FaultyS3) -> Iterator[FaultyS3]:
    """The line to S3 of the driver and of Spark's workers, to be spoiled."""
    yield session_line
    session_line.set(no_faults)


@pytest.fixture(scope="session")
def s3(job_environment: dict[str, str]) -> S3Client:
    return boto3.client("s3")


@pytest.fixture
def world(s3: S3Client, tmp_path: Path) -> World:
    """Buckets without Spark."""
    return new_world(s3, f"test{next(_numbers)}", tmp_path)


@pytest.fixture
def spark_world(world: World, spark: SparkSession) -> World:
    """Buckets with Spark."""
    return world
