"""Told once a day: the names of what a pipeline's columns do not take.

The job puts an object whose key has the names, so that the event of it has them, too:

    ledger/<pipeline>/drift/<day>/<names>.json

Whoever finds one of the day already is silent. Two runs at once may both tell; nothing else can
come of it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import quote

from burst.contract import DRIFT, LEDGER, folder
from burst.ledger import ResultRecord

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# Of the names in a key, which has room for 1,024 bytes in all (Amazon S3 user guide, "Naming
# objects"). Most letters of other scripts take nine, quoted.
MOST_BYTES = 600


@dataclass(frozen=True)
class Drift:
    """Puts the objects of one pipeline."""

    s3: S3Client
    lake_bucket: str
    pipeline: str

    def tell(self, result: ResultRecord, now: datetime) -> bool:
        """Put the day's object, unless it is there or nothing was rescued; returns whether."""
        rows = rescued(result)
        if not rows:
            return False
        day = f"{folder(LEDGER, self.pipeline)}{DRIFT}/{now:%Y-%m-%d}/"
        if self.s3.list_objects_v2(Bucket=self.lake_bucket, Prefix=day, MaxKeys=1).get("Contents"):
            return False
        body = {"batch": result.origin.batch, "rows": rows, "at": now.isoformat()}
        self.s3.put_object(
            Bucket=self.lake_bucket,
            Key=f"{day}{in_key(list(rows))}.json",
            Body=json.dumps(body, indent=1, ensure_ascii=False).encode(),
        )
        return True


def rescued(result: ResultRecord) -> dict[str, int]:
    """By name in the files, how many rows of the batch have a value in `_rescued`."""
    rows: dict[str, int] = {}
    for file in result.files:
        for name, count in file.rescued.items():
            rows[name] = rows.get(name, 0) + count
    return rows


def rescued_files(result: ResultRecord) -> int:
    """How many files of the batch have rows with something in `_rescued`."""
    return sum(bool(file.rescued) for file in result.files)


def in_key(names: list[str]) -> str:
    """As many of the names as a key has room for, readable, without characters that need care."""
    shown: list[str] = []
    for name in names:
        one = quote(name, safe=" ") or "(no name)"
        if len(",".join((*shown, one))) > MOST_BYTES:
            break
        shown.append(one)
    left = len(names) - len(shown)
    return ",".join(shown) + (f" and {left} more" if left else "")


def words(rows: Mapping[str, int], most: int = 5) -> str:
    """The names with their rows, for people."""
    shown = [f"{name!r} ({count:,})" for name, count in list(rows.items())[:most]]
    left = len(rows) - len(shown)
    return ", ".join(shown) + (f" and {left} more" if left else "")
