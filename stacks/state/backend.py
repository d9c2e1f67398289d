"""Where Terraform keeps a stack's state."""

from __future__ import annotations

from cdktf import CloudBackend, LocalBackend, NamedCloudWorkspace, S3Backend, TerraformStack

from stacks.settings import CloudState, EnvironmentSettings, LocalState, S3State
from stacks.settings.state import state_key, workspace


def keep_state(stack: TerraformStack, environment: str, settings: EnvironmentSettings) -> None:
    """Give the stack the backend that its environment asks for."""
    match settings.state:
        case LocalState():
            keep_state_in_a_file(stack, environment)
        case S3State() as state:
            keep_state_in_s3(stack, environment, state, region=state.region or settings.region)
        case CloudState() as state:
            CloudBackend(
                stack,
                organization=state.organization,
                workspaces=NamedCloudWorkspace(workspace(environment, state)),
                hostname=state.hostname,
            )


def keep_state_in_a_file(stack: TerraformStack, name: str) -> None:
    """State in the project folder.

    The path is relative to cdktf.out/stacks/<stack>, so that the same JSON comes out of every
    checkout.
    """
    LocalBackend(stack, path=f"../../../terraform.{name}.tfstate")


def keep_state_in_s3(stack: TerraformStack, name: str, state: S3State, *, region: str) -> None:
    """State in a bucket, encrypted, with the lock in a file beside it."""
    S3Backend(
        stack,
        bucket=state.bucket,
        key=state_key(name, state),
        region=region,
        encrypt=True,
        kms_key_id=state.kms_key_arn,
    )
    # cdktf 0.21 is older than Terraform's own lock file in S3 and has no argument for it.
    stack.add_override("terraform.backend.s3.use_lockfile", True)
