"""Which files S3 returns only after they are restored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from tools.operate.connection import THREADS
from tools.operate.replays.selection import ArchivedFile, Item

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# "Working with archived objects" in the Amazon S3 user guide. GLACIER_IR is none of them.
_ALWAYS = frozenset({"GLACIER", "DEEP_ARCHIVE"})
# Its two archive tiers are; only HeadObject says in which tier an object is.
_PERHAPS = "INTELLIGENT_TIERING"


def look(
    s3: S3Client, bucket: str, items: Sequence[Item], classes: Mapping[str, str]
) -> dict[str, ArchivedFile]:
    """Those of these files that have to be restored, by their keys in the lake bucket.

    classes: the storage class of each key. Only a file of a class that may be archived costs a
    request.
    """
    asked = [item for item in items if classes.get(item.source) in {*_ALWAYS, _PERHAPS}]
    with ThreadPoolExecutor(THREADS) as threads:
        heads = threads.map(lambda item: s3.head_object(Bucket=bucket, Key=item.source), asked)
        found = [state(item, bucket, head) for item, head in zip(asked, heads, strict=True)]
    return {file.source: file for file in found if file is not None}


def state(item: Item, bucket: str, head: Mapping[str, Any]) -> ArchivedFile | None:
    """What HeadObject says of a file, None where its bytes can be read.

    Restore is `ongoing-request="true"`, or `ongoing-request="false"` with the date until which a
    restored copy is there; ArchiveStatus is ARCHIVE_ACCESS or DEEP_ARCHIVE_ACCESS (S3 API,
    HeadObject).
    """
    name, tier = head.get("StorageClass", "STANDARD"), head.get("ArchiveStatus")
    restore = str(head.get("Restore") or "")
    if not (name in _ALWAYS or tier) or 'ongoing-request="false"' in restore:
        return None
    shown = f"{name} {tier}" if tier else name
    return ArchivedFile(item.key, item.source, item.batch, bucket, shown, bool(restore))
