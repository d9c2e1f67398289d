"""Settings, drift, the rest, and what the synthesized stack adds, as a reader sees them."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from tests.unit.review.plans import (
    BUCKET,
    allow,
    bucket,
    deny,
    document,
    page,
    plan,
    policy,
    resource,
    reviewed,
)
from tools.review import markdown
from tools.review.errors import PlanError
from tools.review.page import page_of
from tools.review.reading import read_plan
from tools.review.review import review
from tools.review.sensitivity import Redactor
from tools.review.synthesized import filled, read_stack

A = {"name": "a", "type": "int"}
B = {"name": "b", "type": "date", "source": "Tag", "format": "dd.MM.yyyy"}


def columns(**types: str) -> str:
    return json.dumps([{"name": name, "type": kind} for name, kind in types.items()])


def trigger(**condition: int) -> dict[str, Any]:
    return {"type": "EVENT", "event_batching_condition": [condition]}


@pytest.mark.parametrize(
    ("type_", "before", "after", "row"),
    [
        (
            "aws_glue_trigger",
            trigger(batch_size=10, batch_window=60),
            trigger(batch_size=20, batch_window=60),
            "| `orders` | batch size (events) | `10` | `20` |  |",
        ),
        (
            "aws_glue_trigger",
            trigger(batch_size=10, batch_window=60),
            trigger(batch_size=10, batch_window=900),
            "| `orders` | batch window (seconds) | `60` | `900` |  |",
        ),
        (
            "aws_glue_job",
            {"number_of_workers": 2, "worker_type": "G.2X"},
            {"number_of_workers": 10, "worker_type": "G.2X"},
            "| `orders` | workers | `2` | `10` | at most 4 → 20 DPU for a run |",
        ),
        (
            "aws_glue_job",
            {"number_of_workers": 2, "worker_type": "G.1X"},
            {"number_of_workers": 2, "worker_type": "G.8X"},
            "| `orders` | worker type | `G.1X` | `G.8X` | at most 2 → 16 DPU for a run |",
        ),
        (
            "aws_glue_job",
            {"timeout": 30},
            {"timeout": 60},
            "| `orders` | timeout (minutes) | `30` | `60` |  |",
        ),
        (
            "aws_glue_job",
            {"command": [{"script_location": "s3://lake/artifacts/burst_job-1.py"}]},
            {"command": [{"script_location": "s3://lake/artifacts/burst_job-2.py"}]},
            "| `orders` | job code: script | `burst_job-1.py` | `burst_job-2.py` | other code",
        ),
        (
            "aws_glue_job",
            {"default_arguments": {"--max_files_per_batch": "10"}},
            {"default_arguments": {"--max_files_per_batch": "20"}},
            "| `orders` | argument `--max_files_per_batch` | `10` | `20` |  |",
        ),
        (
            "aws_glue_job",
            {"default_arguments": {"--columns": columns(a="int", b="string")}},
            {"default_arguments": {"--columns": columns(a="bigint", b="string")}},
            "| `orders` | column `a` | `int` | `bigint` | rows that are there already keep",
        ),
        (
            "aws_glue_job",
            {"default_arguments": {"--columns": columns(a="array<struct<sku:string,qty:int>>")}},
            {"default_arguments": {"--columns": columns(a="array<struct<sku:string,ean:date>>")}},
            "| the field a[].ean date is new: null in rows that are there already; the field "
            "a[].qty is gone |",
        ),
        (
            "aws_glue_job",
            {"default_arguments": {"--columns": columns(a="int")}},
            {"default_arguments": {"--columns": columns(a="int", b="date")}},
            "| `orders` | column `b` | `(not set)` | `date` | files without it are bad files",
        ),
        (
            "aws_glue_job",
            {"default_arguments": {"--columns": columns(a="int")}},
            {"default_arguments": {"--columns": json.dumps([A, B | {"optional": True}])}},
            "| `orders` | column `b` | `(not set)` | `date; optional; from 'Tag'; written as "
            "dd.MM.yyyy` | files without it have null in every row |",
        ),
        (
            "aws_glue_job",
            {"default_arguments": {"--columns": json.dumps([A, B | {"optional": True}])}},
            {"default_arguments": {"--columns": json.dumps([A, B])}},
            "| files without it are bad files from now on |",
        ),
        (
            "aws_glue_job",
            {"default_arguments": {"--columns": json.dumps([A, B])}},
            {"default_arguments": {"--columns": json.dumps([A, B | {"format": "d.M.yyyy"}])}},
            "| files must have it like this from now on |",
        ),
        (
            "aws_glue_job",
            {"default_arguments": {"--columns": columns(a="int", b="date")}},
            {"default_arguments": {"--columns": columns(b="date", a="int")}},
            "| `orders` | order of columns | `a, b` | `b, a` |  |",
        ),
        (
            "aws_s3_bucket_lifecycle_configuration",
            {"bucket": "b", "rule": [{"id": "r", "transition": [{"days": 30}]}]},
            {"bucket": "b", "rule": [{"id": "r", "transition": [{"days": 1}]}]},
            "| `orders` | moved to other storage after (days) | `30` | `1` |  |",
        ),
        (
            "aws_glue_catalog_table",
            {"name": "orders", "storage_descriptor": [{"columns": json.loads(columns(a="int"))}]},
            {"name": "orders", "storage_descriptor": [{"columns": json.loads(columns(b="int"))}]},
            "| `orders` | curated column `a` | `int` | `(not set)` |  |",
        ),
        (
            "aws_cloudwatch_event_rule",
            {"state": "ENABLED"},
            {"state": "DISABLED"},
            "| `orders` | rule | `ENABLED` | `DISABLED` | paused: files wait in landing",
        ),
        (
            "aws_cloudwatch_event_rule",
            {"schedule_expression": "rate(1 day)"},
            {"schedule_expression": "rate(1 hour)"},
            "| `orders` | schedule | `rate(1 day)` | `rate(1 hour)` |  |",
        ),
        (
            "aws_cloudwatch_event_rule",
            {"event_pattern": '{"detail": {"object": {"key": [{"prefix": "a/"}]}}}'},
            {"event_pattern": '{"detail":{"object":{"key":[{"prefix":"b/"}]}}}'},
            "| `orders` | events: `detail.object.key.prefix` | `a/` | `b/` |  |",
        ),
        (
            "aws_cloudwatch_log_group",
            {"name": "/burst/dev/orders/error", "retention_in_days": 7},
            {"name": "/burst/dev/orders/error", "retention_in_days": 365},
            "| `/burst/dev/orders/error` | logs kept (days) | `7` | `365` |  |",
        ),
    ],
)
def test_setting_is_shown_old_and_new_and_only_once(
    type_: str, before: Any, after: Any, row: str
) -> None:
    text = page(resource(type_, before, after))
    assert row in text
    assert "Other changes" not in text


def test_two_rules_of_a_paused_pipeline_are_told_apart() -> None:
    states = {"state": "ENABLED"}, {"state": "DISABLED"}
    text = page(
        resource(
            "aws_cloudwatch_event_rule", *states, name="pipeline-orders_routing_rule_A9A50577"
        ),
        resource(
            "aws_cloudwatch_event_rule", *states, name="pipeline-orders_routing_sweep_CAC91B7E"
        ),
    )
    assert "| `orders` | rule | `ENABLED` | `DISABLED` | paused: files wait in landing" in text
    assert "| `orders` | sweep rule | `ENABLED` | `DISABLED` | paused: nothing looks" in text


def test_columns_of_job_and_catalog_are_reported_once() -> None:
    one, other = columns(a="int"), columns(a="bigint")
    text = page(
        resource(
            "aws_glue_job",
            {"default_arguments": {"--curated_columns": one, "--columns": one}},
            {"default_arguments": {"--curated_columns": other, "--columns": other}},
        ),
        resource(
            "aws_glue_catalog_table",
            *({"storage_descriptor": [{"columns": json.loads(side)}]} for side in (one, other)),
        ),
    )
    assert text.count("| `orders` | curated column `a` | `int` | `bigint` |") == 1
    assert text.count("| `orders` | column `a` | `int` | `bigint` |") == 1
    assert "Other changes" not in text


def test_new_pipeline_is_one_line_that_says_what_it_will_do() -> None:
    job = {"number_of_workers": 2, "worker_type": "G.1X", "timeout": 30, "glue_version": "5.1"}
    text = page(
        resource("aws_glue_trigger", None, trigger(batch_size=10, batch_window=60)),
        resource("aws_glue_job", None, job),
    )
    assert (
        "| `orders` | new pipeline |  | runs after `10` events or `60` seconds, with `2` workers "
        "of `G.1X` on Glue `5.1` for `30` minutes at most |  |" in text
    )


def test_setting_that_is_in_the_banner_is_not_reported_again() -> None:
    before, after = ({"name": "q", "retention_in_days": days} for days in (365, 7))
    text = page(resource("aws_cloudwatch_log_group", before, after))
    assert text.count("365") == 1


ROLE = {"id": "role", "name": "role"}


def role_policy(*statements: Any, **more: Any) -> dict[str, Any]:
    return {"name": "drain", "role": "role", "policy": policy(*statements), **more}


def test_permissions_say_who_may_do_what_on_what() -> None:
    before = role_policy(allow("Ledger", ["s3:GetObject"], ["arn:aws:s3:::lake/ledger/*"]))
    after = role_policy(allow("Ledger", ["s3:GetObject", "s3:PutObject"], ["*"]))
    text = page(resource("aws_iam_role_policy", before, after))
    assert (
        "- **⚠ wider**: role policy `drain` of `role` (pipeline orders) is changed\n"
        "  ```diff\n"
        "  ! Ledger: allows one more action: s3:PutObject\n"
        "  ! Ledger: allows one more resource, a wildcard: *\n"
        "    Allow Ledger\n"
        "        what s3:GetObject\n"
        "  +     what s3:PutObject\n"
        "  -     on   arn:aws:s3:::lake/ledger/*\n"
        "  +     on   *\n"
        "  ```\n"
    ) in text


def test_policies_that_change_alike_are_one_finding_with_all_names() -> None:
    def read(pipeline: str, key: str) -> dict[str, Any]:
        before, after = (
            role_policy(allow("Read", on=f"{key}/{one}"), role=pipeline) for one in ("old", "new")
        )
        name = f"pipeline-{pipeline}_job_policy_BBA96BCE"
        return resource("aws_iam_role_policy", before, after, name=name)

    text = page(read("one", "code"), read("three", "other"), read("two", "code"))
    assert (
        "role policy `drain` of `one` (pipeline one) and role policy `drain` of `two` (pipeline "
        "two), each is changed\n"
    ) in text
    assert text.count("+     on   code/new") == 1
    assert "role policy `drain` of `three` (pipeline three) is changed\n" in text
    assert text.count("+     on   other/new") == 1


def test_policy_that_only_the_apply_will_tell_says_so_and_of_what_it_speaks() -> None:
    configuration = {
        "root_module": {
            "resources": [
                {
                    "address": "aws_iam_role_policy.pipeline-orders_job_BBA96BCE",
                    "expressions": {
                        "policy": {"references": ["aws_s3_bucket.b.arn", "aws_s3_bucket.b"]}
                    },
                }
            ]
        }
    }
    text = page(
        resource(
            "aws_iam_role_policy",
            role_policy(allow("Ledger"), allow("Code")),
            {"name": "drain", "role": "role"},
            unknown={"policy": True},
        ),
        configuration=configuration,
    )
    assert (
        "is changed: it cannot be read yet; known only after the apply: "
        "`aws_s3_bucket.b.arn`; now it has the statements `Ledger, Code`" in text
    )


@pytest.mark.parametrize(
    ("type_", "before", "after", "what"),
    [
        (
            "aws_iam_role_policy_attachment",
            None,
            {"role": "role", "policy_arn": "arn:aws:iam::aws:policy/AdministratorAccess"},
            "AdministratorAccess",
        ),
        (
            "aws_iam_role",
            ROLE | {"permissions_boundary": "arn:boundary"},
            ROLE | {"permissions_boundary": ""},
            "`permissions_boundary` `arn:boundary` →",
        ),
        (
            "aws_iam_role",
            ROLE | {"managed_policy_arns": []},
            ROLE | {"managed_policy_arns": ["arn:admin"]},
            "`managed_policy_arns`",
        ),
        (
            "aws_iam_openid_connect_provider",
            {"client_id_list": ["sts.amazonaws.com"]},
            {"client_id_list": ["sts.amazonaws.com", "x"]},
            "`client_id_list`",
        ),
    ],
)
def test_right_that_is_given_without_a_policy_is_wider(
    type_: str, before: Any, after: Any, what: str
) -> None:
    text = page(resource(type_, before, after))
    assert "**⚠ wider**" in text
    assert what in text
    assert text.index("Permissions") < text.index(what)


def test_policy_in_an_attribute_that_nobody_knows_here_is_found() -> None:
    text = page(
        resource("aws_new_thing", {"rules": policy(deny())}, {"rules": policy(deny(), allow())})
    )
    assert "new thing `aws_new_thing.pipeline-orders_job_BBA96BCE` of pipeline orders" in text
    assert "Read: wildcard resource: *" in text


# --- Drift ----------------------------------------------------------------------------------------


def drifted(*changes: dict[str, Any], drift: dict[str, Any]) -> str:
    text = page(*changes, drift=(drift,))
    return text.partition("### Drift")[2]


def test_drift_that_the_plan_undoes_and_one_that_it_leaves_are_distinguished() -> None:
    name = "landing_versioning_E8CAF79B"
    on, off = (
        {"versioning_configuration": [{"status": status}]} for status in ("Enabled", "Suspended")
    )
    drift = resource("aws_s3_bucket_versioning", on, off, name=name)
    undoing = resource("aws_s3_bucket_versioning", off, on, name=name)
    what = "`versioning_configuration[0].status` `Enabled` → `Suspended`"
    assert f"{what}; the plan undoes it" in drifted(undoing, drift=drift)
    assert f"{what}; the plan leaves it so" in drifted(drift=drift)


def test_resource_that_somebody_deleted_is_drift() -> None:
    group = {"name": "/burst/dev/orders/error"}
    gone = resource("aws_cloudwatch_log_group", group, None)
    again = resource("aws_cloudwatch_log_group", None, group)
    name = "**deleted**: log group `/burst/dev/orders/error` of pipeline orders"
    assert f"{name}; the plan creates it again" in drifted(again, drift=gone)
    assert "the plan does not create it" in drifted(drift=gone)


@pytest.mark.parametrize(
    ("type_", "before", "after"),
    [
        ("aws_glue_job", {"tags": None, "timeout": 0}, {"tags": {}, "timeout": None}),
        ("aws_s3_bucket", {"policy": ""}, {"policy": policy(deny())}),
        ("aws_s3_bucket", {"versioning": []}, {"versioning": [{"enabled": True}]}),
        (
            "aws_iam_role",
            ROLE | {"inline_policy": []},
            ROLE | {"inline_policy": [{"name": "drain", "policy": policy(allow())}]},
        ),
    ],
)
def test_what_the_provider_only_writes_in_another_way_is_no_drift(
    type_: str, before: Any, after: Any
) -> None:
    own = [
        resource("aws_s3_bucket_policy", *[{"bucket": BUCKET, "policy": "x"}] * 2),
        resource("aws_s3_bucket_versioning", *[{"bucket": BUCKET}] * 2),
        resource("aws_iam_role_policy", *[role_policy(allow())] * 2),
    ]
    unchanged = [change | {"change": {**change["change"], "actions": ["no-op"]}} for change in own]
    sides = (
        {"id": BUCKET} | side if type_ == "aws_s3_bucket" else side for side in (before, after)
    )
    assert drifted(*unchanged, drift=resource(type_, *sides)) == ""


def test_inline_policy_that_somebody_added_by_hand_is_drift_that_stays() -> None:
    added = ROLE | {"inline_policy": [{"name": "mine", "policy": policy(allow("All", "*"))}]}
    text = drifted(drift=resource("aws_iam_role", ROLE | {"inline_policy": []}, added))
    assert "`mine`" in text
    assert "an inline policy that no resource manages" in text
    assert "+ Allow All" in text
    assert "the plan leaves it so" in text


# --- The rest -------------------------------------------------------------------------------------


def test_plan_without_changes_says_that_there_is_nothing_to_do() -> None:
    text = page(bucket({}, {}, actions=["no-op"]))
    assert "0 to add · 0 to change · 0 to replace · 0 to destroy · 1 unchanged" in text
    assert "Nothing to do" in text
    assert "###" not in text


def test_everything_is_counted_once() -> None:
    counts = reviewed(
        bucket({}, {}, actions=["no-op"]),
        bucket(None, {}),
        bucket({}, None),
        bucket({}, {}, actions=["delete", "create"]),
        resource("aws_glue_job", {"timeout": 1}, {"timeout": 2}),
    ).counts
    assert {action.value: number for action, number in counts.items()} == {
        "no-op": 1,
        "add": 1,
        "destroy": 1,
        "replace": 1,
        "change": 1,
    }


def test_move_and_import_are_reported_though_nothing_changes() -> None:
    text = page(
        bucket({}, {}, actions=["no-op"], previous_address="aws_s3_bucket.old"),
        resource("aws_glue_job", {}, {}, actions=["no-op"])
        | {"change": {"actions": ["no-op"], "importing": {"id": "x"}, "before": {}, "after": {}}},
    )
    assert "moved from `aws_s3_bucket.old`" in text
    assert "imported" in text
    assert "Nothing to do" not in text


def test_tags_that_change_everywhere_are_one_line() -> None:
    changes = [
        resource(kind, {"tags_all": {"owner": "a"}}, {"tags_all": {"owner": "b"}})
        for kind in ("aws_s3_bucket", "aws_sqs_queue", "aws_glue_job")
    ]
    text = page(*changes)
    assert text.count("`tags_all.owner` `a` → `b` on 3 resources") == 1
    assert "Other changes" not in text


def test_plan_that_is_not_complete_says_so() -> None:
    assert "Terraform put some changes off" in page(complete=False)


def dashboard(*widgets: tuple[str, str]) -> dict[str, Any]:
    shown = [
        {"type": "metric", "x": position, "properties": {"title": title, "stat": stat}}
        for position, (title, stat) in enumerate(widgets)
    ]
    return {"dashboard_body": json.dumps({"widgets": shown})}


@pytest.mark.parametrize(
    ("after", "said"),
    [
        (
            [("Runs", "Sum"), ("Files", "Average"), ("Rows", "Sum")],
            "1 widget added: `Rows`, 1 widget changed: `Files`",
        ),
        ([("Runs", "Sum")], "1 widget removed: `Files`"),
        ([("Files", "Sum"), ("Runs", "Sum")], "its widgets only move"),
    ],
)
def test_dashboard_is_shown_by_its_widgets(after: list[tuple[str, str]], said: str) -> None:
    before = dashboard(("Runs", "Sum"), ("Files", "Sum"))
    text = page(resource("aws_cloudwatch_dashboard", before, dashboard(*after), name="dashboard"))
    assert f"dashboard `aws_cloudwatch_dashboard.dashboard`: {said}\n" in text
    assert "properties" not in text


def test_output_with_many_changes_names_what_changes_only() -> None:
    sides = ({f"p{number}": {"rows": side} for number in range(9)} for side in (1, 2))
    before, after = sides
    change = {"actions": ["update"], "before": before, "after": after | {"new": {"rows": 1}}}
    text = page(output_changes={"pipelines": change})
    assert "- **change** `pipelines`: 1 entry added: `new`, 9 entries changed: `p0, p1, p2" in text


def test_outputs_that_change_are_shown_value_by_value() -> None:
    change = {
        "actions": ["update"],
        "before": {"orders": {"prefix": "a/", "name": "x"}},
        "after": {"orders": {"prefix": "b/", "name": "x"}},
        "after_unknown": False,
    }
    text = page(output_changes={"pipelines": change})
    assert "- **change** `pipelines.orders.prefix` `a/` → `b/`\n" in text


# --- The synthesized stack ------------------------------------------------------------------------

ARN = "arn:aws:s3:::old-bucket"
STACK = {
    "resource": {
        "aws_iam_role_policy": {
            "pipeline-orders_job_BBA96BCE": {
                "policy": policy(
                    allow("Landing", on="${aws_s3_bucket.landing_bucket_34B0CCFA.arn}/orders/*"),
                    allow("Account", on="${data.aws_caller_identity.current.account_id}"),
                ),
                "role": "${aws_iam_role.x.id}",
            }
        }
    }
}
DATA = {
    "values": {
        "root_module": {
            "resources": [
                {
                    "mode": "data",
                    "address": "data.aws_caller_identity.current",
                    "values": {"account_id": "123456789012"},
                }
            ]
        }
    }
}


def with_stack(*changes: dict[str, Any], stack: Any = STACK) -> str:
    content = json.dumps(document(*changes, prior_state=DATA)).encode()
    read, redact = read_plan(content, source="plan.json")
    resources = read_stack(json.dumps(stack).encode(), source="cdk.tf.json")
    return markdown.render(page_of(review(filled(read, resources, redact))))


def test_policy_of_what_is_still_to_be_made_is_read_from_the_stack() -> None:
    text = with_stack(
        bucket(None, {}, unknown={"arn": True}),
        resource("aws_iam_role_policy", None, {"name": "drain"}, unknown={"policy": True}),
    )
    assert "+     on   ${aws_s3_bucket.landing_bucket_34B0CCFA.arn}/orders/*" in text
    assert "+     on   123456789012" in text
    assert "known only after the apply: `aws_s3_bucket.landing_bucket_34B0CCFA.arn`" in text


ACCOUNT = allow("Account", on="123456789012")
LATER = {"name": "drain", "role": "role"}


def test_policy_that_only_names_a_bucket_which_is_created_again_says_the_same() -> None:
    before = role_policy(allow("Landing", on=f"{ARN}/orders/*"), ACCOUNT)
    text = with_stack(
        bucket({"arn": ARN}, {}, actions=["delete", "create"], unknown={"arn": True}),
        resource("aws_iam_role_policy", before, LATER, unknown={"policy": True}),
    )
    assert "is changed: it says the same; known only after the apply: " in text
    assert "Allow Landing" not in text


def test_what_somebody_changed_is_seen_though_the_bucket_is_created_again() -> None:
    before = role_policy(allow("Landing", on=f"{ARN}/other/*"), ACCOUNT)
    text = with_stack(
        bucket({"arn": ARN}, {}, actions=["delete", "create"], unknown={"arn": True}),
        resource("aws_iam_role_policy", before, LATER, unknown={"policy": True}),
    )
    assert "-     on   ${aws_s3_bucket.landing_bucket_34B0CCFA.arn}/other/*" in text
    assert "+     on   ${aws_s3_bucket.landing_bucket_34B0CCFA.arn}/orders/*" in text


def test_policy_variable_in_the_stack_is_no_reference() -> None:
    stack = copy.deepcopy(STACK)
    role_policies = stack["resource"]["aws_iam_role_policy"]
    (written,) = role_policies.values()
    written["policy"] = policy(allow("Own", on="${aws_s3_bucket.x.arn}/$${aws:username}"))
    text = with_stack(
        resource("aws_iam_role_policy", None, LATER, unknown={"policy": True}), stack=stack
    )
    assert "+     on   ${aws_s3_bucket.x.arn}/${aws:username}" in text
    assert "known only after the apply: `aws_s3_bucket.x.arn`" in text


def test_what_the_plan_knows_or_hides_is_never_taken_from_the_stack() -> None:
    known = plan(resource("aws_iam_role_policy", {}, {"policy": "known"}))
    assert filled(known, STACK["resource"], Redactor()) == known
    hidden = plan(
        resource(
            "aws_iam_role_policy",
            {},
            {},
            unknown={"policy": True},
            marks=(False, {"policy": True}),
        )
    )
    assert filled(hidden, STACK["resource"], Redactor()) == hidden


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'{"resource": 3}'])
def test_what_is_no_stack_is_one_sentence(content: bytes) -> None:
    with pytest.raises(PlanError, match=r"give me the (stack's )?cdk\.tf\.json"):
        read_stack(content, source="cdk.tf.json")


def test_value_and_title_with_a_blank_or_a_comma_in_it_are_quoted() -> None:
    text = page(
        resource("aws_glue_trigger", {"description": "After 1 s."}, {"description": "After 2 s."}),
        resource(
            "aws_cloudwatch_dashboard",
            dashboard(),
            dashboard(("Files, loaded", "Sum"), ("Runs", "Sum")),
            name="dashboard",
        ),
    )
    assert '`description` `"After 1 s."` → `"After 2 s."`' in text
    assert '2 widgets added: `"Files, loaded", Runs`' in text


def test_name_stands_beside_what_it_names_and_not_beside_its_pipeline() -> None:
    text = page(resource("aws_glue_catalog_table", {"name": "orders"}, None))
    assert "catalog table of pipeline orders orders" not in text
    gone = drifted(drift=resource("aws_glue_catalog_table", {"name": "orders"}, None))
    assert "catalog table `orders` of pipeline orders" in gone
