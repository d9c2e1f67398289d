"""The Glue job, its role and its logs, and the code that it runs."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from burst.contract import (
    ARTIFACTS,
    MIB,
    Bounds,
    Column,
    FileFormat,
    JobSpec,
    Output,
    TimeLimit,
    arguments_of,
)
from cdktf import App, AssetType, TerraformAsset, TerraformResourceLifecycle
from cdktf_cdktf_provider_aws.cloudwatch_log_group import CloudwatchLogGroup
from cdktf_cdktf_provider_aws.glue_job import GlueJob, GlueJobCommand, GlueJobExecutionProperty
from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.iam_role_policy import IamRolePolicy
from cdktf_cdktf_provider_aws.s3_bucket import S3Bucket
from cdktf_cdktf_provider_aws.s3_object import (
    S3Object,
    S3ObjectOverrideProvider,
    S3ObjectOverrideProviderDefaultTags,
)
from constructs import Construct

from stacks import policies
from stacks.encryption import Encryption
from stacks.pipeline.transforms import GLUE_JOBS, transform_module
from stacks.policies import Decryption
from stacks.settings import Column as ColumnSettings
from stacks.settings import PipelineSettings, Settings

SCRIPT = GLUE_JOBS / "burst_job.py"
PACKAGES = ("burst", "transforms")


class Code(Construct):
    """The script and the package that every job of an environment runs, as objects in the lake.

    The keys carry a hash of the content: a change of code is a changed key in the plan, and a run
    never sees half an upload. The new object is there before the job points to it.
    """

    def __init__(
        self, scope: Construct, id_: str, *, lake: S3Bucket, kms_key_arn: str | None
    ) -> None:
        super().__init__(scope, id_)
        self._lake = lake
        self._kms_key_arn = kms_key_arn
        package = Path(App.of(self).outdir).resolve() / "burst.zip"
        write_package(package)
        script_object = self._upload("script", SCRIPT)
        package_object = self._upload("package", package)
        self.script_uri = f"s3://{lake.bucket}/{script_object.key}"
        self.package_uri = f"s3://{lake.bucket}/{package_object.key}"
        self.object_arns = [f"{lake.arn}/{item.key}" for item in (script_object, package_object)]

    def _upload(self, id_: str, file: Path) -> S3Object:
        digest = hashlib.sha256(file.read_bytes()).hexdigest()[:16]
        asset = TerraformAsset(
            self, f"{id_}-file", path=str(file), type=AssetType.FILE, asset_hash=digest
        )
        return S3Object(
            self,
            id_,
            bucket=self._lake.id,
            key=f"{ARTIFACTS}/{file.stem}-{digest}{file.suffix}",
            source=asset.path,
            # Not left to the bucket's default, which may come after the object.
            kms_key_id=self._kms_key_arn,
            bucket_key_enabled=True if self._kms_key_arn else None,
            # An object takes 10 tags at most, fewer than an environment may set.
            override_provider=S3ObjectOverrideProvider(
                default_tags=S3ObjectOverrideProviderDefaultTags(tags={})
            ),
            lifecycle=TerraformResourceLifecycle(create_before_destroy=True),
        )


class Job(Construct):
    """One Glue job per pipeline, the single writer of its part of the lake.

    One run at a time, the next ones queue: ``max_concurrent_runs = 1`` is the lock that the batch
    protocol relies on. Queuing excludes retries and the FLEX class, so a failed run is not
    repeated by Glue; the next run resumes what it left. The execution class stays unset because
    STANDARD is the default.

    Glue 5 writes to ``<prefix>/error`` and ``<prefix>/output``, and with a security configuration
    to ``<prefix>/<security configuration>-role/<role>/error`` and ``.../output`` (AWS Glue user
    guide, "Logging for AWS Glue jobs"). ``log_group_prefix`` is what stands before the last slash.

    ``encryption`` is the environment's, ``decryption`` is of the key that the owner of an
    existing landing bucket encrypts with.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        environment: str,
        pipeline: str,
        settings: PipelineSettings,
        landing_bucket: str,
        landing_arn: str,
        lake: S3Bucket,
        code: Code,
        encryption: Encryption | None,
        decryption: Decryption | None,
        curated_uri: str,
        log_days: int,
        tags: Mapping[str, str],
    ) -> None:
        super().__init__(scope, id_)
        tags = dict(tags)
        role_name = f"{name}-job"
        log_prefix = f"/burst/{environment}/{pipeline}"
        self.log_group_prefix = log_prefix
        if encryption:
            self.log_group_prefix += f"/{encryption.security_configuration}-role/{role_name}"
        # Groups of our own keep retention and encryption under Terraform.
        logs = [
            CloudwatchLogGroup(
                self,
                f"log-{kind}",
                name=f"{self.log_group_prefix}/{kind}",
                retention_in_days=log_days,
                kms_key_id=encryption.kms_key_arn if encryption else None,
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
                landing_arn=landing_arn,
                lake_arn=lake.arn,
                code_arns=code.object_arns,
                log_group_arns=[group.arn for group in logs],
                key=encryption.job_key if encryption else None,
                decryption=decryption,
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
                    environment,
                    pipeline,
                    settings,
                    landing_bucket=landing_bucket,
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


def write_package(target: Path) -> None:
    """Zip the packages that are shipped beside the script; the same sources give the same bytes."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for package in PACKAGES:
            for source in sorted((GLUE_JOBS / package).rglob("*.py")):
                # A fixed time (the oldest that a zip can hold) instead of the checkout's.
                entry = zipfile.ZipInfo(source.relative_to(GLUE_JOBS).as_posix())
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.external_attr = 0o644 << 16
                archive.writestr(entry, source.read_bytes())


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


def job_spec(
    environment: str,
    pipeline: str,
    settings: PipelineSettings,
    *,
    landing_bucket: str,
    lake_bucket: str,
    curated_uri: str,
) -> JobSpec:
    """What the job of a pipeline is told to do."""
    return JobSpec(
        environment=environment,
        pipeline=pipeline,
        landing_bucket=landing_bucket,
        prefix=settings.prefix,
        suffix=settings.suffix or "",
        lake_bucket=lake_bucket,
        curated_uri=curated_uri,
        format=FileFormat(
            kind=settings.input.format,
            columns=_columns(settings.input.columns),
            drop_unknown=settings.input.unknown_columns == "drop",
            delimiter=settings.input.delimiter,
            encoding=settings.input.encoding,
        ),
        transform=transform_module(environment, pipeline, settings),
        bounds=Bounds(**_of_the_same_name(Bounds, settings)),
        output=Output(
            compression=settings.output.compression,
            file_bytes=settings.output.target_file_megabytes * MIB,
            columns=_columns(settings.curated_columns),
        ),
        time=TimeLimit(**_of_the_same_name(TimeLimit, settings.job)),
    )


def _of_the_same_name(part: type, settings: Settings) -> dict[str, Any]:
    """The fields of a part of the specification whose arguments are called as the settings are."""
    arguments = arguments_of(part)
    return {field: getattr(settings, argument.name) for field, argument in arguments.items()}


def _columns(columns: Sequence[ColumnSettings]) -> tuple[Column, ...]:
    return tuple(Column(column.name, column.type) for column in columns)
