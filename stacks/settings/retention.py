"""How long an environment keeps what it does not need every day, and where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import ValidationInfo, field_validator

from stacks.settings.setting import Settings, setting

# API reference of Amazon CloudWatch Logs, PutRetentionPolicy.
LOG_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
MOST_DAYS = 36500


@dataclass(frozen=True)
class StorageClass:
    """What S3 asks of a storage class, both in days.

    ``minimum_age`` is how old an object must be before a rule may move it there (Amazon S3 user
    guide, "Transitioning objects using Amazon S3 Lifecycle"); ``minimum_stay`` is what S3 bills at
    least ("Understanding and managing Amazon S3 storage classes").
    """

    minimum_age: int
    minimum_stay: int


STORAGE_CLASSES: Mapping[str, StorageClass] = {
    "STANDARD_IA": StorageClass(30, 30),
    "ONEZONE_IA": StorageClass(30, 30),
    "INTELLIGENT_TIERING": StorageClass(0, 0),
    "GLACIER_IR": StorageClass(0, 90),
    "GLACIER": StorageClass(0, 90),
    "DEEP_ARCHIVE": StorageClass(0, 180),
}


class RetentionSettings(Settings):
    """Curated, quarantine and ledger are always kept; this is about everything else."""

    log_days: int = setting(
        365,
        allowed=f"one of {', '.join(map(str, LOG_DAYS))}",
        description="Days that the jobs' logs, and a trail's log files, are kept.",
    )
    old_version_days: int = setting(
        30,
        allowed=f"a whole number from 14 to {MOST_DAYS}",
        description="Days that versions are kept which were replaced or deleted. A version in "
        "landing that was replaced before a job read it waits no longer than this.",
        ge=14,
        le=MOST_DAYS,
    )
    unfinished_upload_days: int = setting(
        7,
        allowed=f"a whole number from 1 to {MOST_DAYS}",
        description="Days after which a multipart upload that nobody finished is removed.",
        ge=1,
        le=MOST_DAYS,
    )
    archive_storage_class: Literal[
        "STANDARD_IA",
        "ONEZONE_IA",
        "INTELLIGENT_TIERING",
        "GLACIER_IR",
        "GLACIER",
        "DEEP_ARCHIVE",
    ] = setting(
        "GLACIER_IR",
        allowed=f"one of {', '.join(STORAGE_CLASSES)}; files in the last two must be restored "
        "before anybody can read them",
        description="Where files of the archive move to, if `archive_move_days` says so.",
    )
    archive_move_days: int | None = setting(
        None,
        allowed=f"a whole number from 0 to {MOST_DAYS}, at least 30 for STANDARD_IA and "
        "ONEZONE_IA, or left out",
        description="Days after which files of the archive move to the cheaper storage class; "
        "never where left out. S3 leaves files below 128 KB where they are.",
        ge=0,
        le=MOST_DAYS,
    )
    archive_expire_days: int | None = setting(
        None,
        allowed=f"a whole number from 1 to {MOST_DAYS}, where files move at least as many days "
        "after that as the storage class bills (30, 90, DEEP_ARCHIVE 180), or left out",
        description="Days after which files of the archive are deleted; never where left out. "
        "They can be restored for another `old_version_days`.",
        ge=1,
        le=MOST_DAYS,
    )

    @field_validator("log_days")
    @classmethod
    def _known_to_cloudwatch(cls, days: int) -> int:
        if days not in LOG_DAYS:
            raise ValueError("CloudWatch Logs does not know this number of days")
        return days

    @field_validator("archive_move_days")
    @classmethod
    def _old_enough_to_move(cls, days: int | None, info: ValidationInfo) -> int | None:
        name = info.data.get("archive_storage_class")
        if days is not None and name and days < STORAGE_CLASSES[name].minimum_age:
            raise ValueError(
                f"S3 moves no object to {name} that is younger than "
                f"{STORAGE_CLASSES[name].minimum_age} days"
            )
        return days

    @field_validator("archive_expire_days")
    @classmethod
    def _not_before_it_is_paid(cls, days: int | None, info: ValidationInfo) -> int | None:
        name, moved = info.data.get("archive_storage_class"), info.data.get("archive_move_days")
        if days is None or moved is None or not name:
            return days
        stay = STORAGE_CLASSES[name].minimum_stay
        if days < moved + max(stay, 1):
            raise ValueError(
                f"the files move to {name} after {moved} days, which bills {stay} days at least"
            )
        return days
