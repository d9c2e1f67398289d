"""What tells people: the topic and who may use it, the rules, the alarms, the dashboard."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from cdktf import App, TerraformStack

from stacks.alerting.alerts import Alerts
from stacks.alerting.dashboard import Dashboard
from stacks.alerting.runbook import PAGE, Section
from stacks.environment import Environment
from stacks.pipeline.pipeline import PipelineOutput
from stacks.settings import JOBS_IN_A_PATTERN, AlertsSettings, RetentionSettings
from tests import example
from tests.synth.every_stack import PROJECT_FOLDER, Synth
from tests.synth.synthesized import Synthesized
from tests.synth.test_burst_stack import ORDERS, reference
from tests.synth.test_policies import arn

RULE, TARGET = "aws_cloudwatch_event_rule", "aws_cloudwatch_event_target"
ALARM, DASHBOARD = "aws_cloudwatch_metric_alarm", "aws_cloudwatch_dashboard"
TOPIC = "aws_sns_topic"
RUNBOOK = "https://example.com/burst/docs/runbook.md"
# AWS Glue and CloudWatch quotas and API references.
MAX_PATTERN, MAX_TEMPLATE, MAX_DESCRIPTION = 2048, 8192, 1024


def with_alerts(
    synth: Synth, alerts: Any, pipelines: int = 1, unknown_columns: str = "quarantine"
) -> Synthesized:
    environments = {"dev": copy.deepcopy(example.environments()["dev"]) | {"alerts": alerts}}
    environments["dev"]["pipelines"]["orders"]["input"]["unknown_columns"] = unknown_columns
    template = environments["dev"]["pipelines"]["orders"] | {"transform": "orders"}
    for number in range(1, pipelines):
        name = f"pipeline-number-{number:08}"
        environments["dev"]["pipelines"][name] = template | {"prefix": f"{name}/"}
    return synth(environments)["dev"]


@pytest.fixture(scope="module")
def everything(synth: Synth) -> Synthesized:
    """Two subscribers, a runbook with an address, one message a burst, other thresholds, and
    columns that are rescued."""
    alerts = {
        "emails": ["night@example.com", "day@example.com"],
        "runbook_url": RUNBOOK,
        "quarantine": "burst",
        "oldest_file_minutes": 30,
        "dead_letters": 5,
    }
    return with_alerts(synth, alerts, pipelines=2, unknown_columns="rescue")


@pytest.fixture(scope="module")
def quiet(synth: Synth) -> Synthesized:
    return with_alerts(synth, {"alarms": False, "dashboard": False, "quarantine": "off"})


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Synthesized:
    """Alerts and dashboard of many pipelines, without the pipelines."""
    # Nothing is deployed, so there is no provider.
    app = App(outdir=str(tmp_path_factory.mktemp("cdktf.out")), skip_validation=True)
    stack = TerraformStack(app, "dev")
    environment = Environment(
        name="dev",
        account_id="123456789012",
        region="eu-central-1",
        deletable=False,
        retention=RetentionSettings(),
    )
    settings = AlertsSettings()
    pipelines = [
        deployed_pipeline(f"pipeline-number-{n:08}") for n in range(JOBS_IN_A_PATTERN * 2 + 1)
    ]
    alerts = Alerts(
        stack,
        "alerts",
        environment=environment,
        settings=settings,
        pipelines=pipelines,
        lake_bucket="lake",
    )
    Dashboard(
        stack,
        "dashboard",
        environment=environment,
        settings=settings,
        pipelines=pipelines,
        runs_rule_names=alerts.runs_rule_names,
        alarm_arns=alerts.alarm_arns,
    )
    app.synth()
    return Synthesized.read(Path(app.outdir) / "stacks" / "dev")


def deployed_pipeline(pipeline: str) -> PipelineOutput:
    name = f"burst-dev-{pipeline}"
    return PipelineOutput(
        name=name,
        pipeline=pipeline,
        prefix=f"{pipeline}/",
        suffix="",
        paused=False,
        rule_names=[name, f"{name}-sweep"],
        dead_letter_queue_name=f"{name}-undelivered",
        dead_letter_queue_url=f"https://sqs.eu-central-1.amazonaws.com/123456789012/{name}",
        workflow_name=name,
        trigger_name=f"{name}-batch",
        job_name=name,
        log_group_prefix=f"/burst/dev/{pipeline}",
        curated_uri=f"s3://lake/curated/{pipeline}",
        table_name=pipeline.replace("-", "_"),
        tags={"pipeline": pipeline},
    )


def rules(stack: Synthesized) -> dict[str, dict[str, Any]]:
    """The rules that tell people."""
    return {
        path: rule for path, rule in stack.resources(RULE).items() if path.startswith("alerts/")
    }


def pattern(rule: Mapping[str, Any]) -> Any:
    return json.loads(rule["event_pattern"])


# ---- the topic ---------------------------------------------------------------------------------


def test_every_environment_has_one_topic_that_its_outputs_name(stack: Synthesized) -> None:
    environment = stack.document["//"]["metadata"]["stackName"]
    assert stack.only(TOPIC)["name"] == f"burst-{environment}-alerts"
    assert stack.document["output"]["topic_arn"]["value"] == arn(stack, TOPIC, "alerts/topic")


def test_topic_takes_messages_of_this_accounts_rules_and_alarms_over_tls_only(
    stack: Synthesized,
) -> None:
    [policy] = [item for item in stack.policies() if item.resource == "alerts/policy"]
    topic = arn(stack, TOPIC, "alerts/topic")
    account = "${data.aws_caller_identity.current.account_id}"
    publish = {"Action": "sns:Publish", "Resource": topic}
    assert policy.statements == (
        # EventBridge user guide, "Using resource-based policies": no condition for a topic.
        {
            "Sid": "TakeMessagesOfTheRules",
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            **publish,
        },
        {
            "Sid": "RefuseRulesOfOtherAccounts",
            "Effect": "Deny",
            "Principal": {"Service": "events.amazonaws.com"},
            **publish,
            "Condition": {
                "Null": {"aws:SourceAccount": "false"},
                "StringNotEquals": {"aws:SourceAccount": account},
            },
        },
        {
            "Sid": "TakeMessagesOfTheAlarms",
            "Effect": "Allow",
            "Principal": {"Service": "cloudwatch.amazonaws.com"},
            **publish,
            "Condition": {"StringEquals": {"aws:SourceAccount": account}},
        },
        {
            "Sid": "DenyWithoutTls",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "sns:Publish",
            "Resource": [topic],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
    )


def test_topic_is_encrypted_with_the_environments_key_where_there_is_one(
    stack: Synthesized, encrypted: Synthesized
) -> None:
    assert encrypted.only(TOPIC)["kms_master_key_id"] == arn(
        encrypted, "aws_kms_key", "encryption/key"
    )
    # The key that AWS manages lets neither EventBridge nor CloudWatch use it.
    assert "kms_master_key_id" not in stack.only(TOPIC)


def test_every_address_is_subscribed(everything: Synthesized, stack: Synthesized) -> None:
    subscriptions = everything.resources("aws_sns_topic_subscription").values()
    assert [(item["protocol"], item["endpoint"]) for item in subscriptions] == [
        ("email", "night@example.com"),
        ("email", "day@example.com"),
    ]
    assert {item["topic_arn"] for item in subscriptions} == {arn(everything, TOPIC, "alerts/topic")}
    assert stack.resources("aws_sns_topic_subscription") == {}


# ---- the rules ---------------------------------------------------------------------------------


def test_runs_of_our_jobs_that_do_not_end_well_are_told(stack: Synthesized) -> None:
    assert pattern(rules(stack)["alerts/runs-0"]) == {
        "source": ["aws.glue"],
        "detail-type": ["Glue Job State Change"],
        "detail": {
            "jobName": [reference(stack, "aws_glue_job", f"{ORDERS}/job/job", "name")],
            "state": ["FAILED", "TIMEOUT", "STOPPED", "ERROR"],
        },
    }


def test_files_in_quarantine_are_told_once_each(stack: Synthesized) -> None:
    assert pattern(rules(stack)["alerts/quarantine"]) == {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {
            "bucket": {"name": [reference(stack, "aws_s3_bucket", "lake/bucket", "bucket")]},
            # One of the two objects that a bad file becomes.
            "object": {"key": [{"wildcard": "quarantine/*.reason.json"}]},
        },
    }


def test_no_event_of_the_lake_can_start_a_pipeline(stack: Synthesized) -> None:
    landing = reference(stack, "aws_s3_bucket", "landing/bucket", "bucket")
    for path, rule in stack.resources(RULE).items():
        targets = [
            target["target_id"]
            for target in stack.resources(TARGET).values()
            if target["rule"] == reference(stack, RULE, path, "name")
        ]
        if "workflow" in targets and "event_pattern" in rule:
            assert pattern(rule)["detail"]["bucket"]["name"] == [landing]
        elif "event_pattern" in rule:
            assert targets == ["topic"]


def test_lake_sends_events_only_where_somebody_listens(
    stack: Synthesized, everything: Synthesized, quiet: Synthesized
) -> None:
    kind = "aws_s3_bucket_notification"
    assert set(stack.resources(kind)) == {"landing/notification", "lake/notification"}
    assert set(everything.resources(kind)) == {"landing/notification"}
    assert set(quiet.resources(kind)) == {"landing/notification"}


def test_targets_of_messages_have_no_role_because_the_topics_policy_counts(
    stack: Synthesized,
) -> None:
    targets = [item for item in stack.resources(TARGET).values() if item["target_id"] == "topic"]
    assert len(targets) == len(rules(stack)) == 2
    for target in targets:
        assert target["arn"] == arn(stack, TOPIC, "alerts/topic")
        assert target["depends_on"] == [stack.address("aws_sns_topic_policy", "alerts/policy")]
        assert "role_arn" not in target


def messages(stack: Synthesized) -> dict[str, dict[str, Any]]:
    return {
        path.removeprefix("alerts/").removesuffix("-target"): item["input_transformer"]
        for path, item in stack.resources(TARGET).items()
        if item["target_id"] == "topic"
    }


def test_message_is_a_sentence_with_what_where_and_what_to_do(stack: Synthesized) -> None:
    environment = stack.document["//"]["metadata"]["stackName"]
    texts = {name: item["input_template"] for name, item in messages(stack).items()}
    assert texts["runs-0"] == (
        f'{{"alert": "Environment {environment}: run <jobRunId> of job <jobName> ended as <state>. '
        "Nothing is lost: the next run goes on where it stopped. Read its log (`burst logs`, or "
        f"below /burst/{environment}/ in CloudWatch), correct the cause, and start a run "
        "(`burst drain`, or the workflow <jobName>). "
        "A run without a log never started, because Glue gave it up while it waited behind "
        "another: just start the next. "
        'Runbook: docs/runbook.md, \'a run that failed\'.", "error": <message>}'
    )
    assert texts["quarantine"] == (
        f'{{"alert": "Environment {environment}: a file could not be read and is in quarantine; '
        "the others went through. Read the reason (`burst status`, or the object beside it), "
        "correct the file, and send it in place of the bad one by `burst replay "
        f"{environment} PIPELINE --quarantine --with FILE`. "
        "Runbook: docs/runbook.md, 'a file in quarantine'.\", "
        '"bucket": <bucket>, "reason": <reason>}'
    )


def test_every_variable_of_a_message_is_defined_and_used(
    stack: Synthesized, everything: Synthesized
) -> None:
    for item in (*messages(stack).values(), *messages(everything).values()):
        used = set(re.findall(r"<([\w-]+)>", item["input_template"]))
        assert used == set(item["input_paths"])
        assert len(item["input_template"]) <= MAX_TEMPLATE


def test_what_others_write_never_stands_between_quotes(stack: Synthesized) -> None:
    """EventBridge does not escape it there, and a quote in a key would lose the message."""
    for item in messages(stack).values():
        quoted = re.findall(r'"((?:[^"\\]|\\.)*)"', item["input_template"])
        inside = {name for text in quoted for name in re.findall(r"<([\w-]+)>", text)}
        assert inside <= {"jobName", "jobRunId", "state"}


def test_many_jobs_are_divided_so_that_every_pattern_is_short_enough(many: Synthesized) -> None:
    jobs: list[str] = []
    for path, rule in rules(many).items():
        if not path.startswith("alerts/runs-"):
            continue
        names = pattern(rule)["detail"]["jobName"]
        jobs += names
        # As long as Terraform may make it: a job is called like its rule, up to 64 characters.
        detail = pattern(rule)["detail"] | {"jobName": ["x" * 64] * len(names)}
        assert len(json.dumps({**pattern(rule), "detail": detail})) <= MAX_PATTERN
    assert len(jobs) == len(set(jobs)) == JOBS_IN_A_PATTERN * 2 + 1


def test_no_two_rules_have_one_name_whatever_the_pipelines_are_called(synth: Synth) -> None:
    environments = {"dev": copy.deepcopy(example.environments()["dev"])}
    pipelines = environments["dev"]["pipelines"]
    others = ("runs-0", "quarantine", "alerts")
    for name in others:
        pipelines[name] = pipelines["orders"] | {"prefix": f"{name}/", "transform": "orders"}
    names = [rule["name"] for rule in synth(environments)["dev"].resources(RULE).values()]
    assert len(names) == len(set(names)) == (1 + len(others)) * 2 + 2


# ---- the alarms --------------------------------------------------------------------------------


def alarms(stack: Synthesized, pipeline: str = "orders") -> dict[str, dict[str, Any]]:
    return {
        path.rpartition("/")[2]: alarm
        for path, alarm in stack.resources(ALARM).items()
        if path.startswith(f"alerts/pipeline-{pipeline}/")
    }


def test_every_pipeline_has_five_alarms_that_send_to_the_topic(stack: Synthesized) -> None:
    environment = stack.document["//"]["metadata"]["stackName"]
    assert {item["alarm_name"] for item in alarms(stack).values()} == {
        f"burst-{environment}-orders.{name}"
        for name in (
            "events-failed",
            "events-undelivered",
            "events-lost",
            "dead-letters",
            "oldest-file",
        )
    }
    for alarm in alarms(stack).values():
        assert alarm["alarm_actions"] == [arn(stack, TOPIC, "alerts/topic")]
        assert alarm["evaluation_periods"] == 1
        assert alarm["comparison_operator"] == "GreaterThanThreshold"


@pytest.mark.parametrize(
    ("name", "metric"),
    # The spelling of the EventBridge user guide, "Monitoring Amazon EventBridge".
    [
        ("events-failed", "FailedInvocations"),
        ("events-undelivered", "InvocationsSentToDlq"),
        ("events-lost", "InvocationsFailedToBeSentToDlq"),
    ],
)
def test_deliveries_of_both_rules_are_watched_and_no_data_is_good_data(
    stack: Synthesized, name: str, metric: str
) -> None:
    alarm = alarms(stack)[name]
    total, *counted = alarm["metric_query"]
    assert (total["expression"], total["return_data"]) == ("SUM(FILL(METRICS(), 0))", True)
    assert [query["metric"] for query in counted] == [
        {
            "namespace": "AWS/Events",
            "metric_name": metric,
            "dimensions": {"RuleName": reference(stack, RULE, f"{ORDERS}/routing/{rule}", "name")},
            "period": 300,
            "stat": "Sum",
        }
        for rule in ("rule", "sweep")
    ]
    assert not any(query.get("return_data") for query in counted)
    assert (alarm["threshold"], alarm["treat_missing_data"]) == (0, "notBreaching")


def watched(alarm: Mapping[str, Any]) -> tuple[Any, ...]:
    names = ("namespace", "metric_name", "statistic", "threshold", "treat_missing_data")
    return tuple(alarm[name] for name in names)


def test_queue_is_watched_and_stays_in_alarm_when_its_metrics_end(stack: Synthesized) -> None:
    alarm = alarms(stack)["dead-letters"]
    assert watched(alarm) == (
        "AWS/SQS",
        "ApproximateNumberOfMessagesVisible",
        "Maximum",
        0,
        "ignore",
    )
    assert alarm["dimensions"] == {
        "QueueName": reference(stack, "aws_sqs_queue", f"{ORDERS}/routing/undelivered", "name")
    }


def test_file_that_waited_too_long_is_seen_by_the_jobs_own_metric(stack: Synthesized) -> None:
    alarm = alarms(stack)["oldest-file"]
    assert watched(alarm) == (
        "Burst",
        "OldestOutstandingSeconds",
        "Maximum",
        120 * 60,
        "notBreaching",
    )
    environment = stack.document["//"]["metadata"]["stackName"]
    assert alarm["dimensions"] == {"Environment": environment, "Pipeline": "orders"}


def test_thresholds_are_those_of_the_settings(everything: Synthesized) -> None:
    for pipeline in ("orders", "pipeline-number-00000001"):
        found = alarms(everything, pipeline)
        assert found["oldest-file"]["threshold"] == 30 * 60
        assert "more than 30 minutes" in found["oldest-file"]["alarm_description"]
        # More than four.
        assert found["dead-letters"]["threshold"] == 4
        assert ": 5 or more undelivered events" in found["dead-letters"]["alarm_description"]


def test_quarantine_told_once_a_burst_is_an_alarm_and_no_rule(everything: Synthesized) -> None:
    alarm = alarms(everything)["bad-files"]
    assert watched(alarm) == ("Burst", "BadFiles", "Sum", 0, "notBreaching")
    assert alarm["dimensions"] == {"Environment": "dev", "Pipeline": "orders"}
    assert set(rules(everything)) == {"alerts/runs-0", "alerts/drift"}


def test_columns_that_nobody_declared_are_told_where_they_are_rescued(
    stack: Synthesized, everything: Synthesized
) -> None:
    assert "alerts/drift" not in rules(stack)
    pattern = json.loads(rules(everything)["alerts/drift"]["event_pattern"])
    assert pattern["detail"]["object"] == {"key": [{"wildcard": "ledger/*/drift/*.json"}]}
    message = messages(everything)["drift"]
    assert message["input_paths"] == {"found": "$.detail.object.key"}
    assert "columns that nobody declared" in message["input_template"]


def test_what_is_switched_off_is_not_there_but_failed_runs_are_told(quiet: Synthesized) -> None:
    assert quiet.resources(ALARM) == {}
    assert quiet.resources(DASHBOARD) == {}
    assert set(rules(quiet)) == {"alerts/runs-0"}
    assert "dashboard_name" not in quiet.document["output"]
    assert "topic_arn" in quiet.document["output"]


# ---- the runbook -------------------------------------------------------------------------------


def texts(stack: Synthesized) -> list[str]:
    return [
        *(item["alarm_description"] for item in stack.resources(ALARM).values()),
        *(item["input_template"] for item in messages(stack).values()),
    ]


def test_every_message_leads_to_a_section_of_the_runbook(
    stack: Synthesized, everything: Synthesized
) -> None:
    titles = [section.value[1] for section in Section]
    for text in texts(stack):
        assert any(f"Runbook: docs/runbook.md, '{title}'." in text for title in titles), text
    for text in texts(everything):
        assert re.search(rf"Runbook: {re.escape(RUNBOOK)}#[a-z-]+", text), text
    for alarm in everything.resources(ALARM).values():
        assert len(alarm["alarm_description"]) <= MAX_DESCRIPTION


@pytest.mark.parametrize("section", Section, ids=lambda section: section.name)
def test_every_section_is_in_the_runbook_under_its_anchor(section: Section) -> None:
    anchor, title = section.value
    runbook = (PROJECT_FOLDER / PAGE).read_text(encoding="utf-8")
    assert f'<a id="{anchor}"></a>**{title}**' in runbook


# ---- the dashboard -----------------------------------------------------------------------------


def widgets(stack: Synthesized) -> dict[str, dict[str, Any]]:
    body = json.loads(stack.only(DASHBOARD)["dashboard_body"])
    return {widget["properties"].get("title", "heading"): widget for widget in body["widgets"]}


def labels(widget: dict[str, Any]) -> list[str]:
    return [metric[-1]["label"] for metric in widget["properties"]["metrics"]]


def test_dashboard_shows_the_way_of_the_data_and_what_lies_aside(stack: Synthesized) -> None:
    environment = stack.document["//"]["metadata"]["stackName"]
    assert stack.only(DASHBOARD)["dashboard_name"] == f"burst-{environment}"
    assert list(widgets(stack)) == [
        "heading",
        "Alarms",
        "Events matched",
        "Deliveries that failed",
        "Events in the dead-letter queues",
        "Runs that ended well, an hour",
        "Runs that did not end well",
        "Length of runs: seconds of reading, writing and settling",
        "Files",
        "Rows read and written",
        "Files that went to quarantine",
        "Age of the oldest file that a run took, in seconds",
    ]


def test_dashboard_has_a_line_for_every_pipeline(everything: Synthesized) -> None:
    shown = widgets(everything)
    pipelines = ["orders", "pipeline-number-00000001"]
    for title in ("Events matched", "Files", "Events in the dead-letter queues"):
        assert labels(shown[title]) == pipelines
    assert labels(shown["Rows read and written"]) == [
        f"{pipeline} {name}" for pipeline in pipelines for name in ("Rows", "RowsWritten")
    ]
    query = shown["Runs that ended well, an hour"]["properties"]["query"]
    assert query.startswith(
        "SOURCE '/burst/dev/orders/output' | SOURCE '/burst/dev/pipeline-number-00000001/output' | "
    )
    assert len(shown["Alarms"]["properties"]["alarms"]) == 2 * 6
    assert f"[Runbook]({RUNBOOK})" in shown["heading"]["properties"]["markdown"]


def test_dashboard_reads_the_log_groups_that_glue_writes_to(
    stack: Synthesized, encrypted: Synthesized
) -> None:
    for one in (stack, encrypted):
        groups = {item["name"] for item in one.resources("aws_cloudwatch_log_group").values()}
        query = widgets(one)["Runs that ended well, an hour"]["properties"]["query"]
        assert set(re.findall(r"SOURCE '([^']+)'", query)) == {
            name for name in groups if name.endswith("/output")
        }


def test_widgets_do_not_overlap_and_fit_the_page(many: Synthesized) -> None:
    taken: set[tuple[int, int]] = set()
    for widget in json.loads(many.only(DASHBOARD)["dashboard_body"])["widgets"]:
        cells = {
            (x, y)
            for x in range(widget["x"], widget["x"] + widget["width"])
            for y in range(widget["y"], widget["y"] + widget["height"])
        }
        assert not cells & taken
        assert max(x for x, _ in cells) < 24
        taken |= cells


def test_dashboard_of_many_pipelines_stays_within_the_limits(many: Synthesized) -> None:
    body = json.loads(many.only(DASHBOARD)["dashboard_body"])
    for widget in body["widgets"]:
        # CloudWatch user guide, "CloudWatch quotas" and "Dashboard body structure and syntax".
        assert len(widget["properties"].get("metrics", [])) <= 500
        assert len(widget["properties"].get("alarms", [])) <= 100
        assert widget["properties"].get("query", "").count("SOURCE ") <= 50
