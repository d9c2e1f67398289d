"""Versions that S3 lists but refuses to give: archived, or encrypted with a key we may not use.

Such a version can be neither loaded nor moved, and it may be readable tomorrow. So it stays in
landing, every run asks for it again, and everything else goes on without it. Which ones they are is
kept in `ledger/<pipeline>/unreadable.json`: there people find what is in landing and why, and a
run need not start Spark only to be refused again. If the record is lost, nothing is lost: the
versions are planned, refused and recorded once more.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from burst.batch import InputFile
from burst.contract import LEDGER, folder
from burst.ledger.records import ResultRecord
from burst.s3 import is_gone, read_whole, refusal, repeated, threads_each

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

log = logging.getLogger("burst")

RECORD_FORMAT = 1


@dataclass(frozen=True)
class UnreadableFile:
    """One version in landing that S3 refused when it was asked last.

    batch: the one that found it. since: when that was, in UTC.
    """

    key: str
    version_id: str
    size: int
    reason: str
    batch: str
    since: datetime

    @property
    def identity(self) -> tuple[str, str]:
        return self.key, self.version_id


def read_record(text: str | bytes) -> tuple[UnreadableFile, ...] | None:
    """The files of a record, or None when it cannot be trusted."""
    try:
        record = json.loads(text)
        if (record["format"], record["record"]) != (RECORD_FORMAT, "unreadable"):
            return None
        return tuple(
            UnreadableFile(**{**item, "since": datetime.fromisoformat(item["since"])})
            for item in record["files"]
        )
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


@dataclass
class Unreadable:
    """The unreadable versions of one pipeline, as its record has them and as this run finds them.

    landing_bucket holds the versions, lake_bucket the record.
    """

    s3: S3Client
    landing_bucket: str
    lake_bucket: str
    pipeline: str
    environment: str
    _known: dict[tuple[str, str], UnreadableFile] | None = field(default=None, init=False)
    _recorded: tuple[UnreadableFile, ...] = field(default=(), init=False)
    _asked: bool = field(default=False, init=False)

    @property
    def key(self) -> str:
        return f"{folder(LEDGER, self.pipeline)}unreadable.json"

    def __contains__(self, file: InputFile) -> bool:
        """Whether an earlier run could not read it, or this one."""
        return file.identity in self._load()

    def split(
        self, files: Sequence[InputFile]
    ) -> tuple[tuple[InputFile, ...], tuple[InputFile, ...]]:
        """These files in two parts: what may be taken, and what S3 refuses.

        The first time, S3 is asked again for every version that an earlier run could not read.
        """
        if not files:
            return (), ()
        known = self._load()
        if not self._asked:
            self._ask_again(known, files)
            self._asked = True
        fresh = tuple(file for file in files if file.identity not in known)
        return fresh, tuple(file for file in files if file.identity in known)

    def update(self, result: ResultRecord, now: datetime) -> None:
        """Put the batch's unreadable files on record, and forget those that it has taken.

        Before the batch is done: afterwards no run would look at it again.
        """
        known = self._load()
        for file in result.files:
            if file.outcome != "unreadable":
                known.pop((file.key, file.version_id), None)
                continue
            entry = UnreadableFile(
                key=file.key,
                version_id=file.version_id,
                size=file.size,
                reason=file.reason or "",
                batch=result.origin.batch,
                since=now,
            )
            known.setdefault(entry.identity, entry)
        if tuple(known.values()) != self._recorded:
            self._write(known.values())

    def keep(self, files: Iterable[InputFile]) -> None:
        """Only these are still there: forget the others."""
        if self._known is None:
            return
        here = {file.identity for file in files}
        kept = tuple(entry for entry in self._known.values() if entry.identity in here)
        if kept != self._recorded:
            self._write(kept)

    def reason(self, file: InputFile) -> str:
        """Why this one of the unreadable files was refused."""
        return self._load()[file.identity].reason

    def _ask_again(
        self, known: dict[tuple[str, str], UnreadableFile], files: Sequence[InputFile]
    ) -> None:
        here = [file for file in files if file.identity in known]
        with ThreadPoolExecutor(threads_each(1)) as threads:
            for file, refused in zip(here, threads.map(self._is_refused, here), strict=True):
                if not refused:
                    del known[file.identity]

    def _is_refused(self, file: InputFile) -> bool:
        # HeadObject would not do: it answers for archived objects as well.
        try:
            answer = repeated(
                lambda: self.s3.get_object(
                    Bucket=self.landing_bucket, Key=file.key, VersionId=file.version_id
                )
            )
        except ClientError as error:
            # One that is gone is the next batch's to say so.
            if refusal(error) is None and not is_gone(error):
                raise
            return refusal(error) is not None
        answer["Body"].close()
        return False

    def _load(self) -> dict[tuple[str, str], UnreadableFile]:
        if self._known is None:
            self._recorded = self._read()
            self._known = {entry.identity: entry for entry in self._recorded}
        return self._known

    def _read(self) -> tuple[UnreadableFile, ...]:
        try:
            text = read_whole(self.s3, self.lake_bucket, self.key)
        except ClientError as error:
            if not is_gone(error):
                raise
            return ()
        entries = read_record(text)
        if entries is None:
            log.warning("%s is damaged. Its files are read again instead.", self.key)
        return entries or ()

    def _write(self, entries: Iterable[UnreadableFile]) -> None:
        self._recorded = tuple(entries)
        record: dict[str, Any] = {
            "format": RECORD_FORMAT,
            "record": "unreadable",
            "pipeline": self.pipeline,
            "environment": self.environment,
            "files": [
                {**vars(entry), "since": entry.since.isoformat()} for entry in self._recorded
            ],
        }
        self.s3.put_object(
            Bucket=self.lake_bucket,
            Key=self.key,
            Body=(json.dumps(record, indent=1) + "\n").encode(),
            ContentType="application/json",
        )
