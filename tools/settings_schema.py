"""The JSON schema of `cdktf.json`, for editors; made from the models of the settings."""

from __future__ import annotations

import json
from typing import Any

from stacks.settings import Environments

FILE = "cdktf.schema.json"
# Filled in from `state_bucket` before the models see them.
_FILLED_IN = {"S3State": ("bucket",)}
# Editors know no `\U`, and Python's own `re` no `\u{...}`.
_LAST_CHARACTER = (r"\U0010ffff", r"\uffff")


def schema() -> dict[str, Any]:
    """The schema. Of what is not ours, such as cdktf's own keys, it says nothing."""
    settings = _for_editors(Environments.model_json_schema())
    definitions = settings.pop("$defs")
    for name, filled_in in _FILLED_IN.items():
        required = definitions[name]["required"]
        definitions[name]["required"] = [one for one in required if one not in filled_in]
    # The context has keys of cdktf as well.
    settings.pop("additionalProperties", None)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Settings of Burst in cdktf.json",
        "type": "object",
        "properties": {"context": settings},
        "$defs": definitions,
    }


def schema_text() -> str:
    """The schema as the text of its file."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def _for_editors(part: Any) -> Any:
    """The part with what is allowed in the description, which editors show."""
    if isinstance(part, list):
        return [_for_editors(item) for item in part]
    if not isinstance(part, dict):
        return part
    found = {key: _for_editors(value) for key, value in part.items()}
    allowed = found.get("allowed")
    if isinstance(allowed, str):
        del found["allowed"]
        found["description"] = f"{found.get('description', '')} Allowed: {allowed}.".strip()
    if isinstance(found.get("pattern"), str):
        found["pattern"] = found["pattern"].replace(*_LAST_CHARACTER)
    # pydantic makes titles of the names, which say nothing more.
    if isinstance(found.get("title"), str):
        del found["title"]
    return found
