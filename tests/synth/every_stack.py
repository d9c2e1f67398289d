"""Every stack that the security bar holds for.

All environments in all modes of encryption, and the state bucket.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from stacks.settings.github import roles_stack
from tests import example
from tests.synth.synthesized import Synthesized

PROJECT_FOLDER = Path(__file__).resolve().parents[2]
Synth = Callable[..., Mapping[str, Synthesized]]

ENCRYPTIONS = ("sse-s3", "sse-kms")


GITHUB = {"repository": "octo-org/octo-repo"}
ACCOUNT = "123456789012"
# Not shipped: an environment whose landing bucket is somebody else's, with CloudTrail's events.
LENT, OWNER = "lent", "444455556666"
ENVIRONMENTS = (*example.environments(), LENT)
STATE = "the state bucket"
NAMES = (
    *(
        f"{stack}, {mode}"
        for mode in ENCRYPTIONS
        for name in ENVIRONMENTS
        for stack in (name, roles_stack(name))
    ),
    STATE,
)


def synthesize(synth: Synth) -> dict[str, Synthesized]:
    """Every environment's stacks by the name that a test shows."""
    return dict(_stacks(synth))


def _stacks(synth: Synth) -> Iterator[tuple[str, Synthesized]]:
    for mode in ENCRYPTIONS:
        shipped = example.environments()
        environments = {name: with_everything(settings) for name, settings in shipped.items()}
        environments[LENT] = _with_a_lent_bucket(shipped["dev"])
        for settings in environments.values():
            settings["encryption"] = mode
        for name, stack in synth(environments).items():
            yield f"{name}, {mode}", stack


def with_everything(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The environment with everything that it may have, and a second pipeline.

    The first pipeline's job must not reach the second one's data.
    """
    changed = copy.deepcopy(dict(settings))
    orders = changed["pipelines"]["orders"]
    neighbour = copy.deepcopy(orders) | {"prefix": "returns/web/", "transform": "orders"}
    orders["producers"] = [f"arn:aws:iam::{ACCOUNT}:role/shop"]
    changed["pipelines"]["web-returns"] = neighbour
    changed["alerts"] = changed.get("alerts", {}) | {"emails": ["night@example.com"]}
    return changed | {
        "state": {"backend": "s3", "bucket": "example-terraform-state"},
        "account_id": ACCOUNT,
        "github": GITHUB,
    }


def _with_a_lent_bucket(settings: Mapping[str, Any]) -> dict[str, Any]:
    changed = with_everything(settings)
    for pipeline in changed["pipelines"].values():
        pipeline.pop("producers", None)
    return changed | {
        "existing_landing": {
            "name": "somebody-elses",
            "versioned": True,
            "events": "cloudtrail",
            "kms_key_arn": f"arn:aws:kms:eu-central-1:{OWNER}:key/"
            "12345678-1234-1234-1234-123456789012",
        }
    }
