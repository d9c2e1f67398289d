"""The JSON schema that editors use: what it takes is what the settings take."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests import example
from tools import docs, settings_schema, settings_table
from tools.operate.errors import InputError

ROOT = Path(__file__).parents[2]
SCHEMA = settings_schema.schema()


def context() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(example.SETTINGS.read_text(encoding="utf-8"))
    return found


def is_valid(document: object) -> bool:
    validator = Draft202012Validator(SCHEMA, format_checker=Draft202012Validator.FORMAT_CHECKER)
    return bool(validator.is_valid(document))


def test_schema_is_a_schema_whose_patterns_editors_can_read() -> None:
    checker = Draft202012Validator.FORMAT_CHECKER
    Draft202012Validator.check_schema(SCHEMA, format_checker=checker)


def test_schema_file_is_one_of_the_generated_parts() -> None:
    assert ROOT / "cdktf.schema.json" in dict(docs.current())


def test_editor_finds_the_schema() -> None:
    wired = json.loads((ROOT / ".vscode/settings.json").read_text(encoding="utf-8"))
    [entry] = wired["json.schemas"]
    assert entry["fileMatch"] == ["/cdktf.json"]
    assert (ROOT / entry["url"]).resolve() == ROOT / settings_schema.FILE


def test_shipped_settings_are_valid() -> None:
    assert is_valid(context())


def test_state_may_leave_the_bucket_to_state_bucket() -> None:
    document = context()
    document["context"]["environments"]["dev"]["state"] = {"backend": "s3"}
    assert is_valid(document)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("batch_size", 101),
        ("batch_size", "10"),
        ("prefix", "no slash"),
        ("bach_size", 1),
        ("input", {"format": "xml", "columns": []}),
        ("input", {"format": "csv", "delimiter": "x", "columns": []}),
    ],
)
def test_wrong_setting_is_marked_in_the_editor(name: str, value: object) -> None:
    document = context()
    document["context"]["environments"]["dev"]["pipelines"]["orders"][name] = value
    assert not is_valid(document)


def test_description_says_what_is_allowed() -> None:
    size = SCHEMA["$defs"]["PipelineSettings"]["properties"]["batch_size"]
    assert size["description"].endswith("Allowed: a whole number from 1 to 100.")


def test_settings_are_a_list_of_wrapped_lines_for_a_terminal() -> None:
    shown = settings_table.listing(None, width=80)
    assert max(map(len, shown.splitlines())) <= 80
    assert all(name in shown for name in ("batch_size", "archive_move_days", "glue_version"))
    one = settings_table.listing("batch_window_seconds", width=80)
    assert one.splitlines()[1] == "  batch_window_seconds [900]"
    assert "batch_size" not in one
    assert "Allowed: a whole number from 1 to 900." in one
    with pytest.raises(InputError, match="did you mean 'batch_size'"):
        settings_table.listing("bach_size", width=80)
