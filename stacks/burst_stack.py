"""One environment, in the order in which the data flows."""

from __future__ import annotations

from burst.contract import CURATED
from cdktf import TerraformLocal, TerraformOutput, TerraformStack
from cdktf_cdktf_provider_aws.data_aws_caller_identity import DataAwsCallerIdentity
from cdktf_cdktf_provider_aws.provider import AwsProvider, AwsProviderDefaultTags
from constructs import Construct

from stacks.alerting.alerts import Alerts
from stacks.alerting.dashboard import Dashboard
from stacks.alerting.runbook import Runbook
from stacks.buckets.lake import Lake
from stacks.buckets.landing import ExistingLanding, Landing
from stacks.buckets.trail import Trail
from stacks.encryption import Encryption, keep_the_key
from stacks.github.role_boundary import bound_roles
from stacks.pipeline.catalog import Catalog, Table
from stacks.pipeline.job import Code, Job
from stacks.pipeline.routing import Routing
from stacks.pipeline.workflow import Workflow
from stacks.policies import Producers
from stacks.settings import EnvironmentSettings, PipelineSettings
from stacks.state.backend import keep_state
from stacks.watched import WatchedPipeline

PROJECT = "burst"


class BurstStack(TerraformStack):
    """Key, landing, lake, for each pipeline its job, table, workflow and routing, and the alerts.

    ``allow_data_loss`` is the deployer's key to deleting data; it opens nothing unless the
    environment is ``ephemeral`` as well.
    """

    def __init__(
        self,
        scope: Construct,
        environment: str,
        settings: EnvironmentSettings,
        *,
        allow_data_loss: bool = False,
    ) -> None:
        super().__init__(scope, environment)
        self._environment = environment
        self._log_days = settings.retention.log_days
        deletable = settings.ephemeral and allow_data_loss
        keep_state(self, environment, settings)
        AwsProvider(
            self,
            "aws",
            region=settings.region,
            allowed_account_ids=[settings.account_id] if settings.account_id else None,
            default_tags=[
                AwsProviderDefaultTags(
                    tags={**settings.tags, "project": PROJECT, "environment": environment}
                )
            ],
        )
        self._account_id = DataAwsCallerIdentity(self, "current").account_id
        landing = settings.existing_landing
        by_cloudtrail = landing is not None and landing.events == "cloudtrail"
        self._trail_name = f"{PROJECT}-{environment}-landing" if by_cloudtrail else None
        self._encryption = self._encrypt(settings, deletable)
        self._kms_key_arn = self._encryption.kms_key_arn if self._encryption else None
        self._landing = self._add_landing(settings, deletable)
        self._lake = Lake(
            self,
            "lake",
            environment=environment,
            deletable=deletable,
            kms_key_arn=self._kms_key_arn,
            retention=settings.retention,
            sends_events=settings.alerts.quarantine == "file",
        )
        self._code = Code(self, "code", lake=self._lake.bucket, kms_key_arn=self._kms_key_arn)
        self._catalog = Catalog(self, "catalog", environment=environment)
        self._output("environment", environment, "Name of the environment, as in cdktf.json.")
        self._output("region", settings.region, "AWS region of everything in the environment.")
        self._output(
            "landing_bucket_name",
            self._landing.name,
            "Bucket for incoming files. Its events reach EventBridge about five minutes after "
            "they were switched on, which the first deployment does for a bucket of its own.",
        )
        if isinstance(self._landing, ExistingLanding):
            self._output(
                "landing_events",
                self._landing.source_of_events,
                "Where the events of the existing landing bucket come from, and what its owner "
                "must do for it.",
            )
        self._output(
            "lake_bucket_name",
            self._lake.bucket.bucket,
            "Bucket with curated, archive, quarantine, ledger and artifacts.",
        )
        if self._kms_key_arn:
            self._output(
                "kms_key_arn",
                self._kms_key_arn,
                "Key of the environment: whoever reads its data needs kms:Decrypt on it.",
            )
        self._output(
            "database_name",
            self._catalog.database_name,
            "Glue database with a table for each pipeline; query it with Athena.",
        )
        self._watched: list[WatchedPipeline] = []
        # A local value, because an output that holds a map itself makes cdktf call what Node 22
        # calls deprecated, on stderr.
        pipelines = TerraformLocal(
            self,
            "deployed",
            {
                name: self._add_pipeline(name, pipeline)
                for name, pipeline in settings.pipelines.items()
            },
        )
        self._output(
            "pipelines",
            pipelines.as_string,
            "What each pipeline consists of, by its name; the tools look here for what they need.",
        )
        self._watch(settings)
        if settings.github:
            bound_roles(self, environment, self._account_id)

    def _encrypt(self, settings: EnvironmentSettings, deletable: bool) -> Encryption | None:
        if settings.encryption == "sse-s3":
            if not deletable:
                keep_the_key(self)
            return None
        return Encryption(
            self,
            "encryption",
            environment=self._environment,
            region=settings.region,
            account_id=self._account_id,
            deletable=deletable,
            producers=[
                principal
                for pipeline in settings.pipelines.values()
                for principal in pipeline.producers
            ],
            trail=self._trail_name,
        )

    def _add_landing(
        self, settings: EnvironmentSettings, deletable: bool
    ) -> Landing | ExistingLanding:
        """Add a bucket of the stack's own, or take the one that is there with its events."""
        existing = settings.existing_landing
        if existing is None:
            return Landing(
                self,
                "landing",
                environment=self._environment,
                deletable=deletable,
                kms_key_arn=self._kms_key_arn,
                retention=settings.retention,
                producers={
                    name: Producers(pipeline.prefix, pipeline.producers)
                    for name, pipeline in settings.pipelines.items()
                },
            )
        landing = ExistingLanding(self, "landing", settings=existing, region=settings.region)
        if self._trail_name:
            Trail(
                self,
                "trail",
                name=self._trail_name,
                environment=self._environment,
                account_id=self._account_id,
                region=settings.region,
                landing_arn=landing.arn,
                prefixes=[pipeline.prefix for pipeline in settings.pipelines.values()],
                deletable=deletable,
                kms_key_arn=self._kms_key_arn,
                retention=settings.retention,
            )
        return landing

    def _add_pipeline(self, pipeline: str, settings: PipelineSettings) -> dict[str, str]:
        """Add a pipeline's parts; returns what the tools need to know of them."""
        parts = Construct(self, f"pipeline-{pipeline}")
        tags = {"pipeline": pipeline}
        name = f"{PROJECT}-{self._environment}-{pipeline}"
        curated_uri = f"s3://{self._lake.bucket.bucket}/{CURATED}/{pipeline}"
        job = Job(
            parts,
            "job",
            name=name,
            environment=self._environment,
            pipeline=pipeline,
            settings=settings,
            landing_bucket=self._landing.name,
            landing_arn=self._landing.arn,
            lake=self._lake.bucket,
            code=self._code,
            encryption=self._encryption,
            decryption=self._landing.decryption,
            curated_uri=curated_uri,
            log_days=self._log_days,
            tags=tags,
        )
        table = Table(
            parts,
            "table",
            database_name=self._catalog.database_name,
            pipeline=pipeline,
            columns=settings.curated_columns,
            curated_uri=curated_uri,
        )
        workflow = Workflow(
            parts,
            "workflow",
            name=name,
            job_name=job.name,
            batch_size=settings.batch_size,
            batch_window_seconds=settings.batch_window_seconds,
            max_concurrent_runs=settings.workflow_max_concurrent_runs,
            tags=tags,
        )
        routing = Routing(
            parts,
            "routing",
            name=name,
            account_id=self._account_id,
            prefix=settings.prefix,
            event_pattern=self._landing.new_files(settings.prefix, settings.suffix),
            sweep=settings.sweep,
            paused=settings.paused,
            workflow_arn=workflow.arn,
            kms_key_arn=self._kms_key_arn,
            tags=tags,
        )
        self._watched.append(
            WatchedPipeline(
                name=name,
                pipeline=pipeline,
                rule_names=routing.rule_names,
                queue_name=routing.dead_letter_queue_name,
                job_name=job.name,
                workflow_name=workflow.name,
                log_group=f"{job.log_group_prefix}/output",
                tags=tags,
            )
        )
        return {
            "prefix": settings.prefix,
            "suffix": settings.suffix or "",
            "paused": "true" if settings.paused else "false",
            "rule_name": routing.rule_name,
            "sweep_rule_name": routing.sweep_rule_name,
            "dead_letter_queue_url": routing.dead_letter_queue_url,
            "workflow_name": workflow.name,
            "trigger_name": workflow.trigger_name,
            "job_name": job.name,
            "log_group_prefix": job.log_group_prefix,
            "curated_uri": curated_uri,
            "table_name": table.name,
        }

    def _watch(self, settings: EnvironmentSettings) -> None:
        """Add what tells people, and the page on which they look."""
        alerts = Alerts(
            self,
            "alerts",
            environment=self._environment,
            account_id=self._account_id,
            settings=settings.alerts,
            pipelines=self._watched,
            lake_bucket=self._lake.bucket.bucket,
            kms_key_arn=self._kms_key_arn,
        )
        self._output(
            "topic_arn",
            alerts.topic_arn,
            "SNS topic of everything that people must know: subscribe to it.",
        )
        if not settings.alerts.dashboard:
            return
        dashboard = Dashboard(
            self,
            "dashboard",
            environment=self._environment,
            region=settings.region,
            pipelines=self._watched,
            runs_rule_names=alerts.runs_rule_names,
            alarm_arns=alerts.alarm_arns,
            runbook=Runbook(settings.alerts.runbook_url),
        )
        self._output("dashboard_name", dashboard.name, "CloudWatch dashboard of the environment.")

    def _output(self, name: str, value: str, description: str) -> None:
        TerraformOutput(self, name, value=value, description=description)
