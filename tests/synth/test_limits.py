"""What AWS limits is refused before anything is synthesized, with the limit and its source."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from cdktf import App

from stacks.burst_stack import BurstStack
from stacks.limits import (
    NAME_LIMITS,
    RULE,
    AwsName,
    JobSize,
    Made,
    broken_limits,
    check_limits,
    made_by,
)
from stacks.settings import SettingsError, parse_environments
from tests import example
from tests.synth.conftest import Synth
from tests.synth.synthesized import Synthesized

# Attributes that hold a name, and the kinds whose name only has a meaning inside another resource.
NAME_ATTRIBUTES = ("name", "bucket_prefix", "alarm_name", "dashboard_name")
INSIDE_ANOTHER = {"aws_iam_role_policy", "aws_glue_catalog_table"}
CLOUDTRAIL = {"existing_landing": {"name": "uploads", "versioned": True, "events": "cloudtrail"}}


def environment(*pipelines: str, **settings: Any) -> dict[str, Any]:
    """The shipped environment `dev` with pipelines of these names."""
    dev = example.environments()["dev"]
    orders = dev["pipelines"]["orders"] | {"transform": "orders"}
    return {
        **dev,
        **settings,
        "pipelines": {name: {**orders, "prefix": f"{name}/"} for name in pipelines},
    }


def stacks(folder: Path, environments: Mapping[str, Any]) -> list[BurstStack]:
    app = App(outdir=str(folder / "cdktf.out"))
    parsed = parse_environments(environments)
    return [BurstStack(app, name, settings) for name, settings in parsed.items()]


def problems(folder: Path, environments: Mapping[str, Any]) -> str:
    """What `main.py` would say; empty where all is well."""
    try:
        check_limits(stacks(folder, environments))
    except SettingsError as refused:
        return str(refused)
    return ""


# ---- names --------------------------------------------------------------------------------------


def written_names(stack: Synthesized) -> set[tuple[str, str]]:
    """Kind and name of every resource that has one in `cdk.tf.json`, references followed."""

    def value(match: re.Match[str]) -> str:
        kind, resource, attribute = match[1].split(".")
        return str(stack.document["resource"][kind][resource][attribute])

    return {
        (kind, re.sub(r"\$\{([^}]+)\}", value, item[attribute]))
        for kind in stack.document["resource"]
        if kind not in INSIDE_ANOTHER
        for item in stack.resources(kind).values()
        for attribute in NAME_ATTRIBUTES
        if attribute in item
    }


@pytest.mark.parametrize(
    "changes",
    [{"encryption": "sse-s3"}, {"encryption": "sse-kms"}, CLOUDTRAIL],
    ids=["sse-s3", "sse-kms", "cloudtrail"],
)
def test_every_name_that_is_written_is_checked(
    synth: Synth, tmp_path: Path, changes: Mapping[str, Any]
) -> None:
    environments = {"dev": environment("orders", "web-returns", **changes)}
    [made] = map(made_by, stacks(tmp_path, environments))
    assert written_names(synth(environments)["dev"]) == {
        (item.kind, item.name) for item in made.names
    }
    # What carries a pipeline's name is the pipeline's.
    for item in made.names:
        named = [name for name in ("orders", "web-returns") if re.search(f"[-/]{name}", item.name)]
        assert [item.pipeline] == (named or [None]), item


def test_every_limit_on_a_name_has_its_source_and_is_used(tmp_path: Path) -> None:
    everything = environment("orders", encryption="sse-kms", **CLOUDTRAIL)
    [made] = map(made_by, stacks(tmp_path, {"dev": everything}))
    assert {item.kind for item in made.names} == set(NAME_LIMITS)
    for limit in NAME_LIMITS.values():
        assert "reference" in limit.source or "Terraform" in limit.source


@pytest.mark.parametrize(
    ("name", "pipeline", "resource", "longest", "shorter"),
    [
        ("dev", "o" * 48, "IAM role", 64, 1),
        ("d" * 16, "o" * 48, "IAM role", 64, 14),
        ("d" * 22, "o" * 28, None, 0, 0),
        ("d" * 22, "o" * 29, "IAM role", 64, 1),
        ("d" * 23, "orders", "bucket prefix", 37, 1),
        ("d" * 32, "orders", "bucket prefix", 37, 10),
    ],
)
def test_name_that_is_too_long_with_its_suffix_is_refused_with_the_limit_and_its_source(
    tmp_path: Path, name: str, pipeline: str, resource: str | None, longest: int, shorter: int
) -> None:
    message = problems(tmp_path, {name: environment(pipeline, encryption="sse-kms")})
    if resource is None:
        assert message == ""
        return
    assert message.startswith(f"cdktf.json: environment {name!r}")
    assert f"its {resource} would be called 'burst-{name}-" in message
    assert f"Allowed: {longest} (" in message
    assert any(limit.source in message for limit in NAME_LIMITS.values())
    assert f"that is {shorter} shorter" in message
    assert len(message.splitlines()) == 1


@pytest.mark.parametrize("kind", NAME_LIMITS)
@pytest.mark.parametrize(("beyond", "refused"), [(0, False), (1, True)])
def test_limit_of_every_kind_is_the_last_length_that_is_allowed(
    kind: str, beyond: int, refused: bool
) -> None:
    name = "n" * (NAME_LIMITS[kind].longest + beyond)
    assert any(broken_limits([made(names=[AwsName(kind, name, "dev")])])) is refused


def test_two_environments_whose_names_join_to_the_same_name_are_refused(tmp_path: Path) -> None:
    message = problems(tmp_path, {"dev": environment("a-b"), "dev-a": environment("b")})
    assert "environment 'dev-a', pipeline 'b': its rule would be called" in message
    assert "'burst-dev-a-b', as that of environment 'dev', pipeline 'a-b' is" in message
    assert "Allowed: names of environments and pipelines that differ when joined" in message
    assert len(message.splitlines()) == 1


def test_pipeline_whose_rule_would_be_called_like_the_sweep_of_another_is_refused(
    tmp_path: Path,
) -> None:
    message = problems(tmp_path, {"dev": environment("orders", "orders-sweep")})
    assert "its rule would be called 'burst-dev-orders-sweep'" in message
    assert "environment 'dev', pipeline 'orders' is" in message
    assert "environment 'dev', pipeline 'orders-sweep'" in message


ONE, OTHER = "111122223333", "444455556666"


@pytest.mark.parametrize(
    ("accounts", "regions", "refused"),
    [
        ((ONE, OTHER), ("eu-central-1", "eu-central-1"), False),
        # IAM knows no regions, so another region does not help.
        ((ONE, ONE), ("eu-central-1", "us-east-1"), True),
        ((ONE, None), ("eu-central-1", "eu-central-1"), True),
    ],
)
def test_the_same_names_are_allowed_in_different_accounts_only(
    accounts: Sequence[str | None], regions: Sequence[str], refused: bool
) -> None:
    same = [
        made(
            name,
            names=[AwsName("aws_iam_role", "burst-dev-a-b-job", name, "b")],
            account_id=account,
            region=region,
        )
        for name, account, region in zip(("dev", "dev-a"), accounts, regions, strict=True)
    ]
    assert any("would be called" in one.sentence for one in broken_limits(same)) is refused


# ---- rules and costs ----------------------------------------------------------------------------


def made(
    name: str = "dev",
    *,
    names: Sequence[AwsName] = (),
    jobs: Sequence[JobSize] = (),
    **settings: Any,
) -> Made:
    """What a stack would make, without the stack."""
    given = {key: value for key, value in settings.items() if value is not None}
    return Made(name, parse_environments({name: environment("orders", **given)})[name], names, jobs)


def rules(count: int, name: str = "dev") -> list[AwsName]:
    return [AwsName(RULE, f"burst-{name}-{number}", name) for number in range(count)]


@pytest.mark.parametrize("pipelines", [1, 26])
def test_every_rule_of_an_environment_counts(tmp_path: Path, pipelines: int) -> None:
    """Two per pipeline, one per 25 jobs whose runs are watched, and one for the quarantine."""
    many = environment(*(f"p{number}" for number in range(pipelines)))
    many["pipelines"]["p0"]["sweep"] = "off"
    [read] = map(made_by, stacks(tmp_path, {"dev": many}))
    counted = sum(item.kind == RULE for item in read.names)
    assert counted == 2 * pipelines - 1 + math.ceil(pipelines / 25) + 1


@pytest.mark.parametrize(
    ("region", "most"), [("eu-central-1", 300), ("af-south-1", 100), ("eu-south-1", 100)]
)
def test_more_rules_than_the_bus_of_the_region_holds_are_refused(region: str, most: int) -> None:
    assert list(broken_limits([made(names=rules(most), region=region)])) == []
    [broken] = broken_limits([made(names=rules(most + 1), region=region)])
    message = broken.sentence
    assert f"environment 'dev': {most + 1} rules on the event bus of {region}" in message
    assert f"where up to {most} fit" in message
    raised = made(names=rules(most + 1), region=region, event_rules_quota=most + 1)
    assert list(broken_limits([raised])) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "environment 'dev' and environment 'test': 304 rules"),
        ({}, "an account_id for each environment if their accounts differ"),
        ({"account_id": ONE}, None),
        ({"region": "us-east-1"}, None),
        ({"event_rules_quota": 304}, None),
        ({"event_rules_quota": 303}, "up to 303 fit"),
    ],
)
def test_environments_of_an_account_and_region_share_the_bus(
    changes: Mapping[str, Any], said: str | None
) -> None:
    sharing = [made(names=rules(152), **changes), made("test", names=rules(152, "test"))]
    messages = "".join(one.sentence for one in broken_limits(sharing))
    assert said in messages if said else messages == ""


def test_run_that_could_cost_more_than_the_environment_allows_is_refused(tmp_path: Path) -> None:
    limited = environment("orders", max_dpu_hours_per_run=10)
    job = {"worker_type": "G.2X", "number_of_workers": 5, "timeout_minutes": 60}
    limited["pipelines"]["orders"]["job"] = job
    assert problems(tmp_path, {"dev": limited}) == ""
    job["timeout_minutes"] = 61
    message = problems(tmp_path, {"dev": limited})
    assert "environment 'dev', pipeline 'orders', field 'job'" in message
    assert "5 workers of type G.2X may take 61 minutes, which is 10.1667 DPU-hours" in message
    assert "Allowed: 10, as max_dpu_hours_per_run" in message
