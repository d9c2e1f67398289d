"""What a batch is: which files, in which order, under which name, and where they go.

Everything here is pure: the same inputs give the same answer on every machine.
"""

from __future__ import annotations

import hashlib
import heapq
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from burst.contract import LAYOUT, REASON_SUFFIX, STAGING, Area, folder

# S3's own limit for a key, in bytes of UTF-8:
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
MAX_KEY_BYTES = 1024
# The version id of an object that was uploaded before versioning was enabled. Unlike every other
# version it can be replaced, while versioning is suspended.
NULL_VERSION = "null"

# A request takes about as long as the transfer of this many bytes (30 ms at 30 MB a second).
REQUEST_BYTES = 1_000_000

BATCH_ID = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{8}", re.ASCII)
# How a batch id begins, so that ids sort by time.
ID_TIME = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True)
class InputFile:
    """One version of one object in landing. Key and version id are its identity.

    size is in bytes as stored, last_modified is in UTC.
    """

    key: str
    version_id: str
    etag: str
    size: int
    last_modified: datetime

    @property
    def identity(self) -> tuple[str, str]:
        return self.key, self.version_id

    @property
    def proof(self) -> tuple[str, str, str]:
        """Its identity with its etag: a `null` version that was replaced is another input."""
        return self.key, self.version_id, self.etag

    @property
    def is_folder_marker(self) -> bool:
        """What consoles and sync tools leave for a folder: nobody's data, so it is not parsed."""
        return self.key.endswith("/") and not self.size


def batches(
    outstanding: Iterable[InputFile], *, max_files: int, max_bytes: int
) -> Iterator[tuple[InputFile, ...]]:
    """Cut the outstanding files into batches, oldest first.

    A batch has at most max_files files and max_bytes bytes, but at least one file, so that a file
    larger than max_bytes is not stuck. The order is total, so the cut is always the same.
    """
    batch: list[InputFile] = []
    size = 0
    for file in sorted(outstanding, key=_age):
        if batch and (len(batch) >= max_files or size + file.size > max_bytes):
            yield tuple(batch)
            batch, size = [], 0
        batch.append(file)
        size += file.size
    if batch:
        yield tuple(batch)


def _age(file: InputFile) -> tuple[datetime, str, str]:
    return file.last_modified, file.key, file.version_id


def batch_id(inputs: Sequence[InputFile], planned_at: datetime, moment: str | None = None) -> str:
    """`YYYYMMDDTHHMMSSZ-<8 hex>`: the time of planning, and a hash over moment and inputs.

    moment: of which run. It is part of the hash because two runs may plan the same inputs in the
    same second, and so may one run: a `null` version that was replaced, or one that S3 refused.
    """
    digest = hashlib.sha256((moment or "").encode())
    for file in inputs:
        digest.update(_identity(file.key, file.version_id) + b"\0")
    return f"{planned_at.astimezone(UTC).strftime(ID_TIME)}-{digest.hexdigest()[:8]}"


def ingest_date(batch: str) -> date:
    """The UTC day on which the batch was planned; raises ValueError when it is no batch id."""
    if not BATCH_ID.fullmatch(batch):
        raise ValueError(f"{batch!r} is no batch id")
    return datetime.strptime(batch[:8], "%Y%m%d").date()


def output_uri(curated_uri: str, batch: str) -> str:
    """The folder that holds this batch's Parquet files, and nothing else.

    Raises ValueError when it is no batch id.
    """
    ingest_date(batch)
    return "/".join([curated_uri, *(f"{level.name}={level.value(batch)}" for level in LAYOUT)])


def stage_uri(curated_uri: str, batch: str, attempt: str) -> str:
    """The folder into which one attempt writes the batch's rows, and which no reader reads."""
    return f"{curated_uri}/{STAGING}/{batch}/{attempt}"


def destination(area: Area, *, pipeline: str, batch: str, key: str, version_id: str) -> str:
    """Where a version goes once it is settled: a key of the lake bucket.

    The folder is named after a hash of key and version, so two versions of one key never meet.
    A source key that makes the whole too long for S3 is cut from the left, between characters;
    there is always room left for `.reason.json`.
    """
    fingerprint = hashlib.sha256(_identity(key, version_id)).hexdigest()[:16]
    place = f"{folder(area, pipeline)}{batch}/{fingerprint}/"
    room = MAX_KEY_BYTES - len(REASON_SUFFIX) - len(place.encode())
    return place + _last_bytes(key, room)


def _identity(key: str, version_id: str) -> bytes:
    # A version id has no NUL, so no two pairs give the same bytes.
    return key.encode() + b"\0" + version_id.encode()


def _last_bytes(text: str, room: int) -> str:
    # "ignore" drops the rest of a character which the cut went through.
    return text.encode()[-room:].decode(errors="ignore")


def shares(inputs: Sequence[InputFile], count: int) -> list[list[int]]:
    """Deal the inputs' positions out to `count` tasks, so that each has about as much to do.

    Largest first, always to the task with the least so far. A file counts its bytes plus what one
    request costs, otherwise a thousand small files would go to one task.
    """
    heap = [(0, task) for task in range(count)]
    dealt: list[list[int]] = [[] for _ in range(count)]
    for index in sorted(range(len(inputs)), key=lambda i: -inputs[i].size):
        load, task = heapq.heappop(heap)
        dealt[task].append(index)
        heapq.heappush(heap, (load + inputs[index].size + REQUEST_BYTES, task))
    return dealt
