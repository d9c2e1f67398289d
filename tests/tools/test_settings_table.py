"""The documented settings are the ones that exist."""

from __future__ import annotations

from stacks import settings
from tools.settings_table import PAGE, SECTIONS, with_table


def test_documented_tables_are_the_ones_that_the_models_give() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert with_table(page) == page, "run `pipenv run burst settings --write`"


def test_every_model_but_the_outermost_has_its_section() -> None:
    shown = {model for _, model in SECTIONS}
    assert set(settings.Settings.__subclasses__()) - shown == {settings.Environments}
