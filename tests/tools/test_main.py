"""`python main.py` as a user calls it; what it refuses needs no process of its own."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import main as entry
from tests import example

OURS = ("CDKTF_OUTDIR", "BURST_ALLOW_DATA_LOSS")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project that a test may break."""
    return example.copy_project(tmp_path)


def main(project: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "main.py"],
        cwd=project,
        env={name: value for name, value in os.environ.items() if name not in OURS} | variables,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def refused(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[], str]:
    """A function that calls it in this process, and gives the sentence with which it ends."""

    def run() -> str:
        monkeypatch.setattr(entry, "PROJECT_FOLDER", project)
        for name in OURS:
            monkeypatch.delenv(name, raising=False)
        assert entry.main() == 2
        out, error = capsys.readouterr()
        assert out == ""
        return error

    return run


def change(project: Path, edit: Callable[[dict[str, Any]], None]) -> None:
    """Edit the environments of the project's cdktf.json."""
    file = project / "cdktf.json"
    document = json.loads(file.read_text(encoding="utf-8"))
    edit(document["context"]["environments"])
    file.write_text(json.dumps(document), encoding="utf-8")


def test_wrong_setting_ends_with_2_one_sentence_and_nothing_written(
    project: Path, refused: Callable[[], str]
) -> None:
    change(
        project, lambda all_: all_["prod"]["pipelines"]["orders"].update(batch_window_seconds=901)
    )
    [line] = refused().splitlines()
    assert re.fullmatch(
        r"cdktf\.json, line 1, column \d+: environment 'prod', pipeline 'orders', field "
        r"'batch_window_seconds' = 901: it is too large\. Allowed: a whole number from 1 to 900\.",
        line,
    )
    assert not (project / "cdktf.out").exists()


def test_missing_transform_is_refused_before_anything_is_written(
    project: Path, refused: Callable[[], str]
) -> None:
    change(project, lambda all_: all_["prod"]["pipelines"]["orders"].update(transform="oders"))
    said = refused()
    assert "there is no module glue_jobs/transforms/oders.py" in said
    assert re.match(r"cdktf\.json, line 1, column \d{3,}: environment 'prod', pipeline", said)
    assert not (project / "cdktf.out").exists()


def test_name_that_is_too_long_for_aws_is_refused_before_anything_is_written(
    project: Path, refused: Callable[[], str]
) -> None:
    change(project, lambda all_: all_.update({"p" * 32: all_.pop("prod")}))
    [line] = refused().splitlines()
    assert re.match(r"cdktf\.json, line 1, column \d{3,}: environment 'p", line)
    assert f"'burst-{'p' * 32}-landing-', which has 47 characters. Allowed: 37" in line
    assert not (project / "cdktf.out").exists()


def test_main_synthesizes_the_same_in_any_folder_and_a_later_refusal_leaves_it_there(
    project: Path, refused: Callable[[], str]
) -> None:
    moved = project.with_name(f"{project.name} moved to ünïcode")
    shutil.copytree(project, moved)
    with ThreadPoolExecutor() as side_by_side:
        for done in side_by_side.map(main, (project, moved)):
            assert done.returncode == 0
            # The shipped `dev` is ephemeral; every day's use of it needs no note.
            said = "Written below cdktf.out/stacks: dev, prod.\n"
            assert (done.stdout, done.stderr) == (said, "")
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

    change(project, lambda all_: all_.update({"p" * 32: all_.pop("prod")}))
    assert refused()
    assert contents[0] == {
        file.relative_to(outputs[0]): file.read_bytes()
        for file in outputs[0].rglob("*")
        if file.is_file()
    }
