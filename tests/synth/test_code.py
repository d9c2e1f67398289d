"""The job's code is shipped by content: same sources, same object; changed sources, new object."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from stacks.pipeline import code, transforms
from stacks.settings import SettingsError, read_environments
from tests import example
from tests.synth.conftest import Synth
from tests.synth.synthesized import Synthesized


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the job's sources that a test may change."""
    example.copy_project(tmp_path / "project")
    copy = tmp_path / "project" / "glue_jobs"
    monkeypatch.setattr(code, "GLUE_JOBS", copy)
    monkeypatch.setattr(transforms, "TRANSFORMS", copy / "transforms")
    monkeypatch.setattr(code, "SCRIPT", copy / "burst_job.py")
    return copy


def keys(stack: Synthesized) -> dict[str, str]:
    return {path: item["key"] for path, item in stack.resources("aws_s3_object").items()}


def test_package_holds_the_two_packages_and_no_compiled_files(
    shipped: Mapping[str, Synthesized],
) -> None:
    (package,) = shipped["dev"].folder.rglob("burst.zip")
    names = zipfile.ZipFile(package).namelist()
    assert {"burst/__init__.py", "transforms/__init__.py", "transforms/orders.py"} <= set(names)
    assert {Path(name).parts[0] for name in names} == {"burst", "transforms"}
    assert all(name.endswith(".py") for name in names)


def test_script_and_package_in_the_stack_are_what_the_objects_upload(
    shipped: Mapping[str, Synthesized],
) -> None:
    stack = shipped["dev"]
    for item in stack.resources("aws_s3_object").values():
        assert (stack.folder / item["source"]).is_file()
    script = stack.resources("aws_s3_object")["code/script"]
    assert (stack.folder / script["source"]).read_bytes() == code.SCRIPT.read_bytes()


def test_same_sources_give_the_same_bytes_whenever_they_were_checked_out(
    sources: Path, tmp_path: Path
) -> None:
    code.write_package(tmp_path / "one.zip")
    (sources / "burst" / "__pycache__").mkdir(exist_ok=True)
    (sources / "burst" / "__pycache__" / "plan.pyc").write_bytes(b"compiled")
    for file in sources.rglob("*.py"):
        os.utime(file, (1, 1))
    code.write_package(tmp_path / "two.zip")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def test_changed_transform_changes_the_key_of_the_package_only(sources: Path, synth: Synth) -> None:
    before = keys(synth()["dev"])
    with (sources / "transforms" / "orders.py").open("a", encoding="utf-8") as file:
        file.write("\n# changed\n")
    after = keys(synth()["dev"])
    assert before["code/script"] == after["code/script"]
    assert before["code/package"] != after["code/package"]


def test_pipeline_without_a_transform_module_is_named_with_those_that_exist(
    synth: Synth,
) -> None:
    environments = {"dev": example.environments()["dev"]}
    environments["dev"]["pipelines"]["orders"]["transform"] = "oders"
    with pytest.raises(SettingsError) as caught:
        synth(environments)
    assert "environment 'dev', pipeline 'orders', field 'transform' = \"oders\"" in str(
        caught.value
    )
    assert "orders" in str(caught.value).split("one that is there")[1]


def test_transform_that_python_cannot_read_is_named_with_its_line(sources: Path) -> None:
    module = sources / "transforms" / "orders.py"
    module.write_text("def transform(frame):\n    retrn frame\n", encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        transforms.find_transforms(read_environments(example.SETTINGS))
    assert str(caught.value) == (
        "glue_jobs/transforms/orders.py, line 2: Python cannot read it: invalid syntax. Correct it."
    )
