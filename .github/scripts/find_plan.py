#!/usr/bin/env python3
"""Find the run that planned what came to main, for `$GITHUB_OUTPUT`: `run_id=...`.

A deployment applies the plan that was reviewed. That is the plan of the last commit of the pull
request by which `$GITHUB_SHA` came to main, made by this repository's own workflow. Everything
else is refused, with what to do.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from github_api import GithubError, call, listed

WORKFLOW = "plan.yml"


class Refused(Exception):
    """There is no reviewed plan for what came to main."""


def main() -> int:
    """Print the run's id; 1 and the reason where there is none."""
    try:
        print(f"run_id={planned(os.environ['GITHUB_SHA'])}")
    except (GithubError, Refused) as error:
        print(f"::error title=Nothing is deployed::{error}", file=sys.stderr)
        return 1
    return 0


def planned(commit: str) -> int:
    """The id of the run of the plan that was reviewed."""
    pull_request = merged(commit)
    number, head = pull_request["number"], pull_request["head"]
    if (head.get("repo") or {}).get("full_name") != os.environ["GITHUB_REPOSITORY"]:
        raise Refused(
            f"Pull request #{number} came from a fork, which gets no plan. Open a pull request "
            "from a branch of this repository, review its plan and merge it."
        )
    runs = [
        run
        for run in listed(
            f"/actions/workflows/{WORKFLOW}/runs?event=pull_request&status=success"
            f"&head_sha={head['sha']}",
            key="workflow_runs",
        )
        if run["head_repository"]["full_name"] == os.environ["GITHUB_REPOSITORY"]
        and run["head_sha"] == head["sha"]
    ]
    if not runs:
        raise Refused(
            f"The last commit of pull request #{number}, {head['sha'][:10]}, has no plan that "
            "succeeded. Open a new pull request, review its plan and merge it."
        )
    newest: int = max(run["id"] for run in runs)
    return newest


def merged(commit: str) -> dict[str, Any]:
    """The pull request by which a commit came to main."""
    for pull_request in call("GET", f"/commits/{commit}/pulls"):
        if pull_request["merged_at"] and pull_request["merge_commit_sha"] == commit:
            found: dict[str, Any] = pull_request
            return found
    raise Refused(
        f"Commit {commit[:10]} came to main without a pull request, so nobody reviewed a plan of "
        "it. Revert it, and bring it in by a pull request."
    )


if __name__ == "__main__":
    sys.exit(main())
