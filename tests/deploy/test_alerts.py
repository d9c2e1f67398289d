"""What is wrong in the deployed pipeline reaches the deployed topic, as far as the emulator goes.

It does not evaluate alarms; those are read back, as CloudWatch would read them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.deploy.conftest import Deployed, Encrypted
from tests.patience import PATIENCE
from tests.synth.synthesized import Synthesized
from tests.tools.small_pipeline import until
from tools.sandbox.orders import generate

Heard = Callable[[], list[dict[str, str]]]


@pytest.fixture
def heard(deployed: Deployed) -> Iterator[Heard]:
    """A subscriber of the topic; gives the messages since the last call."""
    account = deployed.sandbox.account
    sns, sqs = account.client("sns"), account.client("sqs")
    url = str(sqs.create_queue(QueueName="subscriber")["QueueUrl"])
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    subscription = sns.subscribe(
        TopicArn=deployed.sandbox.outputs["topic_arn"],
        Protocol="sqs",
        Endpoint=queue["QueueArn"],
        ReturnSubscriptionArn=True,
    )

    def messages() -> list[dict[str, str]]:
        answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
        return [
            json.loads(json.loads(message["Body"])["Message"])
            for message in answer.get("Messages", [])
        ]

    yield messages
    sns.unsubscribe(SubscriptionArn=subscription["SubscriptionArn"])
    sqs.delete_queue(QueueUrl=url)


def test_file_that_goes_to_quarantine_is_told_and_starts_no_run(
    deployed: Deployed, heard: Heard
) -> None:
    sandbox = deployed.sandbox
    s3, outputs = sandbox.account.client("s3"), sandbox.outputs
    before = sandbox.engine.snapshot()
    files = generate(3, seed=5, now=datetime.now(UTC), bad=1)
    for file in files:
        key = f'orders/told "{file.name}'
        s3.put_object(Bucket=outputs["landing_bucket_name"], Key=key, Body=file.body)
    assert sandbox.engine.wait(
        lambda now: len(now.job_runs) > len(before.job_runs) and now.idle, PATIENCE
    )

    [message] = until(heard)
    assert re.match(
        r"Environment dev: a file could not be read and is in quarantine", message["alert"]
    )
    assert message["alert"].endswith("Runbook: docs/runbook.md, 'a file in quarantine'.")
    assert message["bucket"] == outputs["lake_bucket_name"]
    reason = json.loads(
        s3.get_object(Bucket=message["bucket"], Key=message["reason"])["Body"].read()
    )
    [bad] = [file.name for file in files if file.bad]
    assert reason["key"] == f'orders/told "{bad}'

    # What the job wrote to the lake sent events as well; no pipeline has taken one for its own.
    after = sandbox.engine.snapshot()
    assert after.matched_events - before.matched_events == len(files)
    assert after.undelivered_events == before.undelivered_events


def test_run_that_fails_is_told_with_its_error(deployed: Deployed, heard: Heard) -> None:
    job = deployed.sandbox.outputs["pipelines"]["orders"]["job_name"]
    run = deployed.sandbox.account.client("glue").start_job_run(
        JobName=job, Arguments={"--input_format": "xml"}
    )["JobRunId"]

    [message] = until(heard, PATIENCE)
    assert message["alert"].startswith(
        f"Environment dev: run {run} of job {job} ended as FAILED. Nothing is lost"
    )
    assert f"the workflow {job})." in message["alert"]
    assert message["alert"].endswith("Runbook: docs/runbook.md, 'a run that failed'.")
    assert message["error"].startswith("ArgumentError: --input_format is 'xml'; allowed are ")


def test_run_that_ends_well_is_not_told(deployed: Deployed, heard: Heard) -> None:
    sandbox = deployed.sandbox
    before = len(sandbox.engine.snapshot().job_runs)
    workflow = sandbox.outputs["pipelines"]["orders"]["workflow_name"]
    sandbox.account.client("glue").start_workflow_run(Name=workflow)
    assert sandbox.engine.wait(lambda now: len(now.job_runs) > before and now.idle, PATIENCE)
    assert sandbox.engine.snapshot().job_runs[-1].state == "SUCCEEDED"
    assert heard() == []


def deployed_alarms(deployed: Deployed) -> list[dict[str, Any]]:
    """The alarms of the environment; another one may lie in the same account."""
    cloudwatch = deployed.sandbox.account.client("cloudwatch")
    answer = cloudwatch.describe_alarms(AlarmNamePrefix="burst-dev-")
    return list(answer["MetricAlarms"])


def test_every_alarm_sends_to_the_topic_and_says_what_to_do(deployed: Deployed) -> None:
    alarms = {alarm["AlarmName"]: alarm for alarm in deployed_alarms(deployed)}
    stack = Synthesized.read(deployed.sandbox.stack_folder)
    synthesized = stack.resources("aws_cloudwatch_metric_alarm").values()
    assert set(alarms) == {alarm["alarm_name"] for alarm in synthesized}
    assert alarms
    for alarm in alarms.values():
        assert alarm["AlarmActions"] == [deployed.sandbox.outputs["topic_arn"]]
        assert alarm["AlarmDescription"].startswith("Environment dev, pipeline orders: ")
        assert "Runbook: docs/runbook.md, '" in alarm["AlarmDescription"]


def test_alarms_watch_the_deployed_rules_and_queue(deployed: Deployed) -> None:
    orders = deployed.sandbox.outputs["pipelines"]["orders"]
    alarms = {alarm["AlarmName"].partition(".")[2]: alarm for alarm in deployed_alarms(deployed)}
    for name in ("events-failed", "events-undelivered"):
        rules = [
            query["MetricStat"]["Metric"]["Dimensions"][0]["Value"]
            for query in alarms[name]["Metrics"]
            if "MetricStat" in query
        ]
        assert set(rules) == {orders["rule_name"], orders["sweep_rule_name"]}
    queue = orders["dead_letter_queue_url"].rpartition("/")[2]
    assert alarms["dead-letters"]["Dimensions"] == [{"Name": "QueueName", "Value": queue}]


def test_alarm_on_waiting_files_watches_what_the_job_publishes(deployed: Deployed) -> None:
    cloudwatch = deployed.sandbox.account.client("cloudwatch")
    [alarm] = cloudwatch.describe_alarms(AlarmNames=["burst-dev-orders.oldest-file"])[
        "MetricAlarms"
    ]
    published: list[dict[str, Any]] = cloudwatch.list_metrics(Namespace=alarm["Namespace"])[
        "Metrics"
    ]
    [metric] = [item for item in published if item["MetricName"] == alarm["MetricName"]]
    assert sorted(metric["Dimensions"], key=str) == sorted(alarm["Dimensions"], key=str)


def test_dashboard_shows_what_the_job_publishes(deployed: Deployed) -> None:
    cloudwatch = deployed.sandbox.account.client("cloudwatch")
    name = deployed.sandbox.outputs["dashboard_name"]
    body = json.loads(cloudwatch.get_dashboard(DashboardName=name)["DashboardBody"])
    shown = {
        metric[1]
        for widget in body["widgets"]
        for metric in widget["properties"].get("metrics", [])
        if metric[0] == "Burst"
    }
    published = {
        item["MetricName"] for item in cloudwatch.list_metrics(Namespace="Burst")["Metrics"]
    }
    assert shown <= published


def test_encrypted_topic_has_the_environments_key_and_the_subscribers_of_the_settings(
    encrypted: Encrypted,
) -> None:
    sns, topic = encrypted.client("sns"), encrypted.outputs["topic_arn"]
    attributes = sns.get_topic_attributes(TopicArn=topic)["Attributes"]
    assert attributes["KmsMasterKeyId"] == encrypted.outputs["kms_key_arn"]
    subscribed = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert [(item["Protocol"], item["Endpoint"]) for item in subscribed] == [
        ("email", "night@example.com")
    ]


def test_alarm_on_bad_files_stands_in_for_the_rule_and_links_to_the_runbook(
    encrypted: Encrypted,
) -> None:
    answer = encrypted.client("cloudwatch").describe_alarms(AlarmNamePrefix="burst-uat-")
    alarms = {alarm["AlarmName"]: alarm for alarm in answer["MetricAlarms"]}
    for pipeline in ("orders", "web-returns"):
        description = alarms[f"burst-uat-{pipeline}.bad-files"]["AlarmDescription"]
        assert description.endswith(
            "Runbook: https://example.com/burst/docs/runbook.md#file-in-quarantine"
        )
    rules = encrypted.client("events").list_rules()["Rules"]
    own = [rule["Name"] for rule in rules if rule["Name"].startswith("burst-uat.")]
    assert own == ["burst-uat.runs-0"]
