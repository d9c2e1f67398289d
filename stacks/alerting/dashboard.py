"""The dashboard of an environment."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
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

from stacks.alerting.runbook import Runbook
from stacks.watched import WatchedPipeline

COLUMNS, WIDTH, HEIGHT = 3, 8, 6
HEADING_HEIGHT = 2
PERIOD_SECONDS = 300
# CloudWatch Logs Insights asks so many log groups at once, and an alarm widget shows so many
# alarms (CloudWatch user guide, "Dashboard body structure and syntax").
MAX_LOG_GROUPS = 50
MAX_ALARMS = 100

Metric = list[Any]


class Dashboard(Construct):
    """One page that answers: does it arrive, does it run, does anything wait or lie aside?

    From EventBridge: events matched and deliveries that failed. From SQS: what lies in the
    dead-letter queues. From the job's log: runs, also those that found nothing and publish no
    metric. From the job's metrics: seconds of work, files, rows, bad files, the oldest file.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        environment: str,
        region: str,
        pipelines: Sequence[WatchedPipeline],
        runs_rule_names: Sequence[str],
        alarm_arns: Sequence[str],
        runbook: Runbook,
    ) -> None:
        super().__init__(scope, id_)
        widgets = [
            *_alarms(alarm_arns),
            *_graphs(environment, region, pipelines, runs_rule_names),
        ]
        dashboard = CloudwatchDashboard(
            self,
            "dashboard",
            dashboard_name=f"burst-{environment}",
            dashboard_body=json.dumps(
                {"widgets": [_heading(environment, runbook), *_arranged(widgets)]}
            ),
        )
        self.name = dashboard.dashboard_name


def _heading(environment: str, runbook: Runbook) -> dict[str, Any]:
    link = f"[Runbook]({runbook.url})" if runbook.url else "The runbook stands in README.md."
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


def _graphs(
    environment: str,
    region: str,
    pipelines: Sequence[WatchedPipeline],
    runs_rule_names: Sequence[str],
) -> Iterator[dict[str, Any]]:
    def graph(title: str, statistic: str, metrics: list[Metric]) -> dict[str, Any]:
        return {
            "type": "metric",
            "properties": {
                "title": title,
                "region": region,
                "view": "timeSeries",
                "stat": statistic,
                "period": PERIOD_SECONDS,
                "yAxis": {"left": {"min": 0}},
                "metrics": metrics,
            },
        }

    def own(*names: str) -> list[Metric]:
        """Lines of the job's own metrics, one a pipeline and name."""
        return [
            [
                METRICS_NAMESPACE,
                name,
                *itertools.chain(*metric_dimensions(environment, pipeline.pipeline).items()),
                {"label": f"{pipeline.pipeline} {name}" if len(names) > 1 else pipeline.pipeline},
            ]
            for pipeline in pipelines
            for name in names
        ]

    yield graph(
        "Events matched",
        "Sum",
        [
            ["AWS/Events", "MatchedEvents", "RuleName", pipeline.rule_names[0], _label(pipeline)]
            for pipeline in pipelines
        ],
    )
    yield graph(
        "Deliveries that failed",
        "Sum",
        [
            ["AWS/Events", name, "RuleName", rule, {"label": f"{rule} {name}"}]
            for pipeline in pipelines
            for rule in pipeline.rule_names
            for name in ("FailedInvocations", "InvocationsSentToDlq")
        ],
    )
    yield graph(
        "Events in the dead-letter queues",
        "Maximum",
        [
            [
                "AWS/SQS",
                "ApproximateNumberOfMessagesVisible",
                "QueueName",
                pipeline.queue_name,
                _label(pipeline),
            ]
            for pipeline in pipelines
        ],
    )
    yield _runs(region, pipelines)
    yield graph(
        "Runs that did not end well",
        "Sum",
        [["AWS/Events", "MatchedEvents", "RuleName", rule] for rule in runs_rule_names],
    )
    yield graph(
        "Length of runs: seconds of reading, writing and settling",
        "Sum",
        own(*map(phase_metric, PHASES)),
    )
    yield graph("Files", "Sum", own(MetricName.FILES))
    yield graph("Rows", "Sum", own(MetricName.ROWS))
    yield graph("Files that went to quarantine", "Sum", own(MetricName.BAD_FILES))
    yield graph(
        "Age of the oldest file that a run took, in seconds",
        "Maximum",
        own(MetricName.OLDEST_OUTSTANDING_SECONDS),
    )


def _label(pipeline: WatchedPipeline) -> dict[str, str]:
    return {"label": pipeline.pipeline}


def _runs(region: str, pipelines: Sequence[WatchedPipeline]) -> dict[str, Any]:
    """Ended runs from the last line of their logs (glue_jobs/burst/drain.py)."""
    sources = [f"SOURCE '{pipeline.log_group}'" for pipeline in pipelines[:MAX_LOG_GROUPS]]
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
