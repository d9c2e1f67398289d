"""One apply for all tests that need a deployed pipeline."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tools.sandbox.errors import SandboxError
from tools.sandbox.sandbox import Sandbox
from tools.sandbox.terraform import Terraform, find_terraform

STATE_BUCKET = "terraform-state-of-the-tests"
BATCH_SIZE = 3
BATCH_WINDOW_SECONDS = 2


@dataclass(frozen=True)
class Deployed:
    """The environment `dev`, applied to the emulated account with its state in S3."""

    sandbox: Sandbox
    terraform: Terraform


@pytest.fixture(scope="package")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """One apply for all tests that need a deployed pipeline."""
    try:
        find_terraform()
    except SandboxError as missing:
        pytest.skip(str(missing))
    folder = tmp_path_factory.mktemp("deployed") / "sandbox"
    with Sandbox(folder, batch_size=BATCH_SIZE, batch_window=BATCH_WINDOW_SECONDS) as sandbox:
        sandbox.synthesize(allow_data_loss=True)
        sandbox.account.client("s3").create_bucket(
            Bucket=STATE_BUCKET,
            CreateBucketConfiguration={"LocationConstraint": "eu-central-1"},
        )
        yield Deployed(sandbox, sandbox.deploy(backend=s3_backend(sandbox)))


def s3_backend(sandbox: Sandbox) -> dict[str, Any]:
    """The backend that the stacks use for state in S3, in the emulated account."""
    return {
        "s3": {
            "bucket": STATE_BUCKET,
            "key": "burst/dev.tfstate",
            "region": "eu-central-1",
            "encrypt": True,
            "use_lockfile": True,
            "access_key": "test",
            "secret_key": "test",
            "use_path_style": True,
            "skip_credentials_validation": True,
            "skip_metadata_api_check": True,
            "skip_requesting_account_id": True,
            "endpoints": {"s3": sandbox.account.endpoint_url},
        }
    }
