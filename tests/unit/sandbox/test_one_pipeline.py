"""The settings with one pipeline alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from stacks.settings import SettingsError, read_settings
from tests import example
from tools.sandbox.one_pipeline import source, with_only


def document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(example.SETTINGS.read_text(encoding="utf-8"))
    environments = found["context"]["environments"]
    orders = environments["dev"]["pipelines"]["orders"]
    environments["dev"]["pipelines"]["returns"] = {**orders, "prefix": "returns/"}
    return found


def test_one_environment_and_one_pipeline_are_left_with_all_their_settings() -> None:
    before = document()
    after = with_only(before, "dev", "returns")
    dev = before["context"]["environments"]["dev"]
    assert after["context"]["environments"] == {
        "dev": {**dev, "pipelines": {"returns": dev["pipelines"]["returns"]}}
    }
    assert {**after, "context": None} == {**before, "context": None}


@pytest.mark.parametrize(
    ("environment", "pipeline", "what"),
    [
        ("test", "orders", "cdktf.json has no environment 'test'; it has dev"),
        ("dev", "nope", "'dev' of cdktf.json has no pipeline 'nope'; it has orders, returns"),
    ],
)
def test_name_that_is_not_there_is_one_sentence(environment: str, pipeline: str, what: str) -> None:
    with pytest.raises(SettingsError, match=what):
        with_only(document(), environment, pipeline)


def test_copy_has_what_a_synth_needs_and_is_made_anew(tmp_path: Path) -> None:
    project, copy = example.copy_project(tmp_path / "project"), tmp_path / "copy"
    (project / "cdktf.json").write_text(json.dumps(document()), encoding="utf-8")
    copy.mkdir()
    (copy / "old").touch()
    assert source(project, copy, "dev", None) == project
    assert source(project, copy, "dev", "returns") == copy
    assert sorted(path.name for path in copy.iterdir()) == [
        "cdktf.json",
        "glue_jobs",
        "main.py",
        "stacks",
    ]
    assert list(read_settings(copy / "cdktf.json").environments["dev"].pipelines) == ["returns"]
