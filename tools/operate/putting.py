"""Uploading a file to landing, as a producer would, but never twice."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from tools.operate.deployment import DeployedPipeline, Deployment
from tools.operate.errors import InputError
from tools.operate.replays.selection import Item
from tools.operate.replays.uploads import LandingUploads

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class Uploaded:
    """A file that is in landing. version_id: None where S3 does not say."""

    key: str
    size: int
    version_id: str | None


def put_keys(pipeline: DeployedPipeline, files: Sequence[Path], key: str | None) -> list[str]:
    """The key of each file; `InputError` as `put_key`, and where two files would have the same."""
    keys = [put_key(pipeline, file, key) for file in files]
    first: dict[str, Path] = {}
    for file, wanted in zip(files, keys, strict=True):
        if wanted in first:
            raise InputError(
                f"{first[wanted]} and {file} would both be uploaded as {wanted!r}, and the rows of "
                "both would be loaded: nothing was sent. Leave one out, or give it a --key of its "
                "own in a call of its own."
            )
        first[wanted] = file
    return keys


def put_key(pipeline: DeployedPipeline, file: Path, key: str | None) -> str:
    """The key for a file.

    Raises `InputError` for one that the pipeline would leave alone, and for two kinds that S3 takes
    but many of its users do not: with control characters (Amazon S3 user guide, "Naming Amazon S3
    objects": characters to avoid), and with a folder `.` or `..`, which `aws s3 sync` resolves, so
    that the file takes the place of another.
    """
    wanted = key or f"{pipeline.prefix}{file.name}"
    if control := next((sign for sign in wanted if unicodedata.category(sign) == "Cc"), None):
        raise InputError(
            f"The key {wanted!r} has the control character {control!r} in it: rename the file, or "
            "give another --key."
        )
    if step := next((part for part in wanted.split("/") if part in (".", "..")), None):
        raise InputError(
            f"The key {wanted!r} has {step!r} as a folder in it, which many clients of S3 resolve "
            "or refuse: give another --key."
        )
    if not pipeline.owns(wanted):
        raise InputError(
            f"The pipeline {pipeline.name!r} would leave {wanted!r} alone: it takes "
            f"{pipeline.prefix}*{pipeline.suffix}. Rename the file, or give another --key."
        )
    return wanted


def put_file(s3: S3Client, deployment: Deployment, file: Path, key: str) -> Uploaded:
    """Upload in two steps, so that a repeated request makes no second version."""
    item = Item(key, source="", batch="", size=file.stat().st_size)
    landing = LandingUploads(s3, deployment.landing_bucket, deployment.lake_bucket, file)
    # Metadata is sent in headers, which take ASCII only.
    sent = landing.complete(item, landing.prepare(item, f"put/{quote(file.name)}"))
    return Uploaded(key, item.size, sent.version_id)
