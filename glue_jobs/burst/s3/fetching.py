"""Objects of a task, by version id: small ones ahead of time in threads, large ones as streams."""

from __future__ import annotations

import io
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from burst.batch import NULL_VERSION, InputFile
from burst.byte_stream import Bytes
from burst.s3.errors import is_changed, is_gone, refusal
from burst.s3.quick import QuickS3
from burst.s3.retry import ATTEMPTS, FIRST_WAIT_SECONDS, INTERRUPTED, repeated

if TYPE_CHECKING:
    from botocore.response import StreamingBody
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef

# Up to this size an object is fetched whole and ahead of time. So many of them for each thread, and
# so many bytes in all, are on their way or wait in memory.
SMALL_BYTES = 2 * 1024**2
AHEAD = 2
AHEAD_BYTES = 64 * 1024**2


@dataclass(frozen=True)
class Refused:
    """S3 refuses this version, for a reason that concerns it alone."""

    reason: str


@dataclass(frozen=True)
class Fetched:
    """One input's bytes; content is None when the version does not exist any more."""

    index: int
    file: InputFile
    content: Bytes | Refused | None


def fetch(
    s3: S3Client, bucket: str, inputs: Sequence[tuple[int, InputFile]], *, threads: int
) -> Iterator[Fetched]:
    """The inputs (position in the batch and file) with their bytes, one after the other.

    While the caller is busy with one, the next small ones are on their way, `threads` at a time.
    Errors of S3 and of the network are raised; only a version that does not exist, or that S3
    refuses, is no error.
    """
    waiting = deque(item for item in inputs if item[1].size <= SMALL_BYTES)
    large = [item for item in inputs if item[1].size > SMALL_BYTES]
    room = AHEAD_BYTES
    with ThreadPoolExecutor(threads) as pool:
        ahead: deque[Future[Fetched]] = deque()

        def top_up() -> None:
            nonlocal room
            while waiting and len(ahead) < AHEAD * threads and waiting[0][1].size <= room:
                item = waiting.popleft()
                room -= item[1].size
                ahead.append(pool.submit(_fetch_whole, s3, bucket, *item))

        top_up()
        for index, file in large:
            yield Fetched(index, file, _open(s3, bucket, file))
        while ahead:
            fetched = ahead.popleft().result()
            room += fetched.file.size
            top_up()
            yield fetched


def _fetch_whole(s3: S3Client, bucket: str, index: int, file: InputFile) -> Fetched:
    if isinstance(s3, QuickS3):
        data = s3.get_whole(bucket, file.key, file.version_id, file.etag)
        if data is not None:
            return Fetched(index, file, io.BytesIO(data))
    body = _open(s3, bucket, file)
    if body is None or isinstance(body, Refused):
        return Fetched(index, file, body)
    return Fetched(index, file, io.BytesIO(body.read(-1)))


def _open(s3: S3Client, bucket: str, file: InputFile) -> Bytes | Refused | None:
    try:
        return _Body(s3, bucket, file)
    except ClientError as error:
        if is_gone(error):
            return None
        if is_changed(error) and file.version_id == NULL_VERSION:
            # Overwritten without versions: what was planned does not exist any more.
            return None
        if reason := refusal(error):
            return Refused(reason)
        raise


class _Body:
    """The bytes of one version. Where the connection breaks off, another one goes on from there:
    a version never changes."""

    def __init__(self, s3: S3Client, bucket: str, file: InputFile) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._file = file
        self._position = 0
        self._failures = 0
        self._stream: StreamingBody = self._get()

    def read(self, amt: int, /) -> bytes:
        while True:
            try:
                # botocore checks the length of the whole only for None, not for -1. The urllib3
                # beneath does it too, but before its version 2 only where it is told to.
                data = self._stream.read(None if amt < 0 else amt)
            except INTERRUPTED:
                self._failures += 1
                if self._failures == ATTEMPTS:
                    raise
                time.sleep(FIRST_WAIT_SECONDS * 2 ** (self._failures - 1))
                self._stream = self._get()
            else:
                self._position += len(data)
                self._failures = 0
                return data

    def _get(self) -> StreamingBody:
        # A refusal may break off as well.
        return repeated(self._ask)["Body"]

    def _ask(self) -> GetObjectOutputTypeDef:
        file = self._file
        rest: dict[str, Any] = {}
        if self._position:
            rest = {"Range": f"bytes={self._position}-"}
        return self._s3.get_object(
            Bucket=self._bucket,
            Key=file.key,
            VersionId=file.version_id,
            IfMatch=f'"{file.etag}"',
            **rest,
        )
