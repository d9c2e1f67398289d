"""Uploads to landing in two steps: prepared, when they are invisible, and completed, once.

S3 makes one object of an upload, however often its completion is asked for: a repeated
CompleteMultipartUpload either answers like the first one or says NoSuchUpload ("the multipart
upload might have been aborted or completed", Amazon S3 API reference). A repeated CopyObject or
PutObject would make a second version, and botocore repeats a request whose answer got lost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from botocore.exceptions import ClientError
from burst.s3 import MAX_COPY_BYTES, is_gone

from tools.operate.connection import CLOCKS_APART, THREADS
from tools.operate.ledger import FileResult, PipelineLedger
from tools.operate.replays.records import ReplayRequest, Sent, Upload
from tools.operate.replays.selection import Item

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

T = TypeVar("T")
R = TypeVar("R")

# Copied inside S3. A part is 5 MiB to 5 GiB, and an upload has 10,000 at most (Amazon S3 user
# guide, "Multipart upload limits"): 1 GiB fits for every object.
COPY_PART_BYTES = 1024**3
# Sent from here.
SEND_PART_BYTES = 64 * 1024**2
# The job copies an object with its metadata, so this follows a file wherever it goes.
MARK = "burst-replay"


@dataclass(frozen=True)
class LandingUploads:
    """The landing bucket as a replay sees it. content: a file that is sent in place of the item."""

    s3: S3Client
    bucket: str
    lake_bucket: str
    content: Path | None = None

    def prepare(self, item: Item, mark: str) -> Upload:
        """Bring the bytes to landing, unseen; may be repeated, what is left over expires."""
        upload = self.s3.create_multipart_upload(
            Bucket=self.bucket, Key=item.key, Metadata={MARK: mark}
        )["UploadId"]
        send = self._copied if self.content is None else self._sent
        return Upload(upload, tuple(send(item, upload)))

    def complete(self, item: Item, upload: Upload) -> Sent:
        """Make the upload a version; nothing sent where S3 knows no such upload (any more)."""
        parts = [
            {"PartNumber": number, "ETag": etag} for number, etag in enumerate(upload.parts, 1)
        ]
        try:
            answer = self.s3.complete_multipart_upload(
                Bucket=self.bucket,
                Key=item.key,
                UploadId=upload.upload_id,
                MultipartUpload={"Parts": parts},  # type: ignore[typeddict-item]
            )
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") != "NoSuchUpload":
                raise
            return Sent(sent=False)
        return Sent(sent=True, version_id=answer.get("VersionId"))

    def abort(self, item: Item, upload: Upload) -> None:
        """Give an upload up, so that nobody can complete it; it may be gone or completed already.

        Raises what AbortMultipartUpload raises.
        """
        try:
            self.s3.abort_multipart_upload(
                Bucket=self.bucket, Key=item.key, UploadId=upload.upload_id
            )
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") != "NoSuchUpload":
                raise

    def _copied(self, item: Item, upload: str) -> Iterator[str]:
        source = {"Bucket": self.lake_bucket, "Key": item.source}
        for number, span in enumerate(spans(item.size), 1):
            whole = {"CopySourceRange": f"bytes={span[0]}-{span[1]}"} if span else {}
            answer = self.s3.upload_part_copy(
                Bucket=self.bucket,
                Key=item.key,
                UploadId=upload,
                PartNumber=number,
                CopySource=source,  # type: ignore[arg-type]
                **whole,  # type: ignore[arg-type]
            )
            yield answer["CopyPartResult"]["ETag"]

    def _sent(self, item: Item, upload: str) -> Iterator[str]:
        if self.content is None:
            return
        with self.content.open("rb") as file:
            number = 0
            # An empty file is one empty part.
            while (piece := file.read(SEND_PART_BYTES)) or not number:
                number += 1
                answer = self.s3.upload_part(
                    Bucket=self.bucket,
                    Key=item.key,
                    UploadId=upload,
                    PartNumber=number,
                    Body=piece,
                )
                yield answer["ETag"]


@dataclass(frozen=True)
class Traces:
    """Where files of a request can be found after landing: the last resort of a resumed replay."""

    landing: LandingUploads
    ledger: PipelineLedger
    request: ReplayRequest

    def find(self, positions: Sequence[int], items: Sequence[Item]) -> list[Sent]:
        """Whether these very uploads came to landing, by the marks on what landing and lake hold.

        positions: of the items in the request. Landing first, and the ledger only after that: what
        is not in landing any more is in a result by then.
        """
        marks = [mark_of(self.request, position) for position in positions]
        pairs = list(zip(items, marks, strict=True))
        waiting = in_threads(lambda pair: self._in_landing(*pair), pairs, _ignore)
        left = [pair for pair, version in zip(pairs, waiting, strict=True) if version is None]
        results = self._results() if left else {}
        taken = dict(
            zip(
                (mark for _, mark in left),
                in_threads(lambda pair: self._in_the_lake(results, *pair), left, _ignore),
                strict=True,
            )
        )
        versions = [version or taken[mark] for version, mark in zip(waiting, marks, strict=True)]
        return [Sent(sent=version is not None, version_id=version) for version in versions]

    def _in_landing(self, item: Item, mark: str) -> str | None:
        s3, bucket = self.landing.s3, self.landing.bucket
        pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=item.key)
        for page in pages:
            for version in page.get("Versions", []):
                same = version["Key"] == item.key
                if same and self._mark(bucket, item.key, version["VersionId"]) == mark:
                    return version["VersionId"]
        return None

    def _in_the_lake(
        self, results: Mapping[str, Sequence[FileResult]], item: Item, mark: str
    ) -> str | None:
        for file in results.get(item.key, ()):
            if file.destination and self._mark(self.ledger.lake_bucket, file.destination) == mark:
                return file.version_id
        return None

    def _results(self) -> dict[str, list[FileResult]]:
        """What became of each key in the batches since the request began."""
        names = self.ledger.batches(since=self.request.at - CLOCKS_APART)
        committed = [batch for batch, records in names.items() if "result" in records]
        found: dict[str, list[FileResult]] = {}
        for result in self.ledger.results(committed):
            for file in result.files:
                found.setdefault(file.key, []).append(file)
        return found

    def _mark(self, bucket: str, key: str, version_id: str | None = None) -> str | None:
        version = {"VersionId": version_id} if version_id else {}
        try:
            head = self.landing.s3.head_object(Bucket=bucket, Key=key, **version)  # type: ignore[arg-type]
        except ClientError as error:
            if not is_gone(error):
                raise
            return None
        return head["Metadata"].get(MARK)


def mark_of(request: ReplayRequest, position: int) -> str:
    """The mark of a file of this request, by its position in the plan."""
    return f"{request.id}/{position}"


def spans(size: int, part: int = COPY_PART_BYTES) -> list[tuple[int, int] | None]:
    """The byte ranges of an object's parts, first and last byte; [None] for all of it at once."""
    if size <= MAX_COPY_BYTES:
        return [None]
    return [(start, min(start + part, size) - 1) for start in range(0, size, part)]


def _ignore() -> None:
    """Nobody counts these."""


def in_threads(
    function: Callable[[T], R], items: Sequence[T], advance: Callable[[], None]
) -> list[R]:
    """Call for all items, some at a time, in order; what did not begin is given up on an error."""
    threads = ThreadPoolExecutor(THREADS)
    try:
        results = []
        for result in threads.map(function, items):
            results.append(result)
            advance()
        return results
    finally:
        threads.shutdown(wait=True, cancel_futures=True)
