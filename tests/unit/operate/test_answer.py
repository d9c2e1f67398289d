"""Questions on the terminal."""

from __future__ import annotations

import re

import pytest
import typer
from typer.testing import CliRunner

from tools.operate.answer import agreed
from tools.operate.deployment import PROJECT_FOLDER

APP = typer.Typer()


@APP.command()
def asks() -> None:
    typer.echo(f"agreed: {agreed('Go on?')}")


@pytest.mark.parametrize(
    ("typed", "expected", "questions"),
    [
        ("y\n", True, 1),
        ("YES\n", True, 1),
        ("\n", False, 1),
        ("no\n", False, 1),
        ("maybe\ny\n", True, 2),
        ("", False, 1),
    ],
)
def test_question_is_asked_until_the_answer_is_yes_or_no(
    typed: str, expected: bool, questions: int
) -> None:
    said = CliRunner().invoke(APP, input=typed)
    assert said.output.count("Go on? [y/N]: ") == questions
    assert ("Please type y for yes or n for no." in said.output) is (questions > 1)
    # On a line of its own, also where Ctrl-D ended the question.
    assert said.output.splitlines()[-1] == f"agreed: {expected}"


def test_every_command_asks_in_one_way() -> None:
    files = (PROJECT_FOLDER / "tools").rglob("*.py")
    asking = {
        file.name
        for file in files
        if re.search(r"\bagreed\(|typer\.(confirm|prompt)\(", file.read_text(encoding="utf-8"))
    }
    assert asking == {"answer.py"}
