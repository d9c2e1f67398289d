"""S3 for driver and tasks: clients, fetching, conditional writes, copies, what errors mean."""

from burst.s3.client import cloudwatch_client, s3_client, task_s3_client
from burst.s3.concurrency import threads_each
from burst.s3.conditional import ChangedError, Stored, read_stored, write_if
from burst.s3.copying import MAX_COPY_BYTES, copy_new, exists
from burst.s3.deleting import MAX_DELETE_KEYS, delete
from burst.s3.errors import is_changed, is_gone, reason_against, refusal
from burst.s3.fetching import Fetched, Refused, fetch
from burst.s3.retry import read_whole, repeated

__all__ = [
    "MAX_COPY_BYTES",
    "MAX_DELETE_KEYS",
    "ChangedError",
    "Fetched",
    "Refused",
    "Stored",
    "cloudwatch_client",
    "copy_new",
    "delete",
    "exists",
    "fetch",
    "is_changed",
    "is_gone",
    "read_stored",
    "read_whole",
    "reason_against",
    "refusal",
    "repeated",
    "s3_client",
    "task_s3_client",
    "threads_each",
    "write_if",
]
