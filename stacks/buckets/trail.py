"""CloudTrail as the source of events, for a bucket whose notifications nobody may touch."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from cdktf_cdktf_provider_aws.cloudtrail import (
    Cloudtrail,
    CloudtrailAdvancedEventSelector,
    CloudtrailAdvancedEventSelectorFieldSelector,
)
from cdktf_cdktf_provider_aws.data_aws_partition import DataAwsPartition
from cdktf_cdktf_provider_aws.s3_bucket_lifecycle_configuration import (
    S3BucketLifecycleConfigurationRule,
    S3BucketLifecycleConfigurationRuleExpiration,
    S3BucketLifecycleConfigurationRuleFilter,
)
from constructs import Construct

from stacks import policies
from stacks.buckets.event_patterns import CALLS_THAT_MAKE_OBJECTS
from stacks.buckets.private_bucket import PrivateBucket
from stacks.environment import Environment
from stacks.settings import EnvironmentSettings


def trail_name(environment: Environment, settings: EnvironmentSettings) -> str | None:
    """What the trail is called; None where events do not come from CloudTrail."""
    landing = settings.existing_landing
    if landing is None or landing.events != "cloudtrail":
        return None
    return f"{environment.prefix}-landing"


class Trail(Construct):
    """A trail that logs new objects under the pipelines' prefixes, and so puts them on the bus.

    EventBridge gets ``AWS API Call via CloudTrail`` events of S3 objects only where a trail logs
    them as data events (EventBridge user guide, "AWS service events delivered via AWS CloudTrail").
    Data events are billed one by one, so the selector names the calls and the prefixes: what the
    job itself reads and deletes is not logged. The trail is there for the events alone; it is no
    audit trail, so it covers one region. Its log files are a by-product in a separate bucket and
    expire like the jobs' logs.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        environment: Environment,
        landing_arn: str,
        prefixes: Sequence[str],
    ) -> None:
        super().__init__(scope, id_)
        # The bucket must name the trail before the trail can be made, so this is no reference.
        partition = DataAwsPartition(self, "partition").partition
        account_id = environment.account_id
        arn = f"arn:{partition}:cloudtrail:{environment.region}:{account_id}:trail/{name}"
        logs = PrivateBucket(
            self,
            "logs",
            name_prefix=f"{environment.prefix}-trail-",
            deletable=environment.deletable,
            kms_key_arn=environment.kms_key_arn,
            policy=partial(policies.trail_bucket, account_id=account_id, trail_arn=arn),
            retention=environment.retention,
            lifecycle_rules=[_expiry(environment.retention.log_days)],
        )
        Cloudtrail(
            self,
            "trail",
            name=name,
            s3_bucket_name=logs.name,
            enable_log_file_validation=True,
            include_global_service_events=False,
            is_multi_region_trail=False,
            kms_key_id=environment.kms_key_arn,
            advanced_event_selector=[_new_objects(landing_arn, prefixes)],
            # CloudTrail looks whether it may write before it makes the trail.
            depends_on=[logs.policy],
        )


def _expiry(days: int) -> S3BucketLifecycleConfigurationRule:
    return S3BucketLifecycleConfigurationRule(
        id="expire-log-files",
        status="Enabled",
        filter=[S3BucketLifecycleConfigurationRuleFilter(prefix="")],
        expiration=[S3BucketLifecycleConfigurationRuleExpiration(days=days)],
    )


def _new_objects(landing_arn: str, prefixes: Sequence[str]) -> CloudtrailAdvancedEventSelector:
    """Fields are all to be met, values of one field are alternatives (AdvancedFieldSelector)."""
    return CloudtrailAdvancedEventSelector(
        name="New objects under the prefixes of the pipelines",
        field_selector=[
            CloudtrailAdvancedEventSelectorFieldSelector(field="eventCategory", equal_to=["Data"]),
            CloudtrailAdvancedEventSelectorFieldSelector(
                field="resources.type", equal_to=["AWS::S3::Object"]
            ),
            CloudtrailAdvancedEventSelectorFieldSelector(field="readOnly", equal_to=["false"]),
            CloudtrailAdvancedEventSelectorFieldSelector(
                field="eventName", equal_to=list(CALLS_THAT_MAKE_OBJECTS)
            ),
            CloudtrailAdvancedEventSelectorFieldSelector(
                field="resources.ARN", starts_with=[f"{landing_arn}/{p}" for p in prefixes]
            ),
        ],
    )
