"""Objects of a task, by version id: small ones ahead of time in threads, large ones as streams."""

from __future__ import annotations

import io
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from burst.batch import InputFile
from burst.byte_stream import Bytes
from burst.landing import is_gone

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# Up to this size an object is fetched whole and ahead of time. At most AHEAD of them wait in
# memory, so a task never holds more than AHEAD * SMALL_BYTES (64 MiB) of them.
SMALL_BYTES = 4 * 1024**2
AHEAD = 16
THREADS = 8


@dataclass(frozen=True)
class Fetched:
    """One input's bytes; stream is None when the version does not exist any more."""

    index: int
    file: InputFile
    stream: Bytes | None


def fetch(s3: S3Client, bucket: str, inputs: Sequence[tuple[int, InputFile]]) -> Iterator[Fetched]:
    """The inputs (position in the batch and file) with their bytes, one after the other.

    While the caller is busy with one, the next small ones are on their way. Errors of S3 and of
    the network are raised; only a version that does not exist is no error.
    """
    small = [item for item in inputs if item[1].size <= SMALL_BYTES]
    large = [item for item in inputs if item[1].size > SMALL_BYTES]
    waiting = iter(small)
    with ThreadPoolExecutor(THREADS) as threads:
        ahead: deque[Future[Fetched]] = deque()

        def top_up() -> None:
            while len(ahead) < AHEAD and (item := next(waiting, None)):
                ahead.append(threads.submit(_fetch_whole, s3, bucket, *item))

        top_up()
        for index, file in large:
            yield Fetched(index, file, _open(s3, bucket, file))
        while ahead:
            fetched = ahead.popleft().result()
            top_up()
            yield fetched


def _fetch_whole(s3: S3Client, bucket: str, index: int, file: InputFile) -> Fetched:
    stream = _open(s3, bucket, file)
    # read() without a size checks the length, so a body that was cut short is an error here.
    return Fetched(index, file, io.BytesIO(stream.read(-1)) if stream else None)


def _open(s3: S3Client, bucket: str, file: InputFile) -> Bytes | None:
    try:
        answer = s3.get_object(Bucket=bucket, Key=file.key, VersionId=file.version_id)
    except ClientError as error:
        if is_gone(error):
            return None
        raise
    return answer["Body"]
