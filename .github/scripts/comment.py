#!/usr/bin/env python3
"""Keep one comment for each environment on a pull request: made once, then updated.

Usage: comment.py ENVIRONMENT PULL_REQUEST FILE

FILE holds the review of the plan as Markdown. Where it is not there, the plan failed: the comment
says so and links to the run, so that nobody takes an old review for the new one.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from github_api import GithubError, call, listed

LONGEST = 65_536
BOT = "github-actions[bot]"


def main(environment: str, pull_request: str, file: str) -> int:
    """Make or update the comment."""
    marker = f"<!-- burst plan: {environment} -->"
    body = f"{marker}\n{review(environment, Path(file))}"
    # GitHub counts as JavaScript does, in units of UTF-16.
    if len(body.encode("utf-16-le")) // 2 > LONGEST:
        print(f"The review of {environment} is longer than GitHub takes.", file=sys.stderr)
        return 1
    try:
        existing = [
            comment["id"]
            for comment in listed(f"/issues/{pull_request}/comments")
            # Anybody can write the marker; only what the workflows wrote is theirs.
            if comment["user"]["login"] == BOT and comment["body"].startswith(marker)
        ]
        if existing:
            done = call("PATCH", f"/issues/comments/{existing[0]}", {"body": body})
        else:
            done = call("POST", f"/issues/{pull_request}/comments", {"body": body})
    except GithubError as error:
        print(error, file=sys.stderr)
        return 1
    print(done["html_url"])
    return 0


def review(environment: str, file: Path) -> str:
    """What the comment says below its marker."""
    if file.is_file():
        return file.read_text(encoding="utf-8")
    run = f"{os.environ['GITHUB_SERVER_URL']}/{os.environ['GITHUB_REPOSITORY']}/actions/runs/"
    return (
        f"## Plan of `{environment}`\n\n"
        f"There is no plan: [the run]({run}{os.environ['GITHUB_RUN_ID']}) says why.\n"
    )


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
