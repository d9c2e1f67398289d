"""`python main.py` as a user calls it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests import example


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project that a test may break."""
    return example.copy_project(tmp_path)


def main(project: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "main.py"],
        cwd=project,
        env={name: value for name, value in os.environ.items() if name != "CDKTF_OUTDIR"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_wrong_setting_ends_with_2_one_sentence_and_nothing_written(project: Path) -> None:
    document = json.loads((project / "cdktf.json").read_text(encoding="utf-8"))
    document["context"]["environments"]["prod"]["pipelines"]["orders"]["batch_window_seconds"] = 901
    (project / "cdktf.json").write_text(json.dumps(document), encoding="utf-8")
    done = main(project)
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "cdktf.json: environment 'prod', pipeline 'orders', field 'batch_window_seconds' = 901: "
        "Input should be less than or equal to 900. Allowed: a whole number from 1 to 900."
    ]
    assert done.stdout == ""
    assert not (project / "cdktf.out").exists()


def test_missing_transform_is_told_before_anything_is_written(project: Path) -> None:
    document = json.loads((project / "cdktf.json").read_text(encoding="utf-8"))
    document["context"]["environments"]["prod"]["pipelines"]["orders"]["transform"] = "oders"
    (project / "cdktf.json").write_text(json.dumps(document), encoding="utf-8")
    done = main(project)
    assert (done.returncode, done.stdout) == (2, "")
    assert "there is no module glue_jobs/transforms/oders.py" in done.stderr
    assert not (project / "cdktf.out").exists()


def test_main_alone_synthesizes_every_environment_the_same_in_any_folder(project: Path) -> None:
    moved = project.with_name(f"{project.name} moved to ünïcode")
    shutil.copytree(project, moved)
    with ThreadPoolExecutor() as side_by_side:
        for done in side_by_side.map(main, (project, moved)):
            assert (done.returncode, done.stderr) == (0, "")
    outputs = [folder / "cdktf.out" for folder in (project, moved)]
    contents = [
        {
            file.relative_to(output): file.read_bytes()
            for file in output.rglob("*")
            if file.is_file()
        }
        for output in outputs
    ]
    assert {"stacks/dev/cdk.tf.json", "stacks/prod/cdk.tf.json"} <= set(map(str, contents[0]))
    assert contents[0] == contents[1]
