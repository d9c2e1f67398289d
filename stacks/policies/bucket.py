"""Policies of buckets."""

from __future__ import annotations

from stacks.policies.statement import deny_without_tls, document


def only_over_tls(bucket_arn: str) -> str:
    """Bucket policy: nobody reaches the bucket or its objects without TLS."""
    return document(deny_without_tls("s3:*", [bucket_arn, f"{bucket_arn}/*"]))
