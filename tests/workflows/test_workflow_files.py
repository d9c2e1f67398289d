"""What holds for every workflow: pinned actions, least rights, no secrets, one script a step."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.workflows.conftest import PROJECT_FOLDER, SCRIPTS

FOLDER = PROJECT_FOLDER / ".github" / "workflows"
FILES = {file.stem: file for file in sorted(FOLDER.glob("*.yml"))}
PINNED = re.compile(r"uses: [\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")

# Every right that a job has, by workflow and job. A job that is not here has none.
RIGHTS = {
    ("test", "test"): {"contents": "read"},
    ("plan", "environments"): {"contents": "read"},
    ("plan", "plan"): {"contents": "read", "id-token": "write"},
    ("plan", "comment"): {"contents": "read", "pull-requests": "write"},
    ("deploy", "reviewed"): {"contents": "read", "actions": "read", "pull-requests": "read"},
    ("deploy", "deploy"): {"contents": "read", "actions": "read", "id-token": "write"},
}


@pytest.fixture(params=FILES)
def file(request: pytest.FixtureRequest) -> Path:
    return FILES[request.param]


def workflow(name: str) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(FILES[name].read_text(encoding="utf-8"))
    return document


def jobs() -> Iterator[tuple[tuple[str, str], dict[str, Any]]]:
    for name in FILES:
        for job, settings in workflow(name)["jobs"].items():
            yield (name, job), settings


def steps(name: str, job: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = workflow(name)["jobs"][job]["steps"]
    return found


def test_there_are_the_three_workflows() -> None:
    assert set(FILES) == {"test", "plan", "deploy"}


def test_every_action_is_pinned_by_commit_with_its_version(file: Path) -> None:
    used = [line for line in file.read_text(encoding="utf-8").splitlines() if "uses:" in line]
    assert used
    assert [line for line in used if not PINNED.search(line)] == []


def test_same_action_has_the_same_commit_everywhere() -> None:
    text = "".join(file.read_text(encoding="utf-8") for file in FILES.values())
    pins = set(re.findall(r"uses: ([\w./-]+)@(\w+) # (\S+)", text))
    assert len({action for action, *_ in pins}) == len(pins)


def test_every_job_has_the_rights_that_it_needs_and_no_other() -> None:
    assert {name: job["permissions"] for name, job in jobs()} == RIGHTS
    assert all(workflow(name)["permissions"] == {} for name in FILES)


def test_no_workflow_reads_a_secret(file: Path) -> None:
    assert "secrets." not in file.read_text(encoding="utf-8")


def test_checkout_leaves_no_token_behind() -> None:
    for _, job in jobs():
        for step in job["steps"]:
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"] == {"persist-credentials": False}


def test_every_step_that_runs_something_runs_one_script_that_is_there() -> None:
    for _, job in jobs():
        for step in job["steps"]:
            if command := step.get("run"):
                script = command.removeprefix("bash ").split()[0]
                assert (PROJECT_FOLDER / script).is_file(), command
                assert "\n" not in command.strip()
                assert "${{" not in command, "what comes from outside goes by a variable"
    scripts = [file for file in SCRIPTS.iterdir() if file.suffix in (".py", ".sh")]
    assert all(file.stat().st_mode & 0o111 for file in scripts if file.stem != "github_api")


def test_every_job_ends_by_itself() -> None:
    assert all(0 < job["timeout-minutes"] <= 60 for _, job in jobs())


def test_whatever_holds_a_state_is_never_stopped_half_way() -> None:
    assert workflow("plan")["concurrency"]["cancel-in-progress"] is False
    assert workflow("deploy")["jobs"]["deploy"]["concurrency"] == {
        "group": "deploy-${{ matrix.environment }}",
        "cancel-in-progress": False,
    }


def test_fork_is_tested_but_neither_planned_nor_deployed() -> None:
    # In YAML `on` is a boolean.
    assert set(workflow("test")[True]) == {"push", "pull_request"}
    assert workflow("plan")[True] == {"pull_request": {"branches": ["main"]}}
    assert workflow("deploy")[True] == {"push": {"branches": ["main"]}}
    same = "github.event.pull_request.head.repo.full_name == github.repository"
    assert workflow("plan")["jobs"]["environments"]["if"] == same
    assert workflow("plan")["jobs"]["plan"]["needs"] == "environments"


def test_credentials_come_after_everything_that_does_not_need_them() -> None:
    names = [step.get("uses", step.get("run", "")).split("@")[0] for step in steps("plan", "plan")]
    credentials = names.index("aws-actions/configure-aws-credentials")
    assert [name for name in names[credentials + 1 :] if name.startswith((".", "actions"))] == [
        '.github/scripts/plan.sh "$ENVIRONMENT" plan',
        "actions/upload-artifact",
    ]
    assert ".github/scripts/synth.sh" in names[:credentials]


def test_deployment_takes_the_artifact_that_the_plan_left_for_a_short_time() -> None:
    (kept,) = [step for step in steps("plan", "plan") if "upload-artifact" in step.get("uses", "")]
    (taken,) = [
        step for step in steps("deploy", "deploy") if "download-artifact" in step.get("uses", "")
    ]
    assert kept["with"]["retention-days"] <= 7
    assert kept["with"]["name"] == taken["with"]["name"] == "plan-${{ matrix.environment }}"
    assert taken["with"]["run-id"] == "${{ needs.reviewed.outputs.run_id }}"


def test_deployment_waits_for_the_approval_of_its_environment_and_goes_one_by_one() -> None:
    deploy = workflow("deploy")["jobs"]["deploy"]
    assert deploy["environment"] == "${{ matrix.deploy_environment }}"
    assert deploy["strategy"]["max-parallel"] == 1
    # Whatever comes after an environment that failed is not deployed.
    assert deploy["strategy"].get("fail-fast", True) is True


def test_workflows_keep_what_pipenv_and_jsii_unpack() -> None:
    for name, job in (("test", "test"), ("plan", "plan")):
        caches = [step["with"] for step in steps(name, job) if "/cache@" in step.get("uses", "")]
        paths = "\n".join(cache["path"] for cache in caches)
        assert "~/.cache/pipenv" in paths
        assert "~/.cache/aws/jsii/package-cache" in paths
        assert all("hashFiles('Pipfile.lock'" in cache["key"] for cache in caches)
