"""What AWS says about a deployment at one moment, as values; nothing here is decided.

A part that AWS did not give is `Unavailable` with the reason; what does not exist is None.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from burst.contract import Bounds, FileFormat

from tools.iam import Document
from tools.operate.checking.calls import Call
from tools.operate.deployment import DeployedPipeline
from tools.operate.refusals import Unavailable
from tools.operate.routing import DeadLetter


@dataclass(frozen=True)
class Place:
    """Where everything is: it makes ARNs of names."""

    partition: str
    region: str
    account_id: str

    @classmethod
    def of(cls, arn: str) -> Place:
        """The place that an ARN of an event rule names."""
        _, partition, _, region, account_id, _ = arn.split(":", 5)
        return cls(partition, region, account_id)

    def arn(self, service: str, resource: str) -> str:
        return f"arn:{self.partition}:{service}:{self.region}:{self.account_id}:{resource}"

    def role_arn(self, role: str) -> str:
        """The ARN of a role, by its name or its ARN."""
        if role.startswith("arn:"):
            return role
        return f"arn:{self.partition}:iam::{self.account_id}:role/{role}"

    def bucket_arn(self, bucket: str) -> str:
        return f"arn:{self.partition}:s3:::{bucket}"


@dataclass(frozen=True)
class Target:
    """A target of a rule."""

    arn: str
    role_arn: str | None = None
    dead_letter_arn: str | None = None


@dataclass(frozen=True)
class Rule:
    """A rule of the default bus with its targets. pattern: None for a schedule."""

    name: str
    arn: str
    state: str
    pattern: str | None
    targets: tuple[Target, ...] = ()


@dataclass(frozen=True)
class RoleFacts:
    """A role. denied: of the calls that it must be able to make, those that the simulator of IAM
    denies, with its verdict."""

    arn: str
    trust: Document
    asked: int | Unavailable
    denied: tuple[tuple[Call, str], ...] = ()


@dataclass(frozen=True)
class Queue:
    """The dead-letter queue. letters: some of its messages; key_policy: None without a key."""

    arn: str
    policy: Document | None
    key_arn: str | None
    key_policy: Document | Unavailable | None
    depth: int
    letters: tuple[DeadLetter, ...] | Unavailable = ()


@dataclass(frozen=True)
class Trigger:
    """The trigger that turns events into a run. window: seconds."""

    name: str
    kind: str
    workflow: str
    state: str
    jobs: tuple[str, ...]
    batch_size: int
    window: int


@dataclass(frozen=True)
class Reads:
    """How the job reads files, and when one is a bad one too many."""

    format: FileFormat
    bounds: Bounds


@dataclass(frozen=True)
class JobFacts:
    """The job.

    dpus: of all its workers. reads: what its arguments say of the files. code: where its script and
    packages are; missing_code: those of them that are not there.
    """

    name: str
    role: str
    queuing: bool
    concurrent_runs: int
    dpus: float
    reads: Reads | Unavailable
    code: tuple[str, ...] = ()
    missing_code: tuple[str, ...] | Unavailable = ()


@dataclass(frozen=True)
class PipelineFacts:
    """Everything between the landing bucket and the rows.

    notified: whether the landing bucket sends its events to EventBridge.
    matches: whether the rule's pattern takes an event of the probe's key.
    log_groups: by name, whether it exists.
    waiting: files in landing that are not loaded yet.
    """

    pipeline: DeployedPipeline
    environment: str
    landing_bucket: str
    probe_key: str
    versioning: str | Unavailable
    notified: bool | Unavailable
    rule: Rule | Unavailable | None
    sweep: Rule | Unavailable | None
    matches: bool | Unavailable
    events_role: RoleFacts | Unavailable | None
    queue: Queue | Unavailable | None
    workflow: bool | Unavailable
    trigger: Trigger | Unavailable | None
    job: JobFacts | Unavailable | None
    job_role: RoleFacts | Unavailable | None
    log_groups: Mapping[str, bool] | Unavailable
    waiting: int | Unavailable

    @property
    def reads(self) -> Reads | None:
        """How the job reads files, where it is known."""
        reads = self.job.reads if isinstance(self.job, JobFacts) else None
        return reads if isinstance(reads, Reads) else None


@dataclass(frozen=True)
class Topic:
    """The topic of the alerts.

    pending, confirmed: how many subscriptions. rules: those that send to it, with the kinds of
    events that they match. alarms: names of those that send to it, by pipeline.
    """

    arn: str
    policy: Document
    key_policy: Document | Unavailable | None
    key_arn: str | None
    confirmed: int | Unavailable = 0
    pending: int = 0
    rules: Mapping[str, AlertRule] | Unavailable = field(default_factory=dict)
    alarms: Mapping[str, tuple[str, ...]] | Unavailable = field(default_factory=dict)


@dataclass(frozen=True)
class AlertRule:
    """A rule that sends to the topic. failed_runs: of these pipelines; quarantine: whether it
    matches a file that goes there."""

    state: str
    failed_runs: frozenset[str]
    quarantine: bool


def is_about_cloudtrail(pattern: str) -> bool:
    """Whether a rule listens to CloudTrail's events in place of S3's own."""
    return "AWS API Call via CloudTrail" in pattern
