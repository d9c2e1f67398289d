"""What is configured is allowed, becomes a stack for each environment, and nothing clashes."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping

import pytest
from stacks.settings.quotas import NAME_LIMITS

from stacks.settings import EnvironmentSettings, SettingsError, read_settings
from tests.synth.sample_arns import resolved
from tests.synth.synthesized import Synthesized
from tests.synth.test_names_and_limits import given_names
from tests.yours.configured import SETTINGS, environments, pipelines

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


def test_settings_are_allowed() -> None:
    try:
        read_settings(SETTINGS)
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


def test_every_name_is_one_that_aws_takes(stack: Synthesized) -> None:
    for kind, name in given_names(stack):
        longest = NAME_LIMITS[kind].longest
        assert len(name) <= longest, (
            f"The {kind} {name} has a name of {len(name)} characters; AWS takes {longest}. Give "
            "the environment or the pipeline a shorter name."
        )


def test_every_policy_is_as_short_as_aws_demands(stack: Synthesized) -> None:
    for policy in stack.policies():
        longest = LONGEST_POLICY.get((policy.kind, policy.attribute))
        text = json.dumps(json.loads(resolved(json.dumps(policy.document))), separators=(",", ":"))
        assert longest is None or len(text) <= longest, (
            f"{policy} has {len(text)} characters; AWS takes {longest}. Divide the pipelines "
            "among more environments."
        )


def test_no_two_stacks_of_one_account_and_region_give_the_same_name(
    every_stack: Mapping[str, Synthesized],
) -> None:
    for (one, its), (other, others) in itertools.combinations(environments().items(), 2):
        if its.region != others.region or (
            its.account_id and others.account_id and its.account_id != others.account_id
        ):
            continue
        both = given_names(every_stack[one]) & given_names(every_stack[other])
        assert not both, f"Both {one!r} and {other!r} would make {sorted(both)}: rename one."


def test_no_file_belongs_to_two_pipelines() -> None:
    for (one, its), (other, others) in itertools.permutations(pipelines().items(), 2):
        if its[0] == others[0]:
            assert not its[2].prefix.startswith(others[2].prefix), (
                f"A file under {its[2].prefix!r} would start both {one!r} and {other!r}."
            )
