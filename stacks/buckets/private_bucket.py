"""What every bucket of the project has in common: private, encrypted, versioned, TLS only."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cdktf import TerraformResourceLifecycle
from cdktf_cdktf_provider_aws.s3_bucket import S3Bucket
from cdktf_cdktf_provider_aws.s3_bucket_lifecycle_configuration import (
    S3BucketLifecycleConfiguration,
    S3BucketLifecycleConfigurationRule,
    S3BucketLifecycleConfigurationRuleAbortIncompleteMultipartUpload,
    S3BucketLifecycleConfigurationRuleExpiration,
    S3BucketLifecycleConfigurationRuleFilter,
    S3BucketLifecycleConfigurationRuleNoncurrentVersionExpiration,
)
from cdktf_cdktf_provider_aws.s3_bucket_ownership_controls import (
    S3BucketOwnershipControls,
    S3BucketOwnershipControlsRule,
)
from cdktf_cdktf_provider_aws.s3_bucket_policy import S3BucketPolicy
from cdktf_cdktf_provider_aws.s3_bucket_public_access_block import S3BucketPublicAccessBlock
from cdktf_cdktf_provider_aws.s3_bucket_server_side_encryption_configuration import (
    S3BucketServerSideEncryptionConfigurationA as S3BucketServerSideEncryptionConfiguration,
)
from cdktf_cdktf_provider_aws.s3_bucket_server_side_encryption_configuration import (
    S3BucketServerSideEncryptionConfigurationRuleA as EncryptionRule,
)
from cdktf_cdktf_provider_aws.s3_bucket_server_side_encryption_configuration import (
    S3BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultA as ByDefault,
)
from cdktf_cdktf_provider_aws.s3_bucket_versioning import (
    S3BucketVersioningA as S3BucketVersioning,
)
from cdktf_cdktf_provider_aws.s3_bucket_versioning import (
    S3BucketVersioningVersioningConfiguration,
)
from constructs import Construct

from stacks import policies
from stacks.settings import RetentionSettings

# What every new bucket blocks since April 2026 (Amazon S3 user guide, "Blocking or unblocking SSE-C
# for a general purpose bucket"). It must be stated: provider 6.22 to 6.39 shows a difference in
# every plan where AWS reports it and the configuration does not.
BLOCKED_ENCRYPTION_TYPES = ["SSE-C"]


class PrivateBucket(Construct):
    """An S3 bucket that nobody reaches from outside or without TLS, and that keeps old versions.

    Versions that were replaced or deleted are kept as ``retention`` says, and uploads that nobody
    finished are removed. Terraform refuses to destroy the bucket unless ``deletable``; then
    it empties it first. Without ``kms_key_arn`` S3 encrypts with its own keys. The bucket is
    called ``name``, or else by a new name that begins with ``name_prefix``. ``policy`` makes the
    bucket's policy from its ARN, where it is another than every bucket's.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str | None = None,
        name_prefix: str | None = None,
        deletable: bool,
        kms_key_arn: str | None,
        retention: RetentionSettings,
        policy: Callable[[str], str] | None = None,
        lifecycle_rules: Sequence[S3BucketLifecycleConfigurationRule] = (),
    ) -> None:
        super().__init__(scope, id_)
        self.bucket = S3Bucket(
            self,
            "bucket",
            bucket=name,
            bucket_prefix=name_prefix,
            force_destroy=True if deletable else None,
            lifecycle=None if deletable else TerraformResourceLifecycle(prevent_destroy=True),
        )
        self.name = self.bucket.bucket
        self.arn = self.bucket.arn
        public_access = S3BucketPublicAccessBlock(
            self,
            "public-access",
            bucket=self.bucket.id,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
        )
        S3BucketOwnershipControls(
            self,
            "ownership",
            bucket=self.bucket.id,
            rule=S3BucketOwnershipControlsRule(object_ownership="BucketOwnerEnforced"),
        )
        S3BucketServerSideEncryptionConfiguration(
            self,
            "encryption",
            bucket=self.bucket.id,
            rule=[_encryption_rule(kms_key_arn)],
        )
        versioning = S3BucketVersioning(
            self,
            "versioning",
            bucket=self.bucket.id,
            versioning_configuration=S3BucketVersioningVersioningConfiguration(status="Enabled"),
        )
        self.policy = S3BucketPolicy(
            self,
            "policy",
            bucket=self.bucket.id,
            policy=policy(self.arn) if policy else policies.bucket(self.arn, kms_key_arn),
            # S3 answers 409 when a policy and the public access block are changed at once.
            depends_on=[public_access],
        )
        S3BucketLifecycleConfiguration(
            self,
            "lifecycle",
            bucket=self.bucket.id,
            rule=[_clean_up_rule(retention), *lifecycle_rules],
            depends_on=[versioning],
        )


def _encryption_rule(kms_key_arn: str | None) -> EncryptionRule:
    if kms_key_arn is None:
        return EncryptionRule(
            apply_server_side_encryption_by_default=ByDefault(sse_algorithm="AES256"),
            blocked_encryption_types=BLOCKED_ENCRYPTION_TYPES,
        )
    return EncryptionRule(
        apply_server_side_encryption_by_default=ByDefault(
            sse_algorithm="aws:kms", kms_master_key_id=kms_key_arn
        ),
        # One request to KMS for many objects, instead of one for each.
        bucket_key_enabled=True,
        blocked_encryption_types=BLOCKED_ENCRYPTION_TYPES,
    )


def _clean_up_rule(retention: RetentionSettings) -> S3BucketLifecycleConfigurationRule:
    return S3BucketLifecycleConfigurationRule(
        id="remove-aborted-uploads-and-old-versions",
        status="Enabled",
        filter=[S3BucketLifecycleConfigurationRuleFilter(prefix="")],
        abort_incomplete_multipart_upload=[
            S3BucketLifecycleConfigurationRuleAbortIncompleteMultipartUpload(
                days_after_initiation=retention.unfinished_upload_days
            )
        ],
        noncurrent_version_expiration=[
            S3BucketLifecycleConfigurationRuleNoncurrentVersionExpiration(
                noncurrent_days=retention.old_version_days
            )
        ],
        expiration=[
            S3BucketLifecycleConfigurationRuleExpiration(expired_object_delete_marker=True)
        ],
    )
