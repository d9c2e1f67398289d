"""Where producers put their files, and the source of the events."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from cdktf import Postcondition, TerraformResourceLifecycle
from cdktf_cdktf_provider_aws.data_aws_s3_bucket import DataAwsS3Bucket
from cdktf_cdktf_provider_aws.s3_bucket_notification import S3BucketNotification
from constructs import Construct

from stacks import policies
from stacks.buckets.event_patterns import EventPattern, api_call_via_cloudtrail, object_created
from stacks.buckets.private_bucket import PrivateBucket
from stacks.buckets.trail import Trail, trail_name
from stacks.environment import Environment
from stacks.policies import Decryption, Producers
from stacks.settings import EnvironmentSettings, ExistingLandingSettings, SettingsError

# Amazon S3 user guide, "Bucket policies": they are limited to 20 KB.
LARGEST_BUCKET_POLICY = 20 * 1024
LONGEST_BUCKET_ARN = "arn:aws-iso-b:s3:::" + "b" * 63
LONGEST_KEY_ARN = "arn:aws-iso-b:kms:us-isob-east-1:111122223333:key/" + "k" * 36


class Landing(PrivateBucket):
    """The private bucket that sends every event to EventBridge, natively.

    Only incoming files live here: what the job writes goes to the lake, so no event can feed back
    into a rule. The notification resource owns the bucket's whole notification configuration.
    Versioning is part of the protocol, not a backup: a file is known by key and version id, and
    deleting by version id is the only delete that cannot hit a newer upload. A version that was
    overwritten before a job read it still waits for the job, so ``old_version_days`` must stay far
    longer than any pause of a pipeline. ``producers`` are, by pipeline, who may put objects under
    its prefix.

    Raises `SettingsError` when the producers are too many for one bucket policy.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        environment: Environment,
        producers: Mapping[str, Producers],
    ) -> None:
        _check_size(environment.name, producers)
        super().__init__(
            scope,
            id_,
            name_prefix=f"{environment.prefix}-landing-",
            deletable=environment.deletable,
            kms_key_arn=environment.kms_key_arn,
            retention=environment.retention,
            policy=partial(
                policies.landing_bucket, kms_key_arn=environment.kms_key_arn, producers=producers
            ),
        )
        self.decryption: Decryption | None = None
        S3BucketNotification(self, "notification", bucket=self.bucket.id, eventbridge=True)

    def new_files(self, prefix: str, suffix: str | None) -> EventPattern:
        """The pattern of the rule for a pipeline's new files."""
        return object_created(self.name, prefix, suffix)


class ExistingLanding(Construct):
    """A landing bucket that is somebody else's; the plan fails where there is no such bucket.

    Nothing of it is managed but, where the settings say so, its notification configuration.
    """

    def __init__(
        self, scope: Construct, id_: str, *, settings: ExistingLandingSettings, region: str
    ) -> None:
        super().__init__(scope, id_)
        bucket = DataAwsS3Bucket(
            self,
            "bucket",
            bucket=settings.name,
            lifecycle=TerraformResourceLifecycle(
                postcondition=[
                    Postcondition(
                        # Not its region itself, whose name differs between the provider's versions.
                        condition='${strcontains(self.bucket_regional_domain_name, ".s3.'
                        f'{region}.")}}',
                        error_message=f"The bucket {settings.name} is not in {region}: its events "
                        f"would never reach the rules there. Set the environment's region to the "
                        f"bucket's.",
                    )
                ]
            ),
        )
        self.name = bucket.bucket
        self.arn = bucket.arn
        if settings.events == "managed":
            S3BucketNotification(self, "notification", bucket=self.name, eventbridge=True)
        key = settings.kms_key_arn
        self.decryption = None if key is None else Decryption(key, region)
        self.source_of_events = _source_of_events(settings)
        self._by_cloudtrail = settings.events == "cloudtrail"

    def new_files(self, prefix: str, suffix: str | None) -> EventPattern:
        """The pattern of the rule for a pipeline's new files."""
        pattern = api_call_via_cloudtrail if self._by_cloudtrail else object_created
        return pattern(self.name, prefix, suffix)


def add_landing(
    stack: Construct, environment: Environment, settings: EnvironmentSettings
) -> Landing | ExistingLanding:
    """Add the environment's landing bucket, or take the existing one with its events."""
    if settings.existing_landing is None:
        return Landing(
            stack,
            "landing",
            environment=environment,
            producers={
                name: Producers(pipeline.prefix, pipeline.producers)
                for name, pipeline in settings.pipelines.items()
            },
        )
    landing = ExistingLanding(
        stack, "landing", settings=settings.existing_landing, region=environment.region
    )
    if trail := trail_name(environment, settings):
        Trail(
            stack,
            "trail",
            name=trail,
            environment=environment,
            landing_arn=landing.arn,
            prefixes=[pipeline.prefix for pipeline in settings.pipelines.values()],
        )
    return landing


def _source_of_events(settings: ExistingLandingSettings) -> str:
    """What the owner of the bucket must know or do, as sentences."""
    name = settings.name
    if settings.events == "managed":
        return (
            f"This stack owns the whole notification configuration of {name}. A notification that "
            "anybody else adds is removed by the next apply."
        )
    if settings.events == "cloudtrail":
        return (
            f"A CloudTrail trail of this stack logs new objects of {name} and puts them on the "
            "event bus. Nothing of the bucket is managed."
        )
    return (
        f"Switch EventBridge on for {name}, or no run starts: in the S3 console under Properties, "
        "Amazon EventBridge. With the AWS CLI, read the bucket's notifications with `aws s3api "
        f"get-bucket-notification-configuration --bucket {name}`, add "
        '"EventBridgeConfiguration": {} to them, and write them all back with `aws s3api '
        "put-bucket-notification-configuration`, which replaces them. Terraform must not do it "
        "here: aws_s3_bucket_notification owns all notifications of a bucket and would remove "
        "those of everybody else."
    )


def _check_size(environment: str, producers: Mapping[str, Producers]) -> None:
    policy = policies.landing_bucket(LONGEST_BUCKET_ARN, LONGEST_KEY_ARN, producers)
    size = len(policy.encode())
    if size > LARGEST_BUCKET_POLICY:
        raise SettingsError(
            [
                f"cdktf.json: environment {environment!r}, field 'producers' of the pipelines: "
                f"their statements make a bucket policy of {size} bytes. Allowed: 20480 bytes. "
                "Name accounts instead of single roles and users, or roles that producers share."
            ]
        )
