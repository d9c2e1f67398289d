"""What a sandbox gives to the people who use it: a shell's environment, examples, what to type."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tools.operate.deployment import LEAVE_SANDBOX, SANDBOX_VARIABLE
from tools.sandbox import shells
from tools.sandbox.folder import write_at_once
from tools.sandbox.sandbox import Sandbox, curated_folder

OUTPUTS_FILE = "outputs.json"
ORDERS = "orders"
EXAMPLES, EXAMPLE_FILES = "examples", 3


def write_environment(running: Sandbox) -> Path:
    """The file with which every AWS program in a POSIX shell uses the sandbox and nothing else.

    Beside it lie those for other shells.
    """
    write_outputs(running.folder, running.outputs)
    variables = {
        name: value
        for name, value in running.account.environment().items()
        if name.startswith("AWS_") or name.lower() == "no_proxy"
    }
    variables["BURST_OUTPUTS"] = str(running.folder / OUTPUTS_FILE)
    variables["BURST_EXAMPLES"] = str(running.folder / EXAMPLES)
    variables[SANDBOX_VARIABLE] = str(running.folder)
    return shells.write(running.folder, variables)


def write_outputs(folder: Path, outputs: Mapping[str, Any]) -> None:
    """The outputs of the stack for the commands, with the folders where curated really is."""
    pipelines = {
        name: {**pipeline, "curated_uri": curated_folder(folder, name).as_uri()}
        for name, pipeline in outputs["pipelines"].items()
    }
    text = json.dumps({**outputs, "pipelines": pipelines}, indent=1)
    # The sandbox reads it while `burst sandbox apply` writes it.
    write_at_once(folder / OUTPUTS_FILE, text)


def write_examples(folder: Path) -> None:
    """Write a few order files to play with."""
    from tools.sandbox.orders import generate

    folder.mkdir(parents=True, exist_ok=True)
    for number, file in enumerate(generate(EXAMPLE_FILES, seed=1, now=datetime.now(UTC)), 1):
        (folder / f"orders-{number}.csv").write_bytes(file.body)


def how_to_use(
    environment_file: Path, environment: str, pipeline: str, *, others: bool = False
) -> list[str]:
    """What to type in another terminal. others: whether there are more pipelines than this one."""
    where = f"{environment} {pipeline}"
    folder = environment_file.parent
    curated = curated_folder(folder, pipeline)
    # The examples are order files.
    file = '"$BURST_EXAMPLES"/orders-1.csv' if pipeline == ORDERS else "FILE"
    return [
        "",
        "The pipelines run until you press Ctrl-C here. In another terminal, in this",
        "folder:",
        "",
        f"  source {shlex.quote(str(environment_file))}",
        f"  pipenv run burst status {environment}",
        f"  pipenv run burst put {where} {file}",
        f"  pipenv run burst drain {where}",
        f"  pipenv run burst inspect {where} KEY --rows 3  # the key that put printed",
        f"  pipenv run burst logs {where}",
        "",
        "After a change of cdktf.json or of a transform, without a restart:",
        "",
        "  pipenv run burst sandbox apply",
        "",
        "Curated is in a folder and not in the emulated bucket, because Spark has no S3",
        f"file system here{', with a folder for each pipeline' if others else ''}:",
        "",
        f"  {curated.parent if others else curated}",
        "",
        f"The shell that sourced it belongs to the sandbox: `{LEAVE_SANDBOX}` gives it back.",
        "For fish and PowerShell: environment.fish and environment.ps1 beside it.",
        'docs/runbook.md continues from here: "A bad file, from the alarm to its rows".',
        "",
    ]
