"""Where producers put their files, and the source of the events."""

from __future__ import annotations

from cdktf_cdktf_provider_aws.s3_bucket_notification import S3BucketNotification
from constructs import Construct

from stacks.private_bucket import PrivateBucket
from stacks.settings import RetentionSettings


class Landing(PrivateBucket):
    """The private bucket that sends every event to EventBridge, natively.

    Only incoming files live here: what the job writes goes to the lake, so no event can feed back
    into a rule. The notification resource owns the bucket's whole notification configuration.
    Versioning is part of the protocol, not a backup: a file is known by key and version id, and
    deleting by version id is the only delete that cannot hit a newer upload. A version that was
    overwritten before a job read it still waits for the job, so ``old_version_days`` must stay far
    longer than any pause of a pipeline.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        environment: str,
        deletable: bool,
        kms_key_arn: str | None,
        retention: RetentionSettings,
    ) -> None:
        super().__init__(
            scope,
            id_,
            name_prefix=f"burst-{environment}-landing-",
            deletable=deletable,
            kms_key_arn=kms_key_arn,
            retention=retention,
        )
        S3BucketNotification(self, "notification", bucket=self.bucket.id, eventbridge=True)
