"""Every name that the stacks give stands among those that the settings check against AWS."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest

from stacks.settings import parse_environments
from stacks.settings.quotas import NAME_LIMITS, AwsName, names
from tests.synth.conftest import Synth
from tests.synth.synthesized import Synthesized

# Attributes that hold a name, and the kinds whose name only has a meaning inside another resource.
NAME_ATTRIBUTES = ("name", "bucket_prefix", "alarm_name", "dashboard_name")
INSIDE_ANOTHER = {"aws_iam_role_policy", "aws_glue_catalog_table"}


def given_names(stack: Synthesized) -> set[tuple[str, str]]:
    """Kind and name of every resource that has one, references followed."""
    return {
        (kind, _follow(stack, item[attribute]))
        for kind in stack.document["resource"]
        if kind not in INSIDE_ANOTHER
        for item in stack.resources(kind).values()
        for attribute in NAME_ATTRIBUTES
        if attribute in item
    }


def _follow(stack: Synthesized, name: str) -> str:
    def value(match: re.Match[str]) -> str:
        kind, resource, attribute = match[1].split(".")
        return str(stack.document["resource"][kind][resource][attribute])

    return re.sub(r"\$\{([^}]+)\}", value, name)


@pytest.mark.parametrize(
    "changes",
    [
        {"encryption": "sse-s3"},
        {"encryption": "sse-kms"},
        {"existing_landing": {"name": "uploads", "versioned": True, "events": "unmanaged"}},
        {"existing_landing": {"name": "uploads", "versioned": True, "events": "cloudtrail"}},
    ],
)
def test_settings_know_every_name_that_the_stack_gives(
    synth: Synth, two_pipelines: Mapping[str, Any], changes: Mapping[str, Any]
) -> None:
    environment = {**two_pipelines, **changes}
    settings = parse_environments({"dev": environment})["dev"]
    known = {(item.kind, item.name) for item in names("dev", settings)}
    assert given_names(synth({"dev": environment})["dev"]) == known


def test_longest_names_that_the_settings_allow_are_within_every_limit(
    synth: Synth, two_pipelines: Mapping[str, Any]
) -> None:
    environment, pipeline = "e" * 22, "p" * 28
    orders = two_pipelines["pipelines"]["orders"]
    longest = {
        **two_pipelines,
        "encryption": "sse-kms",
        "pipelines": {pipeline: {**orders, "transform": "orders"}},
    }
    stack = synth({environment: longest})[environment]
    for kind, name in given_names(stack):
        assert len(name) <= NAME_LIMITS[kind].longest, (kind, name)


def test_owner_of_a_name_is_said_in_the_words_of_the_settings() -> None:
    assert AwsName("aws_glue_job", "x", "dev").owner == "environment 'dev'"
    assert AwsName("aws_glue_job", "x", "dev", "orders").owner == (
        "environment 'dev', pipeline 'orders'"
    )


def test_environment_with_an_account_works_in_no_other(
    synth: Synth, two_pipelines: Mapping[str, Any], stack: Synthesized
) -> None:
    environment = {**two_pipelines, "account_id": "111122223333"}
    (provider,) = synth({"dev": environment})["dev"].document["provider"]["aws"]
    assert provider["allowed_account_ids"] == ["111122223333"]
    assert "allowed_account_ids" not in stack.document["provider"]["aws"][0]


def test_limit_of_workflow_runs_is_set_only_where_the_settings_ask_for_it(
    synth: Synth, two_pipelines: Mapping[str, Any]
) -> None:
    pipelines = two_pipelines["pipelines"]
    limited = {**pipelines["orders"], "workflow_max_concurrent_runs": 2}
    environment = {**two_pipelines, "pipelines": {**pipelines, "orders": limited}}
    workflows = synth({"dev": environment})["dev"].resources("aws_glue_workflow")
    assert {path: item.get("max_concurrent_runs") for path, item in workflows.items()} == {
        "pipeline-orders/workflow/workflow": 2,
        "pipeline-web-returns/workflow/workflow": None,
    }


def test_pipelines_share_buckets_code_key_database_and_alerts_and_nothing_else(
    encrypted: Synthesized,
) -> None:
    shared = {"landing", "lake", "code", "encryption", "catalog", "alerts", "dashboard"}
    for kind in encrypted.document["resource"]:
        rooms = [path.split("/")[0] for path in encrypted.resources(kind)]
        orders, returns = (rooms.count(f"pipeline-{name}") for name in ("orders", "web-returns"))
        assert orders == returns, kind
        assert set(rooms) <= shared | {"pipeline-orders", "pipeline-web-returns"}, kind
