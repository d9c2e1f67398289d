"""The most that the roles of an environment may do, where a workflow deploys it."""

from __future__ import annotations

from cdktf import TerraformStack
from cdktf_cdktf_provider_aws.data_aws_partition import DataAwsPartition
from cdktf_cdktf_provider_aws.iam_role import IamRole

from stacks.environment import Environment
from stacks.settings.github import policy_name


def bound_roles(stack: TerraformStack, environment: Environment) -> None:
    """Put every role that the stack has into the boundary that the deploy role is bound to give.

    The boundary is in the stack of the GitHub roles, which is deployed before this one. Without
    it, anybody who may make a role and write its policy could take any right.
    """
    partition = DataAwsPartition(stack, "partition").partition
    name = policy_name(environment.name, "boundary")
    boundary = f"arn:{partition}:iam::{environment.account_id}:policy/{name}"
    for part in stack.node.find_all():
        if isinstance(part, IamRole):
            part.permissions_boundary = boundary
