"""The clients of a process: S3 for the driver and each of Spark's workers, CloudWatch."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

import boto3
import botocore.session
from botocore.config import Config
from botocore.utils import parse_timestamp

from burst.s3.concurrency import MOST
from burst.s3.quick import quickly

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from burst.metrics import CloudWatch


@lru_cache(maxsize=1)
def _session() -> boto3.Session:
    core = botocore.session.get_session()
    parsers = core.get_component("response_parser_factory")
    parsers.set_parser_defaults(timestamp_parser=parse_time)
    return boto3.Session(botocore_session=core)


def parse_time(value: Any) -> datetime:
    """A time in an answer. botocore's own way takes most of the processor time of a listing."""
    # As S3 writes it in a listing: 2025-01-31T23:59:59.000Z.
    if isinstance(value, str) and value[10:11] == "T" and value.endswith("Z"):
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            pass
    return parse_timestamp(value)


@lru_cache(maxsize=1)
def s3_client() -> S3Client:
    """Credentials, region and endpoint from the environment, as Glue sets it.

    Retries are botocore's own, in adaptive mode: it slows down when S3 says SlowDown.
    https://boto3.amazonaws.com/v1/documentation/api/latest/guide/retries.html
    """
    config = Config(
        # max_attempts would count the retries; this counts all attempts.
        retries={"mode": "adaptive", "total_max_attempts": 10},
        max_pool_connections=MOST,
        # Ours are checked by their types; with thousands of requests it is a tenth of the time.
        parameter_validation=False,
        connect_timeout=10,
        read_timeout=60,
    )
    return _session().client("s3", config=config)


@lru_cache(maxsize=1)
def task_s3_client() -> S3Client:
    """The same for a task, which asks for thousands of small files."""
    return quickly(s3_client(), _session().get_credentials())


@lru_cache(maxsize=1)
def cloudwatch_client() -> CloudWatch:
    """One that gives up early, so that no batch waits: two tries, a few seconds in all."""
    config = Config(
        retries={"mode": "standard", "total_max_attempts": 2}, connect_timeout=1, read_timeout=2
    )
    return cast("CloudWatch", _session().client("cloudwatch", config=config))
