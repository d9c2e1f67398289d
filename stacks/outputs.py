"""What Terraform says about an environment: for people, and for the tools."""

from __future__ import annotations

from collections.abc import Sequence

from cdktf import TerraformLocal, TerraformOutput, TerraformStack

from stacks.alerting.alerts import Alerts
from stacks.alerting.dashboard import Dashboard
from stacks.buckets.lake import Lake
from stacks.buckets.landing import ExistingLanding, Landing
from stacks.environment import Environment
from stacks.pipeline.catalog import Catalog
from stacks.pipeline.pipeline import PipelineOutput


def add_outputs(
    stack: TerraformStack,
    environment: Environment,
    *,
    landing: Landing | ExistingLanding,
    lake: Lake,
    catalog: Catalog,
    pipelines: Sequence[PipelineOutput],
    alerts: Alerts,
    dashboard: Dashboard | None,
) -> None:
    """Add every output of an environment."""

    def output(name: str, value: str, description: str) -> None:
        TerraformOutput(stack, name, value=value, description=description)

    output("environment", environment.name, "Name of the environment, as in cdktf.json.")
    output("region", environment.region, "AWS region of everything in the environment.")
    output(
        "landing_bucket_name",
        landing.name,
        "Bucket for incoming files. Its events reach EventBridge about five minutes after "
        "they were switched on, which the first deployment does for its own bucket.",
    )
    if isinstance(landing, ExistingLanding):
        output(
            "landing_events",
            landing.source_of_events,
            "Where the events of the existing landing bucket come from, and what its owner "
            "must do for it.",
        )
    output(
        "lake_bucket_name",
        lake.name,
        "Bucket with curated, archive, quarantine, ledger and artifacts.",
    )
    if environment.kms_key_arn:
        output(
            "kms_key_arn",
            environment.kms_key_arn,
            "Key of the environment: reading its data takes kms:Decrypt on it.",
        )
    output(
        "database_name",
        catalog.database_name,
        "Glue database with a table for each pipeline; query it with Athena.",
    )
    # A local value, because an output that holds a map itself makes cdktf call what Node 22
    # calls deprecated, on stderr.
    deployed = TerraformLocal(
        stack, "deployed", {item.pipeline: item.for_tools() for item in pipelines}
    )
    output(
        "pipelines",
        deployed.as_string,
        "What each pipeline consists of, by its name; the tools look here for what they need.",
    )
    output(
        "topic_arn",
        alerts.topic_arn,
        "SNS topic of everything that people must know: subscribe to it.",
    )
    if dashboard:
        output("dashboard_name", dashboard.name, "CloudWatch dashboard of the environment.")
