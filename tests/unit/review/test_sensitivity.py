"""What Terraform marks as sensitive is nowhere in a review, whatever else the plan holds."""

from __future__ import annotations

import io
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from tests.unit.review.plans import allow, document, policy, resource
from tools.review import markdown, terminal
from tools.review.page import page_of
from tools.review.plan import Sensitive
from tools.review.reading import read_plan
from tools.review.review import review
from tools.review.sensitivity import REDACTED, Redactor, masked

# A secret differs from all other text by these characters.
SECRETS = st.text(st.sampled_from("ЖЩЮЯ"), min_size=8, max_size=12)
KEYS = st.sampled_from(["policy", "name", "default_arguments", "--columns", "rule", "tags", "id"])
TYPES = st.sampled_from(
    [
        "aws_iam_role_policy",
        "aws_iam_role",
        "aws_s3_bucket",
        "aws_glue_job",
        "aws_sqs_queue",
        "aws_s3_bucket_lifecycle_configuration",
        "aws_cloudwatch_event_rule",
        "aws_iam_role_policy_attachment",
    ]
)


@st.composite
def values(draw: st.DrawFn, depth: int = 3) -> tuple[Any, Any]:
    """A value and its marks: every text with a secret in it is marked, here or above."""
    kind = draw(st.sampled_from(["plain", "secret", "policy", "map", "list", "all"]))
    if kind == "secret":
        return draw(SECRETS), True
    if kind == "policy":
        return policy(allow(on=draw(SECRETS))), True
    if kind == "plain" or depth == 0:
        return draw(st.sampled_from(["plain", "", 1, 0, True, None, policy(allow())])), False
    below = values(depth=depth - 1)
    if kind == "list":
        items = draw(st.lists(below, max_size=3))
        return [value for value, _ in items], [mark for _, mark in items]
    entries = draw(st.dictionaries(KEYS, below, max_size=3))
    value = {key: item for key, (item, _) in entries.items()}
    return value, True if kind == "all" else {key: mark for key, (_, mark) in entries.items()}


@st.composite
def resources(draw: st.DrawFn) -> dict[str, Any]:
    """A change of a resource with secrets in any attribute, before and after."""
    sides = [draw(st.dictionaries(KEYS, values(), max_size=4)) for _ in range(2)]
    plain = [{key: value for key, (value, _) in side.items()} for side in sides]
    marks = [{key: mark for key, (_, mark) in side.items()} for side in sides]
    actions = draw(st.sampled_from([["update"], ["delete", "create"], ["create"], ["delete"]]))
    return resource(
        draw(TYPES),
        None if actions == ["create"] else plain[0],
        None if actions == ["delete"] else plain[1],
        actions=actions,
        marks=(marks[0], marks[1]),
        replace_paths=[[key] for key in plain[0]],
        name=draw(st.sampled_from(["pipeline-orders_job_BBA96BCE", "landing_bucket_34B0CCFA"])),
    )


def everything_that_is_printed(content: dict[str, Any], text: str = "") -> str:
    plan, redact = read_plan(json.dumps(content).encode(), source="plan.json")
    page = page_of(review(plan))
    console = Console(file=io.StringIO(), width=200)
    terminal.show(console, page, plan_text=redact(text))
    return markdown.render(page, plan_text=redact(text)) + console.file.getvalue()  # type: ignore[attr-defined]


@given(st.lists(resources(), max_size=3), st.lists(resources(), max_size=2), values())
def test_no_sensitive_value_is_ever_printed(
    changes: list[dict[str, Any]], drift: list[dict[str, Any]], output: tuple[Any, Any]
) -> None:
    outputs = {
        "secret": {
            "actions": ["update"],
            "before": output[0],
            "after": [output[0]],
            "before_sensitive": output[1],
            "after_sensitive": [output[1]],
        }
    }
    content = document(*changes, drift=tuple(drift), output_changes=outputs)
    printed = everything_that_is_printed(content)
    assert not set("ЖЩЮЯ") & set(printed)


def test_sensitive_value_is_redacted_where_nothing_marks_it_and_in_the_plan_text() -> None:
    secret = 'hunter2 "and\nmore of it'
    job = resource(
        "aws_glue_job",
        {"default_arguments": {"--password": "old-password", "--url": "x://old-password@host"}},
        {"default_arguments": {"--password": secret, "--url": f"x://{secret}@host"}},
        marks=({"default_arguments": {"--password": True}},) * 2,
    )
    text = '  url = "x://old-password@host"\n  new = "hunter2 \\"and\\nmore of it"\n   more of it'
    printed = everything_that_is_printed(document(job), text)
    assert "password@" not in printed
    assert "hunter2" not in printed
    assert "more of it" not in printed
    assert "--password" in printed
    assert REDACTED in printed


def test_sensitive_variable_is_redacted() -> None:
    content = document(
        variables={"password": {"value": "correct-horse"}, "region": {"value": "eu-central-1"}},
        configuration={"root_module": {"variables": {"password": {"sensitive": True}}}},
    )
    assert "correct-horse" not in everything_that_is_printed(content, 'x = "correct-horse"')
    assert "eu-central-1" in everything_that_is_printed(content, 'x = "eu-central-1"')


def test_change_of_a_sensitive_value_is_seen_and_an_equal_one_is_none() -> None:
    one, same, other = (
        masked(value, None, True, Redactor()) for value in ("secret", "secret", "other")
    )
    assert one == same
    assert one != other
    assert isinstance(one, Sensitive)
    assert "secret" not in repr(one).replace("(sensitive", "").replace("Sensitive", "")


def test_short_text_is_not_redacted_because_it_occurs_everywhere() -> None:
    assert Redactor(["dev", "true"])("dev is true") == "dev is true"
