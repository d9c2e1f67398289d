"""checkov, the linter of Terraform, in a virtual environment of its own.

It pins the versions of what it needs, boto3 among them, so it cannot live beside the project.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.patience import PATIENCE
from tests.synth.every_stack import PROJECT_FOLDER
from tests.synth.synthesized import Synthesized

FOLDER = PROJECT_FOLDER / ".venv-checkov"
REQUIREMENTS = Path(__file__).with_name("requirements.txt").relative_to(PROJECT_FOLDER)
EACH_FILE = Path(__file__).with_name("each_file.py")
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


def python() -> Path | None:
    """The Python of checkov's virtual environment, if that is there."""
    found = FOLDER / "bin" / "python"
    return found if found.exists() else None


def scan(python: Path, stacks: Sequence[Synthesized]) -> list[Report]:
    """Every finding of each stack."""
    files = [_readable(stack) for stack in stacks]
    done = subprocess.run(
        [python, EACH_FILE, *files], capture_output=True, text=True, check=False, timeout=PATIENCE
    )
    assert done.returncode == 0, done.stderr
    return [_report(stack, file) for stack, file in zip(stacks, files, strict=True)]


def _readable(stack: Synthesized) -> Path:
    # checkov 3.3.30 takes no file with a `removed` block; what is not there has nothing to check.
    document = {name: block for name, block in stack.document.items() if name != "removed"}
    file = stack.folder / "checkov.tf.json"
    file.write_text(json.dumps(document, indent=2), encoding="utf-8")
    return file


def _report(stack: Synthesized, file: Path) -> Report:
    report = json.loads(Path(f"{file}.report").read_text(encoding="utf-8"))
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
