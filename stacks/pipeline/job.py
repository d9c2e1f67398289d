"""The Glue job, its role and its logs."""

from __future__ import annotations

from collections.abc import Mapping

from cdktf_cdktf_provider_aws.cloudwatch_log_group import CloudwatchLogGroup
from cdktf_cdktf_provider_aws.glue_job import GlueJob, GlueJobCommand, GlueJobExecutionProperty
from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.iam_role_policy import IamRolePolicy
from cdktf_cdktf_provider_aws.s3_bucket import S3Bucket
from constructs import Construct

from stacks import policies
from stacks.buckets.landing import ExistingLanding, Landing
from stacks.encryption import Encryption
from stacks.environment import Environment
from stacks.pipeline.code import Code
from stacks.pipeline.spec import job_spec
from stacks.settings import PipelineSettings


class Job(Construct):
    """One Glue job per pipeline, the single writer of its part of the lake.

    One run at a time, the next ones queue: ``max_concurrent_runs = 1`` is the lock that the batch
    protocol relies on. Queuing excludes retries and the FLEX class, so a failed run is not
    repeated by Glue; the next run resumes what it left. The execution class stays unset because
    STANDARD is the default.

    Glue 5 writes to ``<prefix>/error`` and ``<prefix>/output``, and with a security configuration
    to ``<prefix>/<security configuration>-role/<role>/error`` and ``.../output`` (AWS Glue user
    guide, "Logging for AWS Glue jobs"). ``log_group_prefix`` is the part before the last slash.

    ``encryption`` is the environment's; the landing bucket knows the key that the owner of an
    existing bucket encrypts with.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        environment: Environment,
        pipeline: str,
        settings: PipelineSettings,
        landing: Landing | ExistingLanding,
        lake: S3Bucket,
        code: Code,
        encryption: Encryption | None,
        curated_uri: str,
        tags: Mapping[str, str],
    ) -> None:
        super().__init__(scope, id_)
        tags = dict(tags)
        role_name = f"{name}-job"
        log_prefix = f"/burst/{environment.name}/{pipeline}"
        self.log_group_prefix = log_prefix
        if encryption:
            self.log_group_prefix += f"/{encryption.security_configuration}-role/{role_name}"
        # Groups of our own keep retention and encryption under Terraform.
        logs = [
            CloudwatchLogGroup(
                self,
                f"log-{kind}",
                name=f"{self.log_group_prefix}/{kind}",
                retention_in_days=environment.retention.log_days,
                kms_key_id=environment.kms_key_arn,
                tags=tags,
            )
            for kind in ("error", "output")
        ]
        role = IamRole(
            self,
            "role",
            name=role_name,
            description=f"What the job of pipeline {pipeline} may read, write and delete.",
            assume_role_policy=policies.assumed_by_glue(),
            tags=tags,
        )
        permission = IamRolePolicy(
            self,
            "permission",
            name="drain-landing-into-the-lake",
            role=role.id,
            policy=policies.job(
                pipeline=pipeline,
                prefix=settings.prefix,
                landing_arn=landing.arn,
                lake_arn=lake.arn,
                code_arns=code.object_arns,
                log_group_arns=[group.arn for group in logs],
                key=encryption.job_key if encryption else None,
                decryption=landing.decryption,
            ),
        )
        job = GlueJob(
            self,
            "job",
            name=name,
            description=f"Drains {settings.prefix} of the landing bucket into the lake.",
            role_arn=role.arn,
            command=GlueJobCommand(
                name="glueetl", python_version="3", script_location=code.script_uri
            ),
            default_arguments={
                **_glue_arguments(code, log_prefix),
                **job_spec(
                    environment.name,
                    pipeline,
                    settings,
                    landing_bucket=landing.name,
                    lake_bucket=lake.bucket,
                    curated_uri=curated_uri,
                ).to_arguments(),
            },
            glue_version=settings.job.glue_version,
            worker_type=settings.job.worker_type,
            number_of_workers=settings.job.number_of_workers,
            timeout=settings.job.timeout_minutes,
            max_retries=0,
            execution_property=GlueJobExecutionProperty(max_concurrent_runs=1),
            job_run_queuing_enabled=True,
            security_configuration=encryption.security_configuration if encryption else None,
            tags=tags,
            depends_on=[permission, *logs],
        )
        self.name = job.name


def _glue_arguments(code: Code, log_prefix: str) -> dict[str, str]:
    return {
        "--extra-py-files": code.package_uri,
        "--custom-logGroup-prefix": log_prefix,
        "--enable-auto-scaling": "true",
        "--enable-job-insights": "true",
        "--enable-metrics": "true",
        "--enable-observability-metrics": "true",
        "--job-bookmark-option": "job-bookmark-disable",
    }
