"""What a new pipeline adds to the project, and that nothing else changes."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from burst.contract import Column, FileFormat

from stacks.settings import SettingsError, read_environments
from tests import example
from tools.authoring.writing import Choices, propose
from tools.authoring.writing import test_text as text_of_the_test
from tools.operate.errors import InputError

FORMAT = FileFormat("csv", (Column("id", "bigint"), Column("at", "timestamp")), delimiter=";")
SALES = Choices("sales", "sales/", None, 10, 60, None)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project with the example's settings."""
    shutil.copy(example.SETTINGS, tmp_path)
    (tmp_path / "glue_jobs/transforms").mkdir(parents=True)
    (tmp_path / "tests/yours").mkdir(parents=True)
    return tmp_path


def texts(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_settings_module_and_test_are_written_and_nothing_else(folder: Path) -> None:
    before = texts(folder)
    propose(folder, SALES, FORMAT).write()
    after = texts(folder)
    assert after.keys() - before.keys() == {
        "glue_jobs/transforms/sales.py",
        "tests/yours/test_transform_sales.py",
    }
    added = [
        line
        for line in after["cdktf.json"].decode().splitlines()
        if line not in before["cdktf.json"].decode().splitlines()
    ]
    assert '          "sales": {' in added
    assert '                {"name": "id", "type": "bigint"},' in added


def test_rest_of_the_settings_keeps_every_character(folder: Path) -> None:
    before = (folder / "cdktf.json").read_text(encoding="utf-8")
    after = propose(folder, SALES, FORMAT).texts["cdktf.json"]
    begin = after.index('"sales"')
    end = after.index('"orders"')
    without = after[:begin] + after[end:]
    begin = without.index('"sales"')
    end = without.index('"orders"', begin)
    assert without[:begin] + without[end:] == before


@pytest.mark.parametrize("environment", [None, "dev", "prod"])
def test_pipeline_is_in_the_environments_that_were_chosen(
    folder: Path, environment: str | None
) -> None:
    propose(folder, replace(SALES, environment=environment), FORMAT).write()
    found = read_environments(folder / "cdktf.json")
    chosen = [environment] if environment else list(found)
    assert [name for name, its in found.items() if "sales" in its.pipelines] == chosen
    settings = found[chosen[0]].pipelines["sales"]
    assert (settings.prefix, settings.batch_size, settings.batch_window_seconds) == (
        "sales/",
        10,
        60,
    )
    assert settings.input.delimiter == ";"
    assert [(c.name, c.type) for c in settings.input.columns] == [
        ("id", "bigint"),
        ("at", "timestamp"),
    ]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"pipeline": "orders"}, "There is a pipeline 'orders' already, in dev, prod"),
        ({"pipeline": "Sales"}, "A pipeline cannot be called 'Sales'. Allowed: 1 to 48 lower-case"),
        ({"pipeline": "import"}, "a word of Python"),
        ({"prefix": "orders/new/"}, "cdktf.json as it would be, line "),
        ({"prefix": "no-slash"}, "--prefix 'no-slash' is not allowed (did you mean 'no-slash/'?)"),
        ({"suffix": "a b"}, "or left out"),
        ({"environment": "test"}, "There is no environment 'test' in cdktf.json. There are: dev"),
    ],
)
def test_what_is_taken_or_not_allowed_is_refused(
    folder: Path, changed: dict[str, str], words: str
) -> None:
    with pytest.raises((InputError, SettingsError)) as error:
        propose(folder, replace(SALES, **changed), FORMAT)  # type: ignore[arg-type]
    assert words in str(error.value)
    assert len(str(error.value).splitlines()) == 1 or "as it would be" in words


def test_transform_that_is_there_is_kept(folder: Path) -> None:
    module = folder / "glue_jobs/transforms/sales.py"
    module.write_text("mine")
    proposal = propose(folder, SALES, FORMAT)
    proposal.write()
    assert proposal.kept == ("glue_jobs/transforms/sales.py",)
    assert module.read_text() == "mine"


def test_nothing_is_written_where_one_file_cannot_be(folder: Path) -> None:
    shutil.rmtree(folder / "tests")
    (folder / "tests").touch()
    before = texts(folder)
    with pytest.raises(OSError, match="test_transform_sales"):
        propose(folder, SALES, FORMAT).write()
    assert texts(folder) == before


def test_settings_that_have_changed_meanwhile_are_left_alone(folder: Path) -> None:
    proposal = propose(folder, SALES, FORMAT)
    changed = (folder / "cdktf.json").read_bytes() + b"\n"
    (folder / "cdktf.json").write_bytes(changed)
    before = texts(folder)
    with pytest.raises(InputError, match="changed meanwhile"):
        proposal.write()
    assert texts(folder) == before


def test_settings_on_one_line_stay_on_one_line(folder: Path) -> None:
    document = json.loads((folder / "cdktf.json").read_text(encoding="utf-8"))
    (folder / "cdktf.json").write_text(json.dumps(document))
    propose(folder, SALES, FORMAT).write()
    text = (folder / "cdktf.json").read_text()
    assert "\n" not in text
    assert "sales" in json.loads(text)["context"]["environments"]["dev"]["pipelines"]


def test_windows_line_ends_stay(folder: Path) -> None:
    file = folder / "cdktf.json"
    file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    propose(folder, SALES, FORMAT).write()
    assert file.read_bytes().count(b"\r\n") == file.read_bytes().count(b"\n")


@pytest.mark.parametrize("fields", [5, 9, 40])
def test_generated_test_is_as_the_project_s_formatter_leaves_it(fields: int) -> None:
    kind = f"struct<{','.join(f'name{n}:string' for n in range(fields))}>"
    text = text_of_the_test(
        "sales", "sales", [Column("id", "bigint"), Column("nested_column", kind)]
    )
    for check in (["format", "-"], ["check", "--select", "E,F,I,W", "--line-length", "100", "-"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *check],
            input=text,
            text=True,
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        assert check[0] == "check" or done.stdout == text


def test_settings_are_shown_in_lines_that_a_narrow_terminal_need_not_break(folder: Path) -> None:
    columns = tuple(Column("c" * length, "date", format="dd.MM.yyyy") for length in range(5, 60, 3))
    shown = propose(folder, SALES, replace(FORMAT, columns=columns)).member
    assert json.loads(shown)["input"]["columns"][0]["format"] == "dd.MM.yyyy"
    assert max(map(len, shown.splitlines())) <= 80
