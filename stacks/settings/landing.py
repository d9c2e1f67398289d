"""The settings of an existing landing bucket."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import field_validator

from stacks.settings.setting import Settings, setting

# Beginnings and ends that S3 keeps for itself or that name something else than a general purpose
# bucket (Amazon S3 user guide, "General purpose bucket naming rules").
RESERVED_BEGINNINGS = ("xn--", "sthree-", "amzn-s3-demo-")
RESERVED_ENDS = ("-s3alias", "--ol-s3", ".mrap", "--table-s3")


class ExistingLandingSettings(Settings):
    """A landing bucket that someone else manages, in the environment's account and region."""

    name: str = setting(
        allowed="the name of an existing general purpose bucket: 3 to 63 lower-case letters, "
        "digits, dots and hyphens",
        description="The bucket. It must be in the environment's account and region.",
        pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$",
    )
    versioned: bool = setting(
        allowed="true, once the bucket is versioned: the job tells uploads apart by version id and "
        "deletes by it. Look with `aws s3api get-bucket-versioning --bucket <name>`; switch it on "
        "with `aws s3api put-bucket-versioning --bucket <name> --versioning-configuration "
        "Status=Enabled`",
        description="That versioning is switched on. The job looks as well, and refuses to start "
        "where it is not.",
    )
    events: Literal["unmanaged", "managed", "cloudtrail"] = setting(
        "unmanaged",
        allowed="unmanaged, managed or cloudtrail",
        description="Where the events come from. `unmanaged`: from the bucket, once its owner has "
        "switched EventBridge on; nothing of the bucket is managed here. `managed`: from the "
        "bucket, whose whole notification configuration the stack owns and replaces. `cloudtrail`: "
        "from a trail that the stack makes; nothing of the bucket is managed here.",
    )
    kms_key_arn: str | None = setting(
        None,
        allowed="the ARN of a KMS key (arn:aws:kms:<region>:<account>:key/<id>) in the "
        "environment's region, or left out",
        description="Customer key that encrypts the bucket's objects, if one does: the job's role "
        "gets `kms:Decrypt` on it. The key's own policy must allow the account to use it.",
        pattern=r"^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:"
        r"key/(mrk-[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$",
    )

    @field_validator("name")
    @classmethod
    def _general_purpose_bucket(cls, name: str) -> str:
        if name.endswith("--x-s3"):
            raise ValueError("that is a directory bucket, which has neither versions nor events")
        if name.startswith(RESERVED_BEGINNINGS) or name.endswith(RESERVED_ENDS):
            raise ValueError("S3 gives no general purpose bucket such a name")
        if ".." in name or re.fullmatch(r"\d{1,3}(\.\d{1,3}){3}", name):
            raise ValueError("S3 allows neither two dots in a row nor the form of an IP address")
        return name

    @field_validator("versioned")
    @classmethod
    def _must_be(cls, versioned: bool) -> bool:
        if not versioned:
            raise ValueError("a bucket that is not versioned would lose files")
        return versioned
