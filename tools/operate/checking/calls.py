"""What each role must be able to call: the questions for the policy simulator of IAM.

One representative call for each permission that the job and EventBridge use in every deployment;
what only some branches need (multipart uploads, tags) is left to the policies' own tests.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from burst.contract import ARCHIVE, CURATED, LEDGER, METRICS_NAMESPACE, QUARANTINE, folder

from tools.operate.probes import MARK

if TYPE_CHECKING:
    from tools.operate.checking.facts import Place


@dataclass(frozen=True)
class Call:
    """A call that a role makes. purpose: what for, in words that follow "to"."""

    purpose: str
    action: str
    resource: str
    context: Mapping[str, str] = field(default_factory=dict)


def of_events_role(workflow_arn: str) -> tuple[Call, ...]:
    """What EventBridge calls with the role of the target."""
    return (Call("start the workflow", "glue:notifyEvent", workflow_arn),)


def of_job(
    place: Place,
    *,
    pipeline: str,
    prefix: str,
    landing_bucket: str,
    lake_bucket: str,
    log_groups: Sequence[str],
    kms_key_arn: str,
) -> tuple[Call, ...]:
    """What the job calls, in the order of a batch. kms_key_arn: "" where no key encrypts."""
    landing, lake = place.bucket_arn(landing_bucket), place.bucket_arn(lake_bucket)

    def on(bucket: str, key: str, purpose: str, *actions: str) -> list[Call]:
        return [Call(purpose, f"s3:{action}", f"{bucket}/{key}{MARK}") for action in actions]

    def inside(area: str) -> str:
        return folder(area, pipeline)

    calls = [
        Call("see that landing is versioned", "s3:GetBucketVersioning", landing),
        Call("list landing", "s3:ListBucketVersions", landing, {"s3:prefix": prefix}),
        *on(landing, prefix, "read files", "GetObjectVersion"),
        *on(landing, prefix, "remove what is loaded from landing", "DeleteObjectVersion"),
        *on(lake, inside(LEDGER), "keep the ledger", "GetObject", "PutObject"),
        Call("list the ledger", "s3:ListBucket", lake, {"s3:prefix": inside(LEDGER)}),
        *on(lake, inside(CURATED), "write rows", "GetObject", "PutObject", "DeleteObject"),
        Call("list its rows", "s3:ListBucket", lake, {"s3:prefix": inside(CURATED)}),
        *on(lake, inside(ARCHIVE), "archive files", "GetObject", "PutObject"),
        *on(lake, inside(QUARANTINE), "set bad files aside", "GetObject", "PutObject"),
        Call(
            "publish metrics",
            "cloudwatch:PutMetricData",
            "*",
            {"cloudwatch:namespace": METRICS_NAMESPACE},
        ),
    ]
    for group in log_groups:
        stream = place.arn("logs", f"log-group:{group}:log-stream:{MARK}")
        calls += [
            Call("write its log", f"logs:{action}", stream)
            for action in ("CreateLogStream", "PutLogEvents")
        ]
    if kms_key_arn:
        china = ".cn" if place.partition == "aws-cn" else ""
        through_s3 = {"kms:ViaService": f"s3.{place.region}.amazonaws.com{china}"}
        calls += [
            Call("use the key", f"kms:{action}", kms_key_arn, through_s3)
            for action in ("Decrypt", "GenerateDataKey")
        ]
    return tuple(calls)


def code(place: Place, uris: Sequence[str]) -> tuple[Call, ...]:
    """What Glue fetches with the job's role before the job begins."""
    return tuple(
        Call("read its code", "s3:GetObject", f"arn:{place.partition}:s3:::{uri[5:]}")
        for uri in uris
        if uri.startswith("s3://")
    )
