"""Changed settings for a sandbox that runs: planned, applied, or left as it was.

The sandbox's process has the account in its memory and the Glue engine, which reads what is
deployed when it needs it. So nobody has to tell it anything: Terraform runs here, in the process of
the command, against the account and the state file of the sandbox.

The new stack gets its own folder. Until it is applied, the sandbox is what it was; where the apply
fails in the middle, the stack from before is applied again.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stacks.settings import SettingsError, read_environments
from tools.operate.errors import SIGNALLED, StoppedError
from tools.sandbox import one_pipeline
from tools.sandbox.errors import SandboxError
from tools.sandbox.folder import APPLYING, Facts, held, runs
from tools.sandbox.sandbox import adapt, synthesize
from tools.sandbox.terraform import Change, Terraform

APPLIED = "applied"
PLAN_FILE = "sandbox.tfplan"
LOCK_FILE = ".terraform.lock.hcl"
PROVIDERS = Path(".terraform") / "providers"

Report = Callable[[Change], None]


@dataclass(frozen=True)
class Planned:
    """Changed settings that are not applied yet.

    Attributes:
        before: what is deployed now.
        after: what will be.
        plan: as `terraform show -json` has it; None where nothing would change.
    """

    folder: Path
    before: Facts
    after: Facts
    plan: dict[str, Any] | None

    def apply(self, report: Report = lambda change: None) -> dict[str, Any]:
        """Apply the plan; returns the outputs.

        Raises `SandboxError` where it fails; the stack from before is then deployed again, or the
        message says why not. Raises `StoppedError` on a signal.
        """
        terraform = terraform_of(self.after)
        if self.plan is None:
            return terraform.outputs()
        try:
            terraform.apply(report, saved_plan=PLAN_FILE)
        except SandboxError as error:
            raise SandboxError(f"{error}\n{self._back()}") from error
        except SIGNALLED as stop:
            raise StoppedError(
                "Stopped in the middle: a part of the changes is deployed. `burst sandbox apply` "
                "goes on with the rest.",
                stop,
            ) from None
        outputs = terraform.outputs()
        self.after.write(self.folder)
        return outputs

    def _back(self) -> str:
        if not runs(self.folder):
            return "The sandbox was stopped meanwhile."
        try:
            terraform_of(self.before).apply()
        except SandboxError as error:
            return (
                f"What was deployed before could not be deployed again: {error}\nCorrect the cause "
                "and apply again, or start a new sandbox."
            )
        return "What was deployed before is deployed again."


@contextmanager
def planned(folder: Path) -> Iterator[Planned]:
    """What the project's settings would change in the sandbox that runs in ``folder``.

    Nobody else can apply anything inside the block. Raises `SettingsError` and `SandboxError`; the
    sandbox is as it was then.
    """
    try:
        with held(folder, APPLYING):
            before = Facts.read(folder)
            _check_settings(before)
            place = _next_place(folder)
            with _only_the_deployed(folder):
                yield _plan(folder, before, place)
    except BlockingIOError:
        raise SandboxError(
            f"Another `burst sandbox apply` is at work on {folder}: wait for its end."
        ) from None


def _check_settings(facts: Facts) -> None:
    """Raises `SettingsError` for settings that are wrong, before anything is made."""
    file = Path(facts.project) / one_pipeline.SETTINGS
    environments = read_environments(file)
    environment = environments.get(facts.environment)
    if environment is None:
        known = list(environments)
        raise SettingsError([one_pipeline.unknown("environment", facts.environment, known)])
    if environment.region != facts.region:
        raise SandboxError(
            f"The sandbox is in {facts.region}, and {file.name} now says {environment.region}. "
            "Another region is another deployment: stop the sandbox and start it again."
        )


def _next_place(folder: Path) -> Path:
    numbers = [int(path.name) for path in (folder / APPLIED).glob("*") if path.name.isdigit()]
    place = folder / APPLIED / f"{max(numbers, default=0) + 1:03}"
    place.mkdir(parents=True)
    return place


@contextmanager
def _only_the_deployed(folder: Path) -> Iterator[None]:
    """Keeps, at the end, the folder of the stack that is deployed, and no other that was tried."""
    try:
        yield
    finally:
        with suppress(SandboxError):
            deployed = Path(Facts.read(folder).stack_folder)
            for tried in (folder / APPLIED).iterdir():
                if tried not in deployed.parents:
                    shutil.rmtree(tried, ignore_errors=True)


def _plan(folder: Path, before: Facts, place: Path) -> Planned:
    project = one_pipeline.source(
        Path(before.project), place / "project", before.environment, before.pipeline
    )
    synthesize(project, place / "cdktf.out")
    stack_folder = place / "cdktf.out" / "stacks" / before.environment
    after = dataclasses.replace(before, stack_folder=str(stack_folder))
    adapt(stack_folder, after, folder)
    _use_providers_of(Path(before.stack_folder), stack_folder)
    terraform = terraform_of(after)
    terraform.init()
    changes = terraform.plan(f"-out={PLAN_FILE}")
    return Planned(folder, before, after, terraform.show(PLAN_FILE) if changes else None)


def _use_providers_of(earlier: Path, later: Path) -> None:
    """Spares the new folder a copy of the provider, which may have hundreds of megabytes."""
    shutil.copy(earlier / LOCK_FILE, later)
    shutil.copytree(earlier / PROVIDERS, later / PROVIDERS, symlinks=True, copy_function=os.link)


def terraform_of(facts: Facts) -> Terraform:
    """Terraform in the folder of a stack of a sandbox, for its emulated account."""
    others = {name: v for name, v in os.environ.items() if not name.startswith("AWS_")}
    return Terraform(Path(facts.stack_folder), environment={**others, **facts.variables})
