"""What a plan that removes a pipeline, or a part of it, says about its files."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.review.plans import bucket, page, resource, reviewed
from tools.review.dangers import Kind

ARGUMENTS = {"--prefix": "trips/", "--suffix": ""}


def part(type_: str, kind: str, before: dict[str, Any], after: Any = None) -> dict[str, Any]:
    return resource(type_, before, after, name=f"pipeline-trips_{kind}_12345678")


def removed(arguments: dict[str, str] = ARGUMENTS) -> list[dict[str, Any]]:
    return [
        part("aws_glue_job", "job", {"name": "t", "default_arguments": arguments}),
        part("aws_glue_workflow", "workflow", {"name": "t"}),
        part("aws_glue_trigger", "workflow_trigger", {"name": "t", "type": "EVENT"}),
        part("aws_cloudwatch_event_rule", "routing_rule", {"name": "t"}),
    ]


def other(prefix: str, **more: Any) -> dict[str, Any]:
    arguments = {"default_arguments": {"--prefix": prefix, "--suffix": ""}}
    return resource("aws_glue_job", arguments, arguments, actions=["no-op"], **more)


KEPT = other("orders/")


@pytest.mark.parametrize(
    ("arguments", "keys"),
    [
        (ARGUMENTS, "trips/"),
        ({"--prefix": "trips/", "--suffix": ".csv"}, "trips/*.csv"),
    ],
)
def test_removed_pipeline_is_one_finding_that_says_what_becomes_of_its_files(
    arguments: dict[str, str], keys: str
) -> None:
    text = page(*removed(arguments), KEPT)
    assert (
        f"> - **pipeline trips** (`{keys}`) is destroyed: Its files are no longer taken: they stay "
        "in landing. Its rows in curated and its files in archive and quarantine stay.\n" in text
    )
    assert "the sweep or a start by hand" not in text


@pytest.mark.parametrize(
    ("kept", "said"),
    [
        (other("trips/"), "The pipeline orders takes its files from now on."),
        (other(""), "The pipeline orders takes its files from now on."),
        (other("trips/2025/"), "Its files are no longer taken: they stay in landing."),
        (
            resource("aws_glue_job", None, {"name": "x"}, unknown={"default_arguments": True}),
            "Its files stay in landing, unless another pipeline takes them.",
        ),
    ],
)
def test_pipeline_that_takes_over_the_files_is_named(kept: dict[str, Any], said: str) -> None:
    (gone,) = (d for d in reviewed(*removed(), kept).dangers if d.kind is Kind.PIPELINES)
    assert gone.consequence.startswith(said)


def test_pipeline_that_goes_with_the_lake_keeps_nothing() -> None:
    lake = bucket({"bucket": "lake"}, None, name="lake_bucket_7B773D1A")
    found = reviewed(*removed(), lake).dangers
    (gone,) = (danger for danger in found if danger.kind is Kind.PIPELINES)
    assert gone.consequence == "Its files are no longer taken: they stay in landing."


def test_last_pipelines_take_the_trail_and_the_notification_with_them() -> None:
    name = "landing_notification_12345678"
    notification = resource("aws_s3_bucket_notification", {"eventbridge": True}, None, name=name)
    kinds = [danger.kind for danger in reviewed(*removed(), notification).dangers]
    assert Kind.EVENTS not in kinds
    still = [danger.kind for danger in reviewed(*removed(), KEPT, notification).dangers]
    assert Kind.EVENTS in still


def test_trigger_that_goes_alone_says_that_nothing_starts_the_job() -> None:
    trigger = part("aws_glue_trigger", "workflow_trigger", {"type": "EVENT"})
    (danger,) = reviewed(trigger, KEPT).dangers
    assert "Neither events nor the sweep start the job any more" in danger.consequence
