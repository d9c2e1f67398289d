"""No permission that a stack of ours has from its first deployment on counts as wide."""

from __future__ import annotations

import json
from collections.abc import Mapping

from tests.synth.every_stack import ACCOUNT
from tests.synth.synthesized import Synthesized
from tests.unit.review.plans import document, resource
from tools.review.dangers import Kind
from tools.review.reading import read_plan
from tools.review.review import review

CALLER = {
    "address": "data.aws_caller_identity.current",
    "mode": "data",
    "values": {"account_id": ACCOUNT},
}


def test_first_deployment_of_any_stack_has_no_wide_permission(
    every_stack: Mapping[str, Synthesized],
) -> None:
    found = {}
    for name, stack in every_stack.items():
        changes = [
            resource(kind, None, attributes, name=own)
            for kind, named in stack.document["resource"].items()
            for own, attributes in named.items()
        ]
        state = {"values": {"root_module": {"resources": [CALLER]}}}
        shown = json.dumps(document(*changes, prior_state=state)).encode()
        plan, _ = read_plan(shown, source="plan.json")
        found[name] = [
            (danger.subject.address, danger.where, danger.consequence)
            for danger in review(plan).dangers
            if danger.kind is Kind.PERMISSIONS
        ]
    assert {name: wide for name, wide in found.items() if wide} == {}
