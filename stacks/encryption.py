"""The environment's own key, where the settings ask for one."""

from __future__ import annotations

from collections.abc import Sequence

from cdktf import TerraformResourceLifecycle, TerraformStack
from cdktf_cdktf_provider_aws.data_aws_partition import DataAwsPartition
from cdktf_cdktf_provider_aws.glue_security_configuration import (
    GlueSecurityConfiguration,
    GlueSecurityConfigurationEncryptionConfiguration,
)
from cdktf_cdktf_provider_aws.glue_security_configuration import (
    GlueSecurityConfigurationEncryptionConfigurationCloudwatchEncryption as LogEncryption,
)
from cdktf_cdktf_provider_aws.glue_security_configuration import (
    GlueSecurityConfigurationEncryptionConfigurationJobBookmarksEncryption as BookmarkEncryption,
)
from cdktf_cdktf_provider_aws.glue_security_configuration import (
    GlueSecurityConfigurationEncryptionConfigurationS3Encryption as S3Encryption,
)
from cdktf_cdktf_provider_aws.kms_alias import KmsAlias
from cdktf_cdktf_provider_aws.kms_key import KmsKey
from constructs import Construct

from stacks import policies
from stacks.buckets.trail import trail_name
from stacks.environment import Environment
from stacks.settings import EnvironmentSettings

# The longest and the shortest that KMS has (API ScheduleKeyDeletion, PendingWindowInDays).
WAIT_BEFORE_DELETION_DAYS = 30
WAIT_BEFORE_DELETION_DAYS_IF_DELETABLE = 7
KEY_ADDRESS = ("aws_kms_key", "key_of_the_environment")


class Encryption(Construct):
    """One customer managed key for everything that an environment stores, and its use by Glue.

    The key is data: without it nobody can read what it encrypted. So Terraform refuses to destroy
    it unless ``deletable``, as for the buckets, and KMS waits 30 days (7 if ``deletable``) before
    it really deletes one. It rotates once a year, and KMS keeps the old material for old objects.

    The key policy names no resource that is encrypted with the key (each needs the key first), but
    their names, which all begin with ``burst-<environment>-`` or ``/burst/<environment>/``.

    The security configuration makes Glue encrypt the logs and, should a job ever use them,
    bookmarks (which know CSE-KMS only). What Spark and boto3 write to S3 is encrypted by the
    bucket's default, with the same key.

    ``producers`` are the ARNs of those who put files into landing, ``trail`` is the name of the
    environment's CloudTrail trail, if it has one.

    Attributes:
        kms_key_arn: for whatever can be encrypted.
        job_key: the same, for the permissions of a job.
        security_configuration: its name, for jobs.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        environment: Environment,
        producers: Sequence[str],
        trail: str | None,
    ) -> None:
        super().__init__(scope, id_)
        aws = DataAwsPartition(self, "partition")
        place = policies.Place(
            aws.partition,
            aws.dns_suffix,
            environment.region,
            environment.account_id,
            environment.name,
        )
        key = self._add_key(place, environment, producers, trail)
        self.kms_key_arn = key.arn
        self.job_key = policies.JobKey(
            self.kms_key_arn, s3_service=place.service("s3"), logs_service=place.service("logs")
        )
        KmsAlias(self, "alias", name=f"alias/{environment.prefix}", target_key_id=key.key_id)
        self.security_configuration = self._configure_glue(environment.prefix)

    def _add_key(
        self,
        place: policies.Place,
        environment: Environment,
        producers: Sequence[str],
        trail: str | None,
    ) -> KmsKey:
        deletable = environment.deletable
        key = KmsKey(
            self,
            "key",
            description=f"Encrypts what the environment {environment.name} stores.",
            enable_key_rotation=True,
            deletion_window_in_days=(
                WAIT_BEFORE_DELETION_DAYS_IF_DELETABLE if deletable else WAIT_BEFORE_DELETION_DAYS
            ),
            policy=policies.key(place, producers=producers, trail=trail),
            lifecycle=None if deletable else TerraformResourceLifecycle(prevent_destroy=True),
        )
        key.override_logical_id(KEY_ADDRESS[1])
        return key

    def _configure_glue(self, name: str) -> str:
        configuration = GlueSecurityConfiguration(
            self,
            "glue",
            name=name,
            encryption_configuration=GlueSecurityConfigurationEncryptionConfiguration(
                s3_encryption=S3Encryption(
                    s3_encryption_mode="SSE-KMS", kms_key_arn=self.kms_key_arn
                ),
                cloudwatch_encryption=LogEncryption(
                    cloudwatch_encryption_mode="SSE-KMS", kms_key_arn=self.kms_key_arn
                ),
                job_bookmarks_encryption=BookmarkEncryption(
                    job_bookmarks_encryption_mode="CSE-KMS", kms_key_arn=self.kms_key_arn
                ),
            ),
        )
        return str(configuration.name)


def encrypt(
    stack: TerraformStack, environment: Environment, settings: EnvironmentSettings
) -> Encryption | None:
    """Add the environment's key, where the settings ask for one."""
    if settings.encryption == "sse-kms":
        return Encryption(
            stack,
            "encryption",
            environment=environment,
            producers=[
                producer
                for pipeline in settings.pipelines.values()
                for producer in pipeline.producers
            ],
            trail=trail_name(environment, settings),
        )
    if not environment.deletable:
        _keep_the_key(stack)
    return None


def _keep_the_key(stack: TerraformStack) -> None:
    """Let Terraform forget the key of a stack that has none any more, instead of deleting it.

    ``prevent_destroy`` is of no help then: it goes together with the resource, and the next apply
    would delete the key and make unreadable what it encrypted (Terraform documentation, "The
    lifecycle meta-argument" and "Remove a resource from state").
    """
    stack.add_override(
        "removed", [{"from": ".".join(KEY_ADDRESS), "lifecycle": {"destroy": False}}]
    )
