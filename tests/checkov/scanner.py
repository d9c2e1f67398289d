"""checkov, the linter of Terraform, in a virtual environment of its own.

It pins the versions of what it needs, boto3 among them, so it cannot live beside the project.
"""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.patience import PATIENCE
from tests.synth.every_stack import PROJECT_FOLDER
from tests.synth.synthesized import Synthesized

FOLDER = PROJECT_FOLDER / ".venv-checkov"
REQUIREMENTS = Path(__file__).with_name("requirements.txt").relative_to(PROJECT_FOLDER)
MISSING = (
    f"checkov is not there. To get it: python3.11 -m venv {FOLDER.name} && "
    f"{FOLDER.name}/bin/pip install -r {REQUIREMENTS}"
)


@dataclass(frozen=True, order=True)
class Finding:
    """A check that a resource fails; the resource by the path of its construct."""

    check: str
    resource: str


@dataclass(frozen=True)
class Report:
    """What checkov says of one stack."""

    findings: dict[Finding, str]
    passed: int


def executable() -> Path | None:
    """checkov's command, if it is installed."""
    found = FOLDER / "bin" / "checkov"
    return found if found.exists() else None


def scan(command: Path, stack: Synthesized) -> Report:
    """Every finding of one stack.

    `terraform_json` is the only framework that reads `cdk.tf.json`; `terraform` scans nothing and
    says that all is well. Without a network checkov prints a stack trace; its result stands.
    """
    # checkov 3.3.30 takes no file with a `removed` block; what is not there has nothing to check.
    readable = {name: block for name, block in stack.document.items() if name != "removed"}
    file = stack.folder / "checkov.tf.json"
    file.write_text(json.dumps(readable, indent=2), encoding="utf-8")
    done = subprocess.run(
        [
            command,
            *("--framework", "terraform_json"),
            *("--file", file),
            *("--output", "json"),
            "--compact",
            "--quiet",
            "--soft-fail",
            "--skip-download",
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["summary"]["parsing_errors"] == 0, report
    failed = report["results"]["failed_checks"]
    return Report(
        {
            Finding(item["check_id"], _path(stack.document, item["resource"])): item["check_name"]
            for item in failed
        },
        report["summary"]["passed"],
    )


def _path(document: dict[str, Any], resource: str) -> str:
    """checkov names a resource by the last part of its address; we by its construct."""
    name = resource.rpartition(".")[2]
    for items in document["resource"].values():
        if name in items:
            path: str = items[name]["//"]["metadata"]["path"]
            return path.partition("/")[2]
    return resource
