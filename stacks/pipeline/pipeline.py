"""One pipeline: from the events of its files to the rows of its table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from burst.contract import CURATED
from cdktf_cdktf_provider_aws.s3_bucket import S3Bucket
from constructs import Construct

from stacks.buckets.landing import ExistingLanding, Landing
from stacks.encryption import Encryption
from stacks.environment import Environment
from stacks.pipeline.catalog import Catalog, Table
from stacks.pipeline.code import Code
from stacks.pipeline.job import Job
from stacks.pipeline.routing import Routing
from stacks.pipeline.workflow import Workflow
from stacks.settings import PipelineSettings


@dataclass(frozen=True)
class PipelineOutput:
    """What alerting and the tools need to know of a deployed pipeline.

    name: how the names of its resources begin.
    pipeline: its name in the settings.
    rule_names: the rule of new files, and the sweep's where there is one.
    log_group_prefix: Glue writes below it to ``error`` and ``output``.
    tags: of everything that belongs to it.
    rescues: whether its rows have the column `_rescued`.
    """

    name: str
    pipeline: str
    prefix: str
    suffix: str
    paused: bool
    rule_names: Sequence[str]
    dead_letter_queue_name: str
    dead_letter_queue_url: str
    workflow_name: str
    trigger_name: str
    job_name: str
    log_group_prefix: str
    curated_uri: str
    table_name: str
    tags: Mapping[str, str]
    rescues: bool = False

    def for_tools(self) -> dict[str, str]:
        """The pipeline's entry in the stack's output `pipelines`."""
        return {
            "prefix": self.prefix,
            "suffix": self.suffix,
            "paused": "true" if self.paused else "false",
            "rule_name": self.rule_names[0],
            "sweep_rule_name": self.rule_names[1] if len(self.rule_names) > 1 else "",
            "dead_letter_queue_url": self.dead_letter_queue_url,
            "workflow_name": self.workflow_name,
            "trigger_name": self.trigger_name,
            "job_name": self.job_name,
            "log_group_prefix": self.log_group_prefix,
            "curated_uri": self.curated_uri,
            "table_name": self.table_name,
        }


class Pipeline(Construct):
    """A job that drains one prefix of landing, its table, and what starts it when files arrive.

    Buckets, code, catalog and key are the environment's; everything else is the pipeline's own
    and carries the tag ``pipeline``.

    Attributes:
        output: what others need to know of it.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        pipeline: str,
        settings: PipelineSettings,
        environment: Environment,
        encryption: Encryption | None,
        landing: Landing | ExistingLanding,
        lake: S3Bucket,
        code: Code,
        catalog: Catalog,
    ) -> None:
        super().__init__(scope, id_)
        name = f"{environment.prefix}-{pipeline}"
        tags = {"pipeline": pipeline}
        curated_uri = f"s3://{lake.bucket}/{CURATED}/{pipeline}"
        job = Job(
            self,
            "job",
            name=name,
            environment=environment,
            pipeline=pipeline,
            settings=settings,
            landing=landing,
            lake=lake,
            code=code,
            encryption=encryption,
            curated_uri=curated_uri,
            tags=tags,
        )
        table = Table(
            self,
            "table",
            database_name=catalog.database_name,
            pipeline=pipeline,
            columns=settings.curated_columns,
            rescues=settings.input.rescues,
            curated_uri=curated_uri,
        )
        workflow = Workflow(
            self, "workflow", name=name, job_name=job.name, settings=settings, tags=tags
        )
        routing = Routing(
            self,
            "routing",
            name=name,
            environment=environment,
            settings=settings,
            event_pattern=landing.new_files(settings.prefix, settings.suffix),
            workflow_arn=workflow.arn,
            tags=tags,
        )
        self.output = PipelineOutput(
            name=name,
            pipeline=pipeline,
            prefix=settings.prefix,
            suffix=settings.suffix or "",
            paused=settings.paused,
            rule_names=routing.rule_names,
            dead_letter_queue_name=routing.dead_letter_queue_name,
            dead_letter_queue_url=routing.dead_letter_queue_url,
            workflow_name=workflow.name,
            trigger_name=workflow.trigger_name,
            job_name=job.name,
            log_group_prefix=job.log_group_prefix,
            curated_uri=curated_uri,
            table_name=table.name,
            tags=tags,
            rescues=settings.input.rescues,
        )
