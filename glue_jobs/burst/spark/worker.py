"""What one of Spark's Python workers keeps from task to task."""

from __future__ import annotations

import gc
from functools import lru_cache
from typing import TYPE_CHECKING

from burst.s3 import task_s3_client

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@lru_cache(maxsize=1)
def worker_s3_client() -> S3Client:
    """The S3 client of this worker.

    With it everything is imported, and it stays. Spark has Python look through all objects for
    garbage after each task, so without `freeze` that takes a tenth of a burst's processor time.
    """
    s3 = task_s3_client()
    gc.freeze()
    return s3
