"""Where Terraform keeps a stack's state."""

from __future__ import annotations

from cdktf import LocalBackend, S3Backend, TerraformStack

from stacks.settings import EnvironmentSettings, LocalState


def keep_state(stack: TerraformStack, environment: str, settings: EnvironmentSettings) -> None:
    """Give the stack the backend that its environment asks for."""
    state = settings.state
    if isinstance(state, LocalState):
        # Relative to cdktf.out/stacks/<stack>, so that the same JSON comes out of every checkout.
        LocalBackend(stack, path=f"../../../terraform.{environment}.tfstate")
        return
    S3Backend(
        stack,
        bucket=state.bucket,
        key=state.key or f"burst/{environment}.tfstate",
        region=state.region or settings.region,
        encrypt=True,
    )
    # cdktf 0.21 is older than Terraform's own lock file in S3 and has no argument for it.
    stack.add_override("terraform.backend.s3.use_lockfile", True)
