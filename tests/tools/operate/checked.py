"""A pipeline with all that `burst check` looks at, deployed with boto3 and the stack's policies."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import boto3
import pytest
from burst.contract import Column, FileFormat, JobSpec

from stacks import policies
from stacks.alerting.alerts import files_in_quarantine, runs_that_ended_badly
from tests.tools.small_pipeline import CODE, LANDING, NAME, SmallPipeline, deploy
from tools import cli
from tools.sandbox.account import ACCESS_KEY_ID, SECRET_ACCESS_KEY, Account

PROJECT_FOLDER = Path(__file__).resolve().parents[3]
LAKE = "lake"
TRIGGER = f"{NAME}-batch"
WINDOW = 1
LOGS = "/burst/dev/orders"
LANDING_ARN, LAKE_ARN = (f"arn:aws:s3:::{bucket}" for bucket in (LANDING, LAKE))
COLUMNS = (Column("id", "int"), Column("price", "decimal(10,2)"))


def session() -> Any:
    """A session of the administrator."""
    return boto3.Session(aws_access_key_id=ACCESS_KEY_ID, aws_secret_access_key=SECRET_ACCESS_KEY)


@dataclass(frozen=True)
class Said:
    """How the command ended."""

    code: int
    out: str
    err: str

    @property
    def findings(self) -> dict[str, dict[str, Any]]:
        """Each finding by its link."""
        return {finding["link"]: finding for finding in json.loads(self.out)["findings"]}

    @property
    def not_seen(self) -> list[str]:
        return [n for n, finding in self.findings.items() if finding["verdict"] == "not seen"]


@dataclass(frozen=True)
class Checked:
    """The deployment, and the command line on it."""

    small: SmallPipeline
    topic_arn: str
    outputs: Path
    # One for all calls: it takes a second to read the descriptions of nine services.
    session: Any = field(default_factory=session, repr=False)

    @property
    def account(self) -> Account:
        return self.small.account

    def client(self, service: str) -> Any:
        return self.account.client(service)

    def check(
        self, capsys: pytest.CaptureFixture[str], *options: str, as_json: bool = True
    ) -> Said:
        """`burst check dev --json` with these options, or as people see it."""
        shape = ["--json"] if as_json else []
        arguments = ["burst", "check", "dev", "--outputs", str(self.outputs), *shape, *options]
        capsys.readouterr()
        environment = self.account.environment()
        with (
            patch.dict(os.environ, environment, clear=True),
            patch("sys.argv", arguments),
            patch.object(boto3, "Session", lambda: self.session),
        ):
            try:
                code = cli.main()
            except SystemExit as end:
                code = int(end.code or 0)
        said = capsys.readouterr()
        return Said(code, said.out, said.err)

    def start(self, *options: str) -> subprocess.Popen[str]:
        """`burst check dev` in a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "tools.cli", "check", "dev", *options],
            cwd=PROJECT_FOLDER,
            env=self.account.environment() | {"BURST_OUTPUTS": str(self.outputs)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def write_outputs(self, **changes: Any) -> None:
        orders = {
            "prefix": "orders/",
            "suffix": ".csv",
            "paused": "false",
            "rule_name": NAME,
            "sweep_rule_name": "",
            "workflow_name": NAME,
            "trigger_name": TRIGGER,
            "job_name": NAME,
            "dead_letter_queue_url": self.small.queue_url,
            "log_group_prefix": LOGS,
        }
        outputs = {
            "environment": "dev",
            "region": self.account.region,
            "landing_bucket_name": LANDING,
            "lake_bucket_name": LAKE,
            "topic_arn": self.topic_arn,
            "pipelines": {"orders": orders | changes},
        }
        self.outputs.write_text(json.dumps(outputs), encoding="utf-8")

    @contextmanager
    def paused(self) -> Iterator[None]:
        """By its setting: the rule is disabled and the outputs say so."""
        self.client("events").disable_rule(Name=NAME)
        self.write_outputs(paused="true")
        yield
        self.write_outputs()
        self.client("events").enable_rule(Name=NAME)


def spec() -> JobSpec:
    return JobSpec(
        environment="dev",
        pipeline="orders",
        landing_bucket=LANDING,
        prefix="orders/",
        suffix=".csv",
        lake_bucket=LAKE,
        curated_uri=f"s3://{LAKE}/curated/orders",
        format=FileFormat("csv", COLUMNS),
        # Nothing here runs it, and it need not be on this machine.
        transform="somebodys_own",
    )


def deploy_checked(account: Account, folder: Path) -> Checked:
    small = deploy(
        account,
        folder,
        batching={"BatchSize": 2, "BatchWindow": WINDOW},
        arguments=spec().to_arguments(),
        WorkerType="G.1X",
        NumberOfWorkers=2,
    )
    s3 = account.client("s3")
    where: Any = {"LocationConstraint": account.region}
    s3.create_bucket(Bucket=LAKE, CreateBucketConfiguration=where)
    s3.put_bucket_versioning(Bucket=LAKE, VersioningConfiguration={"Status": "Enabled"})
    for kind in ("error", "output"):
        account.client("logs").create_log_group(logGroupName=f"{LOGS}/{kind}")
    account.client("iam").put_role_policy(
        RoleName="job", PolicyName="permission", PolicyDocument=job_policy(account)
    )
    checked = Checked(small, _topic(account), folder / "outputs.json")
    checked.write_outputs()
    return checked


def job_policy(account: Account) -> str:
    place = f"arn:aws:logs:{account.region}:{account.account_id}:log-group:{LOGS}"
    return policies.job(
        pipeline="orders",
        prefix="orders/",
        landing_arn=LANDING_ARN,
        lake_arn=LAKE_ARN,
        code_arns=[f"arn:aws:s3:::{CODE}/*"],
        log_group_arns=[f"{place}/error", f"{place}/output"],
        key=None,
        decryption=None,
    )


def _topic(account: Account) -> str:
    sns, events = account.client("sns"), account.client("events")
    arn = str(sns.create_topic(Name="alerts")["TopicArn"])
    set_topic_policy(account, arn, policies.topic(arn, account.account_id))
    patterns: Mapping[str, Any] = {
        "runs": runs_that_ended_badly([NAME]),
        "quarantine": files_in_quarantine(LAKE),
    }
    for name, pattern in patterns.items():
        events.put_rule(Name=name, EventPattern=json.dumps(pattern))
        events.put_targets(Rule=name, Targets=[{"Id": "topic", "Arn": arn}])
    return arn


def set_topic_policy(account: Account, topic_arn: str, policy: str) -> None:
    account.client("sns").set_topic_attributes(
        TopicArn=topic_arn, AttributeName="Policy", AttributeValue=policy
    )
