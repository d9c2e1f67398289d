"""The AWS provider of a stack."""

from __future__ import annotations

from collections.abc import Mapping

from cdktf import TerraformStack
from cdktf_cdktf_provider_aws.provider import AwsProvider, AwsProviderDefaultTags

from stacks.environment import PROJECT
from stacks.settings import EnvironmentSettings


def add_provider(stack: TerraformStack, environment: str, settings: EnvironmentSettings) -> None:
    """Work in the environment's region and account only, and tag every resource."""
    _add(
        stack,
        settings.region,
        {**settings.tags, "project": PROJECT, "environment": environment},
        settings.account_id,
    )


def add_shared_provider(stack: TerraformStack, region: str, tags: Mapping[str, str]) -> None:
    """The provider of what belongs to no single environment."""
    _add(stack, region, {**tags, "project": PROJECT}, None)


def _add(
    stack: TerraformStack, region: str, tags: Mapping[str, str], account_id: str | None
) -> None:
    AwsProvider(
        stack,
        "aws",
        region=region,
        allowed_account_ids=[account_id] if account_id else None,
        default_tags=[AwsProviderDefaultTags(tags=dict(tags))],
    )
