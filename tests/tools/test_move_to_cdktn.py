"""The way forward: the same project on CDK Terrain writes the same Terraform."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import example
from tests.own_environment import python_with
from tools.cdktn import BINDINGS, CDKTN
from tools.sandbox.sandbox import PROJECT_FOLDER

REQUIREMENTS = (
    f"cdktn=={CDKTN}",
    f"cdktn-provider-aws=={BINDINGS}",
    "pydantic>=2.11,<3",
    "botocore",
)
STATE_BUCKET = {"name": "states-of-the-team", "region": "eu-central-1"}


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project, with every stack that it can have."""
    folder = tmp_path_factory.mktemp("copy") / "project"
    ignored = shutil.ignore_patterns(".*", "cdktf.out", "__pycache__")
    shutil.copytree(PROJECT_FOLDER, folder, ignore=ignored)
    shutil.rmtree(folder / "glue_jobs" / "transforms")
    shutil.copytree(example.TRANSFORMS, folder / "glue_jobs" / "transforms")
    shutil.copy(example.SETTINGS, folder)
    document = json.loads((folder / "cdktf.json").read_text(encoding="utf-8"))
    document["context"]["state_bucket"] = STATE_BUCKET
    (folder / "cdktf.json").write_text(json.dumps(document), encoding="utf-8")
    return folder


def move(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tools.cli", "move-to-cdktn", str(folder)],
        cwd=PROJECT_FOLDER,
        env={**os.environ, "COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"},
        capture_output=True,
        text=True,
        check=False,
    )


def synthesize(python: Path, folder: Path) -> dict[str, bytes]:
    """Run the project's main.py; returns everything that it wrote."""
    ours = ("NODE_OPTIONS", "JSII_", "BURST_", "CDKTF_")
    shutil.rmtree(folder / "cdktf.out", ignore_errors=True)
    done = subprocess.run(
        [str(python), "main.py"],
        cwd=folder,
        env={k: v for k, v in os.environ.items() if not k.startswith(ours)}
        | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            # Both keys to deleting data are turned, so there is no note about one of them.
            "BURST_ALLOW_DATA_LOSS": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    # A note on stderr would say that fast bindings do not know the packages.
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    out = folder / "cdktf.out"
    return {
        file.relative_to(out).as_posix(): file.read_bytes()
        for file in out.rglob("*")
        if file.is_file()
    }


def changes(before: Any, after: Any, *path: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Where two documents differ, and what stands there in the second one."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted(before.keys() | after.keys()):
            yield from changes(before.get(key), after.get(key), *path, key)
    elif before != after:
        yield path, after


@pytest.fixture(scope="module")
def both(copy: Path) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """What is synthesized before and after the move."""
    try:
        python = python_with(REQUIREMENTS, "cdktn")
    except subprocess.CalledProcessError as error:
        pytest.skip(f"cdktn cannot be installed: {error.stderr.strip()[-300:]}")
    before = synthesize(Path(sys.executable), copy)
    moved = move(copy)
    assert moved.returncode == 0, moved.stderr
    assert "rewritten: Pipfile\nrewritten: main.py\n" in moved.stdout
    return before, synthesize(python, copy)


def test_only_versions_and_the_providers_source_change(
    both: tuple[dict[str, bytes], dict[str, bytes]],
) -> None:
    before, after = both
    assert before.keys() == after.keys()
    assert {f"stacks/{name}/cdk.tf.json" for name in ("dev", "prod", "state")} <= before.keys()
    provider = ("terraform", "required_providers", "aws")
    for name in before:
        if not name.endswith(".json"):
            assert before[name] == after[name], name
            continue
        found = dict(changes(json.loads(before[name]), json.loads(after[name])))
        if name == "manifest.json":
            assert found == {("version",): CDKTN}
        else:
            assert re.fullmatch(r"6\.\d+\.\d+", found.pop((*provider, "version")))
            assert found == {
                (*provider, "source"): "hashicorp/aws",
                # "//" is how Terraform's JSON spells a comment.
                ("//", "metadata", "version"): CDKTN,
            }, name


def test_nothing_imports_cdktf_any_more(
    copy: Path, both: tuple[dict[str, bytes], dict[str, bytes]]
) -> None:
    left = [
        file.relative_to(copy).as_posix()
        for folder in ("stacks", "tools", "tests/synth", "tests/deploy")
        for file in (copy / folder).rglob("*.py")
        if re.search(r"^\s*(from|import) cdktf", file.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    pipfile = (copy / "Pipfile").read_text(encoding="utf-8")
    assert left == []
    assert f'cdktn = "=={CDKTN}"' in pipfile
    assert f'cdktn-provider-aws = "=={BINDINGS}"' in pipfile
    assert f'deploy = "npx --yes cdktn-cli@{CDKTN} deploy"' in pipfile
    assert "cdktf" not in pipfile


def test_second_move_says_that_there_is_nothing_left_to_do(
    copy: Path, both: tuple[dict[str, bytes], dict[str, bytes]]
) -> None:
    again = move(copy)
    assert again.returncode == 2
    assert "was it moved already?" in again.stderr


def test_the_project_itself_is_not_rewritten() -> None:
    refused = move(PROJECT_FOLDER)
    assert refused.returncode == 2
    assert "this is the project itself; make a copy first" in refused.stderr


def test_folder_without_a_project_is_refused(tmp_path: Path) -> None:
    refused = move(tmp_path)
    assert "Invalid value for FOLDER: there is no copy" in refused.stderr
    assert refused.returncode == 2
    assert "there is no copy of the project in" in refused.stderr
