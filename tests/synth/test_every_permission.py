"""Each part of each policy is needed: without it, some call of `asked.py` fares otherwise.

Every action, resource, principal and condition of every policy, in both modes of encryption, is
taken away in turn. It is pure evaluation; what the calls are, and which of them are made here, says
`asked.py`. The job's own part is proven where its calls are recorded (tests/jobs).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from operator import attrgetter
from typing import Any

import pytest

from tests.jobs.judged_s3 import policy_of_the_job
from tests.synth import every_stack as stacks
from tests.synth.asked import Asked, Deployment, asked_of, goes_through
from tests.synth.every_stack import ENCRYPTIONS, ENVIRONMENTS
from tests.synth.sample_arns import ACCOUNT, REGION
from tests.synth.synthesized import Policy, Synthesized
from tests.synth.test_github_roles import calls_of
from tools.iam.wildcards import takes_in_action

ANOTHER = "another"
# By name: why a part that nothing needs is there all the same.
NOT_NEEDED = {
    "aws_iam_policy read policy ReadKeyOfCodeAndLogs: "
    f"StringEquals kms:ViaService logs.{REGION}.amazonaws.com": "a plan and a deployment have one "
    "condition, because two would be longer than an attached policy may be",
    "aws_iam_policy read policy ReadTables: "
    f"arn:aws:glue:{REGION}:{ACCOUNT}:userDefinedFunction/burst_ENVIRONMENT/*": "a plan and a "
    "deployment have one list of resources; only deleting a database asks for this one",
}
# Parts of the job's policy that `tests/jobs/test_permissions.py` takes away, by Sid.
OF_THE_JOB = frozenset(
    item["Sid"] for item in json.loads(policy_of_the_job("landing", "lake"))["Statement"]
)


@dataclass(frozen=True)
class Piece:
    """A part of a statement, and the document that lacks it."""

    name: str
    statement: Mapping[str, Any]
    without: str
    condition: str = ""


@dataclass
class Found:
    """Which pieces are needed by calls that are made here, and by those that are made on AWS."""

    pieces: dict[str, set[str]]
    reasons: set[str]

    def unneeded(self) -> set[str]:
        return {name for name, needed_by in self.pieces.items() if not needed_by}


@pytest.fixture(scope="module", params=ENCRYPTIONS)
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def found(mode: str, every_stack: Mapping[str, Synthesized]) -> Found:
    """Every piece of every policy of one mode, with the calls that miss it."""
    pieces: dict[str, set[str]] = {}
    reasons: set[str] = set()
    for deployment, policy in policies(mode, every_stack):
        document = deployment.document(policy)
        # Those that are made here come first, because one that misses a piece is enough.
        asked = sorted(asked_of(deployment, policy), key=lambda one: one.on_aws_only)
        refused = [str(one) for one in asked if goes_through(one, policy, document) != one.allowed]
        assert refused == [], f"{policy} decides otherwise about these"
        reasons |= {one.on_aws_only for one in asked if one.on_aws_only}
        for statement, its_pieces in groupby(
            pieces_of(json.loads(document)), attrgetter("statement")
        ):
            calls = about(statement, asked)
            for piece in its_pieces:
                name = f"{policy} {piece.name}".replace(deployment.name, "ENVIRONMENT")
                pieces.setdefault(name, set()).update(missing(piece, calls, policy, document))
    return Found(pieces, reasons)


def policies(
    mode: str, every_stack: Mapping[str, Synthesized]
) -> Iterator[tuple[Deployment, Policy]]:
    """Every policy of every stack, with the environment that it is part of."""
    seen = set()
    for name in ENVIRONMENTS:
        stack, roles = every_stack[f"{name}, {mode}"], every_stack[f"{name}-github, {mode}"]
        calls = calls_of(stack, name, with_key=mode == "sse-kms")
        ephemeral = "EmptyBuckets" in roles.text
        deployment = Deployment(name, stack, roles, calls, ephemeral=ephemeral)
        for part in (stack, roles):
            seen.add(id(part))
            yield from ((deployment, policy) for policy in part.policies())
    state = every_stack[stacks.STATE]
    yield from ((Deployment("state", state, state, ()), policy) for policy in state.policies())
    known = {key for key in every_stack if key.endswith(f", {mode}")}
    assert len(seen) == len(known), "a stack is not looked at"


def pieces_of(document: Mapping[str, Any]) -> Iterator[Piece]:
    """Every action, resource, principal and condition, and every value of a list of conditions."""
    for number, statement in enumerate(document["Statement"]):
        if statement["Sid"] in OF_THE_JOB:
            continue
        for name, changed, condition in _without_a_part(statement):
            statements = list(document["Statement"])
            statements[number] = changed
            without = json.dumps({**document, "Statement": statements})
            yield Piece(f"{statement['Sid']}: {name}", statement, without, condition)


def _without_a_part(statement: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any], str]]:
    for element in ("Action", "Resource"):
        for value in _list(statement.get(element, [])):
            yield value, {**statement, element: _rest(statement[element], value)}, ""
    principals = statement.get("Principal", {})
    for kind, names in principals.items() if isinstance(principals, dict) else ():
        for name in _list(names):
            rest = {**principals, kind: _rest(names, name)}
            yield name, {**statement, "Principal": rest}, ""
    for operator, pairs in statement.get("Condition", {}).items():
        for key, values in pairs.items():
            rest = {other: value for other, value in pairs.items() if other != key}
            yield (
                f"{operator} {key}",
                {**statement, "Condition": {**statement["Condition"], operator: rest}},
                key,
            )
            for value in values if isinstance(values, list) and len(values) > 1 else ():
                fewer = {**pairs, key: _rest(values, value)}
                changed = {**statement["Condition"], operator: fewer}
                yield f"{operator} {key} {value}", {**statement, "Condition": changed}, ""


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _rest(values: Any, value: Any) -> list[Any]:
    return [other for other in _list(values) if other != value]


def missing(piece: Piece, asked: Sequence[Asked], policy: Policy, document: str) -> Iterator[str]:
    """Why the calls that miss the piece are made on AWS only; "" for one that is made here.

    asked: those that the statement of the piece is about.
    """
    for one in asked:
        fares_otherwise = goes_through(one, policy, piece.without) != one.allowed or any(
            goes_through(other, policy, piece.without) != goes_through(other, policy, document)
            for other in _variants(one, piece.condition)
        )
        if fares_otherwise:
            yield one.on_aws_only
            if not one.on_aws_only:
                return


def about(statement: Mapping[str, Any], asked: Sequence[Asked]) -> list[Asked]:
    """The calls that ask for an action of the statement."""
    actions = _list(statement["Action"])
    return [
        one for one in asked if any(takes_in_action(item, one.request.action) for item in actions)
    ]


def _variants(asked: Asked, condition: str) -> Iterator[Asked]:
    """The same call with another value for the key of a condition."""
    if condition in asked.request.context:
        yield asked.with_context(**{condition: ANOTHER})


def test_every_part_of_every_policy_is_needed(found: Found) -> None:
    assert len(found.pieces) > 300
    listed = {name for name in NOT_NEEDED if name in found.pieces}
    assert found.unneeded() == listed


def test_every_exception_is_part_of_a_policy(every_stack: Mapping[str, Synthesized]) -> None:
    known = {
        f"{policy} {piece.name}".replace(deployment.name, "ENVIRONMENT")
        for deployment, policy in policies("sse-kms", every_stack)
        for piece in pieces_of(json.loads(deployment.document(policy)))
    }
    assert set(NOT_NEEDED) <= known


def test_every_reason_why_only_aws_asks_is_true_of_some_part(found: Found) -> None:
    """A part that only such calls need; else the reason is stale."""
    alone = [needed_by for needed_by in found.pieces.values() if needed_by and "" not in needed_by]
    assert found.reasons - set().union(*alone) == set()


def test_job_of_every_environment_has_the_statements_that_are_proven_where_it_runs(
    every_stack: Mapping[str, Synthesized],
) -> None:
    proven = json.loads(policy_of_the_job("landing", "lake"))["Statement"]
    for stack in every_stack.values():
        for policy in stack.policies():
            if policy.resource.endswith("/job/permission"):
                own = {item["Sid"]: item["Action"] for item in policy.statements}
                assert {item["Sid"]: item["Action"] for item in proven}.items() <= own.items()


def test_policy_that_nobody_has_spoken_for_is_found(
    every_stack: Mapping[str, Synthesized],
) -> None:
    stack = every_stack["dev, sse-s3"]
    deployment = Deployment("dev", stack, stack, ())
    policy = replace(next(stack.policies()), resource="pipeline-orders/new/role")
    with pytest.raises(LookupError, match="pipeline-orders/new/role"):
        asked_of(deployment, policy)
