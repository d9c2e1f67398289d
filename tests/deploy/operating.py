"""`burst` as a user calls it on the shared deployment, in this process or in one of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from moto import settings
from moto.core import authorization

from tests.deploy.conftest import Deployed
from tests.patience import PATIENCE
from tools import cli
from tools.sandbox.using import write_environment

PROJECT_FOLDER = Path(__file__).resolve().parents[2]
AWS = ("AWS_", "BURST_OUTPUTS")


@dataclass(frozen=True)
class Said:
    """How a command ended: its exit code, and what it printed on one line each."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def text(self) -> str:
        """Without the borders and line breaks of what was drawn."""
        return " ".join(self.out.replace("│", " ").split())

    @property
    def error(self) -> str:
        return " ".join(self.err.split())


@dataclass(frozen=True)
class Burst:
    """The command line, with an environment that leads to the deployed sandbox."""

    deployed: Deployed
    capsys: pytest.CaptureFixture[str]
    outputs: Path

    def __call__(self, *arguments: str, **environment: str | None) -> Said:
        """Run a command here; a variable that is None is not set."""
        variables = {**self.environment(), **environment}
        kept = {n: v for n, v in os.environ.items() if not n.startswith(AWS)}
        kept |= {name: value for name, value in variables.items() if value is not None}
        self.capsys.readouterr()
        with patch.dict(os.environ, kept, clear=True), patch("sys.argv", ["burst", *arguments]):
            try:
                code = cli.main()
            except SystemExit as end:
                code = int(end.code or 0)
        said = self.capsys.readouterr()
        return Said(code, said.out, said.err)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a command in a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "tools.cli", *arguments],
            cwd=PROJECT_FOLDER,
            env={**os.environ, **self.environment()},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def environment(self) -> dict[str, str]:
        account = self.deployed.sandbox.account
        known = {n: v for n, v in account.environment().items() if n.startswith("AWS_")}
        return {**known, "BURST_OUTPUTS": str(self.outputs), "NO_PROXY": "127.0.0.1"}


def burst_on(deployed: Deployed, capsys: pytest.CaptureFixture[str]) -> Burst:
    write_environment(deployed.sandbox)
    return Burst(deployed, capsys, deployed.sandbox.folder / "outputs.json")


def clean(deployed: Deployed) -> None:
    """Wait for what runs, then empty landing and all of the lake but the job's code."""
    sandbox = deployed.sandbox
    assert sandbox.engine.wait(lambda now: now.idle, PATIENCE)
    buckets = sandbox.account.backend("s3").buckets
    landing = buckets[sandbox.outputs["landing_bucket_name"]].keys
    lake = buckets[sandbox.outputs["lake_bucket_name"]].keys
    for key in list(landing):
        landing.pop(key)
    for key in list(lake):
        if not key.startswith("artifacts/"):
            lake.pop(key)


@contextmanager
def only_allowed(
    deployed: Deployed, *actions: str, but: tuple[str, str] | None = None
) -> Iterator[Mapping[str, str]]:
    """Credentials that may do just this, in an account that now looks at policies.

    but: an action that is denied on one resource.
    """
    if deployed.encrypted:
        # Another environment is being applied at the same time; it must not be refused.
        deployed.encrypted.result()
    iam = deployed.sandbox.account.client("iam")
    iam.create_user(UserName="operator")
    key = iam.create_access_key(UserName="operator")["AccessKey"]
    statements = [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}]
    if but:
        statements.append({"Effect": "Deny", "Action": [but[0]], "Resource": but[1]})
    iam.put_user_policy(
        UserName="operator",
        PolicyName="some",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": statements}),
    )
    mixin = authorization.ActionAuthenticatorMixin
    with (
        patch.object(settings, "INITIAL_NO_AUTH_ACTION_COUNT", 0),
        patch.object(mixin, "request_count", 0),
    ):
        yield {
            "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
        }
    iam.delete_user_policy(UserName="operator", PolicyName="some")
    iam.delete_access_key(UserName="operator", AccessKeyId=key["AccessKeyId"])
    iam.delete_user(UserName="operator")
