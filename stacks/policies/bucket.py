"""Policies of buckets."""

from __future__ import annotations

from stacks.policies.statement import Statement, deny_without_tls, document


def bucket(bucket_arn: str, kms_key_arn: str | None) -> str:
    """Bucket policy: nobody comes without TLS or, where there is a key, encrypts with another."""
    statements = [deny_without_tls("s3:*", [bucket_arn, f"{bucket_arn}/*"])]
    if kms_key_arn:
        statements.append(_deny_other_encryption(bucket_arn, kms_key_arn))
    return document(*statements)


def _deny_other_encryption(bucket_arn: str, kms_key_arn: str) -> Statement:
    """Refuse an upload that asks for another encryption than the bucket's own key.

    An upload that asks for none gets the bucket's default. One that asks for ``AES256``, or for
    ``aws:kms`` without a key (S3 takes the account's ``aws/s3`` then; API reference, PutObject),
    names no key, and ``StringNotEquals`` is true for what is not there.
    """
    return {
        "Sid": "DenyOtherEncryption",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": f"{bucket_arn}/*",
        "Condition": {
            "Null": {"s3:x-amz-server-side-encryption": "false"},
            "StringNotEquals": {"s3:x-amz-server-side-encryption-aws-kms-key-id": kms_key_arn},
        },
    }
