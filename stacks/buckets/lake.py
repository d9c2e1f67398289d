"""Where everything goes that the job reads or writes beside the incoming files."""

from __future__ import annotations

from collections.abc import Sequence

from burst.contract import ARCHIVE
from cdktf_cdktf_provider_aws.s3_bucket_lifecycle_configuration import (
    S3BucketLifecycleConfigurationRule,
    S3BucketLifecycleConfigurationRuleExpiration,
    S3BucketLifecycleConfigurationRuleFilter,
    S3BucketLifecycleConfigurationRuleTransition,
)
from cdktf_cdktf_provider_aws.s3_bucket_notification import S3BucketNotification
from constructs import Construct

from stacks.buckets.private_bucket import PrivateBucket
from stacks.environment import Environment
from stacks.settings import RetentionSettings


class Lake(PrivateBucket):
    """One private bucket with a folder for each purpose.

    ``curated/`` (Parquet), ``archive/`` (the bytes of good files), ``quarantine/`` (the bytes of
    bad files and the reasons), ``ledger/`` (what each batch read and wrote) and ``artifacts/``
    (the job's code).

    Only the archive may move to cheaper storage and expire, as ``retention`` says. Curated is what
    people query, quarantine waits for people, and the ledger says what was processed: no rule
    touches their current objects.

    With ``sends_events`` it tells EventBridge of its objects, for the alert on quarantine. No
    of its events can start a pipeline: their rules name the landing bucket.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        environment: Environment,
        sends_events: bool,
    ) -> None:
        super().__init__(
            scope,
            id_,
            name_prefix=f"{environment.prefix}-lake-",
            deletable=environment.deletable,
            kms_key_arn=environment.kms_key_arn,
            retention=environment.retention,
            lifecycle_rules=_archive_rules(environment.retention),
        )
        if sends_events:
            S3BucketNotification(self, "notification", bucket=self.bucket.id, eventbridge=True)


def _archive_rules(
    retention: RetentionSettings,
) -> Sequence[S3BucketLifecycleConfigurationRule]:
    """The rule for ``archive/``, where there is anything for it to do."""
    move, expire = retention.archive_move_days, retention.archive_expire_days
    if move is None and expire is None:
        return []
    return [
        S3BucketLifecycleConfigurationRule(
            id="move-and-expire-the-archive",
            status="Enabled",
            filter=[S3BucketLifecycleConfigurationRuleFilter(prefix=f"{ARCHIVE}/")],
            transition=None
            if move is None
            else [
                S3BucketLifecycleConfigurationRuleTransition(
                    days=move, storage_class=retention.archive_storage_class
                )
            ],
            expiration=None
            if expire is None
            else [S3BucketLifecycleConfigurationRuleExpiration(days=expire)],
        )
    ]
