"""Reads what `burst check` decides on. Nothing here changes anything."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from botocore.exceptions import ClientError
from burst.contract import QUARANTINE, REASON_SUFFIX, JobSpec, folder
from burst.errors import ArgumentError
from burst.s3 import is_gone

from stacks.settings import DPUS
from tools.operate import routing, waiting
from tools.operate.checking import calls
from tools.operate.checking.calls import Call
from tools.operate.checking.facts import (
    AlertRule,
    JobFacts,
    PipelineFacts,
    Place,
    Queue,
    RoleFacts,
    Rule,
    Target,
    Topic,
    Trigger,
    is_about_cloudtrail,
)
from tools.operate.connection import Connection
from tools.operate.deployment import DeployedPipeline, Deployment
from tools.operate.refusals import Unavailable, known_or_why
from tools.operate.routing import DeadLetter

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

T = TypeVar("T")

ALLOWED = "allowed"
# A state of a run of which the topic tells.
FAILED = "FAILED"
# What AWS calls something that is not there, one way or another.
_ABSENT = frozenset(
    {
        "AWS.SimpleQueueService.NonExistentQueue",
        "EntityNotFoundException",
        "NoSuchEntity",
        "NotFound",
        "NotFoundException",
        "QueueDoesNotExist",
        "ResourceNotFoundException",
    }
)
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
    job = _part(looking.job)
    workflow = _part(looking.workflow_is_there)
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
        queue=_part(looking.queue),
        workflow=workflow if isinstance(workflow, Unavailable) else bool(workflow),
        trigger=looking.trigger(),
        job=job,
        job_role=looking.job_role(job, place),
        log_groups=known_or_why(looking.log_groups),
        waiting=known_or_why(looking.waiting),
    )


def look_at_topic(
    connection: Connection, deployment: Deployment, pipelines: Sequence[DeployedPipeline]
) -> Topic | Unavailable | None:
    """The topic of the alerts, and what sends to it."""
    if not deployment.topic_arn:
        return Unavailable(
            "The outputs are older than this command and do not name the topic: deploy again."
        )
    return _part(lambda: _topic(connection, deployment, pipelines))


def _part(read: Callable[[], T]) -> T | Unavailable | None:
    """What ``read`` returns, None where AWS says that it does not exist, or why it is unknown."""

    def none_if_absent() -> T | None:
        try:
            return read()
        except ClientError as error:
            if error.response.get("Error", {}).get("Code", "") not in _ABSENT:
                raise
            return None

    return known_or_why(none_if_absent)


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

    def waiting(self) -> int:
        return waiting.look(self._to.s3, self._deployment, self._pipeline).files

    # ---- EventBridge -----------------------------------------------------------------------

    def rule(self, name: str) -> Rule | Unavailable | None:
        return _part(lambda: read_rule(self._to, name))

    def place(self, rule: Rule | Unavailable | None) -> Place | None:
        arn = rule.arn if isinstance(rule, Rule) else self._deployment.topic_arn
        return Place.of(arn) if arn else None

    def matches(self, rule: Rule | Unavailable | None, key: str) -> bool | Unavailable:
        if not isinstance(rule, Rule) or rule.pattern is None:
            return Unavailable("There is no rule whose pattern could be tested.")
        pattern = rule.pattern
        event = sample_event(Place.of(rule.arn), pattern, self._deployment.landing_bucket, key)
        return known_or_why(lambda: _test_pattern(self._to, pattern, event))

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
        answer: Mapping[str, str] = dict(
            sqs.get_queue_attributes(
                QueueUrl=pipeline.dead_letter_queue_url, AttributeNames=["All"]
            )["Attributes"]
        )
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
        return _part(self._trigger)

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
            timeout_minutes=found.get("Timeout") or 0,
            spec=_spec(arguments),
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

        role = _part(read)
        if not isinstance(role, RoleFacts):
            return role
        denied = known_or_why(lambda: simulate(self._to, role.arn, needed))
        if isinstance(denied, Unavailable):
            return replace(role, asked=denied)
        return replace(role, asked=len(needed), denied=denied)


def simulate(
    connection: Connection, role_arn: str, needed: Sequence[Call]
) -> tuple[tuple[Call, str], ...]:
    """Which of these calls the policies of the role deny, with the simulator's verdict.

    It knows the role's policies, its boundary and those of the organization; policies of buckets
    and keys it does not (IAM API reference, SimulatePrincipalPolicy).
    """
    together: dict[tuple[str, tuple[tuple[str, str], ...]], list[Call]] = defaultdict(list)
    for call in needed:
        together[call.resource, tuple(call.context.items())].append(call)
    denied: list[tuple[Call, str]] = []
    for (resource, context), group in together.items():
        answer = connection.iam.simulate_principal_policy(
            PolicySourceArn=role_arn,
            ActionNames=[call.action for call in group],
            ResourceArns=[resource],
            ContextEntries=[
                {
                    "ContextKeyName": name,
                    "ContextKeyValues": [value],
                    "ContextKeyType": "string",
                }
                for name, value in context
            ],
        )
        verdicts = {
            result["EvalActionName"].lower(): result["EvalDecision"]
            for result in answer["EvaluationResults"]
        }
        for call in group:
            verdict = verdicts.get(call.action.lower(), "not answered")
            if verdict != ALLOWED:
                denied.append((call, verdict))
    return tuple(denied)


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


def _spec(arguments: Mapping[str, str]) -> JobSpec | Unavailable:
    argv = [part for pair in arguments.items() for part in pair]
    try:
        return JobSpec.from_arguments(argv)
    except ArgumentError as error:
        return Unavailable(f"The job's arguments cannot be read: {error}")


def read_rule(connection: Connection, name: str) -> Rule:
    """A rule with its targets; raises ClientError where there is none."""
    found = connection.events.describe_rule(Name=name)
    targets = connection.events.list_targets_by_rule(Rule=name)["Targets"]
    return Rule(
        name=name,
        arn=found["Arn"],
        state=found["State"],
        pattern=found.get("EventPattern") or None,
        targets=tuple(
            Target(
                target["Arn"],
                target.get("RoleArn") or None,
                (target.get("DeadLetterConfig") or {}).get("Arn"),
            )
            for target in targets
        ),
    )


def read_key_policy(connection: Connection, key: str) -> str:
    """The policy of a key of KMS."""
    return connection.kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"]


def sample_event(place: Place, pattern: str, bucket: str, key: str) -> dict[str, Any]:
    """What arrives on the bus for an upload: S3's own event, or CloudTrail's where the rule listens
    to that (Amazon S3 user guide, "EventBridge event message structure"; EventBridge events
    reference, "Amazon S3 events")."""
    if is_about_cloudtrail(pattern):
        return event(
            place,
            "aws.s3",
            "AWS API Call via CloudTrail",
            {
                "eventSource": "s3.amazonaws.com",
                "eventName": "CompleteMultipartUpload",
                "requestParameters": {"bucketName": bucket, "key": key},
            },
        )
    detail = {
        "version": "0",
        "bucket": {"name": bucket},
        "object": {"key": key, "size": 1, "etag": "0", "version-id": "0", "sequencer": "0"},
        "reason": "CompleteMultipartUpload",
    }
    return event(place, "aws.s3", "Object Created", detail, [place.bucket_arn(bucket)])


def event(
    place: Place,
    source: str,
    detail_type: str,
    detail: Mapping[str, Any],
    resources: Sequence[str] = (),
) -> dict[str, Any]:
    """An event as EventBridge describes it; TestEventPattern asks for each of these fields."""
    return {
        "version": "0",
        "id": "00000000-0000-0000-0000-000000000000",
        "account": place.account_id,
        "source": source,
        "time": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "region": place.region,
        "resources": list(resources),
        "detail-type": detail_type,
        "detail": detail,
    }


def _test_pattern(connection: Connection, pattern: str, sample: Mapping[str, Any]) -> bool:
    answer = connection.events.test_event_pattern(EventPattern=pattern, Event=json.dumps(sample))
    return answer["Result"]


# ---- alerts ----------------------------------------------------------------------------------


def _topic(
    connection: Connection, deployment: Deployment, pipelines: Sequence[DeployedPipeline]
) -> Topic:
    arn = deployment.topic_arn
    attributes = connection.sns.get_topic_attributes(TopicArn=arn)["Attributes"]
    key = attributes.get("KmsMasterKeyId") or None
    pages = connection.sns.get_paginator("list_subscriptions_by_topic")
    found = known_or_why(
        lambda: [
            item["SubscriptionArn"]
            for page in pages.paginate(TopicArn=arn)
            for item in page["Subscriptions"]
        ]
    )
    subscriptions = [] if isinstance(found, Unavailable) else found
    # Amazon SNS API reference, ListSubscriptionsByTopic: what is not confirmed has no ARN yet.
    confirmed = sum(item.startswith("arn:") for item in subscriptions)
    return Topic(
        arn=arn,
        policy=attributes["Policy"],
        key_arn=key,
        key_policy=None if key is None else known_or_why(lambda: read_key_policy(connection, key)),
        confirmed=found if isinstance(found, Unavailable) else confirmed,
        pending=len(subscriptions) - confirmed,
        rules=known_or_why(lambda: _alert_rules(connection, deployment, pipelines)),
        alarms=known_or_why(lambda: _alarms(connection, arn, pipelines)),
    )


def _alert_rules(
    connection: Connection, deployment: Deployment, pipelines: Sequence[DeployedPipeline]
) -> dict[str, AlertRule]:
    names = connection.events.list_rule_names_by_target(TargetArn=deployment.topic_arn)["RuleNames"]
    rules = [read_rule(connection, name) for name in names]
    return {rule.name: _alert_rule(connection, deployment, pipelines, rule) for rule in rules}


def _alert_rule(
    connection: Connection,
    deployment: Deployment,
    pipelines: Sequence[DeployedPipeline],
    rule: Rule,
) -> AlertRule:
    place, pattern = Place.of(rule.arn), rule.pattern
    if pattern is None:
        return AlertRule(rule.state, frozenset(), quarantine=False)
    failed = {
        pipeline.name
        for pipeline in pipelines
        if _test_pattern(connection, pattern, _failed_run(place, pipeline.job_name))
    }
    reason = f"{folder(QUARANTINE, pipelines[0].name)}batch/file{REASON_SUFFIX}"
    bad = sample_event(place, "", deployment.lake_bucket, reason)
    return AlertRule(rule.state, frozenset(failed), _test_pattern(connection, pattern, bad))


def _failed_run(place: Place, job: str) -> dict[str, Any]:
    """Glue developer guide, "Automating AWS Glue with EventBridge"."""
    detail = {"jobName": job, "severity": "ERROR", "state": FAILED, "jobRunId": "jr", "message": ""}
    return event(place, "aws.glue", "Glue Job State Change", detail)


def _alarms(
    connection: Connection, topic_arn: str, pipelines: Sequence[DeployedPipeline]
) -> dict[str, tuple[str, ...]]:
    """The alarms of each pipeline that send to the topic; their names begin with the job's."""
    found: dict[str, tuple[str, ...]] = {}
    for pipeline in pipelines:
        pages = connection.cloudwatch.get_paginator("describe_alarms").paginate(
            AlarmNamePrefix=f"{pipeline.job_name}."
        )
        found[pipeline.name] = tuple(
            alarm["AlarmName"]
            for page in pages
            for alarm in page.get("MetricAlarms", [])
            if topic_arn in alarm.get("AlarmActions", [])
        )
    return found
