"""An answer of S3 that breaks off while it is read.

botocore repeats a request that fails, and a listing that breaks off, but not a GetObject whose body
does: in a batch of thousands of files one of them always would, and the batch would never end.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from botocore.exceptions import (
    ClientError,
    FlexibleChecksumError,
    IncompleteReadError,
    ReadTimeoutError,
    ResponseStreamingError,
)
from urllib3.exceptions import HTTPError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

T = TypeVar("T")

INTERRUPTED = (IncompleteReadError, ReadTimeoutError, ResponseStreamingError, FlexibleChecksumError)
# So often in a row, after 0.1, 0.2, 0.4 and 0.8 seconds.
ATTEMPTS = 5
FIRST_WAIT_SECONDS = 0.1


def repeated(call: Callable[[], T]) -> T:
    """Call GetObject, and again when its answer breaks off; raises what the last attempt raises."""
    for attempt in range(ATTEMPTS - 1):
        try:
            return call()
        # urllib3's own error comes through where the body of a refusal breaks off.
        except (*INTERRUPTED, HTTPError):
            pass
        except ClientError as error:
            if not _is_unexplained(error):
                raise
        time.sleep(FIRST_WAIT_SECONDS * 2**attempt)
    return call()


def read_whole(s3: S3Client, bucket: str, key: str) -> bytes:
    """The content of a small object; raises what GetObject raises."""
    return repeated(lambda: s3.get_object(Bucket=bucket, Key=key)["Body"].read())


def _is_unexplained(error: ClientError) -> bool:
    """True when S3 refused, and its explanation did not arrive whole: then botocore has nothing
    but the HTTP status to put in the place of the code."""
    return str(error.response.get("Error", {}).get("Code", "")).isdigit()
