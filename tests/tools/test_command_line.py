"""What `burst` says before a command does anything: the first day, help, version, completion."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import example
from tools import cli, completion

PROJECT_FOLDER = Path(__file__).resolve().parents[2]
WIDTH = 80

Say = Callable[..., str]


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Say:
    """What `burst` prints to stdout on a narrow terminal's width; it must end well."""
    monkeypatch.setenv("COLUMNS", str(WIDTH))

    def call(*arguments: str) -> str:
        monkeypatch.setattr("sys.argv", ["burst", *arguments])
        with pytest.raises(SystemExit) as end:
            cli.main()
        assert not end.value.code
        return capsys.readouterr().out

    return call


def test_burst_alone_shows_five_commands_of_a_first_day(say: Say) -> None:
    said = say()
    named = re.findall(r"^  burst (\S+) ", said, re.MULTILINE)
    assert len(named) == 5
    assert set(named) <= cli.COMMANDS.keys()
    assert max(map(len, said.splitlines())) <= WIDTH


def test_help_as_a_word_is_the_help(say: Say) -> None:
    assert say("help") == say("help", "--help") == say("--help")
    assert say("help", "sandbox", "apply") == say("sandbox", "apply", "--help")


def test_help_in_a_pipe_ends_no_line_in_blanks(say: Say) -> None:
    assert [line for line in say("put", "--help").splitlines() if line != line.rstrip()] == []


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("try orders - <&-", 2, "Error: Standard input is closed, so - has nothing to read.\n"),
        ("settings batch_size >&-", 0, ""),
        ("settings nonsense <&- >&- 2>&-", 2, ""),
        ("settings --schema >/dev/full", 1, "Failed: The operating system refused: No space"),
        ("--help | true; exit ${PIPESTATUS[0]}", 141, ""),
        ("settings | (sleep 0 <&0); exit ${PIPESTATUS[0]}", 141, ""),
    ],
)
def test_closed_stream_is_no_traceback(words: str, code: int, said: str) -> None:
    line = f"{shlex.quote(sys.executable)} -m tools.cli {words}"
    done = subprocess.run(
        ["bash", "-c", line], cwd=PROJECT_FOLDER, capture_output=True, text=True, check=False
    )
    assert done.returncode == code
    assert done.stderr.startswith(said)
    assert "Traceback" not in done.stderr
    assert said or not done.stderr


def test_folder_that_cannot_be_made_is_not_said_to_be_unreadable(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def makes(**_: object) -> None:
        Path("/proc/there/is").mkdir(parents=True)

    monkeypatch.setattr(cli, "app", makes)
    assert cli.main() == 2
    assert "cannot be made: " in capsys.readouterr().err


def test_version_names_release_commit_and_python(say: Say) -> None:
    assert re.fullmatch(r"burst \S+( \(\S+\))?, Python 3\.\d+\.\d+\n", say("--version"))


def test_command_before_the_set_up_says_what_to_run() -> None:
    # `-S` leaves out every installed package.
    command = [sys.executable, "-S", "-m", "tools.cli", "--help"]
    done = subprocess.run(command, cwd=PROJECT_FOLDER, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "Error: The package typer is missing: run `pipenv sync --dev`.\n"


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_help_of_every_command_fits_and_has_an_example_with_options_that_exist(
    name: str, say: Say
) -> None:
    said = say(*name.split(), "--help")
    assert max(map(len, said.splitlines())) <= WIDTH
    of_python = re.findall(r"<(?:bool|str|list|int range|float)\b.*?>|[^\[]default: .*", said, re.M)
    assert of_python == [], "types of Python, or a default outside of typer's brackets"
    text = " ".join(said.split())
    assert f"Usage: burst {name} " in text
    assert "{" not in text.partition(" Example: ")[0]
    example = re.search(r"Example: .*?pipenv run burst (?P<words>.*?)(?:\)\"| ╭)", text)
    assert example, text
    words = shlex.split(example["words"])
    assert words[: len(name.split())] == name.split()
    options = {option for param in cli.load(name).params for option in param.opts}
    assert {word for word in words if word.startswith("--")} <= options


def test_shell_completes_commands_and_options_in_every_folder(tmp_path: Path) -> None:
    file = tmp_path / "burst.bash"
    file.write_text(completion.script(completion.Shell.BASH), encoding="utf-8")
    # What would be imported in place of ours, were the folder on the path.
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "__init__.py").write_text("raise SystemExit('not ours')")
    lines = [f"source {file}"]
    for words in (
        ["burst", "st"],
        ["burst", "sandbox", "apply", "--fo"],
        ["burst", "sandbox", ""],
    ):
        lines += [
            f"COMP_WORDS=({shlex.join(words)}); COMP_CWORD={len(words) - 1}",
            '_burst_completion; echo "${COMPREPLY[*]}"',
        ]
    done = subprocess.run(
        ["bash", "-c", "\n".join(lines)], cwd=tmp_path, capture_output=True, text=True
    )
    assert (done.stdout.split(), done.stderr) == (
        ["status", "--folder", "apply"],
        "",
    )


@pytest.mark.parametrize("shell", completion.Shell)
def test_script_for_a_shell_calls_this_python_and_this_project(shell: completion.Shell) -> None:
    script = completion.script(shell)
    assert f"PYTHONPATH={PROJECT_FOLDER} {sys.executable} -P -m tools.cli" in script
    assert f"{cli.COMPLETE}=complete_{shell}" in script


@pytest.mark.parametrize(
    ("words", "typed", "offered"),
    [
        (["status"], "", ["dev", "prod"]),
        (["put", "dev"], "or", ["orders"]),
        (["put", "dev"], "x", []),
        (["try"], "", ["orders"]),
    ],
)
def test_shell_completes_names_in_the_settings(
    words: list[str],
    typed: str,
    offered: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shutil.copy(example.SETTINGS, tmp_path / "cdktf.json")
    monkeypatch.setattr(cli, "PROJECT_FOLDER", tmp_path)
    command = cli.load(words[0])
    context = command.make_context(words[0], words[1:], resilient_parsing=True)
    name = "environment" if words == ["status"] else "pipeline"
    param = next(one for one in command.get_params(context) if one.name == name)
    assert [item.value for item in param.shell_complete(context, typed)] == offered
