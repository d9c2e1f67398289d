"""The cdktf CLI and `python main.py` alone write the same Terraform."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT_FOLDER = Path(__file__).resolve().parents[2]
NO_NETWORK = re.compile(r"ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ENETUNREACH")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project, with this virtual environment as its own."""
    for name in ("stacks", "glue_jobs"):
        shutil.copytree(PROJECT_FOLDER / name, tmp_path / name)
    for name in ("main.py", "cdktf.json", "Pipfile", "Pipfile.lock"):
        shutil.copy(PROJECT_FOLDER / name, tmp_path / name)
    (tmp_path / ".venv").symlink_to(sys.prefix)
    (tmp_path / "terraform.rc").touch()
    return tmp_path


def run(project: Path, *command: str) -> None:
    own = {"CDKTF_OUTDIR", "CDKTF_CONTEXT_JSON", "VIRTUAL_ENV", "PIPENV_ACTIVE"}
    done = subprocess.run(
        command,
        cwd=project,
        env={name: value for name, value in os.environ.items() if name not in own}
        | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "CI": "1",
            "CHECKPOINT_DISABLE": "1",
            "TF_CLI_CONFIG_FILE": str(project / "terraform.rc"),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )
    if NO_NETWORK.search(done.stderr):
        pytest.skip("npm's registry cannot be reached, so there is no cdktf CLI to compare with")
    assert done.returncode == 0, done.stdout + done.stderr


def contents(folder: Path) -> dict[str, bytes]:
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file()
    }


def test_cdktf_cli_and_main_alone_write_the_same_bytes(project: Path) -> None:
    if shutil.which("terraform") is None:
        pytest.skip("the cdktf CLI does not start without Terraform on the PATH")
    run(project, sys.executable, "main.py")
    alone = contents(project / "cdktf.out")
    shutil.rmtree(project / "cdktf.out")
    run(project, "npx", "--yes", "cdktf-cli@0.21.0", "synth")
    assert "stacks/prod/cdk.tf.json" in alone
    assert contents(project / "cdktf.out") == alone
