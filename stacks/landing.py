"""Where producers put their files, and the source of the events."""

from __future__ import annotations

from cdktf_cdktf_provider_aws.s3_bucket_notification import S3BucketNotification
from constructs import Construct

from stacks.private_bucket import PrivateBucket


class Landing(PrivateBucket):
    """The private bucket that sends every event to EventBridge, natively.

    Only incoming files live here: what the job writes goes to the lake, so no event can feed back
    into a rule. The notification resource owns the bucket's whole notification configuration.
    Versioning is part of the protocol, not a backup: a file is known by key and version id, and
    deleting by version id is the only delete that cannot hit a newer upload.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        environment: str,
        deletable: bool,
        kms_key_arn: str | None,
    ) -> None:
        super().__init__(
            scope,
            id_,
            name_prefix=f"burst-{environment}-landing-",
            deletable=deletable,
            kms_key_arn=kms_key_arn,
        )
        S3BucketNotification(self, "notification", bucket=self.bucket.id, eventbridge=True)
