"""One apply of each encryption mode, side by side in one account, for all tests of this folder."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cdktf import App

from stacks.burst_stack import BurstStack
from stacks.settings import parse_environments
from tests import example
from tests.listed_calls import calls_to_look_up, every_call_is_in_the_table
from tests.patience import PATIENCE
from tests.rooms import scope
from tools.sandbox.account import ACCESS_KEY_ID, SECRET_ACCESS_KEY, Account
from tools.sandbox.errors import SandboxError
from tools.sandbox.sandbox import PROJECT_FOLDER, Sandbox
from tools.sandbox.terraform import (
    Terraform,
    find_terraform,
    terraform_environment,
    write_override,
)

__all__ = [
    "calls_to_look_up",
    "every_call_is_in_the_table",
]

STATE_BUCKET = "terraform-state-of-the-tests"
STATE_KEY = "burst/dev.tfstate"
BATCH_SIZE = 3
BATCH_WINDOW_SECONDS = 2
NO_NETWORK = re.compile(r"ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ENETUNREACH")

TypeLine = Callable[..., "subprocess.CompletedProcess[str]"]


@dataclass(frozen=True)
class Deployed:
    """The environment `dev`, applied to the emulated account with its state in S3.

    It was deployed without the key to deleting data, as everything is.
    """

    sandbox: Sandbox
    terraform: Terraform
    encrypted: Future[Terraform] | None


@dataclass(frozen=True)
class Encrypted:
    """The environment `uat`, in the same account: `sse-kms`, two pipelines, a moving archive."""

    sandbox: Sandbox
    terraform: Terraform
    outputs: dict[str, Any]

    def client(self, service: str) -> Any:
        return self.sandbox.account.client(service)


def skip_without_terraform() -> None:
    try:
        find_terraform()
    except SandboxError as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="package")
def deployed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployed]:
    """One apply for all tests that need a deployed pipeline.

    Where a test asks for the encrypted environment too, both are applied at the same time: most of
    an apply is waiting.
    """
    skip_without_terraform()
    folder = tmp_path_factory.mktemp("deployed") / "sandbox"
    with Sandbox(folder, batch_size=BATCH_SIZE, batch_window=BATCH_WINDOW_SECONDS) as sandbox:
        sandbox.synthesize(example.copy_project(folder / "project"))
        make_state_bucket(sandbox.account)
        with ThreadPoolExecutor(1) as beside:
            encrypted = None
            if _asked_for_in_this_process("encrypted", request):
                stack_folder = synthesize_encrypted(sandbox)
                encrypted = beside.submit(deploy_encrypted, sandbox, stack_folder)
            backend = s3_backend(sandbox.account, STATE_KEY)
            yield Deployed(sandbox, sandbox.deploy(backend=backend), encrypted)


def _asked_for_in_this_process(fixture: str, request: pytest.FixtureRequest) -> bool:
    """Whether a test that shares its process with the one that asks now wants the fixture."""
    alone = not hasattr(request.config, "workerinput")
    here = scope(request._pyfuncitem.nodeid)
    return any(
        (alone or scope(item.nodeid) == here) and fixture in getattr(item, "fixturenames", ())
        for item in request.session.items
    )


@pytest.fixture(scope="package")
def encrypted(deployed: Deployed) -> Encrypted:
    """The environment with a key of its own, beside `dev` in the account."""
    assert deployed.encrypted
    terraform = deployed.encrypted.result()
    return Encrypted(deployed.sandbox, terraform, terraform.outputs())


def synthesize_encrypted(
    sandbox: Sandbox, *, encryption: str = "sse-kms", allow_data_loss: bool = True
) -> Path:
    """Write the stack of `uat`, made of the example's `dev`; returns its folder.

    Its ``account_id`` is not the emulated one, as would be that of a user who tries his settings.
    """
    dev = example.environments()["dev"]
    orders = dev["pipelines"]["orders"]
    returns = {
        **orders,
        "prefix": "returns/",
        "transform": "orders",
        "workflow_max_concurrent_runs": 4,
    }
    settings = {
        **dev,
        "account_id": "111122223333",
        "encryption": encryption,
        "alerts": {
            "emails": ["night@example.com"],
            "quarantine": "burst",
            "runbook_url": "https://example.com/burst/docs/runbook.md",
        },
        "retention": {"archive_move_days": 30, "archive_expire_days": 400, "log_days": 400},
        "pipelines": {"orders": orders, "web-returns": returns},
    }
    outdir = sandbox.folder / f"uat {encryption}"
    app = App(outdir=str(outdir))
    BurstStack(
        app,
        "uat",
        parse_environments({"uat": settings})["uat"],
        allow_data_loss=allow_data_loss,
    )
    app.synth()
    return outdir / "stacks" / "uat"


def initialized(sandbox: Sandbox, stack_folder: Path) -> Terraform:
    """Terraform for a stack of `uat`; all of them share one state."""
    write_override(
        stack_folder,
        access_key=ACCESS_KEY_ID,
        secret_key=SECRET_ACCESS_KEY,
        resources={},
        backend={"local": {"path": str(sandbox.folder / "uat.tfstate")}},
    )
    terraform = Terraform(stack_folder, environment=sandbox.account.environment())
    terraform.init()
    return terraform


def deploy_encrypted(sandbox: Sandbox, stack_folder: Path) -> Terraform:
    terraform = initialized(sandbox, stack_folder)
    terraform.apply()
    return terraform


def make_state_bucket(account: Account) -> None:
    account.client("s3").create_bucket(
        Bucket=STATE_BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )


def s3_backend(account: Account, key: str) -> dict[str, Any]:
    """The backend that the stacks use for state in S3, in the emulated account."""
    backend = {
        "bucket": STATE_BUCKET,
        "key": key,
        "region": "eu-central-1",
        "encrypt": True,
        "use_lockfile": True,
    }
    return {"s3": backend | where(account)}


def where(account: Account) -> dict[str, Any]:
    """What else a backend in S3 must know to find the emulated account."""
    return {
        "access_key": ACCESS_KEY_ID,
        "secret_key": SECRET_ACCESS_KEY,
        "use_path_style": True,
        "skip_credentials_validation": True,
        "skip_metadata_api_check": True,
        "skip_requesting_account_id": True,
        "endpoints": {"s3": account.endpoint_url},
    }


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project as a user has it, with this virtual environment as its own."""
    folder = example.copy_project(tmp_path / "project")
    for name in ("Pipfile", "Pipfile.lock"):
        shutil.copy(PROJECT_FOLDER / name, folder / name)
    (folder / ".venv").symlink_to(sys.prefix)
    return folder


@pytest.fixture(scope="package")
def account(deployed: Deployed) -> Account:
    """The account that they share."""
    return deployed.sandbox.account


@pytest.fixture
def type_line(project: Path, account: Account) -> TypeLine:
    """A function that types a line in the project's folder, in the account.

    Its second argument is what the user types after it. Skips where the line needs npm's registry
    and cannot reach it.
    """
    # The project's own virtual environment and settings are to be used, not those of the tests.
    ours = ("CDKTF_", "PIPENV_", "VIRTUAL_ENV", "BURST_", "NODE_OPTIONS", "JSII_")
    given = terraform_environment(project, account.environment())
    environment = {k: v for k, v in given.items() if not k.startswith(ours)} | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "CI": "1",
        "PIPENV_VERBOSITY": "-1",
    }

    def type_line(line: str, answer: str = "") -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            ["bash", "-c", line],
            cwd=project,
            env=environment,
            input=answer,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
        if NO_NETWORK.search(done.stderr):
            pytest.skip("npm's registry cannot be reached, so there is no cdktf CLI")
        return done

    return type_line


def documented_lines(known_by: str) -> list[str]:
    """The lines of the one block of commands in docs/deploying.md that holds this text."""
    text = (PROJECT_FOLDER / "docs" / "deploying.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    (block,) = [block for block in blocks if known_by in block]
    return block.splitlines()
