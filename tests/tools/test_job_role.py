"""The job over HTTP, with the keys of a session of its role, in both encryption modes.

Every call is judged as in the sandbox: by the policy that the stack gives to the role, by the
bucket's and by the key's.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from burst.errors import BurstError
from burst.metrics import CloudWatchMetrics

from stacks import policies
from stacks.policies.place import Place
from tests.jobs.world import GLUE_JOBS, World, as_csv, build_burst_zip, order
from tools.sandbox.account import Account
from tools.sandbox.glue.engine import GlueEngine

REGION = "eu-central-1"
LANDING, LAKE = "burst-dev-landing-1", "burst-dev-lake-1"
ROLE = "burst-dev-orders-job"
SSE_S3, SSE_KMS = "sse-s3", "sse-kms"
SPARK_SECONDS = 180.0


@dataclass(frozen=True)
class Deployed:
    """The buckets, the role with its policy, and the key where there is one."""

    account: Account
    world: World
    policy: dict[str, Any]

    def allow(self, policy: dict[str, Any]) -> None:
        self.account.client("iam").put_role_policy(
            RoleName=ROLE, PolicyName="permission", PolicyDocument=json.dumps(policy)
        )

    def without(self, sid: str) -> None:
        statements = self.policy["Statement"]
        kept = [statement for statement in statements if statement["Sid"] != sid]
        assert len(kept) == len(statements) - 1
        self.allow({**self.policy, "Statement": kept})

    def run(self) -> CloudWatchMetrics:
        """One run of the job as its role; returns the metrics that it published with."""
        credentials = self.account.assume_role(
            ROLE, service="glue.amazonaws.com", session_name="GlueJobRunnerSession"
        )
        assert credentials
        cloudwatch = self.account.client_of(credentials, "cloudwatch")
        metrics = CloudWatchMetrics(lambda: cloudwatch, "dev", "orders")
        s3 = self.account.client_of(credentials, "s3")
        replace(self.world, s3=s3).drain_plain(metrics=metrics)
        return metrics


@pytest.fixture
def account() -> Iterator[Account]:
    with Account(region=REGION) as account:
        yield account


@pytest.fixture(params=[SSE_S3, SSE_KMS])
def deployed(request: pytest.FixtureRequest, account: Account, tmp_path: Path) -> Deployed:
    key = make_key(account) if request.param == SSE_KMS else None
    for name, policy in (
        (LANDING, policies.landing_bucket(f"arn:aws:s3:::{LANDING}", key, {})),
        (LAKE, policies.bucket(f"arn:aws:s3:::{LAKE}", key)),
    ):
        make_bucket(account, name, policy, key)
    document = policies.job(
        pipeline="orders",
        prefix="orders/",
        landing_arn=f"arn:aws:s3:::{LANDING}",
        lake_arn=f"arn:aws:s3:::{LAKE}",
        code_arns=[f"arn:aws:s3:::{LAKE}/artifacts/{name}" for name in ("job.py", "burst.zip")],
        log_group_arns=["arn:aws:logs:eu-central-1:123456789012:log-group:/burst/dev/orders"],
        key=policies.JobKey(key, f"s3.{REGION}.amazonaws.com", f"logs.{REGION}.amazonaws.com")
        if key
        else None,
        decryption=None,
    )
    account.client("iam").create_role(
        RoleName=ROLE, AssumeRolePolicyDocument=policies.assumed_by_glue()
    )
    world = World(account.client("s3"), LANDING, LAKE, tmp_path / "curated")
    deployed = Deployed(account, world, json.loads(document))
    deployed.allow(deployed.policy)
    world.put("orders/good.csv", as_csv([order(1)]))
    world.put("orders/bad.csv", b"no,such,columns\n1,2,3\n")
    return deployed


def make_key(account: Account) -> str:
    """The environment's key, with its policy."""
    kms = account.client("kms")
    arn = str(kms.create_key()["KeyMetadata"]["Arn"])
    place = Place("aws", "amazonaws.com", REGION, account.account_id, "dev")
    policy = policies.key(place, producers=[], trail=None)
    kms.put_key_policy(KeyId=arn, PolicyName="default", Policy=policy)
    return arn


def make_bucket(account: Account, name: str, policy: str, key: str | None) -> None:
    s3: Any = account.client("s3")
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_policy(Bucket=name, Policy=policy)
    if key:
        default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
        rule = {"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": True}
        s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": [rule]})


def test_run_does_everything_with_the_permissions_of_its_role(deployed: Deployed) -> None:
    metrics = deployed.run()
    world = deployed.world
    assert world.order_ids() == ["o-00001"]
    assert world.in_landing() == []
    assert len(world.in_lake("archive/")) == 1
    assert len(world.in_lake("quarantine/")) == 2  # The file, and why it is there.
    assert metrics.failures == 0
    assert deployed.account.faults == ()


@pytest.mark.parametrize("deployed", [SSE_KMS], indirect=True)
def test_shipped_job_runs_in_its_process_with_the_keys_of_its_role(
    deployed: Deployed, tmp_path: Path
) -> None:
    world = deployed.world
    for key, code in (
        ("artifacts/job.py", GLUE_JOBS / "burst_job.py"),
        ("artifacts/burst.zip", build_burst_zip(tmp_path / "burst.zip")),
    ):
        world.s3.put_object(Bucket=LAKE, Key=key, Body=code.read_bytes())
    arguments = world.argv()
    names = {"--JOB_NAME", "--JOB_RUN_ID"}
    deployed.account.client("glue").create_job(
        Name="orders",
        Role=ROLE,
        Command={"Name": "glueetl", "ScriptLocation": f"s3://{LAKE}/artifacts/job.py"},
        DefaultArguments={
            "--extra-py-files": f"s3://{LAKE}/artifacts/burst.zip",
            **{
                name: value
                for name, value in zip(arguments[::2], arguments[1::2], strict=True)
                if name not in names
            },
        },
    )
    with GlueEngine(deployed.account, work_folder=tmp_path / "runs") as engine:
        deployed.account.client("glue").start_job_run(JobName="orders")
        assert engine.wait(lambda now: all(run.finished for run in now.job_runs), SPARK_SECONDS)
        [run] = engine.snapshot().job_runs
    assert run.state == "SUCCEEDED", run.log.read_text()
    assert world.order_ids() == ["o-00001"]
    assert world.in_landing() == []
    assert deployed.account.faults == ()


@pytest.mark.parametrize("deployed", [SSE_S3], indirect=True)
@pytest.mark.parametrize(
    "sid",
    [
        "CheckThatLandingIsVersioned",
        "ListWhatWaitsInLanding",
        "ReadAndSettleWhatWaitsInLanding",
        "MoveFilesToArchiveAndQuarantine",
        "KeepTheLedger",
        "ListOwnFoldersOfTheLake",
    ],
)
def test_run_without_one_of_its_statements_leaves_files_and_the_next_one_with_it_takes_them(
    deployed: Deployed, sid: str
) -> None:
    deployed.without(sid)
    with suppress(ClientError, BurstError):
        deployed.run()
    assert deployed.world.in_landing() != []
    deployed.allow(deployed.policy)
    deployed.run()
    assert deployed.world.order_ids() == ["o-00001"]
    assert deployed.world.in_landing() == []


def test_run_without_the_metrics_permission_goes_on_without_metrics(deployed: Deployed) -> None:
    deployed.without("PublishMetrics")
    assert deployed.run().failures > 0
    assert deployed.world.order_ids() == ["o-00001"]


@pytest.mark.parametrize("deployed", [SSE_KMS], indirect=True)
def test_run_without_the_key_reads_and_writes_nothing(deployed: Deployed) -> None:
    deployed.without("UseTheKeyThroughS3")
    with pytest.raises((ClientError, BurstError), match="kms:"):
        deployed.run()
    assert len(deployed.world.in_landing()) == 2


@pytest.mark.parametrize("deployed", [SSE_KMS], indirect=True)
@pytest.mark.parametrize(
    ("encryption", "allowed"),
    [
        ({}, True),
        ({"ServerSideEncryption": "AES256"}, False),
        ({"ServerSideEncryption": "aws:kms"}, False),
    ],
)
def test_upload_with_another_encryption_than_the_buckets_is_refused(
    deployed: Deployed, encryption: dict[str, Any], allowed: bool
) -> None:
    s3 = deployed.account.client("s3")
    refused = pytest.raises(ClientError, match="explicit deny in a resource-based policy")
    with nullcontext() if allowed else refused:
        s3.put_object(Bucket=LANDING, Key="orders/x.csv", Body=b"x", **encryption)
