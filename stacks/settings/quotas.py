"""What AWS limits and only all settings together can break: names, rules on a bus, costs.

The names that an environment gives to its resources are listed here once more, beside the
constructs that give them; a test holds the two together.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from stacks.settings.alerts import JOBS_IN_A_PATTERN
from stacks.settings.environment import EnvironmentSettings
from stacks.settings.pipeline import DPUS, PipelineSettings
from stacks.settings.schedule import OFF

RULE = "aws_cloudwatch_event_rule"
BUCKET = "aws_s3_bucket"


@dataclass(frozen=True)
class NameLimit:
    """The most characters in a name of one kind of resource, and where AWS says so."""

    resource: str
    longest: int
    source: str


NAME_LIMITS: Mapping[str, NameLimit] = {
    RULE: NameLimit("rule", 64, "Amazon EventBridge API reference, PutRule"),
    "aws_iam_role": NameLimit("IAM role", 64, "IAM API reference, CreateRole"),
    "aws_sqs_queue": NameLimit("queue", 80, "Amazon SQS API reference, CreateQueue"),
    "aws_glue_workflow": NameLimit("workflow", 255, "AWS Glue API reference, CreateWorkflow"),
    "aws_glue_trigger": NameLimit("trigger", 255, "AWS Glue API reference, CreateTrigger"),
    "aws_glue_job": NameLimit("job", 255, "AWS Glue API reference, CreateJob"),
    "aws_glue_catalog_database": NameLimit(
        "database", 255, "AWS Glue API reference, CreateDatabase"
    ),
    "aws_glue_security_configuration": NameLimit(
        "security configuration", 255, "AWS Glue API reference, CreateSecurityConfiguration"
    ),
    "aws_cloudwatch_log_group": NameLimit(
        "log group", 512, "Amazon CloudWatch Logs API reference, CreateLogGroup"
    ),
    "aws_cloudtrail": NameLimit("trail", 128, "AWS CloudTrail API reference, CreateTrail"),
    "aws_kms_alias": NameLimit("alias of the key", 256, "AWS KMS API reference, CreateAlias"),
    "aws_sns_topic": NameLimit("topic", 256, "Amazon SNS API reference, CreateTopic"),
    "aws_cloudwatch_metric_alarm": NameLimit(
        "alarm", 255, "Amazon CloudWatch API reference, PutMetricAlarm"
    ),
    "aws_cloudwatch_dashboard": NameLimit(
        "dashboard", 255, "Amazon CloudWatch API reference, PutDashboard"
    ),
    # A bucket's name has 63 characters at most, and Terraform appends 26 to a prefix.
    BUCKET: NameLimit("bucket prefix", 37, "Terraform AWS provider, aws_s3_bucket, bucket_prefix"),
}

# Amazon EventBridge user guide, "Quotas", "Number of rules": on one event bus, adjustable.
RULES_ON_A_BUS = 300
RULES_ON_A_BUS_BY_REGION: Mapping[str, int] = {"af-south-1": 100, "eu-south-1": 100}


@dataclass(frozen=True)
class AwsName:
    """What one resource of an environment is called. ``kind`` is its Terraform type."""

    kind: str
    name: str
    environment: str
    pipeline: str | None = None

    @property
    def owner(self) -> str:
        """Whose it is, in the words of an error."""
        of_the_pipeline = f", pipeline {self.pipeline!r}" if self.pipeline else ""
        return f"environment {self.environment!r}{of_the_pipeline}"


def names(environment: str, settings: EnvironmentSettings) -> Iterator[AwsName]:
    """Every name that an environment gives, of which AWS limits the length or wants just one."""
    encrypted = settings.encryption == "sse-kms"
    landing = settings.existing_landing
    by_cloudtrail = landing is not None and landing.events == "cloudtrail"
    purposes = {"lake": True, "landing": landing is None, "trail": by_cloudtrail}
    for purpose in (purpose for purpose, there in purposes.items() if there):
        yield AwsName(BUCKET, f"burst-{environment}-{purpose}-", environment)
    if by_cloudtrail:
        yield AwsName("aws_cloudtrail", f"burst-{environment}-landing", environment)
    yield AwsName(
        "aws_glue_catalog_database", f"burst_{environment}".replace("-", "_"), environment
    )
    if encrypted:
        yield AwsName("aws_kms_alias", f"alias/burst-{environment}", environment)
        yield AwsName("aws_glue_security_configuration", f"burst-{environment}", environment)
    for kind, name in _names_of_the_alerts(environment, settings):
        yield AwsName(kind, name, environment)
    for pipeline, of_the_pipeline in settings.pipelines.items():
        for kind, name in _names_of_a_pipeline(environment, pipeline, encrypted):
            yield AwsName(kind, name, environment, pipeline)
        if of_the_pipeline.sweep != OFF:
            yield AwsName(RULE, f"burst-{environment}-{pipeline}-sweep", environment, pipeline)
        for alarm in _alarms(settings):
            name = f"burst-{environment}-{pipeline}.{alarm}"
            yield AwsName("aws_cloudwatch_metric_alarm", name, environment, pipeline)


def _names_of_the_alerts(
    environment: str, settings: EnvironmentSettings
) -> Iterator[tuple[str, str]]:
    """The rules have a dot, which keeps them apart from every pipeline's."""
    yield "aws_sns_topic", f"burst-{environment}-alerts"
    for number in range(-(-len(settings.pipelines) // JOBS_IN_A_PATTERN)):
        yield RULE, f"burst-{environment}.runs-{number}"
    if settings.alerts.quarantine == "file":
        yield RULE, f"burst-{environment}.quarantine"
    if settings.alerts.dashboard:
        yield "aws_cloudwatch_dashboard", f"burst-{environment}"


def _alarms(settings: EnvironmentSettings) -> tuple[str, ...]:
    if not settings.alerts.alarms:
        return ()
    always = ("events-failed", "events-undelivered", "dead-letters", "oldest-file")
    return (*always, "bad-files") if settings.alerts.quarantine == "burst" else always


def _names_of_a_pipeline(
    environment: str, pipeline: str, encrypted: bool
) -> Iterator[tuple[str, str]]:
    name = f"burst-{environment}-{pipeline}"
    logs = f"/burst/{environment}/{pipeline}"
    if encrypted:
        logs += f"/burst-{environment}-role/{name}-job"
    yield RULE, name
    yield "aws_iam_role", f"{name}-events"
    yield "aws_iam_role", f"{name}-job"
    yield "aws_sqs_queue", f"{name}-undelivered"
    yield "aws_glue_workflow", name
    yield "aws_glue_trigger", f"{name}-batch"
    yield "aws_glue_job", name
    yield "aws_cloudwatch_log_group", f"{logs}/error"
    yield "aws_cloudwatch_log_group", f"{logs}/output"


def broken_quotas(environments: Mapping[str, EnvironmentSettings]) -> Iterator[str]:
    """A sentence for everything that AWS, or the environment's own limit, would refuse."""
    for name, settings in environments.items():
        yield from _too_long(name, settings)
        yield from _too_expensive(name, settings)
    yield from _clashing(environments)
    yield from _too_many_rules(environments)


def _too_long(environment: str, settings: EnvironmentSettings) -> Iterator[str]:
    """One sentence an owner, for the name that is longest beyond its limit."""
    worst: dict[str, tuple[int, AwsName]] = {}
    for item in names(environment, settings):
        excess = len(item.name) - NAME_LIMITS[item.kind].longest
        if excess > worst.get(item.owner, (0, item))[0]:
            worst[item.owner] = (excess, item)
    for owner, (excess, item) in worst.items():
        limit = NAME_LIMITS[item.kind]
        whose = "the pipeline or the environment" if item.pipeline else "the environment"
        yield (
            f"{owner}: its {limit.resource} would be called {item.name!r}, which has "
            f"{len(item.name)} characters. Allowed: {limit.longest} ({limit.source}), so a name of "
            f"{whose} that is {excess} shorter."
        )


def _too_expensive(environment: str, settings: EnvironmentSettings) -> Iterator[str]:
    limit = settings.max_dpu_hours_per_run
    for name, pipeline in settings.pipelines.items():
        most = _most_dpu_hours(pipeline)
        if limit is not None and most > limit:
            job = pipeline.job
            yield (
                f"environment {environment!r}, pipeline {name!r}, field 'job': a run with "
                f"{job.number_of_workers} workers of type {job.worker_type} may take "
                f"{job.timeout_minutes} minutes, which is {most:g} DPU-hours. Allowed: "
                f"{limit:g}, as max_dpu_hours_per_run of the environment says; take fewer or "
                f"smaller workers, a shorter timeout_minutes, or raise that limit."
            )


def _most_dpu_hours(pipeline: PipelineSettings) -> float:
    job = pipeline.job
    return job.number_of_workers * DPUS[job.worker_type] * job.timeout_minutes / 60


def _clashing(environments: Mapping[str, EnvironmentSettings]) -> Iterator[str]:
    """One sentence for each two owners of the same name.

    A bucket gets a suffix of its own. IAM knows no regions, and every pipeline has roles, so two
    environments must differ in any region, unless they say that their accounts do.
    """
    owners: dict[tuple[str, str], list[AwsName]] = defaultdict(list)
    said: set[tuple[str, str]] = set()
    for environment, settings in environments.items():
        for item in names(environment, settings):
            if item.kind == BUCKET:
                continue
            for other in owners[item.kind, item.name]:
                pair = (other.owner, item.owner)
                if pair not in said and _may_share(environments, other, item):
                    said.add(pair)
                    yield _clash(other, item)
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


def _may_share(
    environments: Mapping[str, EnvironmentSettings], one: AwsName, other: AwsName
) -> bool:
    """Whether the two may lie in the same account, as far as the settings say."""
    accounts = {environments[item.environment].account_id for item in (one, other)}
    return None in accounts or len(accounts) == 1


def _too_many_rules(environments: Mapping[str, EnvironmentSettings]) -> Iterator[str]:
    """All rules are on the default bus, of which an account has one a region."""
    buses: dict[tuple[str | None, str], list[str]] = defaultdict(list)
    for name, settings in environments.items():
        buses[settings.account_id, settings.region].append(name)
    for (account_id, region), sharing in buses.items():
        rules = sum(
            item.kind == RULE for name in sharing for item in names(name, environments[name])
        )
        said = [environments[name].event_rules_quota for name in sharing]
        quota = min(
            (number for number in said if number),
            default=RULES_ON_A_BUS_BY_REGION.get(region, RULES_ON_A_BUS),
        )
        if rules > quota:
            whose = " and ".join(f"environment {name!r}" for name in sharing)
            apart = (
                ", an account_id for each environment if their accounts differ"
                if len(sharing) > 1 and account_id is None
                else ""
            )
            yield (
                f"{whose}: {rules} rules on the event bus of {region}, where up to {quota} fit "
                f"(Amazon EventBridge user guide, quotas). Allowed: fewer pipelines{apart}, or "
                f"event_rules_quota if AWS has raised the quota of your account."
            )
