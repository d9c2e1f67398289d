"""What one environment may be set to, and which environments there are."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, ValidationInfo, field_validator

from stacks.settings.alerts import AlertsSettings
from stacks.settings.github import GithubSettings
from stacks.settings.landing import ExistingLandingSettings
from stacks.settings.pipeline import PipelineSettings
from stacks.settings.producers import partition_of
from stacks.settings.regions import Region, partitions
from stacks.settings.retention import RetentionSettings
from stacks.settings.setting import NAME, Settings, setting
from stacks.settings.state import (
    STATE_STACK,
    CloudState,
    LocalState,
    S3State,
    StateBucket,
    location,
)
from stacks.settings.tags import TAGS_ALLOWED, Tags

# What AWS allows depends on the two together: see stacks/limits.py.
EnvironmentName = Annotated[str, StringConstraints(max_length=32, pattern=NAME)]
PipelineName = Annotated[str, StringConstraints(max_length=48, pattern=NAME)]
PIPELINE_NAMES = "1 to 48 lower-case letters, digits and single hyphens, beginning with a letter"
ENVIRONMENT_NAMES = "1 to 32 lower-case letters, digits and single hyphens, beginning with a letter"


class EnvironmentSettings(Settings):
    """One deployment of the whole: a landing bucket, a lake bucket and any number of pipelines."""

    region: Region = setting(
        allowed="a region such as eu-central-1",
        description="AWS region of everything in the environment.",
    )
    account_id: str | None = setting(
        None,
        allowed='12 digits in quotes such as "123456789012", or left out',
        description="AWS account of the environment: Terraform refuses to work in any other. "
        "Environments without it count as being in the same account.",
        pattern=r"^\d{12}$",
    )
    tags: Tags = setting(
        {},
        allowed=TAGS_ALLOWED,
        description="Tags on every resource, beside `project` and `environment`.",
    )
    state: Annotated[LocalState | S3State | CloudState, Field(discriminator="backend")] = setting(
        LocalState(),
        allowed='{"backend": "local"}, {"backend": "s3", "bucket": ...} or {"backend": "cloud", '
        '"organization": ...}',
        description="Where Terraform keeps the state.",
    )
    encryption: Literal["sse-s3", "sse-kms"] = setting(
        "sse-s3",
        allowed="sse-s3 (keys that AWS manages) or sse-kms (your own key per environment)",
        description="What encrypts buckets, queues and logs.",
    )
    retention: RetentionSettings = setting(
        RetentionSettings(),
        allowed="an object with settings of the retention",
        description="How long logs, old versions and the archive are kept, and where.",
    )
    max_dpu_hours_per_run: float | None = setting(
        None,
        allowed="a number above 0, or left out",
        description="Most that one run of any pipeline may cost: workers times DPUs of a worker "
        "times timeout. A pipeline whose settings could cost more is refused.",
        gt=0,
    )
    event_rules_quota: int | None = setting(
        None,
        allowed="a whole number from 1 to 10000, or left out",
        description="Rules that fit on the account's default event bus, where AWS has raised the "
        "quota or others use part of it; the region's default where left out (300, in af-south-1 "
        "and eu-south-1 100).",
        ge=1,
        le=10_000,
    )
    alerts: AlertsSettings = setting(
        AlertsSettings(),
        allowed="an object with settings of the alerts",
        description="Which problems are reported, and to whom.",
    )
    ephemeral: bool = setting(
        False,
        allowed="true or false",
        description="First key to deleting data: `true` where `destroy` may empty the buckets "
        "and delete the key. "
        "The second is the variable `BURST_ALLOW_DATA_LOSS=1` at synth.",
    )
    existing_landing: ExistingLandingSettings | None = setting(
        None,
        allowed="an object with `name` and `versioned` of an existing bucket, or left out",
        description="A landing bucket that someone else manages; the stack makes one where "
        "this is left out.",
    )
    github: GithubSettings | None = setting(
        None,
        allowed="an object with `repository`, or left out",
        description="Repository whose workflows plan and deploy the environment; adds a stack "
        "`<environment>-github` with their roles. The state must be in S3, and `account_id` set.",
    )
    # After what its checks look at.
    pipelines: dict[PipelineName, PipelineSettings] = setting(
        allowed=f"an object with one or more pipelines by name: {PIPELINE_NAMES}",
        description="The pipelines by name.",
        min_length=1,
    )

    @field_validator("github")
    @classmethod
    def _state_and_account_that_a_workflow_reaches(
        cls, github: GithubSettings | None, info: ValidationInfo
    ) -> GithubSettings | None:
        state = info.data.get("state")
        if github and state and not isinstance(state, S3State):
            raise ValueError(
                f"a workflow keeps no file and has no token, so a state in "
                f"{state.backend!r} is out of its reach; set the field 'state' to "
                '{"backend": "s3", "bucket": ...}'
            )
        if github and info.data.get("account_id", "") is None:
            raise ValueError(
                "a workflow must know whose role it assumes; set the field 'account_id' to the "
                "environment's AWS account"
            )
        return github

    @field_validator("existing_landing")
    @classmethod
    def _where_the_environment_is(
        cls, landing: ExistingLandingSettings | None, info: ValidationInfo
    ) -> ExistingLandingSettings | None:
        if landing is None:
            return None
        region, state = info.data.get("region"), info.data.get("state")
        key_region = landing.kms_key_arn.split(":")[3] if landing.kms_key_arn else region
        if region is not None and key_region != region:
            raise ValueError(
                f"the key of {landing.name} is in {key_region}, but a bucket in {region} can be "
                f"encrypted with a key of {region} only"
            )
        if isinstance(state, S3State) and state.bucket == landing.name:
            raise ValueError(
                f"{landing.name} keeps Terraform's state as well; a pipeline must not read that"
            )
        return landing

    @field_validator("pipelines")
    @classmethod
    def _producers_of_an_own_bucket(
        cls, pipelines: dict[str, PipelineSettings], info: ValidationInfo
    ) -> dict[str, PipelineSettings]:
        landing = info.data.get("existing_landing")
        # No partition to compare with where the region is wrong, which is said elsewhere.
        partition = partitions()[info.data["region"]] if "region" in info.data else None
        for name, pipeline in pipelines.items():
            if pipeline.producers and landing is not None:
                raise ValueError(
                    f"pipeline {name!r} names producers, but the policy of the existing bucket "
                    f"{landing.name} belongs to its owner; leave `producers` out and let the owner "
                    f"allow s3:PutObject under {pipeline.prefix!r}"
                )
            for principal in pipeline.producers:
                if partition and partition_of(principal) != partition:
                    raise ValueError(
                        f"pipeline {name!r} names the producer {principal}, but a bucket in "
                        f"{info.data['region']} takes principals of the partition {partition} only"
                    )
        return pipelines

    @field_validator("pipelines")
    @classmethod
    def _prefixes_apart(cls, pipelines: dict[str, PipelineSettings]) -> dict[str, PipelineSettings]:
        for (_, first), (inner, second) in _overlaps(
            (pipeline.prefix, name) for name, pipeline in pipelines.items()
        ):
            raise ValueError(
                f"pipelines {first!r} and {second!r} overlap: a file under {inner!r} would "
                f"start both; give them prefixes of which none begins with another"
            )
        return pipelines


class Environments(Settings):
    """The context of `cdktf.json`: all environments by name, and the bucket for their state."""

    state_bucket: StateBucket | None = setting(
        None,
        allowed="an object with `name` and `region`, or left out",
        description="A bucket for the state, made by a separate stack; left out where there is "
        "one already, or where no state is in S3.",
    )
    environments: dict[EnvironmentName, EnvironmentSettings] = setting(
        allowed=f"an object with one or more environments by name: {ENVIRONMENT_NAMES}",
        description="The environments by name.",
        min_length=1,
    )

    @field_validator("environments")
    @classmethod
    def _roles_apart(
        cls, environments: dict[str, EnvironmentSettings]
    ) -> dict[str, EnvironmentSettings]:
        deployed = [name for name, environment in environments.items() if environment.github]
        for name, other in itertools.product(deployed, environments):
            accounts = {environments[one].account_id for one in (name, other)} - {None}
            if other.startswith(f"{name}-") and len(accounts) < 2:
                raise ValueError(
                    f"the roles of {name!r} (field 'github') reach every name that begins with "
                    f"'burst-{name}-', so those of {other!r} too; give one another name, or "
                    "an account_id of its own"
                )
        return environments

    @field_validator("environments")
    @classmethod
    def _one_reader_of_a_file(
        cls, environments: dict[str, EnvironmentSettings]
    ) -> dict[str, EnvironmentSettings]:
        sharing: dict[str, dict[str, EnvironmentSettings]] = {}
        for name, environment in environments.items():
            if environment.existing_landing is not None:
                sharing.setdefault(environment.existing_landing.name, {})[name] = environment
        for bucket, users in sharing.items():
            _check_shared(bucket, users)
        return environments

    @field_validator("environments")
    @classmethod
    def _own_states(
        cls, environments: dict[str, EnvironmentSettings], info: ValidationInfo
    ) -> dict[str, EnvironmentSettings]:
        states = {name: location(name, one.state) for name, one in environments.items()}
        if info.data.get("state_bucket") is not None:
            if STATE_STACK in environments:
                raise ValueError(
                    f"the name {STATE_STACK!r} is taken by the stack of the `state_bucket`; give "
                    "the environment another name"
                )
            bucket: StateBucket = info.data["state_bucket"]
            for name, environment in environments.items():
                landing = environment.existing_landing
                if landing is not None and landing.name == bucket.name:
                    raise ValueError(
                        f"{name!r} reads files from {bucket.name}, which is the `state_bucket`; a "
                        "pipeline must not read Terraform's state"
                    )
            states[STATE_STACK] = location(STATE_STACK, S3State(backend="s3", bucket=bucket.name))
        for (first, one), (second, other) in itertools.combinations(states.items(), 2):
            if one == other:
                raise ValueError(
                    f"{first!r} and {second!r} share one state, so deploying one would destroy "
                    "the other; give each a key or a workspace of its own"
                )
        return environments


def _check_shared(bucket: str, users: Mapping[str, EnvironmentSettings]) -> None:
    """Raise `ValueError` when the environments that use a bucket get in each other's way."""
    for (_, first), (inner, second) in _overlaps(
        (pipeline.prefix, f"{name}.pipelines.{pipeline_name}")
        for name, environment in users.items()
        for pipeline_name, pipeline in environment.pipelines.items()
    ):
        raise ValueError(
            f"{first} and {second} overlap in the bucket {bucket}: both jobs would take the files "
            f"under {inner!r} and delete them; give them prefixes of which none begins with another"
        )
    owners = [
        name
        for name, environment in users.items()
        if environment.existing_landing and environment.existing_landing.events == "managed"
    ]
    if len(owners) > 1:
        raise ValueError(
            f"{' and '.join(owners)} would both own the notification configuration of the bucket "
            f"{bucket}; set `events` to `managed` in one of them and to `unmanaged` in the others"
        )


def _overlaps(
    owners: Iterable[tuple[str, str]],
) -> Iterator[tuple[tuple[str, str], tuple[str, str]]]:
    """Prefixes with their owners' names: each pair of which the first begins the second.

    In sorted order a prefix stands right before the first string that begins with it.
    """
    for outer, inner in itertools.pairwise(sorted(owners)):
        if inner[0].startswith(outer[0]):
            yield outer, inner
