"""What one of Spark's Python workers keeps from task to task."""

from __future__ import annotations

import gc
import sys
from functools import lru_cache
from typing import TYPE_CHECKING
from zipimport import zipimporter

from burst.s3 import task_s3_client

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def worker_s3_client() -> S3Client:
    """The S3 client of this worker, for one of its tasks."""
    forget_archives()
    return _kept_client()


@lru_cache(maxsize=1)
def _kept_client() -> S3Client:
    """With it everything is imported, and it stays. Spark has Python look through all objects for
    garbage after each task, so without `freeze` that takes a tenth of a burst's processor time.
    """
    s3 = task_s3_client()
    gc.freeze()
    return s3


def forget_archives() -> None:
    """Python makes again what it needs of these, and mostly it needs nothing any more.

    Spark has Python read every archive that it knows anew before each task, and Spark's own jar,
    which is on Python's path, is among them: a sixth of a second of processor time for each task.
    """
    for path, finder in list(sys.path_importer_cache.items()):
        if isinstance(finder, zipimporter):
            del sys.path_importer_cache[path]
