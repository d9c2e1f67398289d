"""`burst demo` as a user calls it, in its own process."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests import example
from tests.patience import PATIENCE
from tools.sandbox.errors import SandboxError
from tools.sandbox.terraform import find_terraform

PROJECT_FOLDER = Path(__file__).resolve().parents[2]


@pytest.fixture
def terraform() -> None:
    try:
        find_terraform()
    except SandboxError as missing:
        pytest.skip(str(missing))


def demo(*options: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tools.cli", "demo", *options],
        cwd=PROJECT_FOLDER,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def processes_with(folder: Path) -> list[str]:
    """Command lines of the running processes that use the folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            working = str((process / "cwd").readlink())
        except OSError:
            continue
        if str(folder) in command or working.startswith(str(folder)):
            found.append(command)
    return found


@pytest.mark.usefixtures("terraform")
def test_every_row_of_the_burst_comes_out_once(tmp_path: Path) -> None:
    folder = tmp_path / "sandbox"
    # Five events come within two seconds; on a busy machine they may take all of the window.
    options = ("--files", "12", "--seed", "7", "--size", "5", "--window", "10")
    process = demo(*options, "--folder", str(folder))
    output, errors = process.communicate(timeout=PATIENCE)
    assert (process.returncode, errors) == (0, "")
    assert "batch window 10 s (shortened for the demo: 60 s in its settings). The" in output
    in_one_line = " ".join(output.replace("│", " ").split())
    assert "found 'three', expected a whole number of 32 bits." in in_one_line
    assert re.search(r"Terraform has made 47 of 47 resources\.", output)
    assert re.search(r"Run wr_\w+ reads \d+ files\.", output)
    assert re.search(r"fired by size: 5 events", output)
    assert re.search(r"fired by window: \d events?", output)
    assert re.search(r"files in\W+12 \(11 good, 1 bad\)", output)
    assert re.search(r"quarantined\W+[a-z]+-\d+\.csv \(row \d+\): column 'quantity'", output)
    assert "What next:" in output
    rows_in = re.search(r"rows in\W+(\d+)", output)
    rows_out = re.search(r"rows out\W+(\d+) \(every row came out once\)", output)
    assert rows_in
    assert rows_out
    assert rows_in[1] == rows_out[1]
    assert list((folder / "curated" / "orders").rglob("*.parquet"))
    assert processes_with(folder) == []


@pytest.mark.usefixtures("terraform")
def test_ctrl_c_in_the_middle_ends_with_130_and_leaves_no_process(tmp_path: Path) -> None:
    folder = tmp_path / "sandbox"
    process = demo("--folder", str(folder))
    deadline = time.monotonic() + PATIENCE
    while not (folder / "cdktf.out" / "stacks" / "dev" / "sandbox.tfstate").exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    stopping, stopped = errors.splitlines()
    # On a machine that has no archive of Java's classes yet, that is being made, too.
    assert stopping.startswith("Stopping ")
    assert stopping.endswith("terraform apply (at most 20 s) ... Ctrl-C again ends it at once.")
    assert stopped == "Stopped; nothing that was started is left running."
    assert "Traceback" not in output
    assert processes_with(folder) == []


def test_terraform_that_is_missing_is_one_sentence(tmp_path: Path) -> None:
    process = demo(PATH=str(tmp_path))
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2
    assert len(errors.splitlines()) == 1
    assert "Terraform is not on the PATH: install version 1.11 or newer" in errors


def test_terraform_that_is_too_old_is_one_sentence(tmp_path: Path) -> None:
    fake = tmp_path / "terraform"
    fake.write_text('#!/bin/sh\necho \'{"terraform_version": "1.5.7"}\'\n', encoding="utf-8")
    fake.chmod(0o755)
    process = demo(PATH=f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2
    assert "Terraform on the PATH is 1.5: install version 1.11 or newer" in errors


@pytest.mark.usefixtures("terraform")
def test_provider_that_cannot_be_had_is_one_sentence_with_both_ways_out(tmp_path: Path) -> None:
    nowhere = tmp_path / "terraform.rc"
    nowhere.write_text(
        f'provider_installation {{ filesystem_mirror {{ path = "{tmp_path}" }} }}',
        encoding="utf-8",
    )
    process = demo("--folder", str(tmp_path / "sandbox"), TF_CLI_CONFIG_FILE=str(nowhere))
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2
    assert len(errors.splitlines()) == 1
    assert "allow it to reach its public registry, or put the provider into a local" in errors


@pytest.mark.parametrize(
    ("options", "what"),
    [
        (["--files", "0"], "'0' is not allowed: give a whole number, 1 to 1,000, or a folder."),
        (["--files", "1.5"], "'1.5' is not allowed"),
        (["--files", "exports"], "a folder of your own files needs --pipeline"),
        (["--environment", "prod"], "it goes with --pipeline only"),
        (["--pipeline", "x"], "has no pipeline 'x'; it has "),
        (["--pipeline", "x", "--environment", "y"], "has no environment 'y'; it has "),
        (["--window", "901"], "give a whole number, 1 to 900."),
        (["--size", "101"], "give a whole number, 1 to 100."),
        (["--seed", "x"], "'--seed': 'x' is not allowed: give a whole number."),
        (["--files", "2", "--bad", "3"], "3 of 2 files cannot be bad"),
        (["--nonsense"], "No such option: --nonsense"),
    ],
)
def test_wrong_option_is_named_with_what_is_allowed(options: list[str], what: str) -> None:
    process = demo(*options, COLUMNS="200")
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2
    assert what in errors


def test_folder_that_exists_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("mine", encoding="utf-8")
    process = demo("--folder", str(tmp_path))
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2
    assert "exists already: name a new one" in errors
    assert (tmp_path / "precious").read_text(encoding="utf-8") == "mine"


def test_wrong_setting_ends_the_sandbox_with_2_before_anything_is_started(tmp_path: Path) -> None:
    example.copy_project(tmp_path)
    shutil.copytree(PROJECT_FOLDER / "tools", tmp_path / "tools")
    text = example.SETTINGS.read_text(encoding="utf-8")
    (tmp_path / "cdktf.json").write_text(text.replace('"batch_size": 10,', '"batch_size": 0,'))
    done = subprocess.run(
        [sys.executable, "-m", "tools.cli", "sandbox"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "environment 'dev', pipeline 'orders', field 'batch_size' = 0" in done.stderr
    assert not (tmp_path / ".sandbox").exists()
