"""One environment, in the order in which the data flows."""

from __future__ import annotations

from dataclasses import replace

from cdktf import TerraformStack
from cdktf_cdktf_provider_aws.data_aws_caller_identity import DataAwsCallerIdentity
from constructs import Construct

from stacks.alerting.alerts import Alerts
from stacks.alerting.dashboard import Dashboard
from stacks.buckets.lake import Lake
from stacks.buckets.landing import add_landing
from stacks.encryption import encrypt
from stacks.environment import Environment
from stacks.github.role_boundary import bound_roles
from stacks.outputs import add_outputs
from stacks.pipeline.catalog import Catalog
from stacks.pipeline.code import Code
from stacks.pipeline.pipeline import Pipeline
from stacks.provider import add_provider
from stacks.settings import EnvironmentSettings
from stacks.state.backend import keep_state


class BurstStack(TerraformStack):
    """Key, landing, lake, each pipeline with its job, table, workflow and routing, and the alerts.

    ``allow_data_loss`` is the deployer's key to deleting data; it opens nothing unless the
    environment is ``ephemeral`` as well.

    Attributes:
        environment: what its parts know about it.
        settings: what it was made from.
    """

    def __init__(
        self,
        scope: Construct,
        name: str,
        settings: EnvironmentSettings,
        *,
        allow_data_loss: bool = False,
    ) -> None:
        super().__init__(scope, name)
        keep_state(self, name, settings)
        add_provider(self, name, settings)
        environment = Environment(
            name=name,
            account_id=DataAwsCallerIdentity(self, "current").account_id,
            region=settings.region,
            deletable=settings.ephemeral and allow_data_loss,
            retention=settings.retention,
        )
        encryption = encrypt(self, environment, settings)
        if encryption:
            environment = replace(environment, kms_key_arn=encryption.kms_key_arn)

        landing = add_landing(self, environment, settings)
        lake = Lake(
            self,
            "lake",
            environment=environment,
            sends_events=settings.alerts.quarantine == "file",
        )
        code = Code(self, "code", environment=environment, lake=lake.bucket)
        catalog = Catalog(self, "catalog", environment=environment)
        pipelines = []
        for pipeline, pipeline_settings in settings.pipelines.items():
            made = Pipeline(
                self,
                f"pipeline-{pipeline}",
                pipeline=pipeline,
                settings=pipeline_settings,
                environment=environment,
                encryption=encryption,
                landing=landing,
                lake=lake.bucket,
                code=code,
                catalog=catalog,
            )
            pipelines.append(made.output)
        alerts = Alerts(
            self,
            "alerts",
            environment=environment,
            settings=settings.alerts,
            pipelines=pipelines,
            lake_bucket=lake.name,
        )
        dashboard = None
        if settings.alerts.dashboard:
            dashboard = Dashboard(
                self,
                "dashboard",
                environment=environment,
                settings=settings.alerts,
                pipelines=pipelines,
                runs_rule_names=alerts.runs_rule_names,
                alarm_arns=alerts.alarm_arns,
            )
        if settings.github:
            bound_roles(self, environment)

        add_outputs(
            self,
            environment,
            landing=landing,
            lake=lake,
            catalog=catalog,
            pipelines=pipelines,
            alerts=alerts,
            dashboard=dashboard,
        )
        self.environment = environment
        self.settings = settings
