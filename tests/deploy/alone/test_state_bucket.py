"""The state bucket is made, moves into itself and cannot be deleted, by the documented commands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.conftest import TypeLine, documented_lines, where
from tools.sandbox.account import ACCESS_KEY_ID, SECRET_ACCESS_KEY, Account
from tools.sandbox.terraform import write_override

pytestmark = pytest.mark.gate

BUCKET = "state-of-the-tests"
REGION = "eu-central-1"
KEY = "burst/state.tfstate"


@pytest.fixture
def stack(project: Path) -> Path:
    """The state stack's folder in a project whose production keeps its state in its bucket."""
    file = project / "cdktf.json"
    document = json.loads(file.read_text(encoding="utf-8"))
    document["context"]["state_bucket"] = {"name": BUCKET, "region": REGION}
    document["context"]["environments"]["prod"]["state"] = {"backend": "s3"}
    file.write_text(json.dumps(document), encoding="utf-8")
    return project / "cdktf.out" / "stacks" / "state"


def point_to(account: Account, stack: Path) -> dict[str, Any]:
    """Let Terraform find the account, with the stack's backend as it is; returns the backend."""
    document = json.loads((stack / "cdk.tf.json").read_text(encoding="utf-8"))
    backend: dict[str, Any] = document["terraform"]["backend"]
    write_override(
        stack,
        access_key=ACCESS_KEY_ID,
        secret_key=SECRET_ACCESS_KEY,
        resources={},
        backend={kind: own | where(account) for kind, own in backend.items() if kind == "s3"}
        or backend,
    )
    return backend


def test_bucket_is_made_with_local_state_moves_into_itself_and_stays(
    project: Path, stack: Path, account: Account, type_line: TypeLine
) -> None:
    backends = []
    for line in documented_lines("BURST_BOOTSTRAP_STATE"):
        done = type_line(line, "yes\n")
        assert done.returncode == 0, f"{line}: {done.stdout}{done.stderr}"
        if "main.py" in line:
            backends.append(next(iter(point_to(account, stack))))

    s3 = account.client("s3")
    assert backends == ["local", "s3"]
    assert list(project.glob("*.tfstate*")) == []
    kept = json.loads(s3.get_object(Bucket=BUCKET, Key=KEY)["Body"].read())
    assert {item["type"] for item in kept["resources"]} > {"aws_s3_bucket", "aws_s3_bucket_policy"}
    assert s3.get_bucket_versioning(Bucket=BUCKET)["Status"] == "Enabled"

    # Now it is like any other stack: there is nothing to change, and nobody can destroy it.
    unchanged = type_line(f"terraform -chdir={stack} plan -detailed-exitcode -no-color")
    assert unchanged.returncode == 0, unchanged.stdout + unchanged.stderr
    refused = type_line(f"terraform -chdir={stack} destroy -no-color", "yes\n")
    assert refused.returncode != 0
    assert "Instance cannot be destroyed" in refused.stderr

    # Production names no bucket, and its state goes there too.
    production = stack.parent / "prod"
    assert point_to(account, production)["s3"]["bucket"] == BUCKET
    started = type_line(f"terraform -chdir={production} init -input=false -no-color")
    assert started.returncode == 0, started.stderr
