"""Settings of an environment whose landing bucket is somebody else's."""

from __future__ import annotations

from typing import Any

from tests import example

LENT = "uploads-of-the-shop"


def environment(**existing: Any) -> dict[str, Any]:
    """The example's environment `dev` with an existing landing bucket."""
    dev: dict[str, Any] = example.environments()["dev"]
    return dev | {"existing_landing": {"name": LENT, "versioned": True, **existing}}
