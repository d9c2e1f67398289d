"""What is configured is allowed, and becomes a stack for each environment."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from cdktf import App

from stacks.burst_stack import BurstStack
from stacks.limits import check_limits
from stacks.pipeline.transforms import find_transforms
from stacks.settings import EnvironmentSettings, SettingsError, read_settings
from tests.synth.sample_arns import resolved
from tests.synth.synthesized import Synthesized
from tests.yours.configured import SETTINGS, environments

KIB = 1024
# Characters of a policy without white space (IAM user guide, "IAM and AWS STS quotas"; S3 user
# guide, "Bucket policies"; KMS developer guide, "Resource quotas").
LONGEST_POLICY = {
    ("aws_iam_role_policy", "policy"): 10_240,
    ("aws_iam_policy", "policy"): 6_144,
    ("aws_iam_role", "assume_role_policy"): 2_048,
    ("aws_s3_bucket_policy", "policy"): 20 * KIB,
    ("aws_kms_key", "policy"): 32 * KIB,
}


def test_settings_are_allowed_and_within_the_limits_of_aws(tmp_path: Path) -> None:
    """Also: no two pipelines take the same file, and no two resources have the same name."""
    try:
        environments = read_settings(SETTINGS).environments
        find_transforms(environments)
        app = App(outdir=str(tmp_path))
        check_limits([BurstStack(app, name, one) for name, one in environments.items()])
    except SettingsError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.mark.parametrize(("name", "settings"), environments().items(), ids=environments())
def test_environment_becomes_a_stack_with_all_its_pipelines(
    name: str, settings: EnvironmentSettings, every_stack: Mapping[str, Synthesized]
) -> None:
    deployed = every_stack[name].document["locals"]["deployed"]
    assert deployed.keys() == settings.pipelines.keys(), (
        f"The stack of {name!r} deploys other pipelines than cdktf.json configures."
    )


def test_every_policy_is_as_short_as_aws_demands(stack: Synthesized) -> None:
    for policy in stack.policies():
        longest = LONGEST_POLICY.get((policy.kind, policy.attribute))
        text = json.dumps(json.loads(resolved(json.dumps(policy.document))), separators=(",", ":"))
        assert longest is None or len(text) <= longest, (
            f"{policy} has {len(text)} characters; AWS takes {longest}. Divide the pipelines "
            "among more environments."
        )
