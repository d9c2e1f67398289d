"""Settings of an environment whose landing bucket is somebody else's."""

from __future__ import annotations

import json
from typing import Any

from tests.synth.every_stack import PROJECT_FOLDER

LENT = "uploads-of-the-shop"


def environment(**existing: Any) -> dict[str, Any]:
    """The shipped environment `dev` with an existing landing bucket."""
    document = json.loads((PROJECT_FOLDER / "cdktf.json").read_text(encoding="utf-8"))
    dev: dict[str, Any] = document["context"]["environments"]["dev"]
    return dev | {"existing_landing": {"name": LENT, "versioned": True, **existing}}
