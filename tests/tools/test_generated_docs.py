"""What the documentation says of settings and options is what the code says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from stacks import settings
from tools import cli, docs
from tools.option_tables import option_table
from tools.settings_table import SECTIONS

GENERATED = dict(docs.current())


@pytest.mark.parametrize("file", GENERATED, ids=lambda file: str(file.name))
def test_generated_parts_are_what_the_code_says(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert text == GENERATED[file], "run `pipenv run burst docs --write`"


def test_settings_and_the_options_of_every_command_are_documented() -> None:
    everything = "".join(GENERATED.values())
    assert "<!-- settings: begin -->" in everything
    assert [name for name in cli.COMMANDS if f"## `burst {name}`" not in everything] == []


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_option_that_the_command_takes_is_in_its_table(name: str) -> None:
    first_cells = [line.split("|")[1] for line in option_table(name).splitlines()[2:]]
    options = [p for p in cli.load(name).params if p.opts[0].startswith("-")]
    names = [name for option in options for name in (*option.opts, *option.secondary_opts)]
    assert names == re.findall(r"`(--[a-z-]+)", "".join(first_cells))


def test_no_option_table_is_written_by_hand() -> None:
    written = [
        file.name
        for file in docs.documents()
        if "| option |" in docs.without_generated_parts(file.read_text(encoding="utf-8"))
    ]
    assert written == [], "put it between markers, as tools/docs.py says"


def test_every_model_but_the_outermost_has_its_section() -> None:
    shown = {model for _, model in SECTIONS}
    # A column of the files has all that any column has.
    others = {settings.Environments, settings.Column}
    assert set(settings.Settings.__subclasses__()) - shown == others
