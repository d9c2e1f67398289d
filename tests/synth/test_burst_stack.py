"""Every resource of every environment is set as the architecture asks for."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Mapping
from typing import Any

import pytest
from burst.contract import (
    Bounds,
    FileFormat,
    JobSpec,
    Output,
    TimeLimit,
    arguments_of,
    parse_columns,
)

from tests import example
from tests.synth.conftest import Synth
from tests.synth.synthesized import Synthesized

BUCKETS = ("landing/bucket", "lake/bucket")
ORDERS = "pipeline-orders"


def orders(stack: Synthesized) -> dict[str, Any]:
    name = stack.document["//"]["metadata"]["stackName"]
    pipeline: dict[str, Any] = example.environments()[name]["pipelines"]["orders"]
    return pipeline


def reference(stack: Synthesized, kind: str, path: str, attribute: str) -> str:
    return f"${{{stack.address(kind, path)}.{attribute}}}"


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        (
            "aws_s3_bucket_public_access_block",
            {
                "block_public_acls": True,
                "block_public_policy": True,
                "ignore_public_acls": True,
                "restrict_public_buckets": True,
            },
        ),
        (
            "aws_s3_bucket_server_side_encryption_configuration",
            {
                "rule": [
                    {
                        "apply_server_side_encryption_by_default": {"sse_algorithm": "AES256"},
                        "blocked_encryption_types": ["SSE-C"],
                    }
                ]
            },
        ),
        ("aws_s3_bucket_versioning", {"versioning_configuration": {"status": "Enabled"}}),
        (
            "aws_s3_bucket_ownership_controls",
            {"rule": {"object_ownership": "BucketOwnerEnforced"}},
        ),
        (
            "aws_s3_bucket_lifecycle_configuration",
            {
                "rule": [
                    {
                        "id": "remove-aborted-uploads-and-old-versions",
                        "status": "Enabled",
                        "filter": [{"prefix": ""}],
                        "abort_incomplete_multipart_upload": [{"days_after_initiation": 7}],
                        "noncurrent_version_expiration": [{"noncurrent_days": 30}],
                        "expiration": [{"expired_object_delete_marker": True}],
                    }
                ]
            },
        ),
    ],
)
def test_every_bucket_is_private_encrypted_versioned_and_cleaned_up(
    stack: Synthesized, kind: str, settings: Mapping[str, Any]
) -> None:
    guarded = {
        item.pop("bucket"): {key: value for key, value in item.items() if key != "depends_on"}
        for item in stack.resources(kind).values()
    }
    assert guarded == {
        reference(stack, "aws_s3_bucket", bucket, "id"): settings for bucket in BUCKETS
    }


def test_buckets_send_their_events_to_eventbridge_and_nowhere_else(stack: Synthesized) -> None:
    assert stack.resources("aws_s3_bucket_notification") == {
        f"{bucket}/notification": {
            "bucket": reference(stack, "aws_s3_bucket", f"{bucket}/bucket", "id"),
            "eventbridge": True,
        }
        for bucket in ("landing", "lake")
    }


def test_bucket_names_begin_with_environment_and_purpose(stack: Synthesized) -> None:
    environment = stack.document["//"]["metadata"]["stackName"]
    buckets = stack.resources("aws_s3_bucket")
    assert {path: item["bucket_prefix"] for path, item in buckets.items()} == {
        "landing/bucket": f"burst-{environment}-landing-",
        "lake/bucket": f"burst-{environment}-lake-",
    }


def test_rule_matches_new_objects_of_the_pipeline_and_nothing_else(stack: Synthesized) -> None:
    rule = stack.resources("aws_cloudwatch_event_rule")[f"{ORDERS}/routing/rule"]
    assert json.loads(rule["event_pattern"]) == {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {
            "bucket": {"name": [reference(stack, "aws_s3_bucket", "landing/bucket", "bucket")]},
            "object": {"key": [{"wildcard": "orders/*.csv"}]},
        },
    }
    assert rule["state"] == "ENABLED"


def test_paused_pipeline_has_its_rules_disabled_and_nothing_else_changed(synth: Synth) -> None:
    environments = {"dev": example.environments()["dev"]}
    running = synth(environments)["dev"].document
    environments["dev"]["pipelines"]["orders"]["paused"] = True
    paused = synth(environments)["dev"].document

    everyone = paused["resource"]["aws_cloudwatch_event_rule"].values()
    rules = [rule for rule in everyone if rule.get("state") == "DISABLED"]
    assert {rule["name"] for rule in rules} == {"burst-dev-orders", "burst-dev-orders-sweep"}
    assert paused["locals"]["deployed"]["orders"]["paused"] == "true"
    for rule in rules:
        rule["state"] = "ENABLED"
    paused["locals"]["deployed"]["orders"]["paused"] = "false"
    assert paused == running


def test_rule_without_a_suffix_matches_by_prefix(synth: Synth) -> None:
    environments = {"dev": example.environments()["dev"]}
    del environments["dev"]["pipelines"]["orders"]["suffix"]
    stack = synth(environments)["dev"]
    rule = stack.resources("aws_cloudwatch_event_rule")[f"{ORDERS}/routing/rule"]
    pattern = json.loads(rule["event_pattern"])
    assert pattern["detail"]["object"] == {"key": [{"prefix": "orders/"}]}
    assert "--suffix" not in stack.only("aws_glue_job")["default_arguments"]


def test_target_is_the_workflow_itself_with_role_queue_and_both_retry_fields(
    stack: Synthesized,
) -> None:
    target = stack.resources("aws_cloudwatch_event_target")[f"{ORDERS}/routing/target"]
    assert set(target.pop("depends_on")) == {
        stack.address("aws_iam_role_policy", f"{ORDERS}/routing/permission"),
        stack.address("aws_sqs_queue_policy", f"{ORDERS}/routing/undelivered-policy"),
    }
    assert target == {
        "target_id": "workflow",
        "rule": reference(stack, "aws_cloudwatch_event_rule", f"{ORDERS}/routing/rule", "name"),
        "arn": reference(stack, "aws_glue_workflow", f"{ORDERS}/workflow/workflow", "arn"),
        "role_arn": reference(stack, "aws_iam_role", f"{ORDERS}/routing/role", "arn"),
        "dead_letter_config": {
            "arn": reference(stack, "aws_sqs_queue", f"{ORDERS}/routing/undelivered", "arn")
        },
        "retry_policy": {"maximum_event_age_in_seconds": 86400, "maximum_retry_attempts": 185},
    }


def test_dead_letter_queue_is_encrypted_and_keeps_events_for_two_weeks(
    stack: Synthesized,
) -> None:
    queue = stack.only("aws_sqs_queue")
    assert queue["sqs_managed_sse_enabled"] is True
    assert queue["message_retention_seconds"] == 14 * 24 * 3600


def test_workflow_lets_one_run_work_one_wait_and_one_end(stack: Synthesized) -> None:
    assert stack.only("aws_glue_workflow")["max_concurrent_runs"] == 3


def test_event_trigger_batches_as_the_settings_say_and_is_never_toggled(
    stack: Synthesized,
) -> None:
    trigger = stack.only("aws_glue_trigger")
    assert trigger["type"] == "EVENT"
    assert trigger["workflow_name"] == reference(
        stack, "aws_glue_workflow", f"{ORDERS}/workflow/workflow", "name"
    )
    assert trigger["actions"] == [
        {"job_name": reference(stack, "aws_glue_job", f"{ORDERS}/job/job", "name")}
    ]
    assert trigger["event_batching_condition"] == [
        {
            "batch_size": orders(stack)["batch_size"],
            "batch_window": orders(stack)["batch_window_seconds"],
        }
    ]
    assert not {"enabled", "start_on_creation"} & set(trigger)


def test_job_runs_once_at_a_time_queues_and_is_not_repeated_by_glue(stack: Synthesized) -> None:
    job = stack.only("aws_glue_job")
    assert job["execution_property"] == {"max_concurrent_runs": 1}
    assert job["job_run_queuing_enabled"] is True
    assert job["max_retries"] == 0
    assert "execution_class" not in job


def test_job_has_the_size_version_and_timeout_of_the_settings(stack: Synthesized) -> None:
    job, settings = stack.only("aws_glue_job"), orders(stack)["job"]
    assert job["worker_type"] == settings["worker_type"]
    assert job["number_of_workers"] == settings["number_of_workers"]
    assert job["timeout"] == settings["timeout_minutes"]
    assert job["glue_version"] == "5.1"
    assert job["command"]["name"] == "glueetl"
    assert job["command"]["python_version"] == "3"


def test_job_gets_its_buckets_columns_and_code_as_arguments(stack: Synthesized) -> None:
    environment = stack.document["//"]["metadata"]["stackName"]
    landing = reference(stack, "aws_s3_bucket", "landing/bucket", "bucket")
    lake = reference(stack, "aws_s3_bucket", "lake/bucket", "bucket")
    script = reference(stack, "aws_s3_object", "code/script", "key")
    package = reference(stack, "aws_s3_object", "code/package", "key")
    job = stack.only("aws_glue_job")
    arguments = dict(job["default_arguments"])
    assert job["command"]["script_location"] == f"s3://{lake}/{script}"
    columns = parse_columns(json.dumps(orders(stack)["input"]["columns"]))
    added = parse_columns(json.dumps(orders(stack)["output"]["added_columns"]))
    spec = JobSpec(
        environment=environment,
        pipeline="orders",
        landing_bucket=landing,
        prefix="orders/",
        suffix=".csv",
        lake_bucket=lake,
        curated_uri=f"s3://{lake}/curated/orders",
        format=FileFormat("csv", columns),
        transform="orders",
        output=Output(columns=columns + added),
        time=TimeLimit(orders(stack)["job"]["timeout_minutes"]),
    )
    assert arguments == {
        "--extra-py-files": f"s3://{lake}/{package}",
        "--custom-logGroup-prefix": f"/burst/{environment}/orders",
        "--enable-auto-scaling": "true",
        "--enable-job-insights": "true",
        "--enable-metrics": "true",
        "--enable-observability-metrics": "true",
        "--job-bookmark-option": "job-bookmark-disable",
        **spec.to_arguments(),
    }


def test_job_gets_every_number_that_is_set(synth: Synth) -> None:
    environments = {"dev": example.environments()["dev"]}
    pipeline = environments["dev"]["pipelines"]["orders"]
    numbers: dict[str, float] = {}
    for part, place in (
        (Bounds, pipeline),
        (FileFormat, pipeline["input"]),
        (TimeLimit, pipeline["job"]),
    ):
        for argument in arguments_of(part).values():
            if argument.least is not None:
                place[argument.name] = argument.least
                numbers[argument.flag] = argument.least

    written = deployed(synth(environments)["dev"]).to_arguments()

    assert len(numbers) >= 6
    assert {flag: float(written[flag]) for flag in numbers} == numbers


def test_job_gets_how_files_are_read_and_written(synth: Synth) -> None:
    environments = {"dev": example.environments()["dev"]}
    pipeline = environments["dev"]["pipelines"]["orders"]
    pipeline["input"] |= {"unknown_columns": "drop", "delimiter": "\t", "encoding": "cp1252"}
    pipeline["input"] |= {"escape": "\\"}
    pipeline["output"] = {"compression": "zstd", "target_file_megabytes": 64, "row_changes": "any"}

    args = deployed(synth(environments)["dev"])

    format = args.format
    assert (format.unknown, format.delimiter, format.encoding) == ("drop", "\t", "cp1252")
    assert format.escape == "\\"
    assert args.output == Output("zstd", 64 * 1024**2, args.format.columns, "any")


def test_job_that_reads_no_csv_gets_nothing_about_csv(synth: Synth) -> None:
    environments = {"dev": example.environments()["dev"]}
    environments["dev"]["pipelines"]["orders"]["input"]["format"] = "json"

    stack = synth(environments)["dev"]

    assert "csv" not in " ".join(stack.only("aws_glue_job")["default_arguments"])
    assert deployed(stack).format.kind == "json"


def deployed(stack: Synthesized) -> JobSpec:
    """The default arguments, as the job reads them."""
    arguments = stack.only("aws_glue_job")["default_arguments"]
    return JobSpec.from_arguments([part for pair in arguments.items() for part in pair])


def test_log_groups_are_the_ones_that_glue_writes_to(stack: Synthesized) -> None:
    prefix = stack.only("aws_glue_job")["default_arguments"]["--custom-logGroup-prefix"]
    groups = stack.resources("aws_cloudwatch_log_group").values()
    assert {item["name"]: item["retention_in_days"] for item in groups} == {
        f"{prefix}/error": 365,
        f"{prefix}/output": 365,
    }


def test_everything_is_tagged_with_project_environment_and_the_users_tags(
    stack: Synthesized,
) -> None:
    (provider,) = stack.document["provider"]["aws"]
    assert provider["region"] == "eu-central-1"
    assert provider["default_tags"] == [
        {
            "tags": {
                "project": "burst",
                "environment": stack.document["//"]["metadata"]["stackName"],
                "owner": "data-platform",
            }
        }
    ]


def test_everything_of_a_pipeline_is_tagged_with_its_name(stack: Synthesized) -> None:
    taggable = {
        "aws_cloudwatch_event_rule",
        "aws_cloudwatch_log_group",
        "aws_cloudwatch_metric_alarm",
        "aws_glue_job",
        "aws_glue_trigger",
        "aws_glue_workflow",
        "aws_iam_role",
        "aws_sqs_queue",
    }
    # What the AWS provider knows no tags of.
    others = {
        "aws_cloudwatch_event_target",
        "aws_glue_catalog_table",
        "aws_iam_role_policy",
        "aws_sqs_queue_policy",
    }
    seen = set()
    for kind in stack.document["resource"]:
        for path, item in stack.resources(kind).items():
            if path.startswith((f"{ORDERS}/", f"alerts/{ORDERS}/")):
                seen.add(kind)
                assert item.get("tags") == ({"pipeline": "orders"} if kind in taggable else None)
    assert seen == taggable | others


def test_code_objects_take_no_default_tags_because_an_object_holds_ten_at_most(
    stack: Synthesized,
) -> None:
    for item in stack.resources("aws_s3_object").values():
        assert item["override_provider"] == {"default_tags": {"tags": {}}}
        assert item["lifecycle"] == {"create_before_destroy": True}


def test_every_output_says_what_it_is(stack: Synthesized) -> None:
    outputs = stack.document["output"]
    assert set(outputs) == {
        "environment",
        "region",
        "landing_bucket_name",
        "lake_bucket_name",
        "database_name",
        "pipelines",
        "topic_arn",
        "dashboard_name",
    }
    assert set(stack.document["locals"]["deployed"]["orders"]) == {
        "prefix",
        "suffix",
        "paused",
        "rule_name",
        "sweep_rule_name",
        "dead_letter_queue_url",
        "workflow_name",
        "trigger_name",
        "job_name",
        "log_group_prefix",
        "curated_uri",
        "table_name",
    }
    assert all(len(output["description"]) > 20 for output in outputs.values())
    assert "five minutes" in outputs["landing_bucket_name"]["description"]


def test_nothing_names_an_account_an_arn_or_a_partition(stack: Synthesized) -> None:
    assert not re.search(r"\barn:", stack.text)
    assert not re.search(r"(?<![\w])\d{12}(?![\w])", stack.text)


def test_local_state_lies_in_the_project_folder(shipped: Mapping[str, Synthesized]) -> None:
    assert shipped["dev"].document["terraform"]["backend"] == {
        "local": {"path": "../../../terraform.dev.tfstate"}
    }


def test_s3_state_is_encrypted_and_locked_by_a_file(shipped: Mapping[str, Synthesized]) -> None:
    assert shipped["prod"].document["terraform"]["backend"] == {
        "s3": {
            "bucket": "example-terraform-state",
            "key": "burst/prod.tfstate",
            "region": "eu-central-1",
            "encrypt": True,
            "use_lockfile": True,
        }
    }


@pytest.mark.parametrize(
    ("ephemeral", "allow_data_loss", "deletable"),
    [(False, False, False), (False, True, False), (True, False, False), (True, True, True)],
)
def test_deleting_data_takes_both_keys(
    synth: Synth, ephemeral: bool, allow_data_loss: bool, deletable: bool
) -> None:
    environments = {"dev": example.environments()["dev"] | {"ephemeral": ephemeral}}
    stack = synth(environments, allow_data_loss=allow_data_loss)["dev"]
    for bucket in stack.resources("aws_s3_bucket").values():
        assert bucket.get("force_destroy", False) is deletable
        assert bucket.get("lifecycle", {}).get("prevent_destroy", False) is not deletable


def test_every_pipeline_has_its_own_rule_workflow_trigger_job_and_queue(synth: Synth) -> None:
    environments = {"dev": example.environments()["dev"]}
    pipelines = environments["dev"]["pipelines"]
    pipelines["web-returns"] = copy.deepcopy(pipelines["orders"]) | {
        "prefix": "returns/",
        "transform": "orders",
    }
    stack = synth(environments)["dev"]
    own = {"burst-dev-orders", "burst-dev-web-returns"}
    for kind, others in (
        ("aws_cloudwatch_event_rule", {f"{name}-sweep" for name in own}),
        ("aws_glue_workflow", set()),
        ("aws_glue_job", set()),
    ):
        names = {
            item["name"]
            for path, item in stack.resources(kind).items()
            if path.startswith("pipeline-")
        }
        assert names == own | others
    assert len(stack.resources("aws_s3_bucket")) == 2
    assert len(stack.resources("aws_s3_object")) == 2
    assert set(stack.document["locals"]["deployed"]) == {"orders", "web-returns"}
