"""Policies of buckets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stacks.policies.statement import Statement, deny_without_tls, document


@dataclass(frozen=True)
class Producers:
    """Who may put objects under a prefix: ARNs of roles, users or accounts."""

    prefix: str
    principals: Sequence[str]


def bucket(bucket_arn: str, kms_key_arn: str | None) -> str:
    """Bucket policy: nobody comes without TLS or, where there is a key, encrypts with another."""
    return document(*_guards(bucket_arn, kms_key_arn))


def landing_bucket(
    bucket_arn: str, kms_key_arn: str | None, producers: Mapping[str, Producers]
) -> str:
    """Bucket policy: as for every bucket, and producers, by pipeline, put objects under its prefix.

    ``s3:PutObject`` covers a multipart upload from its start to its completion (Amazon S3 user
    guide, "Multipart upload API and permissions"). Nothing needs to be said of ACLs, because the
    bucket's owner owns every object in it (BucketOwnerEnforced).
    """
    return document(
        *(
            _putting(pipeline, bucket_arn, allowed)
            for pipeline, allowed in producers.items()
            if allowed.principals
        ),
        *_guards(bucket_arn, kms_key_arn),
    )


def trail_bucket(bucket_arn: str, *, account_id: str, trail_arn: str) -> str:
    """Bucket policy: one trail writes its files, and nobody comes without TLS.

    CloudTrail user guide, "Amazon S3 bucket policy for CloudTrail": it reads the bucket's ACL
    first, and writes every file with the ACL that is asked for here. Nothing is said of other
    encryption than the bucket's: no page tells with which headers CloudTrail writes, nobody else
    writes here, and a refused file would be a lost one.
    """
    cloudtrail = {"Service": "cloudtrail.amazonaws.com"}
    return document(
        {
            "Sid": "LetTheTrailCheckTheBucket",
            "Effect": "Allow",
            "Principal": cloudtrail,
            "Action": "s3:GetBucketAcl",
            "Resource": bucket_arn,
            "Condition": {"StringEquals": {"aws:SourceArn": trail_arn}},
        },
        {
            "Sid": "LetTheTrailWriteItsFiles",
            "Effect": "Allow",
            "Principal": cloudtrail,
            "Action": "s3:PutObject",
            "Resource": f"{bucket_arn}/AWSLogs/{account_id}/*",
            "Condition": {
                "StringEquals": {
                    "s3:x-amz-acl": "bucket-owner-full-control",
                    "aws:SourceArn": trail_arn,
                }
            },
        },
        *_guards(bucket_arn, None),
    )


def _putting(pipeline: str, bucket_arn: str, producers: Producers) -> Statement:
    return {
        # A Sid takes letters and digits only. X for the hyphen keeps the names of two pipelines
        # apart, because no name has a capital letter.
        "Sid": f"LetProducersPutFilesOf{pipeline.replace('-', 'X')}",
        "Effect": "Allow",
        "Principal": {"AWS": list(producers.principals)},
        "Action": "s3:PutObject",
        "Resource": f"{bucket_arn}/{producers.prefix}*",
    }


def state_bucket(bucket_arn: str) -> str:
    """Bucket policy: as any bucket's, and nobody deletes the bucket or an old version in it.

    Terraform deletes its lock file without naming a version, which stays allowed. Versions end
    by the bucket's lifecycle, which no bucket policy stops (Amazon S3 User Guide, "Bucket policies
    for Amazon S3"). To really delete, take this policy away first.
    """
    return document(
        *_guards(bucket_arn, None),
        _deny("KeepTheBucket", "s3:DeleteBucket", bucket_arn),
        _deny("KeepEveryVersion", "s3:DeleteObjectVersion", f"{bucket_arn}/*"),
    )


def _guards(bucket_arn: str, kms_key_arn: str | None) -> list[Statement]:
    statements = [deny_without_tls("s3:*", [bucket_arn, f"{bucket_arn}/*"])]
    if kms_key_arn:
        statements.append(_deny_other_encryption(bucket_arn, kms_key_arn))
    return statements


def _deny(sid: str, action: str, resource: str) -> Statement:
    return {
        "Sid": sid,
        "Effect": "Deny",
        "Principal": "*",
        "Action": action,
        "Resource": resource,
    }


def _deny_other_encryption(bucket_arn: str, kms_key_arn: str) -> Statement:
    """Refuse an upload that asks for another encryption than the bucket's own key.

    An upload that asks for none gets the bucket's default. One that asks for ``AES256``, or for
    ``aws:kms`` without a key (S3 takes the account's ``aws/s3`` then; API reference, PutObject),
    names no key, and ``ArnNotEquals`` is true for what is not there.
    """
    return {
        "Sid": "DenyOtherEncryption",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": f"{bucket_arn}/*",
        "Condition": {
            "Null": {"s3:x-amz-server-side-encryption": "false"},
            "ArnNotEquals": {"s3:x-amz-server-side-encryption-aws-kms-key-id": kms_key_arn},
        },
    }
