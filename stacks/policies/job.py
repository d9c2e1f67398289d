"""Policies of the job's role."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from burst.contract import ARCHIVE, CURATED, LEDGER, METRICS_NAMESPACE, QUARANTINE, folder

from stacks.policies.statement import Statement, allow, assumed_by, document


@dataclass(frozen=True)
class JobKey:
    """The environment's key as the job uses it.

    ``s3_service`` and ``logs_service`` are what the services call themselves in ``kms:ViaService``.
    """

    arn: str
    s3_service: str
    logs_service: str


@dataclass(frozen=True)
class Decryption:
    """The customer key of an existing landing bucket, and the region that both are in."""

    kms_key_arn: str
    region: str


def assumed_by_glue() -> str:
    """Trust policy of a job's role: Glue may assume it.

    No page says that Glue sends ``aws:SourceAccount`` when it assumes the role of a job, and
    without it no run would start; only those who may pass the role can give it to a job.
    """
    return document(assumed_by("glue.amazonaws.com"))


def job(
    *,
    pipeline: str,
    prefix: str,
    landing_arn: str,
    lake_arn: str,
    code_arns: Sequence[str],
    log_group_arns: Sequence[str],
    key: JobKey | None,
    decryption: Decryption | None,
) -> str:
    """What the job may do: drain its prefix of landing, write its own folders of the lake.

    S3 answers for an object that is not there with 404 only to a caller who may list the bucket,
    with the key as ``s3:prefix`` where a condition asks for it; else with 403 (Amazon S3 API
    reference, GetObject and HeadObject). So the job may list wherever it asks for objects that may
    be absent: Spark before it writes, the job for a version that was deleted meanwhile, and for
    what it has moved to archive and quarantine. That S3 sends the key as prefix is on no page
    *(unconfirmed)*; a request without a prefix is allowed as well, in case it does not.
    Glue 5.1 writes through S3A, whose committers ask for the bucket's region and look after
    multipart uploads (Hadoop documentation, "Committing work to S3 with the S3A Committers").
    ``cloudwatch:PutMetricData`` knows no resources (Service Authorization Reference, Amazon
    CloudWatch), so the namespaces narrow it instead: the one that Glue uses and the project's.
    With a key it also reads and writes what S3 encrypts, and Glue gives the key to the log groups
    in the job's name: without that permission it would write no logs (AWS Glue user guide,
    "Logging for AWS Glue jobs", "Required IAM permissions").
    """
    moved = [f"{lake_arn}/{folder(area, pipeline)}*" for area in (ARCHIVE, QUARANTINE)]
    curated = f"{lake_arn}/{CURATED}/{pipeline}"
    return document(
        allow("CheckThatLandingIsVersioned", ["s3:GetBucketVersioning"], [landing_arn]),
        allow(
            "ListWhatWaitsInLanding",
            ["s3:ListBucket", "s3:ListBucketVersions"],
            [landing_arn],
            {"StringLikeIfExists": {"s3:prefix": f"{prefix}*"}},
        ),
        allow(
            "ReadAndSettleWhatWaitsInLanding",
            # For a version, too, "you must always have the s3:DeleteObject permission" (Amazon S3
            # API reference, DeleteObjects, "Permissions").
            [
                "s3:GetObjectVersion",
                "s3:GetObjectVersionTagging",
                "s3:DeleteObject",
                "s3:DeleteObjectVersion",
            ],
            [f"{landing_arn}/{prefix}*"],
        ),
        allow(
            # GetObject: HeadObject asks for it, to tell a copy that has arrived from one that has
            # not (Amazon S3 API reference, HeadObject, "Permissions").
            "MoveFilesToArchiveAndQuarantine",
            ["s3:GetObject", "s3:PutObject", "s3:PutObjectTagging", "s3:AbortMultipartUpload"],
            moved,
        ),
        allow(
            "KeepTheLedger",
            ["s3:GetObject", "s3:PutObject"],
            [f"{lake_arn}/{folder(LEDGER, pipeline)}*"],
        ),
        allow(
            "WriteCurated",
            [
                "s3:GetObject",
                "s3:PutObject",
                "s3:DeleteObject",
                "s3:AbortMultipartUpload",
                "s3:ListMultipartUploadParts",
            ],
            [f"{curated}/*"],
        ),
        allow(
            # Spark's S3 file system on Glue marks the folders above its output with these objects.
            "MarkCuratedFolders",
            ["s3:PutObject"],
            [f"{curated}_$folder$", f"{lake_arn}/{CURATED}_$folder$"],
        ),
        allow(
            "ListOwnFoldersOfTheLake",
            ["s3:ListBucket"],
            [lake_arn],
            {
                "StringLikeIfExists": {
                    "s3:prefix": [
                        f"{folder(ARCHIVE, pipeline)}*",
                        f"{CURATED}/{pipeline}",
                        f"{folder(CURATED, pipeline)}*",
                        f"{folder(LEDGER, pipeline)}*",
                        f"{folder(QUARANTINE, pipeline)}*",
                    ]
                }
            },
        ),
        allow(
            "LookAfterItsUploads",
            ["s3:GetBucketLocation", "s3:ListBucketMultipartUploads"],
            [lake_arn],
        ),
        *([] if decryption is None else [_decrypt(decryption)]),
        allow("ReadItsCode", ["s3:GetObject"], code_arns),
        allow(
            "WriteItsLogs",
            ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
            [part for arn in log_group_arns for part in (arn, f"{arn}:log-stream:*")],
        ),
        allow(
            "PublishMetrics",
            ["cloudwatch:PutMetricData"],
            ["*"],
            {"StringEquals": {"cloudwatch:namespace": ["Glue", METRICS_NAMESPACE]}},
        ),
        *(_with_key(key, log_group_arns) if key else ()),
    )


def _with_key(key: JobKey, log_group_arns: Sequence[str]) -> tuple[Statement, ...]:
    return (
        allow(
            "UseTheKeyThroughS3",
            ["kms:Decrypt", "kms:GenerateDataKey"],
            [key.arn],
            {"StringEquals": {"kms:ViaService": key.s3_service}},
        ),
        allow(
            # IAM knows a group by its ARN with and without the colon and star that the API shows
            # (CloudWatch Logs user guide, "Overview of managing access", section on ARNs).
            "GiveTheKeyToItsLogs",
            ["logs:AssociateKmsKey"],
            [part for arn in log_group_arns for part in (arn, f"{arn}:*")],
        ),
        allow(
            # CloudWatch Logs uses the key in the name of whoever sets it on a group or writes to
            # it (its user guide, "Encrypt log data in CloudWatch Logs using AWS KMS").
            "LetCloudWatchLogsUseTheKey",
            ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"],
            [key.arn],
            {"StringEquals": {"kms:ViaService": key.logs_service}},
        ),
    )


def _decrypt(decryption: Decryption) -> Statement:
    """Reading and copying an object takes ``kms:Decrypt``, through S3 only.

    AWS KMS developer guide, "kms:ViaService": the service's name ends in .cn in China.
    """
    china = ".cn" if decryption.region.startswith("cn-") else ""
    service = f"s3.{decryption.region}.amazonaws.com{china}"
    return allow(
        "DecryptWhatWaitsInLanding",
        ["kms:Decrypt"],
        [decryption.kms_key_arn],
        {"StringEquals": {"kms:ViaService": service}},
    )
