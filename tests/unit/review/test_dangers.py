"""What a reviewer is warned of before anything else, and what is no reason to."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.review.plans import (
    BUCKET,
    LANDING,
    allow,
    bucket,
    deny,
    page,
    policy,
    resource,
    reviewed,
)
from tools.review.dangers import Danger, Kind

REPLACE = ["delete", "create"]


def dangers(*changes: dict[str, Any]) -> tuple[Danger, ...]:
    return reviewed(*changes).dangers


@pytest.mark.parametrize("actions", [["delete"], REPLACE, ["create", "delete"]])
@pytest.mark.parametrize(
    ("type_", "before", "consequence"),
    [
        ("aws_s3_bucket", {"force_destroy": True}, "Every object and every version in it goes"),
        ("aws_s3_bucket", {"force_destroy": False}, "AWS refuses"),
        ("aws_sqs_queue", {}, "All messages in it go"),
        ("aws_kms_key", {"deletion_window_in_days": 7}, "never be read again after 7 days"),
        ("aws_kms_key", {}, "never be read again"),
        ("aws_cloudwatch_log_group", {}, "All logs in it go"),
        ("aws_glue_catalog_table", {}, "queries fail"),
        ("aws_glue_catalog_database", {}, "queries fail"),
        ("aws_s3_object", {"key": "curated/orders/x.parquet"}, "The object goes"),
    ],
)
def test_whatever_holds_data_is_data_that_would_go(
    type_: str, before: Any, consequence: str, actions: list[str]
) -> None:
    change = resource(type_, before, {} if len(actions) > 1 else None, actions=actions)
    (danger,) = dangers(change)
    assert danger.kind is Kind.DATA
    assert consequence in danger.consequence
    assert reviewed(change).loses_data


@pytest.mark.parametrize(
    "change",
    [
        resource("aws_s3_object", {"key": "artifacts/burst-406e.zip"}, None),
        resource("aws_cloudwatch_log_group", {"skip_destroy": True}, None),
        resource("aws_iam_role", {"name": "x"}, None),
        resource("aws_cloudwatch_metric_alarm", {}, None),
        bucket({"tags": {}}, {"tags": {"a": "b"}}),
        bucket(None, {"force_destroy": True}),
        bucket({}, {}, actions=["no-op"]),
    ],
)
def test_what_holds_no_data_or_stays_is_no_danger(change: dict[str, Any]) -> None:
    assert dangers(change) == ()


def test_older_object_that_a_replacement_left_behind_is_data_too() -> None:
    (danger,) = dangers(bucket({"bucket": "b"}, None, deposed="byebye"))
    assert danger.kind is Kind.DATA
    assert danger.reason == "an earlier replacement left it behind"


def test_bucket_that_terraform_forgets_stays_but_nothing_looks_after_it() -> None:
    (danger,) = dangers(bucket({"bucket": "b"}, None, actions=["forget"]))
    assert danger.kind is Kind.PROTECTION


@pytest.mark.parametrize(
    ("type_", "before"),
    [
        ("aws_glue_trigger", {"type": "EVENT"}),
        ("aws_glue_workflow", {}),
        ("aws_cloudtrail", {}),
        ("aws_s3_bucket_notification", {"eventbridge": True}),
    ],
)
@pytest.mark.parametrize("actions", [["delete"], REPLACE])
def test_trigger_workflow_or_notification_that_goes_stops_events(
    type_: str, before: Any, actions: list[str]
) -> None:
    change = resource(type_, before, before if len(actions) > 1 else None, actions=actions)
    (danger,) = dangers(change)
    assert danger.kind is Kind.EVENTS
    assert not reviewed(change).loses_data


def test_attribute_that_forces_a_replacement_is_shown_with_both_values() -> None:
    change = bucket(
        {"bucket": BUCKET, "bucket_prefix": "burst-"},
        {"bucket_prefix": "other-"},
        actions=REPLACE,
        replace_paths=[["bucket_prefix"]],
        action_reason="replace_because_cannot_update",
    )
    assert (
        f"**landing bucket** `{BUCKET}` is destroyed and created again "
        "(forced by `bucket_prefix` `burst-` → `other-`)" in page(change)
    )


def test_reason_is_shown_where_no_attribute_forces_it() -> None:
    gone = page(bucket({}, None, action_reason="delete_because_no_resource_config"))
    assert "is destroyed (it is no longer in the configuration)" in gone
    tainted = page(bucket({}, {}, actions=REPLACE, action_reason="replace_because_tainted"))
    assert "it is tainted" in tainted


def lifecycle(*rules: dict[str, Any]) -> dict[str, Any]:
    return {"bucket": BUCKET, "rule": [{"status": "Enabled", **rule} for rule in rules]}


def after_days(days: int, **more: Any) -> dict[str, Any]:
    return {"id": "old", "expiration": [{"days": days}], **more}


VERSIONS = {"id": "old", "noncurrent_version_expiration": [{"noncurrent_days": 30}]}


@pytest.mark.parametrize(
    ("before", "after", "keys"),
    [
        (lifecycle(), lifecycle(after_days(7)), [("expiration", 7)]),
        (lifecycle(after_days(30)), lifecycle(after_days(7)), [("expiration", 7)]),
        (
            lifecycle(VERSIONS),
            lifecycle(VERSIONS | {"noncurrent_version_expiration": [{"noncurrent_days": 1}]}),
            [("noncurrent_version_expiration", 1)],
        ),
        (
            lifecycle(after_days(7, status="Disabled")),
            lifecycle(after_days(7)),
            [("expiration", 7)],
        ),
        (
            lifecycle(after_days(7, filter=[{"prefix": "tmp/"}])),
            lifecycle(after_days(7, filter=[{"prefix": ""}])),
            [("filter", "")],
        ),
        (
            lifecycle(),
            lifecycle({"id": "x", "expiration": [{"date": "2027-01-01T00:00:00Z"}]}),
            [("expiration", 0)],
        ),
        (None, lifecycle(after_days(7)), [("expiration", 7)]),
    ],
)
def test_expiry_that_is_added_or_shortened_is_data_that_would_go(
    before: Any, after: Any, keys: list[tuple[str, Any]]
) -> None:
    found = dangers(resource("aws_s3_bucket_lifecycle_configuration", before, after))
    assert [danger.kind for danger in found] == [Kind.DATA] * len(keys)
    assert [(d.causes[0].path[2], d.causes[0].after) for d in found] == keys


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (lifecycle(after_days(7)), lifecycle()),
        (lifecycle(after_days(7)), lifecycle(after_days(30))),
        (lifecycle(after_days(7)), lifecycle(after_days(7, status="Disabled"))),
        (lifecycle(after_days(7)), lifecycle(after_days(7, id="renamed"))),
        (lifecycle(after_days(7)), None),
        (
            lifecycle(),
            lifecycle(
                {"id": "x", "expiration": [{"days": 0, "expired_object_delete_marker": True}]}
            ),
        ),
        (
            lifecycle(),
            lifecycle({"abort_incomplete_multipart_upload": [{"days_after_initiation": 1}]}),
        ),
    ],
)
def test_expiry_that_goes_or_gets_longer_deletes_nothing(before: Any, after: Any) -> None:
    assert dangers(resource("aws_s3_bucket_lifecycle_configuration", before, after)) == ()


def test_expiry_of_a_new_bucket_deletes_nothing_that_is_there() -> None:
    after = {"rule": lifecycle(after_days(7))["rule"]}
    change = resource(
        "aws_s3_bucket_lifecycle_configuration", None, after, unknown={"bucket": True}
    )
    assert dangers(change) == ()


def test_expiry_that_only_the_apply_will_tell_is_not_taken_for_harmless() -> None:
    change = resource(
        "aws_s3_bucket_lifecycle_configuration",
        lifecycle(after_days(30)),
        lifecycle({"id": "old", "expiration": [{}]}),
        unknown={"rule": [{"expiration": [{"days": True}]}]},
    )
    (danger,) = dangers(change)
    assert str(danger.causes[0].after) == "(known after apply)"


PUBLIC = {"block_public_policy": True, "ignore_public_acls": True}
SSE = "aws_s3_bucket_server_side_encryption_configuration"


def encrypted(algorithm: str) -> dict[str, Any]:
    by_default = {"sse_algorithm": algorithm}
    return {"rule": [{"apply_server_side_encryption_by_default": [by_default]}]}


def versioning(status: str) -> dict[str, Any]:
    return {"versioning_configuration": [{"status": status}]}


@pytest.mark.parametrize(
    ("type_", "before", "after", "kind"),
    [
        ("aws_s3_bucket", {"force_destroy": False}, {"force_destroy": True}, Kind.PROTECTION),
        ("aws_s3_bucket", {}, {"force_destroy": True}, Kind.PROTECTION),
        (
            "aws_s3_bucket_versioning",
            versioning("Enabled"),
            versioning("Suspended"),
            Kind.PROTECTION,
        ),
        ("aws_s3_bucket_versioning", versioning("Enabled"), None, Kind.PROTECTION),
        (
            "aws_s3_bucket_public_access_block",
            PUBLIC,
            PUBLIC | {"block_public_policy": False},
            Kind.PROTECTION,
        ),
        (
            "aws_s3_bucket_ownership_controls",
            {"rule": [{"object_ownership": "BucketOwnerEnforced"}]},
            {"rule": [{"object_ownership": "ObjectWriter"}]},
            Kind.PROTECTION,
        ),
        (SSE, encrypted("aws:kms"), encrypted("AES256"), Kind.PROTECTION),
        (SSE, encrypted("aws:kms"), None, Kind.PROTECTION),
        (
            "aws_sqs_queue",
            {"message_retention_seconds": 1209600},
            {"message_retention_seconds": 60},
            Kind.DATA,
        ),
        (
            "aws_sqs_queue",
            {"sqs_managed_sse_enabled": True},
            {"sqs_managed_sse_enabled": False},
            Kind.PROTECTION,
        ),
        ("aws_sqs_queue", {"kms_master_key_id": "k"}, {}, Kind.PROTECTION),
        (
            "aws_cloudwatch_log_group",
            {"retention_in_days": 365},
            {"retention_in_days": 7},
            Kind.DATA,
        ),
        ("aws_cloudwatch_log_group", {"retention_in_days": 0}, {"retention_in_days": 1}, Kind.DATA),
        ("aws_cloudwatch_log_group", {"kms_key_id": "k"}, {"kms_key_id": ""}, Kind.PROTECTION),
        (
            "aws_kms_key",
            {"deletion_window_in_days": 30},
            {"deletion_window_in_days": 7},
            Kind.PROTECTION,
        ),
        ("aws_kms_key", {"enable_key_rotation": True}, {}, Kind.PROTECTION),
        ("aws_kms_key", {"is_enabled": True}, {"is_enabled": False}, Kind.PROTECTION),
        ("aws_glue_job", {"security_configuration": "s"}, {}, Kind.PROTECTION),
        (
            "aws_glue_job",
            {"execution_property": [{"max_concurrent_runs": 1}]},
            {"execution_property": [{"max_concurrent_runs": 2}]},
            Kind.PROTECTION,
        ),
        (
            "aws_glue_job",
            {"job_run_queuing_enabled": True},
            {"job_run_queuing_enabled": False},
            Kind.EVENTS,
        ),
        (
            "aws_glue_job",
            {"default_arguments": {"--prefix": "orders/"}},
            {"default_arguments": {"--prefix": "orders/eu/"}},
            Kind.FILES,
        ),
        (
            "aws_glue_job",
            {"default_arguments": {"--prefix": "orders/"}},
            {"default_arguments": {"--prefix": "orders/", "--suffix": ".csv"}},
            Kind.FILES,
        ),
        ("aws_glue_workflow", {}, {"max_concurrent_runs": 1}, Kind.EVENTS),
        ("aws_glue_workflow", {"max_concurrent_runs": 3}, {"max_concurrent_runs": 2}, Kind.EVENTS),
        ("aws_cloudtrail", {"enable_logging": True}, {"enable_logging": False}, Kind.EVENTS),
        (
            "aws_glue_trigger",
            {"type": "EVENT", "enabled": True},
            {"type": "EVENT", "enabled": False},
            Kind.EVENTS,
        ),
        ("aws_s3_bucket_notification", {"eventbridge": True}, {"eventbridge": False}, Kind.EVENTS),
    ],
)
def test_protection_that_is_taken_away_is_warned_of_and_the_other_way_is_not(
    type_: str, before: Any, after: Any, kind: Kind
) -> None:
    (danger,) = dangers(resource(type_, before, after))
    assert danger.kind is kind
    assert danger.causes
    back = dangers(resource(type_, after, before))
    assert [d for d in back if d.subject.title.startswith("trigger") is False] == []


@pytest.mark.parametrize("after", [None, {"eventbridge": False}])
def test_events_of_the_lake_only_tell_of_quarantine(after: dict[str, Any] | None) -> None:
    name = "lake_notification_12345678"
    change = resource("aws_s3_bucket_notification", {"eventbridge": True}, after, name=name)
    (danger,) = dangers(change)
    assert danger.consequence.startswith("Nobody is told of a file in quarantine any more.")


def test_retention_that_is_not_set_any_more_keeps_for_ever() -> None:
    change = resource("aws_cloudwatch_log_group", {"retention_in_days": 7}, {})
    assert dangers(change) == ()


def test_protection_that_goes_with_its_bucket_is_reported_once_as_the_bucket() -> None:
    name = {"id": BUCKET, "bucket": BUCKET}
    found = dangers(
        bucket(name, None),
        resource("aws_s3_bucket_versioning", name | versioning("Enabled"), None),
        resource("aws_s3_bucket_public_access_block", name | PUBLIC, None),
        resource("aws_s3_bucket_notification", name | {"eventbridge": True}, None),
        resource("aws_s3_bucket_policy", name | {"policy": policy(deny())}, None),
    )
    assert [danger.subject.title for danger in found] == ["landing bucket"]


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        ([deny()], [allow("In", Principal="*"), deny()], Kind.PERMISSIONS),
        ([deny()], [allow("In", Principal={"AWS": "*"}), deny()], Kind.PERMISSIONS),
        ([deny()], [], Kind.PROTECTION),
        ([deny()], [deny(Condition={"Bool": {"aws:SecureTransport": "false"}})], Kind.PROTECTION),
    ],
)
def test_policy_that_lets_strangers_in_is_warned_of(before: Any, after: Any, kind: Kind) -> None:
    sides = ({"bucket": BUCKET, "policy": policy(*statements)} for statements in (before, after))
    (danger,) = dangers(resource("aws_s3_bucket_policy", *sides))
    assert danger.kind is kind


def test_policy_that_lets_everyone_in_on_a_condition_says_so() -> None:
    own = {"StringEquals": {"aws:SourceAccount": "1"}}
    sides = (
        {"bucket": BUCKET, "policy": policy()},
        {"bucket": BUCKET, "policy": policy(allow(Principal="*", Condition=own))},
    )
    (danger,) = dangers(resource("aws_s3_bucket_policy", *sides))
    assert danger.consequence.startswith("Everyone who meets its conditions is let in.")


def test_banner_comes_before_anything_else_with_the_worst_first() -> None:
    text = page(
        resource("aws_glue_workflow", {"name": "w"}, None),
        resource("aws_sqs_queue", {"name": "q"}, None),
        bucket({"force_destroy": False}, {"force_destroy": True}, name="lake_bucket_7B773D1A"),
        bucket({"bucket": "b"}, None, name=LANDING),
    )
    assert text.startswith("> [!CAUTION]\n> **Data would go**\n>\n> - **landing bucket** `b`")
    order = ["landing bucket", "**queue**", "force_destroy", "**workflow**", "## Plan of `dev`"]
    assert [text.index(word) for word in order] == sorted(text.index(word) for word in order)
