"""The cdktf CLI and `python main.py` alone write the same Terraform.

What the CLI does with it, test_undeploy.py shows on the shared deployment.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.deploy.conftest import PROJECT_FOLDER, TypeLine


def contents(folder: Path) -> dict[str, bytes]:
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file()
    }


@pytest.mark.gate
def test_cdktf_cli_and_main_alone_write_the_same_bytes(project: Path, type_line: TypeLine) -> None:
    assert type_line("python main.py").returncode == 0
    alone = contents(project / "cdktf.out")
    shutil.rmtree(project / "cdktf.out")
    done = type_line("npx --yes cdktf-cli@0.21.0 synth")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "stacks/prod/cdk.tf.json" in alone
    assert contents(project / "cdktf.out") == alone


def test_scripts_of_the_pipfile_run_the_release_that_belongs_to_our_cdktf() -> None:
    pipfile = (PROJECT_FOLDER / "Pipfile").read_text(encoding="utf-8")
    (release,) = re.findall(r'^cdktf = "==([\d.]+)"', pipfile, re.MULTILINE)
    commands = dict(re.findall(r'^(\w+) = "npx --yes cdktf-cli@(.+)"$', pipfile, re.MULTILINE))
    assert commands == {name: f"{release} {name}" for name in ("deploy", "diff", "destroy")}
