"""A plan of what is deployed, which has to be empty: read only, nothing is locked or applied."""

from __future__ import annotations

import re
import shutil
import subprocess

from tools.operate.checking.findings import Finding, Promise
from tools.operate.deployment import Deployment

PLAN_SECONDS = 600
# Terraform CLI, `terraform plan -detailed-exitcode`.
EMPTY, CHANGES = 0, 2
_SUMMARY = re.compile(r"^Plan: .*|^Changes to Outputs", re.MULTILINE)


def plan_again(deployment: Deployment) -> Finding:
    """Whether Terraform finds nothing to change in the stack that was applied."""
    promise = Promise("", "second-plan", "A second plan is empty")
    folder, terraform = deployment.stack_folder, shutil.which("terraform")
    if folder is None:
        return promise.not_tried(
            "The names came from a file (--outputs, BURST_OUTPUTS) and not from Terraform."
        )
    if terraform is None:
        return promise.not_tried("Terraform is not on the PATH.")
    try:
        done = subprocess.run(  # noqa: S603 - Terraform itself, no shell.
            [
                terraform,
                f"-chdir={folder}",
                "plan",
                "-detailed-exitcode",
                "-input=false",
                "-lock=false",
                "-no-color",
            ],
            capture_output=True,
            text=True,
            check=False,
            timeout=PLAN_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return promise.not_tried(f"The plan took longer than {PLAN_SECONDS // 60} minutes.")
    return planned(promise, done.returncode, done.stdout, done.stderr, str(folder))


def planned(promise: Promise, code: int, output: str, errors: str, folder: str) -> Finding:
    """What the end of `terraform plan` means."""
    if code == EMPTY:
        return promise.seen("Terraform finds no changes.")
    if code == CHANGES:
        summary = _SUMMARY.search(output)
        return promise.not_seen(
            f"{summary[0] if summary else 'There are changes.'} Either the settings or the code "
            "changed since the last apply, or somebody changed the account by hand: `terraform "
            f"-chdir={folder} plan` shows it."
        )
    said = " ".join(line.strip("│╷╵ ") for line in errors.splitlines()).strip()
    return promise.not_tried(f"Terraform cannot plan: {said[:500]}")
