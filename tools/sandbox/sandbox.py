"""The pipeline on this machine: synthesized, deployed by Terraform, and played by the engine."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from burst.contract import CURATED, JobSpec, arguments_of

from tools import processes
from tools.operate.deployment import PROJECT_FOLDER
from tools.sandbox import one_pipeline
from tools.sandbox.account import ACCESS_KEY_ID, SECRET_ACCESS_KEY, Account
from tools.sandbox.aws_event import glue_job_state_changes
from tools.sandbox.errors import SandboxError
from tools.sandbox.folder import RUNNING, Facts, held
from tools.sandbox.glue.engine import GlueEngine
from tools.sandbox.java import ArchiveMaker
from tools.sandbox.terraform import Change, Terraform, write_override

__all__ = ["PROJECT_FOLDER", "Sandbox"]

STATE_FILE = "sandbox.tfstate"
ONE_PIPELINE = "one-pipeline"
# What the description of a trigger says of its condition.
_BATCHING = re.compile(r"\d+ events or \d+ seconds")


class Sandbox:
    """One environment in an account that exists while the `with` block runs.

    `synthesize` writes the stack, `deploy` applies it; from then on files in the landing bucket
    are processed. What differs from a deployment to AWS is in Terraform's override file:
    where the account is, and that curated goes to a local folder, because Spark has no S3 file
    system here.

    Args:
        folder: a new folder for everything that the sandbox writes.
        environment: which environment of `cdktf.json`.
        pipeline: the only one to deploy; None for all of the environment.
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
        pipeline: str | None = None,
        batch_size: int | None = None,
        batch_window: int | None = None,
    ) -> None:
        self.folder = folder.resolve()
        self.stack_folder = self.folder / "cdktf.out" / "stacks" / environment
        self.account = Account(region=region)
        self.engine = GlueEngine(self.account, work_folder=self.folder / "runs")
        self.outputs: Mapping[str, Any] = {}
        self._environment = environment
        self._pipeline = pipeline
        self._batching = {"batch_size": batch_size, "batch_window": batch_window}
        self._project = PROJECT_FOLDER
        self._cleanup = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as cleanup:
            self.folder.mkdir(parents=True, exist_ok=False)
            cleanup.enter_context(held(self.folder, RUNNING))
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
        with processes.held():
            self._cleanup.close()

    def curated(self, pipeline: str) -> Path:
        """The local folder that takes the place of the lake's ``curated/<pipeline>``."""
        return curated_folder(self.folder, pipeline)

    def synthesize(self, project: Path = PROJECT_FOLDER, *, allow_data_loss: bool = False) -> None:
        """Run the project's `main.py`, as a deployment would."""
        self._project = project.resolve()
        source = one_pipeline.source(
            self._project, self.folder / ONE_PIPELINE, self._environment, self._pipeline
        )
        synthesize(source, self.folder / "cdktf.out", allow_data_loss=allow_data_loss)

    def deploy(
        self,
        report: Callable[[Change], None] = lambda change: None,
        *,
        backend: Mapping[str, Any] | None = None,
    ) -> Terraform:
        """Initialize Terraform and apply the stack; ``report`` is called at every step.

        ``backend`` takes the place of the stack's state backend; a file by default.
        """
        facts = self._facts(backend or {"local": {"path": str(self.stack_folder / STATE_FILE)}})
        adapt(self.stack_folder, facts, self.folder)
        terraform = Terraform(self.stack_folder, environment=self.account.environment())
        terraform.init()
        terraform.apply(report)
        self.outputs = terraform.outputs()
        facts.write(self.folder)
        return terraform

    def replacements(self) -> dict[str, dict[str, Any]]:
        """The attributes of the synthesized stack that the override file replaces."""
        return replacements(self.stack_folder, self._facts({}), self.folder)

    def _facts(self, backend: Mapping[str, Any]) -> Facts:
        variables = self.account.environment()
        return Facts(
            process_id=os.getpid(),
            environment=self._environment,
            region=self.account.region,
            project=str(self._project),
            pipeline=self._pipeline,
            stack_folder=str(self.stack_folder),
            backend=backend,
            variables={
                name: value
                for name, value in variables.items()
                if name.startswith("AWS_") or name.lower() == "no_proxy"
            },
            **self._batching,
        )


def synthesize(project: Path, outdir: Path, *, allow_data_loss: bool = False) -> None:
    """Run the `main.py` of a project; raises `SandboxError` with what it says."""
    keys = {"BURST_ALLOW_DATA_LOSS": "1"} if allow_data_loss else {}
    done = processes.run(
        "the synthesis",
        [sys.executable, str(project / "main.py")],
        patience=0.0,
        env={**os.environ, **keys, "CDKTF_OUTDIR": str(outdir), "PATH": _path_with_node()},
    )
    if done.returncode != 0:
        raise SandboxError(f"The stack cannot be synthesized: {done.stderr.strip()}")


def curated_folder(folder: Path, pipeline: str) -> Path:
    """Where a sandbox in this folder has the Parquet files of a pipeline."""
    return folder / CURATED / pipeline


def adapt(stack_folder: Path, facts: Facts, folder: Path) -> None:
    """Write the override file with which a stack is deployed to the sandbox in ``folder``."""
    write_override(
        stack_folder,
        access_key=ACCESS_KEY_ID,
        secret_key=SECRET_ACCESS_KEY,
        resources=replacements(stack_folder, facts, folder),
        backend=facts.backend,
    )


def replacements(stack_folder: Path, facts: Facts, folder: Path) -> dict[str, dict[str, Any]]:
    """The attributes that the override file replaces, by resource type and name."""
    resources = json.loads((stack_folder / "cdk.tf.json").read_text(encoding="utf-8"))["resource"]
    return {
        "aws_glue_job": {
            name: {"default_arguments": _arguments(job["default_arguments"], folder)}
            for name, job in resources["aws_glue_job"].items()
        },
        "aws_glue_trigger": {
            name: _batching(trigger, facts)
            for name, trigger in resources["aws_glue_trigger"].items()
        },
    }


def _arguments(deployed: Mapping[str, str], folder: Path) -> dict[str, str]:
    own = arguments_of(JobSpec)
    curated = curated_folder(folder, deployed[own["pipeline"].flag])
    return {**deployed, own["curated_uri"].flag: curated.as_uri()}


def _batching(trigger: Mapping[str, Any], facts: Facts) -> dict[str, Any]:
    """The condition of a trigger with the sandbox's own size and window, and what says it."""
    own = {"batch_size": facts.batch_size, "batch_window": facts.batch_window}
    wished = {name: value for name, value in own.items() if value is not None}
    condition = {**trigger["event_batching_condition"][0], **wished}
    words = f"{condition['batch_size']} events or {condition['batch_window']} seconds"
    return {
        "event_batching_condition": [condition],
        "description": _BATCHING.sub(words, trigger["description"]),
    }


def _path_with_node() -> str:
    """The PATH with the folder of this Python first: Node is installed there, too."""
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
