"""What AWS limits is refused before anything is synthesized, with the limit and its source."""

from __future__ import annotations

import copy
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stacks.settings import parse_environments
from stacks.settings.quotas import BUCKET, NAME_LIMITS, names
from tests.unit.settings.test_settings import problems, valid


def environment(*pipelines: str, **settings: Any) -> dict[str, Any]:
    """An environment with pipelines of these names.

    Each has two rules, new files and the sweep; the environment has one for its quarantine and one
    for the runs of every 25 pipelines.
    """
    dev = valid()["dev"]
    orders = dev["pipelines"]["orders"]
    return {
        **dev,
        **settings,
        "pipelines": {name: {**orders, "prefix": f"{name}/"} for name in pipelines},
    }


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
    name: str, pipeline: str, resource: str | None, longest: int, shorter: int
) -> None:
    environments = {name: environment(pipeline)}
    if resource is None:
        parse_environments(environments)
        return
    message = problems(environments)
    assert f"environment {name!r}" in message
    assert f"its {resource} would be called 'burst-{name}-" in message
    assert f"Allowed: {longest} (" in message
    assert any(limit.source in message for limit in NAME_LIMITS.values())
    assert f"that is {shorter} shorter" in message


words = st.text(alphabet="ab-", min_size=1, max_size=48).filter(
    lambda text: text[0] != "-" and text[-1] != "-" and "--" not in text
)


@given(words.filter(lambda text: len(text) <= 32), words)
def test_names_are_refused_exactly_when_one_of_them_is_longer_than_aws_allows(
    name: str, pipeline: str
) -> None:
    environments = {name: environment(pipeline, encryption="sse-kms")}
    role = len(f"burst-{name}-{pipeline}-events") > 64
    rule = len(f"burst-{name}-{pipeline}-sweep") > 64
    queue = len(f"burst-{name}-{pipeline}-undelivered") > 80
    bucket = len(f"burst-{name}-landing-") > 37
    if role or rule or queue or bucket:
        assert "would be called" in problems(environments)
    else:
        settings = parse_environments(environments)[name]
        for item in names(name, settings):
            assert len(item.name) <= NAME_LIMITS[item.kind].longest, item


def test_two_environments_whose_names_join_to_the_same_name_are_refused() -> None:
    message = problems({"dev": environment("a-b"), "dev-a": environment("b")})
    assert "environment 'dev-a', pipeline 'b'" in message
    assert "'burst-dev-a-b', as that of environment 'dev', pipeline 'a-b' is" in message
    assert "Allowed: names of environments and pipelines that differ when joined" in message
    assert len(message.splitlines()) == 1


def test_pipeline_whose_rule_would_be_called_like_the_sweep_of_another_is_refused() -> None:
    message = problems({"dev": environment("orders", "orders-sweep")})
    assert "its rule would be called 'burst-dev-orders-sweep'" in message
    assert "environment 'dev', pipeline 'orders' is" in message
    assert "environment 'dev', pipeline 'orders-sweep'" in message


def test_the_same_names_in_different_accounts_are_allowed() -> None:
    parse_environments(
        {
            "dev": environment("a-b", account_id="111122223333"),
            "dev-a": environment("b", account_id="444455556666"),
        }
    )


def test_iam_knows_no_regions_so_another_region_does_not_help() -> None:
    environments = {
        "dev": environment("a-b", account_id="111122223333"),
        "dev-a": environment("b", account_id="111122223333", region="us-east-1"),
    }
    assert "would be called" in problems(environments)


@pytest.mark.parametrize(
    ("region", "pipelines", "fits"),
    [
        ("eu-central-1", 146, True),
        ("eu-central-1", 147, False),
        ("af-south-1", 48, True),
        ("af-south-1", 49, False),
        ("eu-south-1", 49, False),
    ],
)
def test_more_rules_than_the_bus_of_the_region_holds_are_refused(
    region: str, pipelines: int, fits: bool
) -> None:
    environments = {
        "dev": environment(*(f"p{number}" for number in range(pipelines)), region=region)
    }
    if fits:
        parse_environments(environments)
        return
    rules = 2 * pipelines + math.ceil(pipelines / 25) + 1
    message = problems(environments)
    assert f"environment 'dev': {rules} rules on the event bus of {region}" in message
    assert "event_rules_quota" in message
    environments["dev"]["event_rules_quota"] = rules
    parse_environments(environments)


def test_pipeline_without_a_sweep_has_one_rule_less() -> None:
    environments = {"dev": environment(*(f"p{number}" for number in range(147)))}
    for pipeline in list(environments["dev"]["pipelines"].values())[:2]:
        pipeline["sweep"] = "off"
    parse_environments(environments)


def test_environments_of_an_account_and_region_share_the_bus() -> None:
    many = [f"p{number}" for number in range(74)]
    environments = {"dev": environment(*many), "test": environment(*many)}
    message = problems(environments)
    assert "environment 'dev' and environment 'test': 304 rules" in message
    assert "an account_id for each environment if their accounts differ" in message

    apart = copy.deepcopy(environments)
    apart["dev"]["account_id"] = "111122223333"
    parse_environments(apart)

    raised = copy.deepcopy(environments)
    raised["dev"]["event_rules_quota"] = 304
    parse_environments(raised)
    raised["test"]["event_rules_quota"] = 303
    assert "up to 303 fit" in problems(raised)

    elsewhere = copy.deepcopy(environments)
    elsewhere["dev"]["region"] = "us-east-1"
    parse_environments(elsewhere)


def test_run_that_could_cost_more_than_the_environment_allows_is_refused() -> None:
    environments = {"dev": environment("orders", max_dpu_hours_per_run=10)}
    job = {"worker_type": "G.2X", "number_of_workers": 5, "timeout_minutes": 60}
    environments["dev"]["pipelines"]["orders"]["job"] = job
    parse_environments(environments)
    job["timeout_minutes"] = 61
    message = problems(environments)
    assert "environment 'dev', pipeline 'orders', field 'job'" in message
    assert "5 workers of type G.2X may take 61 minutes, which is 10.1667 DPU-hours" in message
    assert "Allowed: 10, as max_dpu_hours_per_run" in message


def test_every_limit_on_a_name_has_its_source_and_is_used() -> None:
    landing = {"name": "uploads", "versioned": True, "events": "cloudtrail"}
    settings = parse_environments(
        {"dev": environment("orders", encryption="sse-kms", existing_landing=landing)}
    )["dev"]
    assert {item.kind for item in names("dev", settings)} == set(NAME_LIMITS)
    assert BUCKET in NAME_LIMITS
    for limit in NAME_LIMITS.values():
        assert "reference" in limit.source or "Terraform" in limit.source
