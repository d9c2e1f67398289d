"""The names of what is deployed, from Terraform's outputs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests import example
from tools.operate import deployment, options
from tools.operate.deployment import first_error, parse_outputs, read_deployment
from tools.operate.errors import InputError
from tools.operate.options import reach

ORDERS = {
    "prefix": "orders/",
    "suffix": ".csv",
    "rule_name": "rule",
    "workflow_name": "workflow",
    "job_name": "job",
    "dead_letter_queue_url": "https://queue",
    "log_group_prefix": "/burst/dev/orders",
}
OUTPUTS: dict[str, Any] = {
    "environment": "dev",
    "region": "eu-central-1",
    "landing_bucket_name": "landing",
    "lake_bucket_name": "lake",
    "pipelines": {"orders": ORDERS},
}


def wrapped(outputs: dict[str, Any]) -> dict[str, Any]:
    """As `terraform output -json` prints them."""
    return {
        name: {"sensitive": False, "type": "string", "value": value}
        for name, value in outputs.items()
    }


@pytest.mark.parametrize("outputs", [OUTPUTS, wrapped(OUTPUTS)], ids=["plain", "from Terraform"])
def test_outputs_are_read_plain_and_as_terraform_prints_them(outputs: dict[str, Any]) -> None:
    deployment = parse_outputs(outputs, source="test")
    orders = deployment.pipeline("orders")
    assert (deployment.environment, deployment.landing_bucket) == ("dev", "landing")
    assert (orders.prefix, orders.rule_name, orders.paused) == ("orders/", "rule", False)


def test_topic_key_and_trigger_are_known_where_the_outputs_name_them() -> None:
    newer = {
        **OUTPUTS,
        "topic_arn": "arn:topic",
        "kms_key_arn": "arn:key",
        "pipelines": {"orders": {**ORDERS, "trigger_name": "trigger"}},
    }
    found, older = parse_outputs(newer, source="test"), parse_outputs(OUTPUTS, source="test")
    assert (found.topic_arn, found.kms_key_arn) == ("arn:topic", "arn:key")
    assert found.pipeline("orders").trigger_name == "trigger"
    assert (older.topic_arn, older.kms_key_arn) == ("", "")
    assert older.pipeline("orders").trigger_name == ""


@pytest.mark.parametrize(("text", "paused"), [("true", True), ("false", False)])
def test_paused_is_a_text_in_the_outputs(text: str, paused: bool) -> None:
    outputs = {**OUTPUTS, "pipelines": {"orders": {**ORDERS, "paused": text}}}
    assert parse_outputs(outputs, source="test").pipeline("orders").paused is paused


def test_unknown_pipeline_is_named_with_those_that_there_are() -> None:
    with pytest.raises(InputError, match=r"no pipeline 'invoices' .* Deployed: orders\."):
        parse_outputs(OUTPUTS, source="test").pipeline("invoices")


@pytest.mark.parametrize(
    ("outputs", "what"),
    [
        ({}, "Nothing is deployed"),
        ({"environment": "dev"}, "'region' is missing"),
        ({**OUTPUTS, "region": 1}, "a text instead of 1"),
        ({**OUTPUTS, "pipelines": {"orders": {}}}, "'prefix' is missing"),
        ({**OUTPUTS, "pipelines": []}, "does not hold the outputs"),
    ],
)
def test_outputs_of_something_else_are_refused(outputs: dict[str, Any], what: str) -> None:
    with pytest.raises(InputError, match=what):
        parse_outputs(outputs, source="test")


def test_file_of_another_environment_is_refused_and_in_a_sandbox_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "outputs.json"
    file.write_text(json.dumps(OUTPUTS))
    shutil.copy(example.SETTINGS, tmp_path / "cdktf.json")
    monkeypatch.setattr(deployment, "PROJECT_FOLDER", tmp_path)
    monkeypatch.delenv(deployment.SANDBOX_VARIABLE, raising=False)
    with pytest.raises(InputError, match=r"describes the environment 'dev', not 'prod'\.$"):
        read_deployment("prod", file)
    monkeypatch.setenv(deployment.SANDBOX_VARIABLE, str(tmp_path))
    with pytest.raises(InputError, match="`leave_sandbox` gives it back, and `burst sandbox --env"):
        read_deployment("prod", file)
    with pytest.raises(InputError) as typing_error:
        read_deployment("devv", file)
    assert str(typing_error.value) == (
        f"{file} describes the environment 'dev', not 'devv' (did you mean 'dev'?). "
        "cdktf.json has no 'devv'; it has dev, prod."
    )


def test_pipeline_that_is_not_deployed_is_said_once_with_one_that_resembles(tmp_path: Path) -> None:
    file = tmp_path / "outputs.json"
    file.write_text(json.dumps(OUTPUTS))
    with pytest.raises(InputError) as error:
        reach("dev", file, None, "order")
    assert str(error.value) == (
        "There is no pipeline 'order' (did you mean 'orders'?) in the environment 'dev'. "
        "Deployed: orders."
    )


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("{", "is not usable: line 1, column 2"),
        ("[]", "holds no JSON object"),
        (None, "cannot be read"),
    ],
)
def test_file_that_cannot_be_used_is_named(tmp_path: Path, text: str | None, what: str) -> None:
    file = tmp_path / "outputs.json"
    if text is not None:
        file.write_text(text)
    with pytest.raises(InputError, match=what):
        read_deployment("dev", file)


@pytest.mark.parametrize(
    ("key", "owned"),
    [("orders/a.csv", True), ("orders/a.json", False), ("other/a.csv", False)],
)
def test_pipeline_owns_the_keys_with_its_prefix_and_suffix(key: str, owned: bool) -> None:
    assert parse_outputs(OUTPUTS, source="test").pipeline("orders").owns(key) is owned


def test_environment_that_was_never_deployed_is_named_with_the_way_to_deploy_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "dev").mkdir()
    shutil.copy(example.SETTINGS, tmp_path / "cdktf.json")
    monkeypatch.setattr(options, "PROJECT_FOLDER", tmp_path)
    monkeypatch.setattr(deployment, "STACKS_FOLDER", tmp_path)
    monkeypatch.delenv(deployment.OUTPUTS_VARIABLE, raising=False)
    with pytest.raises(InputError, match=r"'dev' is not deployed from here: .* run deploy dev`"):
        read_deployment("dev", None)
    with pytest.raises(InputError, match=r"^cdktf\.json has no pipeline 'nope' in 'dev'; it has"):
        reach("dev", None, None, "nope")
    with pytest.raises(InputError, match=r"^The environment 'dev' is not deployed from here"):
        reach("dev", None, None, "orders")


def test_of_terraforms_errors_the_first_is_shown_in_its_own_lines() -> None:
    said = """
╷
│ Error: Required plugins are not installed
│ 
│ The installed provider plugins are not consistent.
╵
╷
│ Error: Inconsistent dependency lock file
╵
"""
    assert first_error(said) == (
        "  Error: Required plugins are not installed\n\n"
        "  The installed provider plugins are not consistent."
    )
