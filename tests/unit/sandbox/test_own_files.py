"""Which files of a folder become a burst, and which folder is refused, in a sentence."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from stacks.settings import PipelineSettings, SettingsError, read_environments
from tests import example
from tools.sandbox import one_pipeline, own_files
from tools.sandbox.errors import SandboxError
from tools.sandbox.own_files import find_files, find_pipeline

ORDERS = read_environments(example.SETTINGS)["dev"].pipelines["orders"]


def write(folder: Path, *names: str, size: int = 3) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * size)


def test_files_with_the_suffix_are_taken_from_all_folders_but_hidden_ones(tmp_path: Path) -> None:
    write(tmp_path, "b.csv", "2026/a.csv", "notes.txt", ".hidden.csv", ".git/c.csv")
    found = find_files(tmp_path, "orders", ORDERS)
    assert [file.name for file in found.files] == ["2026/a.csv", "b.csv"]
    assert [file.body for file in found.files] == [b"xxx", b"xxx"]
    assert (found.bytes, found.others) == (6, 1)


def test_everything_is_taken_where_the_pipeline_has_no_suffix(tmp_path: Path) -> None:
    write(tmp_path, "b.csv", "notes.txt")
    found = find_files(tmp_path, "orders", ORDERS.model_copy(update={"suffix": None}))
    assert [file.name for file in found.files] == ["b.csv", "notes.txt"]


def refusal(folder: Path, settings: PipelineSettings = ORDERS) -> str:
    with pytest.raises(SandboxError) as caught:
        find_files(folder, "orders", settings)
    return str(caught.value)


def test_folder_without_such_files_is_refused_with_what_is_wanted_and_what_is_there(
    tmp_path: Path,
) -> None:
    wanted = "the pipeline 'orders', which takes csv files with names ending in '.csv' (and puts "
    assert refusal(tmp_path).endswith("them under 'orders/'). It has no files.")
    write(tmp_path, "a.txt", "b.txt", "c/d.txt", "e.txt")
    assert wanted in refusal(tmp_path)
    assert refusal(tmp_path).endswith("It has a.txt, b.txt, c/d.txt and 1 more.")


def test_what_is_no_folder_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "a.csv")
    assert "a.csv is not a folder" in refusal(tmp_path / "a.csv")
    assert "nowhere is not a folder" in refusal(tmp_path / "nowhere")


def test_too_many_files_or_bytes_are_refused_with_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "a.csv", "b.csv", size=1000)
    monkeypatch.setattr(own_files, "MAX_BYTES", 1024)
    assert "have 2.0 KiB; the emulated account keeps them in memory and takes at most 1.0 KiB" in (
        refusal(tmp_path)
    )
    monkeypatch.setattr(own_files, "MAX_FILES", 1)
    assert "has 2 files for the pipeline 'orders'; a burst of the demo has at most 1." in (
        refusal(tmp_path)
    )


def test_name_that_cannot_be_a_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"\xff.csv")).touch()
    assert "is not UTF-8, as a key in S3 must be" in refusal(tmp_path)
    (tmp_path / os.fsdecode(b"\xff.csv")).unlink()
    write(tmp_path, "/".join(["d" * 200] * 5 + ["a" * 100 + ".csv"]))
    assert "would be a key of 1,116 bytes, and S3 takes 1,024" in refusal(tmp_path)


def test_folder_that_cannot_be_read_is_an_error_of_the_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "closed/a.csv", "b.csv")
    scandir = os.scandir

    def refuse(path: str) -> object:
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(PermissionError, match="closed"):
        find_files(tmp_path, "orders", ORDERS)


def test_pipeline_or_environment_that_is_not_there_is_named_with_those_that_are() -> None:
    assert find_pipeline(example.SETTINGS, "dev", "orders")[1] == ORDERS
    with pytest.raises(SettingsError, match=r"has no pipeline 'sales'; it has orders\."):
        find_pipeline(example.SETTINGS, "dev", "sales")
    with pytest.raises(SettingsError, match=r"has no environment 'test'; it has dev, prod\."):
        find_pipeline(example.SETTINGS, "test", "orders")


def test_project_is_copied_with_that_pipeline_alone(
    tmp_path: Path,
) -> None:
    project = example.copy_project(tmp_path / "project")
    settings = json.loads((project / "cdktf.json").read_text(encoding="utf-8"))
    its = settings["context"]["environments"]["dev"]["pipelines"]
    its["returns"] = {**its["orders"], "prefix": "returns/", "transform": "orders"}
    (project / "cdktf.json").write_text(json.dumps(settings), encoding="utf-8")

    copy = one_pipeline.source(project, tmp_path / "copy", "dev", "returns")

    copied = read_environments(copy / "cdktf.json")
    assert {name: list(one.pipelines) for name, one in copied.items()} == {"dev": ["returns"]}
    for file in ("main.py", "stacks/burst_stack.py", "glue_jobs/transforms/orders.py"):
        assert (copy / file).read_bytes() == (project / file).read_bytes()


@pytest.mark.parametrize(
    ("of", "setting", "value", "said"),
    [
        ("pipeline", "paused", True, "The pipeline 'orders' of 'dev' is paused"),
        (
            "environment",
            "existing_landing",
            {"name": "theirs", "versioned": True, "events": "unmanaged"},
            "the existing bucket 'theirs', which the emulated account does not have",
        ),
    ],
)
def test_pipeline_that_no_burst_can_reach_here_is_refused(
    tmp_path: Path, of: str, setting: str, value: object, said: str
) -> None:
    settings = json.loads(example.SETTINGS.read_text(encoding="utf-8"))
    dev = settings["context"]["environments"]["dev"]
    (dev if of == "environment" else dev["pipelines"]["orders"])[setting] = value
    file = tmp_path / "cdktf.json"
    file.write_text(json.dumps(settings), encoding="utf-8")
    with pytest.raises(SandboxError, match=said):
        find_pipeline(file, "dev", "orders")
