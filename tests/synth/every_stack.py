"""Every stack that the security bar holds for.

All environments in all modes of encryption, and the state bucket.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.synth.synthesized import Synthesized

PROJECT_FOLDER = Path(__file__).resolve().parents[2]
Synth = Callable[..., Mapping[str, Synthesized]]

ENCRYPTIONS = ("sse-s3", "sse-kms")


def shipped_environments() -> dict[str, Any]:
    """The environments of `cdktf.json`, as plain data."""
    document = json.loads((PROJECT_FOLDER / "cdktf.json").read_text(encoding="utf-8"))
    environments: dict[str, Any] = document["context"]["environments"]
    return environments


ENVIRONMENTS = tuple(shipped_environments())
STATE = "the state bucket"
NAMES = (*(f"{name}, {mode}" for mode in ENCRYPTIONS for name in ENVIRONMENTS), STATE)


def synthesize(synth: Synth) -> dict[str, Synthesized]:
    """Every environment's stacks by the name that a test shows."""
    return dict(_stacks(synth))


def _stacks(synth: Synth) -> Iterator[tuple[str, Synthesized]]:
    for mode in ENCRYPTIONS:
        environments = {
            name: _with_a_neighbour(settings)  # encryption
            for name, settings in shipped_environments().items()
        }
        for name, stack in synth(environments).items():
            yield f"{name}, {mode}", stack


def _with_a_neighbour(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The environment with a second pipeline, whose data the first one's job must not reach."""
    changed = copy.deepcopy(dict(settings))
    neighbour = copy.deepcopy(changed["pipelines"]["orders"])
    changed["pipelines"]["web-returns"] = neighbour | {
        "prefix": "returns/web/",
        "transform": "orders",
    }
    return changed
