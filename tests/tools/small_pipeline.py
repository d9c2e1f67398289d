"""A pipeline as small as it can be, deployed with boto3: the engine must not care who did it."""

import json
import time
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.patience import PATIENCE
from tools.sandbox.account import Account

LANDING, CODE = "landing", "code"
NAME = "orders"

# Tells what it was given, does what its arguments say and needs no Spark.
SCRIPT = """
import json, os, pathlib, subprocess, sys, time
import helper
arguments = dict(zip(sys.argv[1::2], sys.argv[2::2]))
names = ("AWS_ENDPOINT_URL", "AWS_REGION", "JAVA_HOME", "PYSPARK_PYTHON", "PYTHONPATH")
seen = {"arguments": arguments, "environment": {name: os.environ[name] for name in names}}
pathlib.Path("seen.json").write_text(json.dumps(seen))
print("the job says", helper.WORD)
if "--with-children" in arguments:
    own_group = "import os, time; os.setpgid(0, 0); time.sleep(600)"
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
    for program in (own_group, deaf):
        subprocess.Popen([sys.executable, "-c", program])
    pathlib.Path("has-children").touch()
gate = arguments.get("--gate")
while gate and not pathlib.Path(gate).exists():
    time.sleep(0.02)
if "--fail" in arguments:
    raise ValueError(arguments["--fail"])
"""


@dataclass(frozen=True)
class SmallPipeline:
    """What was deployed, by the names and ARNs that a test needs."""

    account: Account
    workflow_arn: str
    rule_arn: str
    queue_url: str
    gate: Path

    def upload(self, *keys: str) -> None:
        for key in keys:
            self.account.client("s3").put_object(Bucket=LANDING, Key=key, Body=b"id\n1\n")

    def open_gate(self) -> None:
        """Lets the jobs that wait go on."""
        self.gate.touch()

    def dead_letters(self) -> list[dict[str, Any]]:
        answer = self.account.client("sqs").receive_message(
            QueueUrl=self.queue_url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        )
        return [dict(message) for message in answer.get("Messages", [])]

    def workflow_runs(self, **options: Any) -> list[dict[str, Any]]:
        glue = self.account.client("glue")
        return [dict(run) for run in glue.get_workflow_runs(Name=NAME, **options)["Runs"]]

    def job_runs(self) -> list[dict[str, Any]]:
        """In the order in which they began."""
        newest_first = self.account.client("glue").get_job_runs(JobName=NAME)["JobRuns"]
        return [dict(run) for run in reversed(newest_first)]


def deploy(
    account: Account,
    folder: Path,
    *,
    batching: Mapping[str, int] | None = None,
    arguments: Mapping[str, str] | None = None,
    gated: bool = False,
    **job: Any,
) -> SmallPipeline:
    """Deploys bucket, rule, target with role and queue, workflow, EVENT trigger and job."""
    gate = folder / "gate"
    if gated:
        arguments = {**(arguments or {}), "--gate": str(gate)}
    _buckets(account)
    _code(account, folder)
    _job_role(account)
    _workflow(account, batching or {"BatchSize": 1}, arguments or {}, job)
    workflow_arn = _arn(account, "glue", f"workflow/{NAME}")
    queue_url = account.client("sqs").create_queue(QueueName="undelivered")["QueueUrl"]
    rule_arn = _routing(account, workflow_arn)
    pipeline = SmallPipeline(account, workflow_arn, rule_arn, queue_url, gate)
    allow_queue(pipeline, rule_arn)
    return pipeline


def allow_queue(pipeline: SmallPipeline, rule_arn: str) -> None:
    """Lets that rule send to the dead-letter queue."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": _arn(pipeline.account, "sqs", "undelivered"),
        "Condition": {"ArnEquals": {"aws:SourceArn": rule_arn}},
    }
    pipeline.account.client("sqs").set_queue_attributes(
        QueueUrl=pipeline.queue_url, Attributes={"Policy": policy_document(statement)}
    )


def put_role_policy(account: Account, resource: str, action: str = "glue:notifyEvent") -> None:
    """The one permission of the role of the target."""
    account.client("iam").put_role_policy(
        RoleName="events",
        PolicyName="notify",
        PolicyDocument=policy_document({"Effect": "Allow", "Action": action, "Resource": resource}),
    )


def put_target(account: Account, workflow_arn: str, **changes: Any) -> None:
    """The one target of the rule."""
    target = {
        "Id": "workflow",
        "Arn": workflow_arn,
        "RoleArn": f"arn:aws:iam::{account.account_id}:role/events",
        "DeadLetterConfig": {"Arn": _arn(account, "sqs", "undelivered")},
        "RetryPolicy": {"MaximumRetryAttempts": 10, "MaximumEventAgeInSeconds": 3600},
    } | changes
    target = {field: value for field, value in target.items() if value is not None}
    account.client("events").put_targets(Rule=NAME, Targets=[target])  # type: ignore[list-item]


def session_processes(session: int) -> list[int]:
    """The living processes of a session."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, its_session = stat.read_text().rpartition(")")[2].split()[:4]
        except OSError:
            continue
        if int(its_session) == session and state not in "ZX":
            found.append(int(stat.parent.name))
    return found


def until(condition: Any, timeout: float = PATIENCE) -> Any:
    """Waits for a condition to give something true, and returns that."""
    deadline = time.monotonic() + timeout
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
    return found


def _buckets(account: Account) -> None:
    s3 = account.client("s3")
    for bucket in (LANDING, CODE):
        s3.create_bucket(
            Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
        )
    s3.put_bucket_versioning(Bucket=LANDING, VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_notification_configuration(
        Bucket=LANDING, NotificationConfiguration={"EventBridgeConfiguration": {}}
    )


def _code(account: Account, folder: Path) -> None:
    package = folder / "package.zip"
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("helper.py", "WORD = 'hello'\n")
    s3 = account.client("s3")
    s3.put_object(Bucket=CODE, Key="artifacts/job.py", Body=SCRIPT.encode())
    s3.put_object(Bucket=CODE, Key="artifacts/package.zip", Body=package.read_bytes())


def _job_role(account: Account) -> None:
    """The job may read its code and write its logs."""
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "glue.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    code = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{CODE}/*"}
    streams = f"arn:aws:logs:*:{account.account_id}:log-group:*:log-stream:*"
    logs = {
        "Effect": "Allow",
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": streams,
    }
    iam = account.client("iam")
    iam.create_role(RoleName="job", AssumeRolePolicyDocument=policy_document(trust))
    iam.put_role_policy(RoleName="job", PolicyName="code", PolicyDocument=policy_document(code))
    iam.put_role_policy(RoleName="job", PolicyName="logs", PolicyDocument=policy_document(logs))


def _workflow(
    account: Account,
    batching: Mapping[str, int],
    arguments: Mapping[str, str],
    job: Mapping[str, Any],
) -> None:
    glue = account.client("glue")
    package = f"s3://{CODE}/artifacts/package.zip"
    settings: dict[str, Any] = {
        "Role": "job",
        "Command": {"Name": "glueetl", "ScriptLocation": f"s3://{CODE}/artifacts/job.py"},
        "DefaultArguments": {"--extra-py-files": package, "--prefix": "orders/", **arguments},
        "GlueVersion": "5.1",
        "Timeout": 10,
        "JobRunQueuingEnabled": True,
        "ExecutionProperty": {"MaxConcurrentRuns": 1},
    }
    glue.create_job(Name=NAME, **{**settings, **job})
    glue.create_workflow(Name=NAME, DefaultRunProperties={"team": "sales"})
    glue.create_trigger(
        Name=f"{NAME}-batch",
        WorkflowName=NAME,
        Type="EVENT",
        Actions=[{"JobName": NAME}],
        EventBatchingCondition=batching,  # type: ignore[arg-type]
    )


def _routing(account: Account, workflow_arn: str) -> str:
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"aws:SourceAccount": account.account_id}},
    }
    account.client("iam").create_role(
        RoleName="events", AssumeRolePolicyDocument=policy_document(trust)
    )
    put_role_policy(account, workflow_arn)
    pattern = {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {"bucket": {"name": [LANDING]}, "object": {"key": [{"prefix": "orders/"}]}},
    }
    rule = account.client("events").put_rule(Name=NAME, EventPattern=json.dumps(pattern))
    put_target(account, workflow_arn)
    return rule["RuleArn"]


def _arn(account: Account, service: str, resource: str) -> str:
    return f"arn:aws:{service}:{account.region}:{account.account_id}:{resource}"


def policy_document(*statements: Mapping[str, Any]) -> str:
    """A policy with these statements, as the API takes it."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
