"""Terraform takes each backend as it is synthesized; other tests use the local one and plain S3."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.conftest import STATE_BUCKET, Deployed, TypeLine, where

KEY = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-44cd-86ef-1234567890ab"


def backend_of(project: Path, type_line: TypeLine, state: dict[str, Any]) -> dict[str, Any]:
    """What is synthesized for production with this state; without its resources, nothing else."""
    file = project / "cdktf.json"
    document = json.loads(file.read_text(encoding="utf-8"))
    document["context"]["environments"]["prod"]["state"] = state
    file.write_text(json.dumps(document), encoding="utf-8")
    done = type_line("pipenv run python main.py")
    assert done.returncode == 0, done.stderr
    stack = project / "cdktf.out" / "stacks" / "prod" / "cdk.tf.json"
    terraform = json.loads(stack.read_text(encoding="utf-8"))["terraform"]
    return {name: terraform[name] for name in ("backend", "cloud") if name in terraform}


@pytest.fixture
def init(tmp_path: Path, type_line: TypeLine) -> Any:
    """Initialize Terraform with a backend and no resource, so that it needs no provider."""

    def run(backend: dict[str, Any]) -> Any:
        folder = tmp_path / "backend"
        folder.mkdir()
        (folder / "cdk.tf.json").write_text(json.dumps({"terraform": backend}), encoding="utf-8")
        return type_line(f"terraform -chdir={folder} init -input=false -no-color")

    return run


def test_hcp_terraform_is_asked_for_at_the_host_of_the_settings(
    project: Path, type_line: TypeLine, init: Any
) -> None:
    state = {"backend": "cloud", "organization": "acme", "hostname": "terraform.invalid"}
    done = init(backend_of(project, type_line, state))
    assert "Initializing HCP Terraform..." in done.stdout
    # No such host exists anywhere (RFC 6761), so this is as far as a test can go.
    assert "https://terraform.invalid/.well-known/terraform.json" in done.stderr


def test_state_in_s3_may_be_encrypted_with_a_key(
    project: Path, type_line: TypeLine, init: Any, deployed: Deployed
) -> None:
    state = {"backend": "s3", "bucket": STATE_BUCKET, "kms_key_arn": KEY}
    backend = backend_of(project, type_line, state)
    assert backend["backend"]["s3"]["kms_key_id"] == KEY
    backend["backend"]["s3"] |= where(deployed.sandbox.account)
    done = init(backend)
    assert done.returncode == 0, done.stderr
    assert 'Successfully configured the backend "s3"!' in done.stdout
