"""What is no plan is said in a sentence; what is one is read as Terraform means it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.review.plans import bucket, document, plan, resource
from tools.review.dangers import errored
from tools.review.errors import PlanError
from tools.review.plan import Action
from tools.review.reading import read_plan


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "plan.json is empty"),
        (b" \n", "plan.json is empty"),
        (b"PK\x03\x04rest of a zip", "`terraform show -json plan.json`"),
        (b"hello", "is not JSON (line 1)"),
        (b'{"format_version": "1.2", "resource_ch', "or cut short"),
        (b"\xff\xfe\xff", "is not JSON"),
        (b"[" * 100_000, "plan.json is"),
        (b"[]", "no plan of Terraform's"),
        (b"3", "no plan of Terraform's"),
        (b'{"a": 1}', "no plan of Terraform's"),
        (b'{"format_version": "2.0"}', '"2.0", which is not supported'),
        (b'{"format_version": "0.2", "planned_values": {}}', "is not supported: version 1"),
        (b'{"format_version": 1}', "plan.json is"),
        (b'{"format_version": "1.0", "values": {"root_module": {}}}', "is a state, not a plan"),
        (b'{"format_version": "1.0", "terraform_version": "1.11.4"}', "is a state, not a plan"),
        (
            b'{"@level":"info","type":"version"}\n{"@level":"info","type":"planned_change"}\n',
            "the log that `terraform plan -json` prints",
        ),
        (
            b'{"format_version": "1.2", "resource_changes": [{"address": 3}]}',
            "resource_changes.0.address",
        ),
        (b'{"format_version": "1.2", "resource_changes": {"a": 1}}', "resource_changes"),
    ],
)
def test_what_is_no_plan_is_one_sentence_that_says_what_to_do(content: bytes, what: str) -> None:
    with pytest.raises(PlanError) as error:
        read_plan(content, source="plan.json")
    assert what in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_plan_is_read_in_whatever_encoding_a_shell_wrote_it(encoding: str) -> None:
    content = json.dumps(document(bucket(after={"bucket": "Über"})), ensure_ascii=False)
    read, _ = read_plan(content.encode(encoding), source="plan.json")
    assert read.changes[0].after == {"bucket": "Über"}


@pytest.mark.parametrize(
    ("actions", "action"),
    [
        (["no-op"], Action.NO_OP),
        (["create"], Action.ADD),
        (["update"], Action.CHANGE),
        (["delete"], Action.DESTROY),
        (["delete", "create"], Action.REPLACE),
        (["create", "delete"], Action.REPLACE),
        (["forget"], Action.FORGET),
        (["create", "forget"], Action.FORGET),
        # A later Terraform may say what nobody knows today: never take that for harmless.
        (["delete", "something-new"], Action.DESTROY),
        (["something-new"], Action.CHANGE),
    ],
)
def test_actions_are_read_as_terraform_means_them(actions: list[str], action: Action) -> None:
    assert plan(bucket({}, {}, actions=actions)).changes[0].action is action


def test_data_sources_are_no_resources() -> None:
    source = resource("aws_caller_identity", None, {"id": "1"}, actions=["read"]) | {"mode": "data"}
    assert plan(source).changes[0].action is Action.READ


@pytest.mark.parametrize(
    "more",
    [
        {"planned_values": {"outputs": 3}},
        {"planned_values": {"outputs": {"environment": {"sensitive": True, "value": "dev"}}}},
        {"planned_values": {}, "resource_drift": None, "configuration": {"root_module": []}},
    ],
)
def test_plan_without_a_plain_environment_has_no_stack(more: dict[str, Any]) -> None:
    assert plan(**more).stack is None


def test_plan_that_destroys_everything_says_of_what() -> None:
    destroyed = {
        "actions": ["delete"],
        "before": "dev",
        "after": None,
        "before_sensitive": False,
        "after_sensitive": False,
    }
    more = {"planned_values": {}, "output_changes": {"environment": destroyed}}
    assert plan(**more).stack == "dev"
    assert plan(**more | {"output_changes": {}}).stack is None


def test_unknown_values_are_there_though_the_plan_leaves_them_out() -> None:
    read = plan(bucket(None, {"tags": ["a"]}, unknown={"arn": True, "tags": [False, True]}))
    assert str(read.changes[0].after["arn"]) == "(known after apply)"
    assert [str(tag) for tag in read.changes[0].after["tags"]] == ["a", "(known after apply)"]


def test_plan_that_terraform_could_not_finish_names_what_it_would_have_destroyed() -> None:
    read = plan(bucket({"bucket": "b"}, {}, actions=["delete", "create"]), errored=True)
    message = errored(read, "plan.json")
    assert "plan.json is a plan that Terraform could not finish" in message
    assert "landing bucket (aws_s3_bucket.landing_bucket_34B0CCFA)" in message
    assert "`prevent_destroy`" in message
