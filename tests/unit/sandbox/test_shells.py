"""A shell that sources a sandbox's environment, and gets its own back."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tools.sandbox import shells

VARIABLES = {"AWS_REGION": "eu-central-1", "BURST_SANDBOX": '/tmp/it\'s $HOME "here"'}
SHOWN = ("AWS_REGION", "AWS_PROFILE", "BURST_SANDBOX", "TF_CLI_ARGS_apply")
POSIX_SHELLS = [shell for shell in ("bash", "dash", "zsh", "ksh") if shutil.which(shell)]
# How the definition of `leave_sandbox` begins.
LEAVING = {
    "sh": "leave_sandbox() {",
    "fish": "function leave_sandbox",
    "ps1": "function global:leave_sandbox",
}
BEFORE = "export AWS_REGION='my own' AWS_PROFILE=mine; unset BURST_SANDBOX TF_CLI_ARGS_apply"


def typed(shell: str, *lines: str) -> list[str]:
    """What a shell says to these lines; -u makes it fail at a variable that is not set."""
    done = subprocess.run([shell, "-uc", "\n".join(lines)], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def shown() -> str:
    return "; ".join(f'echo "{name}=${{{name}-unset}}"' for name in SHOWN)


@pytest.mark.parametrize("shell", POSIX_SHELLS)
def test_file_that_is_run_and_not_sourced_says_so(shell: str, tmp_path: Path) -> None:
    file = shells.write(tmp_path, VARIABLES)
    done = subprocess.run([shell, str(file)], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"type  source {file}" in done.stderr


@pytest.mark.parametrize("shell", POSIX_SHELLS)
def test_shell_uses_the_sandbox_and_gets_its_own_variables_back(shell: str, tmp_path: Path) -> None:
    file = shells.write(tmp_path, VARIABLES)
    # Twice, as somebody does who is not sure.
    source = f". {file}"
    said = typed(shell, BEFORE, source, source, shown(), "leave_sandbox", shown())
    assert said == [
        "AWS_REGION=eu-central-1",
        "AWS_PROFILE=unset",
        f"BURST_SANDBOX={VARIABLES['BURST_SANDBOX']}",
        f"TF_CLI_ARGS_apply={shells.GUARD}",
        "AWS_REGION=my own",
        "AWS_PROFILE=mine",
        "BURST_SANDBOX=unset",
        "TF_CLI_ARGS_apply=unset",
    ]


@pytest.mark.parametrize(("ending", "leaving"), LEAVING.items())
def test_file_for_a_shell_sets_every_variable_and_gives_it_back(
    ending: str, leaving: str, tmp_path: Path
) -> None:
    shells.write(tmp_path, VARIABLES)
    text = (tmp_path / f"environment.{ending}").read_text(encoding="utf-8")
    before, _, after = text.partition(leaving)
    for name in (*VARIABLES, *shells.NOT_FOR_THE_SANDBOX, "TF_CLI_ARGS_apply"):
        assert name in before
        assert name in after


@pytest.mark.skipif(shutil.which("terraform") is None, reason="Terraform is not on this machine")
def test_terraform_does_nothing_in_such_a_shell_and_says_how_to_leave(tmp_path: Path) -> None:
    file = shells.write(tmp_path, VARIABLES)
    done = subprocess.run(
        ["bash", "-c", f". {file}; terraform -chdir={tmp_path} apply"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "type-leave_sandbox" in done.stderr
