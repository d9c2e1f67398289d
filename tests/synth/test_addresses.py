"""The addresses of resources are in people's Terraform states: none may change or go unseen."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from tests.synth.synthesized import Synthesized

ADDRESSES = Path(__file__).with_name("addresses.json")


def addresses(stack: Synthesized) -> list[str]:
    """Every resource and data source of a stack, as Terraform's state names it."""
    parts = {"": stack.document.get("resource", {}), "data.": stack.document.get("data", {})}
    return sorted(
        f"{part}{kind}.{name}"
        for part, kinds in parts.items()
        for kind, resources in kinds.items()
        for name in resources
    )


def test_every_resource_keeps_its_address(every_stack: Mapping[str, Synthesized]) -> None:
    """A resource that is meant to move needs a `moved` block; then write the file again:
    `pipenv run python -m tests.synth.snapshot addresses`."""
    recorded = json.loads(ADDRESSES.read_text(encoding="utf-8"))
    assert {name: addresses(stack) for name, stack in every_stack.items()} == recorded
