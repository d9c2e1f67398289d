"""The bucket that keeps the state of every environment, and its own."""

from __future__ import annotations

from cdktf import TerraformOutput, TerraformStack
from constructs import Construct

from stacks import policies
from stacks.buckets.private_bucket import PrivateBucket
from stacks.provider import add_shared_provider
from stacks.settings import RetentionSettings, S3State, StateBucket
from stacks.settings.state import STATE_STACK
from stacks.state.backend import keep_state_in_a_file, keep_state_in_s3

KEEP_OLD_STATES_DAYS = 365


class StateStack(TerraformStack):
    """One private bucket that nothing here can delete, neither Terraform nor an administrator.

    Old versions are kept for a year, because an older state is what one goes back to after an
    accident. It is encrypted with keys that S3 owns: a state holds no secret (tests look), a key
    of our own would have to exist before any state does, and losing it would lose every
    state.

    With ``bootstrap`` the stack's own state is in a file, because the bucket is not there yet;
    without, it is in the bucket.
    """

    def __init__(self, scope: Construct, settings: StateBucket, *, bootstrap: bool = False) -> None:
        super().__init__(scope, STATE_STACK)
        if bootstrap:
            keep_state_in_a_file(self, STATE_STACK)
        else:
            state = S3State(backend="s3", bucket=settings.name)
            keep_state_in_s3(self, STATE_STACK, state, region=settings.region)
        add_shared_provider(self, settings.region, settings.tags)
        PrivateBucket(
            self,
            "state",
            name=settings.name,
            deletable=False,
            kms_key_arn=None,
            retention=RetentionSettings(old_version_days=KEEP_OLD_STATES_DAYS),
            policy=policies.state_bucket,
        )
        TerraformOutput(
            self,
            "state_bucket_name",
            value=settings.name,
            description="Bucket that keeps the Terraform state of every environment.",
        )
