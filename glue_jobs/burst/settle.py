"""How files leave landing: each is copied to its place in the lake, then deleted, by version id.

Every file is on its own. What S3 refuses keeps this one file in landing and nothing else. All of it
may be repeated, by several runs at once: a copy that has arrived is not made again, and only the
exact version that was read, proven by its etag, is copied or deleted.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from botocore.exceptions import ClientError

from burst.batch import NULL_VERSION
from burst.contract import REASON_SUFFIX
from burst.errors import SettleError
from burst.s3 import (
    ChangedError,
    copy_new,
    delete,
    exists,
    is_changed,
    is_gone,
    reason_against,
    write_if,
)

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class Move:
    """One version of landing and where it goes. size: bytes. reason: why it goes to quarantine."""

    key: str
    version_id: str
    etag: str
    size: int
    destination: str
    reason: bytes | None


@dataclass(frozen=True)
class Moved:
    """What became of a move.

    moved: it has left landing, and its bytes are in its place. missing: it has left landing
    without us, and its bytes are not in its place. refused: S3 does not let it go, see reason.
    """

    state: Literal["moved", "missing", "refused"]
    reason: str | None = None


_MOVED, _MISSING = Moved("moved"), Moved("missing")


@dataclass(frozen=True)
class Mover:
    """Between these two buckets. It can be sent to another process."""

    landing_bucket: str
    lake_bucket: str

    def move(self, s3: S3Client, moves: Sequence[Move], threads: int) -> list[Moved]:
        """Copy all, `threads` at a time, then delete what was copied.

        Raises SettleError when S3 fails as a whole.
        """
        try:
            with ThreadPoolExecutor(threads) as pool:
                copied = list(pool.map(lambda move: self._copy(s3, move), moves))
            return self._delete(s3, moves, copied)
        except ClientError as error:
            raise SettleError(
                f"Files cannot be moved from {self.landing_bucket} to {self.lake_bucket}: {error}. "
                "Their rows are committed, nothing is lost; the next run goes on from here."
            ) from error

    def _copy(self, s3: S3Client, move: Move) -> Moved | None:
        """None when the bytes are in their place and the version may be deleted."""
        try:
            return self._arrive(s3, move)
        except ClientError as error:
            reason = reason_against(error)
            if reason is None:
                raise
            return Moved("refused", reason)

    def _arrive(self, s3: S3Client, move: Move) -> Moved | None:
        source = {"Bucket": self.landing_bucket, "Key": move.key, "VersionId": move.version_id}
        place, gone = move.destination, False
        try:
            copy_new(s3, source, self.lake_bucket, place, etag=move.etag, size=move.size)
        except ClientError as error:
            gone = is_gone(error)
            if not gone and not is_changed(error):
                raise
            # Either it arrived earlier, or it is no longer the version that was read.
            if not exists(s3, self.lake_bucket, place):
                if not gone and move.version_id != NULL_VERSION:
                    raise
                return _MISSING
        if move.reason is not None:
            self._explain(s3, place + REASON_SUFFIX, move.reason)
        return _MOVED if gone else None

    def _explain(self, s3: S3Client, key: str, reason: bytes) -> None:
        # An earlier try may have written it, with another time in it.
        with suppress(ChangedError):
            write_if(s3, self.lake_bucket, key, reason, replaces=None)

    def _delete(
        self, s3: S3Client, moves: Sequence[Move], copied: Sequence[Moved | None]
    ) -> list[Moved]:
        checked = [
            moved or self._check(s3, move) for move, moved in zip(moves, copied, strict=True)
        ]
        here = [
            (move.key, move.version_id)
            for move, moved in zip(moves, checked, strict=True)
            if moved is None
        ]
        refused = delete(s3, self.landing_bucket, here)
        return [
            moved or _after(refused.get((move.key, move.version_id)))
            for move, moved in zip(moves, checked, strict=True)
        ]

    def _check(self, s3: S3Client, move: Move) -> Moved | None:
        """None when the version that was copied may be deleted under its name."""
        if move.version_id != NULL_VERSION:
            return None
        try:
            s3.head_object(
                Bucket=self.landing_bucket,
                Key=move.key,
                VersionId=move.version_id,
                IfMatch=f'"{move.etag}"',
            )
        except ClientError as error:
            if is_gone(error) or is_changed(error):
                return _MOVED
            reason = reason_against(error)
            if reason is None:
                raise
            return Moved("refused", reason)
        return None


def _after(refusal: str | None) -> Moved:
    return _MOVED if refusal is None else Moved("refused", refusal)
