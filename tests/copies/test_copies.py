"""In a copy of the project with other settings, the test command passes.

In one copy the quick rooms are run. In the others those tests of them are run that can see the
settings: `tests/example.py` lists them, and lets every other test fail that looks. With
`pytest tests/copies -m full` everything is run in every copy.
"""

from __future__ import annotations

import copy
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.example import READERS

pytestmark = pytest.mark.gate

PROJECT_FOLDER = Path(__file__).resolve().parents[2]
ROOMS = ("tests/unit", "tests/synth", "tests/yours")
NOT_COPIED = ("cdktf.out", ".git", ".venv*", ".sandbox", ".*cache*")
UNTOUCHED = "def transform(frame):\n    return frame\n"
WITH_VAT = """
from pyspark.sql import functions as f


def transform(frame):
    vat = (f.col("net") * f.lit(19) / 100).cast("decimal(12,2)")
    return frame.withColumn("vat", vat).drop("note")
"""
INVOICES = {
    "prefix": "invoices/",
    "batch_size": 5,
    "input": {
        "format": "json",
        "columns": [
            {"name": "number", "type": "string"},
            {"name": "net", "type": "decimal(10,2)"},
            {"name": "note", "type": "string"},
        ],
    },
    "output": {
        "added_columns": [{"name": "vat", "type": "decimal(12,2)"}],
        "dropped_columns": ["note"],
    },
}
READINGS = {
    "prefix": "sensors/",
    "suffix": ".parquet",
    "batch_size": 100,
    "input": {"format": "parquet", "columns": [{"name": "celsius", "type": "double"}]},
}

Environments = dict[str, Any]


def three_pipelines(environments: Environments, transforms: Path) -> Environments:
    (transforms / "invoices.py").write_text(WITH_VAT)
    (transforms / "readings.py").write_text(UNTOUCHED)
    for environment in environments.values():
        environment["pipelines"] |= {"invoices": INVOICES, "readings": READINGS}
    return environments


def another_pipeline(environments: Environments, transforms: Path) -> Environments:
    (transforms / "orders.py").unlink(missing_ok=True)
    (transforms / "invoices.py").write_text(WITH_VAT)
    return {
        name: environment | {"pipelines": {"invoices": INVOICES}}
        for name, environment in environments.items()
    }


def one_environment(environments: Environments, transforms: Path) -> Environments:
    return {"live": environments["prod"]}


def key_and_existing_bucket(environments: Environments, transforms: Path) -> Environments:
    existing = {"name": "uploads-of-the-shop", "versioned": True, "events": "cloudtrail"}
    environments["prod"] |= {"encryption": "sse-kms", "existing_landing": existing}
    return environments


CHANGES: Mapping[str, Callable[[Environments, Path], Environments]] = {
    change.__name__.replace("_", " "): change
    for change in (three_pipelines, another_pipeline, one_environment, key_and_existing_bucket)
}

# Where the example's names are gone, so that most would miss them.
WHOLE = "another pipeline"


@pytest.fixture(params=CHANGES)
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of the project, with what a user could make of the settings that are shipped."""
    folder = tmp_path / "project"
    shutil.copytree(PROJECT_FOLDER, folder, ignore=shutil.ignore_patterns(*NOT_COPIED))
    (folder / ".venv").symlink_to(sys.prefix)
    example = folder / "tools" / "sandbox" / "example"
    settings = json.loads((example / "cdktf.json").read_text(encoding="utf-8"))
    transforms = folder / "glue_jobs" / "transforms"
    shutil.copy(example / "transforms" / "orders.py", transforms)
    environments = copy.deepcopy(settings["context"]["environments"])
    settings["context"] = {"environments": CHANGES[request.param](environments, transforms)}
    (folder / "cdktf.json").write_text(json.dumps(settings, indent=2), encoding="utf-8")
    return folder


def run_tests(project: Path, *arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests", "-q", *arguments],
        cwd=project,
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert " passed" in done.stdout


@pytest.mark.parametrize("project", [c for c in CHANGES if c != WHOLE], indirect=True)
def test_tests_that_can_see_the_settings_pass(project: Path) -> None:
    run_tests(project, "-n", "0", "--hypothesis-profile", "few", *READERS)


@pytest.mark.parametrize("project", [WHOLE], indirect=True)
def test_quick_rooms_pass(project: Path) -> None:
    run_tests(project, "-n", "0", "--hypothesis-profile", "few", *ROOMS)


@pytest.mark.full
def test_all_rooms_pass(project: Path) -> None:
    # A copy of a copy proves nothing new.
    run_tests(project, "--gate", "--ignore", "tests/copies")
