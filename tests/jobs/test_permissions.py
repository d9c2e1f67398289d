"""The job's role has every permission that the job asks for, and no permission without a reason.

Runs that die at each of their calls, and the runs that finish them, ask for permissions through
`JudgedS3`. Then every part of the policy is taken away in turn: some request must miss it, or the
part is listed here with the reason why only AWS asks for it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from burst.errors import BurstError

from tests.jobs import test_crashes
from tests.jobs.judged_s3 import JudgedS3, policy_of_the_job
from tests.jobs.one_process import OneProcess, ProcessDied, places_to_die
from tests.jobs.test_crashes import burst, ticking
from tests.jobs.world import World, memory_world
from tools.iam import Request, allows

# Calls come in one order there, so that each number is the same call in every run.
one_thread = test_crashes.one_thread

LARGE_FILES = "files of more than 5 GB are copied in parts, which the stand-in does not know"
S3A = "Glue writes Parquet through S3A; the tests write it themselves"
GLUE = "Glue asks for it, not the job; the sandbox's does"
# By Sid and action (of one resource, where the others are asked for): why only AWS asks for it.
ON_AWS_ONLY = {
    "ReadItsCode s3:GetObject": GLUE,
    "WriteItsLogs logs:CreateLogGroup": "Glue asks for it where the group is missing",
    "WriteItsLogs logs:CreateLogStream": GLUE,
    "WriteItsLogs logs:PutLogEvents": GLUE,
    "PublishMetrics cloudwatch:PutMetricData": "the metrics do not go through S3's client",
    "MoveFilesToArchiveAndQuarantine s3:AbortMultipartUpload": LARGE_FILES,
    "WriteCurated s3:AbortMultipartUpload": S3A,
    "WriteCurated s3:ListMultipartUploadParts": S3A,
    "MarkCuratedFolders s3:PutObject": S3A,
    "LookAfterItsUploads s3:GetBucketLocation": S3A,
    "LookAfterItsUploads s3:ListBucketMultipartUploads": S3A,
    "ListOwnFoldersOfTheLake s3:ListBucket for curated/orders": S3A,
}
# Where curated is a folder of this machine, nothing asks for it in the lake either.
IN_THE_LAKE_ONLY = {
    "WriteCurated s3:GetObject": S3A,
    "WriteCurated s3:PutObject": S3A,
    "WriteCurated s3:DeleteObject": S3A,
    "ListOwnFoldersOfTheLake s3:ListBucket for curated/orders/*": S3A,
}


@dataclass(frozen=True)
class Part:
    """One action, resource or prefix of a statement, and the policy without it."""

    name: str
    without: str

    def is_missed_by(self, request: Request) -> bool:
        return not allows([self.without], request)


@pytest.fixture
def asked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, one_thread: None
) -> tuple[World, list[Request]]:
    """Everything that the job asks for while it dies at each call and is finished, and while
    somebody empties landing under its hands."""
    requests: dict[tuple[str, str, str], Request] = {}
    ask = JudgedS3._ask

    def remember(self: JudgedS3, operation: str, request: Request) -> None:
        key = (request.action, str(request.resource), str(request.context))
        requests[key] = request
        ask(self, operation, request)

    monkeypatch.setattr(JudgedS3, "_ask", remember)
    clean = OneProcess()
    world = _burst(tmp_path / "clean")
    world.drain_plain(clean)
    for place in places_to_die(clean.calls):
        world = _burst(tmp_path / str(place))
        with suppress(ProcessDied):
            world.drain_plain(OneProcess(*place))
        world.drain_plain()
    for number in range(1, len(clean.calls) + 1):
        world = _burst(tmp_path / f"{number} emptied")
        with suppress(BurstError):
            world.drain_plain(OneProcess(on_call=_emptying(world, at=number)))
    return world, list(requests.values())


def test_every_part_of_the_policy_is_needed_or_has_a_reason(
    asked: tuple[World, list[Request]],
) -> None:
    world, requests = asked
    policy = policy_of_the_job(world.landing, world.lake)
    assert [request for request in requests if not allows([policy], request)] == []
    unasked = {
        part.name for part in parts(json.loads(policy)) if not any(map(part.is_missed_by, requests))
    }
    silent = {part.split()[0] for part in unasked} - {
        part.name.split()[0] for part in parts(json.loads(policy)) if part.name not in unasked
    }
    # A statement that nothing asks for is listed by its actions; its resources follow.
    unasked = {name for name in unasked if " on " not in name or name.split()[0] not in silent}
    in_a_folder = world.arguments().curated_uri.startswith("file:")
    assert unasked == {*ON_AWS_ONLY, *(IN_THE_LAKE_ONLY if in_a_folder else ())}


def _emptying(world: World, *, at: int) -> Callable[[int], None]:
    def empty(number: int) -> None:
        if number == at:
            for key, version in world.versions_in_landing():
                world.s3.delete_object(Bucket=world.landing, Key=key, VersionId=version)

    return empty


def _burst(folder: Path) -> World:
    return burst(ticking(memory_world(folder))).world


def parts(document: dict[str, Any]) -> Iterator[Part]:
    """Every action, every resource of several and every prefix of several, with the policy that
    lacks it."""
    for number, statement in enumerate(document["Statement"]):
        for action in statement["Action"]:
            name = f"{statement['Sid']} {action}"
            yield Part(name, _with(document, number, _without_action(statement, action)))
        resources = statement["Resource"]
        for resource in resources if len(resources) > 1 else ():
            rest = [other for other in resources if other != resource]
            name = f"{statement['Sid']} on {resource}"
            yield Part(name, _with(document, number, {**statement, "Resource": rest}))
        for operator, pairs in statement.get("Condition", {}).items():
            for key, values in pairs.items():
                if isinstance(values, list) and key == "s3:prefix":
                    for value in values:
                        others = {key: [other for other in values if other != value]}
                        changed = {**statement, "Condition": {operator: others}}
                        name = f"{statement['Sid']} {statement['Action'][0]} for {value}"
                        yield Part(name, _with(document, number, changed))


def _without_action(statement: dict[str, Any], action: str) -> dict[str, Any]:
    return {**statement, "Action": [other for other in statement["Action"] if other != action]}


def _with(document: dict[str, Any], number: int, statement: dict[str, Any]) -> str:
    statements = list(document["Statement"])
    statements[number] = statement
    return json.dumps({**document, "Statement": statements})
