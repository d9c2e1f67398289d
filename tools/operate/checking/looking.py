"""Reads what `burst check` decides on. Nothing here changes anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from botocore.exceptions import ClientError
from burst.contract import Bounds, FileFormat, part_from_arguments
from burst.errors import ArgumentError, LedgerError
from burst.s3 import is_gone

from stacks.settings import DPUS
from tools.operate import routing, waiting
from tools.operate.checking import calls
from tools.operate.checking.asking import (
    part,
    pattern_matches,
    read_key_policy,
    read_rule,
    simulate,
)
from tools.operate.checking.calls import Call
from tools.operate.checking.facts import (
    JobFacts,
    PipelineFacts,
    Place,
    Queue,
    Reads,
    RoleFacts,
    Rule,
    Trigger,
)
from tools.operate.checking.sample_events import sample_event
from tools.operate.connection import Connection
from tools.operate.deployment import DeployedPipeline, Deployment
from tools.operate.refusals import Unavailable, known_or_why
from tools.operate.routing import DeadLetter

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

T = TypeVar("T")

# Messages that are looked at, to say why events were not delivered.
_MOST_LETTERS = 10


def look(
    connection: Connection, deployment: Deployment, pipeline: DeployedPipeline, probe_key: str
) -> PipelineFacts:
    """Everything about one pipeline; each part by itself, so that one refusal hides no other."""
    looking = _Looking(connection, deployment, pipeline)
    rule = looking.rule(pipeline.rule_name)
    sweep = looking.rule(pipeline.sweep_rule_name) if pipeline.sweep_rule_name else None
    place = looking.place(rule)
    job = part(looking.job)
    workflow = part(looking.workflow_is_there)
    return PipelineFacts(
        pipeline=pipeline,
        environment=deployment.environment,
        landing_bucket=deployment.landing_bucket,
        probe_key=probe_key,
        versioning=known_or_why(looking.versioning),
        notified=known_or_why(looking.notified),
        rule=rule,
        sweep=sweep,
        matches=looking.matches(rule, probe_key),
        events_role=looking.events_role(rule, place),
        queue=part(looking.queue),
        workflow=workflow if isinstance(workflow, Unavailable) else bool(workflow),
        trigger=looking.trigger(),
        job=job,
        job_role=looking.job_role(job, place),
        log_groups=known_or_why(looking.log_groups),
        waiting=known_or_why(looking.waiting),
    )


class _Looking:
    """The parts of one pipeline."""

    def __init__(
        self, connection: Connection, deployment: Deployment, pipeline: DeployedPipeline
    ) -> None:
        self._to = connection
        self._deployment = deployment
        self._pipeline = pipeline

    # ---- landing ---------------------------------------------------------------------------

    def versioning(self) -> str:
        answer = self._to.s3.get_bucket_versioning(Bucket=self._deployment.landing_bucket)
        return answer.get("Status", "never enabled")

    def notified(self) -> bool:
        answer = self._to.s3.get_bucket_notification_configuration(
            Bucket=self._deployment.landing_bucket
        )
        return "EventBridgeConfiguration" in answer

    def waiting(self) -> int | Unavailable:
        try:
            return waiting.look(self._to.s3, self._deployment, self._pipeline).files
        except LedgerError as error:
            return Unavailable(str(error))

    # ---- EventBridge -----------------------------------------------------------------------

    def rule(self, name: str) -> Rule | Unavailable | None:
        return part(lambda: read_rule(self._to, name))

    def place(self, rule: Rule | Unavailable | None) -> Place | None:
        arn = rule.arn if isinstance(rule, Rule) else self._deployment.topic_arn
        return Place.of(arn) if arn else None

    def matches(self, rule: Rule | Unavailable | None, key: str) -> bool | Unavailable:
        if not isinstance(rule, Rule) or rule.pattern is None:
            return Unavailable("There is no rule whose pattern could be tested.")
        pattern = rule.pattern
        event = sample_event(Place.of(rule.arn), pattern, self._deployment.landing_bucket, key)
        return known_or_why(lambda: pattern_matches(self._to, pattern, event))

    def events_role(
        self, rule: Rule | Unavailable | None, place: Place | None
    ) -> RoleFacts | Unavailable | None:
        if not isinstance(rule, Rule) or place is None or not rule.targets:
            return Unavailable("There is no target, so its role is not known.")
        role = next((target.role_arn for target in rule.targets if target.role_arn), None)
        if role is None:
            return None
        workflow = place.arn("glue", f"workflow/{self._pipeline.workflow_name}")
        return self._role(role, calls.of_events_role(workflow))

    def queue(self) -> Queue:
        sqs, pipeline = self._to.sqs, self._pipeline
        # Any: the stubs know each attribute by its own name only.
        answer: Any = sqs.get_queue_attributes(
            QueueUrl=pipeline.dead_letter_queue_url, AttributeNames=["All"]
        )["Attributes"]
        counts = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
        depth = sum(int(answer.get(name, 0)) for name in counts)
        key = answer.get("KmsMasterKeyId") or None
        return Queue(
            arn=answer["QueueArn"],
            policy=answer.get("Policy") or None,
            key_arn=key,
            key_policy=self._key_policy(key),
            depth=depth,
            letters=known_or_why(self._letters) if depth else (),
        )

    def _letters(self) -> tuple[DeadLetter, ...]:
        """Some messages, which stay visible to everybody."""
        found = routing.receive(self._to.sqs, self._pipeline, most=_MOST_LETTERS, hide_seconds=0)
        return tuple({letter.message_id: letter for letter in found}.values())

    def _key_policy(self, key: str | None) -> str | Unavailable | None:
        return None if key is None else known_or_why(lambda: read_key_policy(self._to, key))

    # ---- Glue ------------------------------------------------------------------------------

    def workflow_is_there(self) -> bool:
        self._to.glue.get_workflow(Name=self._pipeline.workflow_name)
        return True

    def trigger(self) -> Trigger | Unavailable | None:
        if not self._pipeline.trigger_name:
            return Unavailable(
                "The outputs are older than this command and do not name the trigger: deploy again."
            )
        return part(self._trigger)

    def _trigger(self) -> Trigger:
        found = self._to.glue.get_trigger(Name=self._pipeline.trigger_name)["Trigger"]
        condition: Mapping[str, int] = found.get("EventBatchingCondition") or {}  # type: ignore[assignment]
        return Trigger(
            name=found["Name"],
            kind=found["Type"],
            workflow=found.get("WorkflowName", ""),
            state=found["State"],
            jobs=tuple(action.get("JobName", "") for action in found.get("Actions", [])),
            batch_size=condition.get("BatchSize", 1),
            # Glue API, EventBatchingCondition: 900 where it is left out.
            window=condition.get("BatchWindow", 900),
        )

    def job(self) -> JobFacts:
        found: Mapping[str, Any] = self._to.glue.get_job(JobName=self._pipeline.job_name)["Job"]
        arguments = {**found.get("DefaultArguments", {})}
        uris = _code_uris(found)
        workers = found.get("NumberOfWorkers") or 0
        return JobFacts(
            name=found["Name"],
            role=found["Role"],
            queuing=bool(found.get("JobRunQueuingEnabled")),
            concurrent_runs=(found.get("ExecutionProperty") or {}).get("MaxConcurrentRuns", 1),
            dpus=float(workers * DPUS.get(found.get("WorkerType", ""), 1)),
            reads=_reads(arguments),
            code=uris,
            missing_code=known_or_why(
                lambda: tuple(uri for uri in uris if not _is_there(self._to.s3, uri))
            ),
        )

    def job_role(
        self, job: JobFacts | Unavailable | None, place: Place | None
    ) -> RoleFacts | Unavailable | None:
        if not isinstance(job, JobFacts):
            return Unavailable("There is no job, so its role is not known.")
        if place is None:
            return Unavailable("Neither rule nor topic says in which account all of it is.")
        deployment, pipeline = self._deployment, self._pipeline
        needed = (
            *calls.code(place, job.code),
            *calls.of_job(
                place,
                pipeline=pipeline.name,
                prefix=pipeline.prefix,
                landing_bucket=deployment.landing_bucket,
                lake_bucket=deployment.lake_bucket,
                log_groups=log_group_names(pipeline),
                kms_key_arn=deployment.kms_key_arn,
            ),
        )
        return self._role(place.role_arn(job.role), needed)

    def log_groups(self) -> Mapping[str, bool]:
        pages = self._to.logs.get_paginator("describe_log_groups").paginate(
            logGroupNamePrefix=self._pipeline.log_group_prefix
        )
        there = {group["logGroupName"] for page in pages for group in page["logGroups"]}
        return {name: name in there for name in log_group_names(self._pipeline)}

    # ---- roles -----------------------------------------------------------------------------

    def _role(self, arn: str, needed: Sequence[Call]) -> RoleFacts | Unavailable | None:
        def read() -> RoleFacts:
            role = self._to.iam.get_role(RoleName=arn.rpartition("/")[2])["Role"]
            trust: Any = role["AssumeRolePolicyDocument"]
            return RoleFacts(role["Arn"], trust, asked=0)

        role = part(read)
        if not isinstance(role, RoleFacts):
            return role
        denied = known_or_why(lambda: simulate(self._to, role.arn, needed))
        if isinstance(denied, Unavailable):
            return replace(role, asked=denied)
        return replace(role, asked=len(needed), denied=denied)


def log_group_names(pipeline: DeployedPipeline) -> tuple[str, str]:
    """The groups that Glue writes to."""
    return f"{pipeline.log_group_prefix}/error", f"{pipeline.log_group_prefix}/output"


def _code_uris(job: Mapping[str, Any]) -> tuple[str, ...]:
    """Where the script and the packages of a job are."""
    packages = str(job.get("DefaultArguments", {}).get("--extra-py-files", ""))
    return (
        str(job["Command"].get("ScriptLocation", "")),
        *(uri for uri in packages.split(",") if uri),
    )


def _is_there(s3: S3Client, uri: str) -> bool:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    try:
        s3.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if not is_gone(error):
            raise
        return False
    return True


def _reads(arguments: Mapping[str, str]) -> Reads | Unavailable:
    """Without the transform, which need not be on this machine."""
    argv = [part for pair in arguments.items() for part in pair]
    try:
        return Reads(part_from_arguments(FileFormat, argv), part_from_arguments(Bounds, argv))
    except ArgumentError as error:
        return Unavailable(f"The job's arguments cannot be read: {error}")
