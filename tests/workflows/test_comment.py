"""One comment for each environment on a pull request, which is updated and not repeated."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.workflows.conftest import Script
from tests.workflows.github import Github

MARKER = "<!-- burst plan: dev -->"


def bodies(github: Github) -> list[str]:
    return [comment["body"] for comment in github.comments]


def test_first_plan_makes_a_comment_and_the_next_one_updates_it(
    github: Github, script: Script, tmp_path: Path
) -> None:
    (tmp_path / "comment.md").write_text("## Plan: 1 to add\n", encoding="utf-8")
    first = script("comment.py", "dev", "7", "comment.md")
    (tmp_path / "comment.md").write_text("## Plan: nothing to do\n", encoding="utf-8")
    second = script("comment.py", "dev", "7", "comment.md")

    assert (first.returncode, second.returncode) == (0, 0)
    assert first.stdout == second.stdout == "#1\n"
    assert bodies(github) == [f"{MARKER}\n## Plan: nothing to do\n"]
    assert github.tokens == {"Bearer a-token"}


def test_each_environment_has_a_comment_of_its_own(
    github: Github, script: Script, tmp_path: Path
) -> None:
    (tmp_path / "comment.md").write_text("plan", encoding="utf-8")
    for environment in ("dev", "prod", "dev"):
        assert script("comment.py", environment, "7", "comment.md").returncode == 0
    assert bodies(github) == [f"{MARKER}\nplan", "<!-- burst plan: prod -->\nplan"]


def test_comment_is_found_behind_hundreds_of_others(
    github: Github, script: Script, tmp_path: Path
) -> None:
    for number in range(250):
        github.comment(f"Comment {number}", "somebody")
    github.comment(f"{MARKER}\nold")
    (tmp_path / "comment.md").write_text("new", encoding="utf-8")
    assert script("comment.py", "dev", "7", "comment.md").returncode == 0
    assert len(github.comments) == 251
    assert github.comments[250]["body"] == f"{MARKER}\nnew"


def test_comment_of_somebody_who_wrote_the_marker_is_left_alone(
    github: Github, script: Script, tmp_path: Path
) -> None:
    github.comment(f"{MARKER}\nNothing to see here.", "mallory")
    (tmp_path / "comment.md").write_text("plan", encoding="utf-8")
    assert script("comment.py", "dev", "7", "comment.md").returncode == 0
    assert bodies(github) == [f"{MARKER}\nNothing to see here.", f"{MARKER}\nplan"]


def test_failed_plan_takes_the_place_of_the_old_one_and_links_to_the_run(
    github: Github, script: Script
) -> None:
    github.comment(f"{MARKER}\n## Plan: all is well")
    assert script("comment.py", "dev", "7", "comment.md").returncode == 0
    (body,) = bodies(github)
    assert "all is well" not in body
    assert "(https://github.com/octo-org/octo-repo/actions/runs/99)" in body


@pytest.mark.parametrize("codes", [[502], [500, 503, 429]])
def test_failure_that_passes_is_waited_for(
    github: Github, script: Script, tmp_path: Path, codes: list[int]
) -> None:
    github.failures = list(codes)
    (tmp_path / "comment.md").write_text("plan", encoding="utf-8")
    assert script("comment.py", "dev", "7", "comment.md").returncode == 0
    assert bodies(github) == [f"{MARKER}\nplan"]


@pytest.mark.parametrize("codes", [[403], [500] * 4])
def test_failure_that_stays_is_said_without_a_traceback(
    github: Github, script: Script, tmp_path: Path, codes: list[int]
) -> None:
    github.failures = list(codes)
    (tmp_path / "comment.md").write_text("plan", encoding="utf-8")
    done = script("comment.py", "dev", "7", "comment.md")
    assert done.returncode == 1
    assert f"GitHub answered {codes[0]}" in done.stderr
    assert "it went wrong" in done.stderr
    assert "Traceback" not in done.stderr


def test_longest_review_fits_beside_the_marker(
    github: Github, script: Script, tmp_path: Path
) -> None:
    (tmp_path / "comment.md").write_text("x" * 65_000, encoding="utf-8")
    assert script("comment.py", "e" * 16, "7", "comment.md").returncode == 0
    (tmp_path / "comment.md").write_text("\U0001f4a5" * 33_000, encoding="utf-8")
    done = script("comment.py", "dev", "7", "comment.md")
    assert done.returncode == 1
    assert "longer than GitHub takes" in done.stderr
    assert len(github.comments) == 1
