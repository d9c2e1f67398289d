"""Removes the Parquet files of one batch, and nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import url2pathname

from burst.batch import output_uri
from burst.contract import CURATED, folder
from burst.s3 import MAX_DELETE_KEYS

from tools.operate.deployment import DeployedPipeline, Deployment
from tools.operate.errors import OperateError
from tools.operate.replays.selection import Output
from tools.operate.words import count

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def remove(
    s3: S3Client, deployment: Deployment, pipeline: DeployedPipeline, output: Output
) -> None:
    """Delete the batch's folder of curated; may be repeated. The bucket keeps the versions.

    Raises `OperateError` when the address is not that of this batch, or S3 refuses.
    """
    address = urlsplit(output.uri)
    if not output.uri.endswith(output_uri("", output.batch)):
        raise _elsewhere(output)
    if address.scheme == "file":
        # In the sandbox curated is a local folder.
        shutil.rmtree(Path(url2pathname(address.path)), ignore_errors=True)
        return
    prefix = address.path.lstrip("/")
    lake = (deployment.lake_bucket, folder(CURATED, pipeline.name))
    if (address.netloc, prefix[: len(lake[1])]) != lake:
        raise _elsewhere(output)
    _delete_under(s3, deployment.lake_bucket, f"{prefix}/")


def _delete_under(s3: S3Client, bucket: str, prefix: str) -> None:
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
    for start in range(0, len(keys), MAX_DELETE_KEYS):
        answer = s3.delete_objects(
            Bucket=bucket,
            Delete={
                "Objects": [{"Key": key} for key in keys[start : start + MAX_DELETE_KEYS]],
                "Quiet": True,
            },
        )
        if errors := answer.get("Errors", []):
            first = errors[0]
            raise OperateError(
                f"S3 refused to delete {count(len(errors), 'file')} under {prefix}, the first is "
                f"{first.get('Key')}: {first.get('Code')} {first.get('Message')} (permission "
                "s3:DeleteObject). Nothing was sent yet; the same command goes on."
            )


def _elsewhere(output: Output) -> OperateError:
    return OperateError(
        f"The output of batch {output.batch} is said to be in {output.uri}, which is not this "
        "pipeline's folder of curated. Nothing was removed or sent."
    )
