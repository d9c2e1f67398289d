"""A deployment finds the plan that was reviewed, or refuses and says what to do."""

from __future__ import annotations

from typing import Any

import pytest

from tests.workflows.conftest import COMMIT, Script
from tests.workflows.github import REPOSITORY, Github

HEAD = "b" * 40


def pull_request(**changes: Any) -> dict[str, Any]:
    return {
        "number": 7,
        "merged_at": "2026-01-01T00:00:00Z",
        "merge_commit_sha": COMMIT,
        "head": {"sha": HEAD, "repo": {"full_name": REPOSITORY}},
    } | changes


def run(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": number,
        "event": "pull_request",
        "status": "success",
        "head_sha": HEAD,
        "head_repository": {"full_name": REPOSITORY},
    } | changes


def test_newest_plan_of_the_last_commit_of_the_pull_request_is_taken(
    github: Github, script: Script
) -> None:
    other = pull_request(number=6, merge_commit_sha="c" * 40)
    github.pulls[COMMIT] = [other, pull_request()]
    github.runs = [
        run(11),
        run(13),
        run(12),
        run(14, head_sha="c" * 40),
        run(15, status="failure"),
        run(16, event="workflow_dispatch"),
        run(17, head_repository={"full_name": "mallory/octo-repo"}),
    ]
    done = script("find_plan.py")
    assert (done.returncode, done.stdout) == (0, "run_id=13\n")


def test_plan_is_found_behind_hundreds_of_others(github: Github, script: Script) -> None:
    github.pulls[COMMIT] = [pull_request()]
    fork = {"full_name": "mallory/octo-repo"}
    github.runs = [run(number, head_repository=fork) for number in range(200)] + [run(500)]
    assert script("find_plan.py").stdout == "run_id=500\n"


@pytest.mark.parametrize(
    ("pulls", "runs", "reason"),
    [
        ([], [run(1)], "came to main without a pull request"),
        ([pull_request(merged_at=None)], [run(1)], "came to main without a pull request"),
        (
            [pull_request(merge_commit_sha="c" * 40)],
            [run(1)],
            "came to main without a pull request",
        ),
        (
            [pull_request(head={"sha": HEAD, "repo": {"full_name": "fork/octo-repo"}})],
            [run(1)],
            "Pull request #7 came from a fork",
        ),
        # The fork was deleted after the merge.
        ([pull_request(head={"sha": HEAD, "repo": None})], [run(1)], "came from a fork"),
        ([pull_request()], [], "bbbbbbbbbb, has no plan that succeeded"),
        ([pull_request()], [run(1, status="failure")], "has no plan that succeeded"),
        (
            [pull_request()],
            [run(1, head_repository={"full_name": "mallory/octo-repo"})],
            "has no plan that succeeded",
        ),
    ],
)
def test_what_nobody_reviewed_is_refused_with_what_to_do(
    github: Github, script: Script, pulls: list[Any], runs: list[Any], reason: str
) -> None:
    github.pulls[COMMIT] = pulls
    github.runs = runs
    done = script("find_plan.py")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("::error title=Nothing is deployed::")
    assert reason in done.stderr
    assert "pull request" in done.stderr.rpartition(". ")[2]
    assert len(done.stderr.splitlines()) == 1
