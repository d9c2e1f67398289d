"""The variables of a synth: understood, or refused with what is allowed."""

from __future__ import annotations

import pytest

from stacks.settings import (
    Environments,
    SettingsError,
    Variables,
    parse_settings,
    read_variables,
    single_key,
)
from tests import example

BUCKET = {"name": "states-of-the-team", "region": "eu-central-1"}


def settings(**more: object) -> Environments:
    return parse_settings({"environments": example.environments(), **more})


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, Variables(bootstrap_state=False, allow_data_loss=False)),
        (
            {"BURST_BOOTSTRAP_STATE": "", "BURST_ALLOW_DATA_LOSS": "0"},
            Variables(bootstrap_state=False, allow_data_loss=False),
        ),
        ({"BURST_ALLOW_DATA_LOSS": "1"}, Variables(bootstrap_state=False, allow_data_loss=True)),
        ({"BURST_BOOTSTRAP_STATE": "1"}, Variables(bootstrap_state=True, allow_data_loss=False)),
    ],
)
def test_each_is_yes_or_no(given: dict[str, str], expected: Variables) -> None:
    assert read_variables(given, settings(state_bucket=BUCKET)) == expected


@pytest.mark.parametrize("name", ["BURST_BOOTSTRAP_STATE", "BURST_ALLOW_DATA_LOSS"])
@pytest.mark.parametrize("value", ["yes", "true", "2", " 1"])
def test_word_that_could_mean_yes_is_refused(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"{name} is '{value}'. Allowed: 1 for yes"):
        read_variables({name: value}, settings(state_bucket=BUCKET))


def test_bootstrap_without_a_bucket_to_make_is_refused() -> None:
    with pytest.raises(SettingsError, match="has no 'state_bucket' beside 'environments'"):
        read_variables({"BURST_BOOTSTRAP_STATE": "1"}, settings())


@pytest.mark.parametrize(
    ("ephemeral", "variable", "noted"),
    [(True, False, False), (True, True, False), (False, False, False), (False, True, True)],
)
def test_only_a_variable_that_has_no_effect_gets_a_note(
    ephemeral: bool, variable: bool, noted: bool
) -> None:
    environments = {
        name: one | {"ephemeral": ephemeral and name == "dev"}
        for name, one in example.environments().items()
    }
    variables = Variables(bootstrap_state=False, allow_data_loss=variable)
    said = single_key(parse_settings({"environments": environments}), variables)
    assert (said is not None) is noted
    if said is not None:
        assert said.startswith("Note: BURST_ALLOW_DATA_LOSS=1 has no effect")
        assert len(said.splitlines()) == 1
