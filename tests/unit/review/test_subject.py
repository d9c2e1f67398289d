"""What a resource is called, and which part of the design it belongs to."""

from __future__ import annotations

import pytest

from tools.review.plan import Action, ResourceChange
from tools.review.subject import Part, subject_of


@pytest.mark.parametrize(
    ("type_", "name", "part", "title"),
    [
        ("aws_s3_bucket", "landing_bucket_34B0CCFA", Part.LANDING, "landing bucket"),
        ("aws_s3_bucket", "lake_bucket_7B773D1A", Part.LAKE, "lake bucket"),
        ("aws_s3_bucket", "state_bucket_12345678", Part.STATE, "state bucket"),
        ("aws_s3_object", "code_script_65A76BBE", Part.JOB, "object"),
        (
            "aws_sqs_queue",
            "pipeline-eu-orders_routing_undelivered_CA5E6EDC",
            Part.ROUTING,
            "dead-letter queue of pipeline eu-orders",
        ),
        (
            "aws_cloudwatch_event_rule",
            "pipeline-orders_routing_sweep_CAC91B7E",
            Part.ROUTING,
            "sweep rule of pipeline orders",
        ),
        ("aws_glue_job", "pipeline-orders_job_BBA96BCE", Part.JOB, "job of pipeline orders"),
        (
            "aws_glue_catalog_table",
            "pipeline-orders_table_D34DAC18",
            Part.CATALOG,
            "catalog table of pipeline orders",
        ),
        ("aws_kms_key", "encryption_key_12345678", Part.ENCRYPTION, "KMS key"),
        ("aws_iam_role", "plan-role", Part.CI_ROLES, "role"),
        ("aws_sns_topic", "anything", Part.ALERTS, "topic"),
        ("aws_new_thing", "anything", Part.OTHER, "new thing"),
        # Nothing of it gets into words of ours.
        ("aws_`x`|<b>@you", "pipeline-<b>_job", Part.OTHER, "x b you"),
        ("aws_s3_bucket", "", Part.OTHER, "bucket"),
    ],
)
def test_resource_is_called_by_what_it_is(type_: str, name: str, part: Part, title: str) -> None:
    subject = subject_of(ResourceChange(f"{type_}.{name}", type_, name, Action.ADD))
    assert (subject.part, subject.title) == (part, title)


def test_name_is_the_one_in_aws() -> None:
    change = ResourceChange("a.b", "aws_sqs_queue_policy", "b", Action.DESTROY)
    url = {"queue_url": "https://sqs.eu-central-1.amazonaws.com/123456789012/undelivered"}
    named = ResourceChange("a.b", "aws_sqs_queue_policy", "b", Action.DESTROY, before=url)
    assert subject_of(change).name is None
    assert subject_of(named).name == "undelivered"
