"""Whose a folder is, whether its sandbox runs, and what `burst clean` may remove."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tools import cli
from tools.sandbox import cleaning, folder
from tools.sandbox.commands import clean
from tools.sandbox.errors import SandboxError
from tools.sandbox.folder import RUNNING, Facts, held, is_ours, running_folder, runs

NAME = "20260301T120000.000000Z"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of all sandboxes, with what somebody else left in it."""
    root = tmp_path / ".sandbox"
    (root / "notes").mkdir(parents=True)
    monkeypatch.setattr(folder, "SANDBOXES", root)
    monkeypatch.setattr(clean, "SANDBOXES", root)
    for function in (folder.sandbox_folders, running_folder, cleaning.look):
        monkeypatch.setattr(function, "__defaults__", _with_root(function, root))
    monkeypatch.delenv("BURST_SANDBOX", raising=False)
    return root


def _with_root(function: Any, root: Path) -> tuple[Any, ...]:
    return (*function.__defaults__[:-1], root)


def sandbox(root: Path, name: str = NAME, *, size: int = 1000) -> Path:
    made = root / name
    made.mkdir(parents=True)
    (made / RUNNING).touch()
    (made / "data").write_bytes(b"x" * size)
    (made / "link").symlink_to(os.devnull)
    facts = Facts(1, "dev", "eu-central-1", "/p", None, None, 10, "/s", {}, {})
    facts.write(made)
    return made


def test_facts_come_back_as_they_were_written(root: Path) -> None:
    assert Facts.read(sandbox(root)).batch_window == 10
    with pytest.raises(SandboxError, match="is not deployed yet"):
        Facts.read(root)
    (root / "sandbox.json").write_text('{"other": 1}')
    with pytest.raises(SandboxError, match="another version"):
        Facts.read(root)


def test_sandbox_runs_as_long_as_it_holds_its_lock(root: Path) -> None:
    made = sandbox(root)
    assert not runs(made)
    with held(made, RUNNING):
        assert runs(made)
    assert not runs(made)


def test_the_one_that_runs_is_found_and_several_must_be_named(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SandboxError, match="No sandbox is up"):
        running_folder(None)
    first, second = sandbox(root), sandbox(root, NAME.replace("2026", "2027"))
    with held(first, RUNNING):
        assert running_folder(None) == first
        with held(second, RUNNING), pytest.raises(SandboxError, match="2 sandboxes run"):
            running_folder(None)
        with pytest.raises(SandboxError, match="No sandbox runs in"):
            running_folder(second)
        monkeypatch.setenv("BURST_SANDBOX", str(first))
        assert running_folder(None) == first


def test_folders_of_others_are_not_ours(root: Path) -> None:
    unmarked = root / NAME
    unmarked.mkdir()
    assert is_ours(unmarked)  # Of a version that marked nothing.
    assert not is_ours(root / "notes")
    assert not is_ours(root.parent / NAME)


def burst_clean(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: object
) -> tuple[int, str, str]:
    monkeypatch.setattr("sys.argv", ["burst", "clean", *map(str, arguments)])
    monkeypatch.setenv("COLUMNS", "300")
    try:
        code = cli.main()
    except SystemExit as end:
        code = int(end.code or 0)
    said = capsys.readouterr()
    return code, said.out, said.err


def test_clean_says_what_and_how_much_and_keeps_what_runs_and_what_others_made(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ended, running = sandbox(root, size=5000), sandbox(root, NAME.replace("2026", "2027"))
    with held(running, RUNNING):
        asked = burst_clean(monkeypatch, capsys)
        assert asked[0] == 2
        assert "This would remove 1 folder with 5.1 KiB" in asked[2]
        assert ended.exists()
        code, out, _ = burst_clean(monkeypatch, capsys, "--yes")
    assert (code, f"{running} stays: its sandbox runs." in out) == (0, True)
    assert f"{ended}  5.1 KiB" in out
    assert "Removed 1 folder" in out
    assert sorted(path.name for path in root.iterdir()) == [running.name, "notes"]
    assert burst_clean(monkeypatch, capsys, "--yes")[0] == 0
    assert "nothing to remove" in burst_clean(monkeypatch, capsys, "--yes")[1]


@pytest.mark.parametrize("what", ["notes", "missing", "running"])
def test_clean_of_a_named_folder_refuses_what_it_must_not_touch(
    what: str, root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = sandbox(root, "running")
    with held(made, RUNNING):
        code, _, error = burst_clean(monkeypatch, capsys, root / what, "--yes")
    assert (code, str(root / what) in error) == (2, True)
    assert made.exists()
    assert (root / "notes").exists()
