"""The dashboard of an environment."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from burst.contract import (
    DRAINED,
    METRICS_NAMESPACE,
    OUT_OF_TIME,
    PHASES,
    MetricName,
    metric_dimensions,
    phase_metric,
)
from cdktf_cdktf_provider_aws.cloudwatch_dashboard import CloudwatchDashboard
from constructs import Construct

from stacks.alerting.runbook import PAGE, Runbook
from stacks.environment import Environment
from stacks.pipeline.pipeline import PipelineOutput
from stacks.settings import AlertsSettings

COLUMNS, WIDTH, HEIGHT = 3, 8, 6
HEADING_HEIGHT = 2
PERIOD_SECONDS = 300
# The most log groups in one query of CloudWatch Logs Insights, and alarms in one alarm widget
# (CloudWatch user guide, "Dashboard body structure and syntax").
MAX_LOG_GROUPS = 50
MAX_ALARMS = 100

Metric = list[Any]

# Title, statistic and names of the job's own metrics; each pipeline has a line per name.
OF_THE_JOB = (
    (
        "Length of runs: seconds of reading, writing and settling",
        "Sum",
        tuple(map(phase_metric, PHASES)),
    ),
    ("Files", "Sum", (MetricName.FILES,)),
    ("Rows read and written", "Sum", (MetricName.ROWS, MetricName.ROWS_WRITTEN)),
    ("Files that went to quarantine", "Sum", (MetricName.BAD_FILES,)),
    (
        "Age of the oldest file that a run took, in seconds",
        "Maximum",
        (MetricName.OLDEST_OUTSTANDING_SECONDS,),
    ),
)


class Dashboard(Construct):
    """One page that answers: do files arrive, do runs succeed, is anything waiting or set aside?

    From EventBridge: events matched and deliveries that failed. From SQS: what is in the
    dead-letter queues. From the job's log: runs, also those that found nothing and publish no
    metric. From the job's metrics: seconds of work, files, rows, bad files, the oldest file.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        environment: Environment,
        settings: AlertsSettings,
        pipelines: Sequence[PipelineOutput],
        runs_rule_names: Sequence[str],
        alarm_arns: Sequence[str],
    ) -> None:
        super().__init__(scope, id_)
        region = environment.region
        widgets = [
            *_alarms(alarm_arns),
            *(graph.widget(region) for graph in _of_deliveries(pipelines)),
            _runs(region, pipelines),
            *(graph.widget(region) for graph in _of_runs(environment, pipelines, runs_rule_names)),
        ]
        heading = _heading(environment.name, Runbook(settings.runbook_url))
        dashboard = CloudwatchDashboard(
            self,
            "dashboard",
            dashboard_name=environment.prefix,
            dashboard_body=json.dumps({"widgets": [heading, *_arranged(widgets)]}),
        )
        self.name = dashboard.dashboard_name


def _heading(environment: str, runbook: Runbook) -> dict[str, Any]:
    link = f"[Runbook]({runbook.url})" if runbook.url else f"The runbook is {PAGE}."
    return {
        "type": "text",
        "x": 0,
        "y": 0,
        "width": COLUMNS * WIDTH,
        "height": HEADING_HEIGHT,
        "properties": {"markdown": f"# Burst, environment {environment}\n{link}"},
    }


def _arranged(widgets: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """In rows below the heading."""
    for number, widget in enumerate(widgets):
        row, column = divmod(number, COLUMNS)
        yield widget | {
            "x": column * WIDTH,
            "y": HEADING_HEIGHT + row * HEIGHT,
            "width": WIDTH,
            "height": HEIGHT,
        }


def _alarms(arns: Sequence[str]) -> Iterator[dict[str, Any]]:
    for start in range(0, len(arns), MAX_ALARMS):
        shown = list(arns[start : start + MAX_ALARMS])
        yield {"type": "alarm", "properties": {"title": "Alarms", "alarms": shown}}


@dataclass(frozen=True)
class Graph:
    """Lines over time; ``statistic`` is CloudWatch's, such as Sum."""

    title: str
    statistic: str
    metrics: list[Metric]

    def widget(self, region: str) -> dict[str, Any]:
        """The graph as a dashboard has it, without its place."""
        return {
            "type": "metric",
            "properties": {
                "title": self.title,
                "region": region,
                "view": "timeSeries",
                "stat": self.statistic,
                "period": PERIOD_SECONDS,
                "yAxis": {"left": {"min": 0}},
                "metrics": self.metrics,
            },
        }


def _of_deliveries(pipelines: Sequence[PipelineOutput]) -> Iterator[Graph]:
    """From the event bus to the workflow."""
    yield Graph("Events matched", "Sum", [_matched(item.rule_names[0], item) for item in pipelines])
    yield Graph(
        "Deliveries that failed",
        "Sum",
        [
            ["AWS/Events", name, "RuleName", rule, {"label": f"{rule} {name}"}]
            for pipeline in pipelines
            for rule in pipeline.rule_names
            for name in (
                "FailedInvocations",
                "InvocationsSentToDlq",
                "InvocationsFailedToBeSentToDlq",
            )
        ],
    )
    yield Graph("Events in the dead-letter queues", "Maximum", [_queued(p) for p in pipelines])


def _of_runs(
    environment: Environment,
    pipelines: Sequence[PipelineOutput],
    runs_rule_names: Sequence[str],
) -> Iterator[Graph]:
    """What the runs did, mostly from the job's own metrics."""
    yield Graph("Runs that did not end well", "Sum", [_matched(rule) for rule in runs_rule_names])
    for title, statistic, names in OF_THE_JOB:
        yield Graph(
            title,
            statistic,
            [
                _of_the_job(environment.name, pipeline.pipeline, name, is_alone=len(names) == 1)
                for pipeline in pipelines
                for name in names
            ],
        )


def _matched(rule: str, pipeline: PipelineOutput | None = None) -> Metric:
    metric = ["AWS/Events", "MatchedEvents", "RuleName", rule]
    return [*metric, {"label": pipeline.pipeline}] if pipeline else metric


def _queued(pipeline: PipelineOutput) -> Metric:
    return [
        "AWS/SQS",
        "ApproximateNumberOfMessagesVisible",
        "QueueName",
        pipeline.dead_letter_queue_name,
        {"label": pipeline.pipeline},
    ]


def _of_the_job(environment: str, pipeline: str, name: str, *, is_alone: bool) -> Metric:
    label = pipeline if is_alone else f"{pipeline} {name}"
    dimensions = itertools.chain(*metric_dimensions(environment, pipeline).items())
    return [METRICS_NAMESPACE, name, *dimensions, {"label": label}]


def _runs(region: str, pipelines: Sequence[PipelineOutput]) -> dict[str, Any]:
    """Ended runs from the last line of their logs (glue_jobs/burst/drain.py)."""
    sources = [
        f"SOURCE '{pipeline.log_group_prefix}/output'" for pipeline in pipelines[:MAX_LOG_GROUPS]
    ]
    ended = json.dumps([DRAINED, OUT_OF_TIME])
    query = f"filter event in {ended} | stats count(*) as runs by bin(1h)"
    return {
        "type": "log",
        "properties": {
            "title": "Runs that ended well, an hour",
            "region": region,
            "view": "timeSeries",
            "query": " | ".join([*sources, query]),
        },
    }
