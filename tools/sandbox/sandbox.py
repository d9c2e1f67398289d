"""The pipeline on this machine: synthesized, deployed by Terraform, and played by the engine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from burst.contract import CURATED, JobSpec, arguments_of

from tools.sandbox.account import ACCESS_KEY_ID, SECRET_ACCESS_KEY, Account
from tools.sandbox.aws_event import glue_job_state_changes
from tools.sandbox.errors import SandboxError
from tools.sandbox.glue.engine import GlueEngine
from tools.sandbox.java import ArchiveMaker
from tools.sandbox.terraform import Change, Terraform, write_override

PROJECT_FOLDER = Path(__file__).resolve().parents[2]


class Sandbox:
    """One environment in an account that exists while the `with` block runs.

    `synthesize` writes the stack, `deploy` applies it; from then on files in the landing bucket
    are processed. What differs from a deployment to AWS is in Terraform's override file:
    where the account is, and that curated goes to a local folder, because Spark has no S3 file
    system here.

    Args:
        folder: a new folder for everything that the sandbox writes.
        environment: which environment of `cdktf.json`.
        batch_size: events (1 to 100) in place of every pipeline's own.
        batch_window: seconds (1 to 900) in place of every pipeline's own.

    Raises `SandboxError` where something on this machine is missing or fails.
    """

    def __init__(
        self,
        folder: Path,
        *,
        environment: str = "dev",
        region: str = "eu-central-1",
        batch_size: int | None = None,
        batch_window: int | None = None,
    ) -> None:
        self.folder = folder.resolve()
        self.stack_folder = self.folder / "cdktf.out" / "stacks" / environment
        self.account = Account(region=region)
        self.engine = GlueEngine(self.account, work_folder=self.folder / "runs")
        self.outputs: Mapping[str, Any] = {}
        self._batching = {"batch_size": batch_size, "batch_window": batch_window}
        self._cleanup = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as cleanup:
            self.folder.mkdir(parents=True, exist_ok=False)
            cleanup.enter_context(ArchiveMaker())
            cleanup.enter_context(self.account)
            cleanup.enter_context(self.engine)
            cleanup.callback(self.engine.subscribe(glue_job_state_changes(self.account)))
            self._cleanup = cleanup.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._cleanup.close()

    def curated(self, pipeline: str) -> Path:
        """The local folder that takes the place of the lake's ``curated/<pipeline>``."""
        return self.folder / CURATED / pipeline

    def synthesize(self, project: Path = PROJECT_FOLDER, *, allow_data_loss: bool = False) -> None:
        """Run the project's `main.py`, as a deployment would."""
        keys = {"BURST_ALLOW_DATA_LOSS": "1"} if allow_data_loss else {}
        done = subprocess.run(  # noqa: S603 - our own program.
            [sys.executable, str(project / "main.py")],
            env={
                **os.environ,
                **keys,
                "CDKTF_OUTDIR": str(self.folder / "cdktf.out"),
                "PATH": _path_with_node(),
            },
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise SandboxError(f"The stack cannot be synthesized: {done.stderr.strip()}")

    def deploy(
        self,
        report: Callable[[Change], None] = lambda change: None,
        *,
        backend: Mapping[str, Any] | None = None,
    ) -> Terraform:
        """Initialize Terraform and apply the stack; ``report`` is called at every step.

        ``backend`` takes the place of the stack's state backend; a file by default.
        """
        write_override(
            self.stack_folder,
            endpoint_url=self.account.endpoint_url,
            access_key=ACCESS_KEY_ID,
            secret_key=SECRET_ACCESS_KEY,
            resources=self._replacements(),
            backend=backend,
        )
        terraform = Terraform(self.stack_folder, environment=self.account.environment())
        terraform.init()
        terraform.apply(report)
        self.outputs = terraform.outputs()
        return terraform

    def _replacements(self) -> dict[str, dict[str, Any]]:
        """The attributes that the override file replaces, by resource type and name."""
        stack = json.loads((self.stack_folder / "cdk.tf.json").read_text(encoding="utf-8"))
        resources = stack["resource"]
        return {
            "aws_glue_job": {
                name: {"default_arguments": self._arguments(job["default_arguments"])}
                for name, job in resources["aws_glue_job"].items()
            },
            "aws_glue_trigger": {
                name: {"event_batching_condition": self._condition(trigger)}
                for name, trigger in resources["aws_glue_trigger"].items()
            },
        }

    def _arguments(self, deployed: Mapping[str, str]) -> dict[str, str]:
        own = arguments_of(JobSpec)
        folder = self.curated(deployed[own["pipeline"].flag])
        return {**deployed, own["curated_uri"].flag: folder.as_uri()}

    def _condition(self, trigger: Mapping[str, Any]) -> list[dict[str, int]]:
        wished = {name: value for name, value in self._batching.items() if value is not None}
        return [{**trigger["event_batching_condition"][0], **wished}]


def _path_with_node() -> str:
    """The PATH with the folder of this Python first: Node is installed there, too."""
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
