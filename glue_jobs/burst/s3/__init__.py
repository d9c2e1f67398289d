"""S3 from inside a task: clients, fetching, repeating what breaks off, what errors mean."""

from burst.s3.client import cloudwatch_client, s3_client
from burst.s3.errors import is_gone, refusal
from burst.s3.fetching import Fetched, Refused, fetch
from burst.s3.retry import read_whole, repeated

__all__ = [
    "Fetched",
    "Refused",
    "cloudwatch_client",
    "fetch",
    "is_gone",
    "read_whole",
    "refusal",
    "repeated",
    "s3_client",
]
