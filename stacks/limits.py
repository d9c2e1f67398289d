"""What AWS limits, and the environment's own limit of costs, before anything is synthesized.

Names, rules and jobs are read off the construct tree, so whatever a construct adds is checked.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from cdktf import DefaultTokenResolver, StringConcat, TerraformResource, Tokenization
from cdktf_cdktf_provider_aws.glue_job import GlueJob

from stacks.burst_stack import BurstStack
from stacks.settings import EnvironmentSettings, SettingsError, place_in
from stacks.settings.pipeline import DPUS

RULE = "aws_cloudwatch_event_rule"
BUCKET = "aws_s3_bucket"


@dataclass(frozen=True)
class NameLimit:
    """The most characters in a name of one kind of resource, and where AWS says so.

    ``attribute`` of the construct holds the name.
    """

    resource: str
    longest: int
    source: str
    attribute: str = "name_input"


# By Terraform type. Of several names that break a rule, the first kind here is named.
NAME_LIMITS: Mapping[str, NameLimit] = {
    # A bucket's name has 63 characters at most, and Terraform appends 26 to a prefix.
    BUCKET: NameLimit(
        "bucket prefix",
        37,
        "Terraform AWS provider, aws_s3_bucket, bucket_prefix",
        "bucket_prefix_input",
    ),
    "aws_cloudtrail": NameLimit("trail", 128, "AWS CloudTrail API reference, CreateTrail"),
    "aws_glue_catalog_database": NameLimit(
        "database", 255, "AWS Glue API reference, CreateDatabase"
    ),
    "aws_kms_alias": NameLimit("alias of the key", 256, "AWS KMS API reference, CreateAlias"),
    "aws_glue_security_configuration": NameLimit(
        "security configuration", 255, "AWS Glue API reference, CreateSecurityConfiguration"
    ),
    "aws_sns_topic": NameLimit("topic", 256, "Amazon SNS API reference, CreateTopic"),
    RULE: NameLimit("rule", 64, "Amazon EventBridge API reference, PutRule"),
    "aws_cloudwatch_dashboard": NameLimit(
        "dashboard", 255, "Amazon CloudWatch API reference, PutDashboard", "dashboard_name_input"
    ),
    "aws_iam_role": NameLimit("IAM role", 64, "IAM API reference, CreateRole"),
    "aws_sqs_queue": NameLimit("queue", 80, "Amazon SQS API reference, CreateQueue"),
    "aws_glue_workflow": NameLimit("workflow", 255, "AWS Glue API reference, CreateWorkflow"),
    "aws_glue_trigger": NameLimit("trigger", 255, "AWS Glue API reference, CreateTrigger"),
    "aws_glue_job": NameLimit("job", 255, "AWS Glue API reference, CreateJob"),
    "aws_cloudwatch_log_group": NameLimit(
        "log group", 512, "Amazon CloudWatch Logs API reference, CreateLogGroup"
    ),
    "aws_cloudwatch_metric_alarm": NameLimit(
        "alarm", 255, "Amazon CloudWatch API reference, PutMetricAlarm", "alarm_name_input"
    ),
}

# Amazon EventBridge user guide, "Quotas", "Number of rules": on one event bus, adjustable.
RULES_ON_A_BUS = 300
RULES_ON_A_BUS_BY_REGION: Mapping[str, int] = {"af-south-1": 100, "eu-south-1": 100}

_REFERENCE = re.compile(r"\$\{(\w+)\.([\w-]+)\.name\}")


@dataclass(frozen=True)
class AwsName:
    """What one resource of an environment is called. ``kind`` is its Terraform type."""

    kind: str
    name: str
    environment: str
    pipeline: str | None = None

    @property
    def owner(self) -> str:
        """The environment or pipeline it belongs to, in the words of an error."""
        of_the_pipeline = f", pipeline {self.pipeline!r}" if self.pipeline else ""
        return f"environment {self.environment!r}{of_the_pipeline}"

    @property
    def path(self) -> tuple[str, ...]:
        """Where its owner stands in the settings."""
        below = ("pipelines", self.pipeline) if self.pipeline else ()
        return (self.environment, *below)


@dataclass(frozen=True)
class Broken:
    """A limit that is not kept. path: of the environment or pipeline, below `environments`."""

    path: tuple[str, ...]
    sentence: str


@dataclass(frozen=True)
class JobSize:
    """The most that one run of a pipeline's job uses."""

    pipeline: str
    workers: int
    worker_type: str
    timeout_minutes: int

    @property
    def dpu_hours(self) -> float:
        return self.workers * DPUS[self.worker_type] * self.timeout_minutes / 60


@dataclass(frozen=True)
class Made:
    """What an environment's stack makes, as far as something limits it."""

    environment: str
    settings: EnvironmentSettings
    names: Sequence[AwsName]
    jobs: Sequence[JobSize]


def check_limits(stacks: Iterable[BurstStack], file: Path | None = None) -> None:
    """Raise `SettingsError`, with a sentence for everything that would be refused.

    file: that the settings are from, to name the line.
    """
    if broken := list(broken_limits([made_by(stack) for stack in stacks])):
        raise SettingsError([f"{place_in(file, *one.path)}: {one.sentence}" for one in broken])


def made_by(stack: BurstStack) -> Made:
    """Read names and jobs off the construct tree."""
    environment = stack.environment.name
    resources = [part for part in stack.node.find_all() if isinstance(part, TerraformResource)]
    by_kind: dict[str, list[TerraformResource]] = defaultdict(list)
    for resource in resources:
        by_kind[_kind(type(resource))].append(resource)

    def follow(reference: re.Match[str]) -> str:
        """The name of another resource, which a name may contain."""
        kind, id_ = reference.groups()
        (named,) = [one for one in by_kind[kind] if one.friendly_unique_id == id_]
        return str(getattr(named, NAME_LIMITS[kind].attribute))

    names = [
        AwsName(
            kind,
            _REFERENCE.sub(follow, _resolved(stack, getattr(resource, limit.attribute))),
            environment,
            _pipeline(resource),
        )
        for kind, limit in NAME_LIMITS.items()
        for resource in by_kind[kind]
    ]
    jobs = [
        JobSize(
            str(_pipeline(job)),
            int(job.number_of_workers_input or 0),
            str(job.worker_type_input),
            int(job.timeout_input or 0),
        )
        for job in resources
        if isinstance(job, GlueJob)
    ]
    return Made(environment, stack.settings, names, jobs)


@cache
def _kind(construct: type[TerraformResource]) -> str:
    """The Terraform type; a static property of jsii, so each read is a call to Node."""
    return str(construct.TF_RESOURCE_TYPE)  # type: ignore[attr-defined]


def _resolved(stack: BurstStack, name: str) -> str:
    """The name with references as Terraform spells them, instead of cdktf's tokens."""
    if "${" not in name:
        return name
    resolver = DefaultTokenResolver(StringConcat())
    return str(Tokenization.resolve(name, scope=stack, preparing=False, resolver=resolver))


def _pipeline(resource: TerraformResource) -> str | None:
    """Whose it is: everything of a pipeline that takes tags carries its name as one."""
    tags: Mapping[str, str] = getattr(resource, "tags_input", None) or {}
    return tags.get("pipeline")


def broken_limits(made: Sequence[Made]) -> Iterator[Broken]:
    """A sentence for everything that AWS, or the environment's own limit, would refuse."""
    for one in made:
        yield from _too_long(one.names)
        yield from _too_expensive(one)
    yield from _clashing(made)
    yield from _too_many_rules(made)


def _too_long(names: Sequence[AwsName]) -> Iterator[Broken]:
    """One sentence per owner, for the name that is longest beyond its limit."""
    worst: dict[str, tuple[int, AwsName]] = {}
    for item in names:
        excess = len(item.name) - NAME_LIMITS[item.kind].longest
        if excess > worst.get(item.owner, (0, item))[0]:
            worst[item.owner] = (excess, item)
    for owner, (excess, item) in worst.items():
        limit = NAME_LIMITS[item.kind]
        whose = "the pipeline or the environment" if item.pipeline else "the environment"
        yield Broken(
            item.path,
            f"{owner}: its {limit.resource} would be called {item.name!r}, which has "
            f"{len(item.name)} characters. Allowed: {limit.longest} ({limit.source}), so a name of "
            f"{whose} that is {excess} shorter.",
        )


def _too_expensive(made: Made) -> Iterator[Broken]:
    limit = made.settings.max_dpu_hours_per_run
    for job in made.jobs:
        if limit is not None and job.dpu_hours > limit:
            yield Broken(
                (made.environment, "pipelines", job.pipeline, "job"),
                f"environment {made.environment!r}, pipeline {job.pipeline!r}, field 'job': a run "
                f"with {job.workers} workers of type {job.worker_type} may take "
                f"{job.timeout_minutes} minutes, which is {job.dpu_hours:g} DPU-hours. Allowed: "
                f"{limit:g}, as max_dpu_hours_per_run of the environment says; take fewer or "
                f"smaller workers, a shorter timeout_minutes, or raise that limit.",
            )


def _clashing(made: Sequence[Made]) -> Iterator[Broken]:
    """One sentence for each two owners of the same name.

    Terraform makes the name of a bucket unique. IAM knows no regions, and every pipeline has
    roles, so two environments must differ in any region, unless they say that their accounts do.
    """
    accounts = {one.environment: one.settings.account_id for one in made}
    owners: dict[tuple[str, str], list[AwsName]] = defaultdict(list)
    said: set[tuple[str, str]] = set()
    for item in (item for one in made for item in one.names if item.kind != BUCKET):
        for other in owners[item.kind, item.name]:
            pair = (other.owner, item.owner)
            if pair not in said and _may_share(accounts, other, item):
                said.add(pair)
                yield Broken(item.path, _clash(other, item))
        owners[item.kind, item.name].append(item)


def _clash(one: AwsName, other: AwsName) -> str:
    apart = (
        "."
        if one.environment == other.environment
        else ", or an account_id of its own for each environment."
    )
    return (
        f"{other.owner}: its {NAME_LIMITS[other.kind].resource} would be called {other.name!r}, as "
        f"that of {one.owner} is. Allowed: names of environments and pipelines that differ when "
        f"joined by '-', also from another's with a suffix such as '-sweep'{apart}"
    )


def _may_share(accounts: Mapping[str, str | None], one: AwsName, other: AwsName) -> bool:
    """Whether the two may be in the same account, as far as the settings say."""
    theirs = {accounts[item.environment] for item in (one, other)}
    return None in theirs or len(theirs) == 1


def _too_many_rules(made: Sequence[Made]) -> Iterator[Broken]:
    """All rules are on the default bus, of which an account has one per region."""
    buses: dict[tuple[str | None, str], list[Made]] = defaultdict(list)
    for one in made:
        buses[one.settings.account_id, one.settings.region].append(one)
    for (account_id, region), sharing in buses.items():
        rules = sum(item.kind == RULE for one in sharing for item in one.names)
        quota = min(
            (one.settings.event_rules_quota for one in sharing if one.settings.event_rules_quota),
            default=RULES_ON_A_BUS_BY_REGION.get(region, RULES_ON_A_BUS),
        )
        if rules > quota:
            whose = " and ".join(f"environment {one.environment!r}" for one in sharing)
            apart = (
                ", an account_id for each environment if their accounts differ"
                if len(sharing) > 1 and account_id is None
                else ""
            )
            yield Broken(
                (sharing[-1].environment,),
                f"{whose}: {rules} rules on the event bus of {region}, where up to {quota} fit "
                f"(Amazon EventBridge user guide, quotas). Allowed: fewer pipelines{apart}, or "
                f"event_rules_quota if AWS has raised the quota of your account.",
            )
