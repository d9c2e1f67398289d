"""checkov finds nothing in any stack but what is accepted here, with the reason."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.checkov import scanner
from tests.checkov.scanner import Finding, Report, scan
from tests.synth.every_stack import NAMES, STATE
from tests.synth.synthesized import Synthesized


@dataclass(frozen=True)
class Accepted:
    """Checks that these resources may fail (a pattern of their constructs' paths), and why."""

    checks: frozenset[str]
    resources: str
    reason: str

    def covers(self, finding: Finding) -> bool:
        return finding.check in self.checks and bool(re.fullmatch(self.resources, finding.resource))


ACCEPTED = (
    Accepted(
        frozenset({"CKV_AWS_144"}),
        "(landing|lake|trail/logs|state)/bucket",
        "A copy of every byte in a second region doubles the price of storage and asks for a "
        "second region that the environment does not have. Old versions are kept, S3 itself "
        "stores each object in three zones, and curated can be made again from the archive.",
    ),
    Accepted(
        frozenset({"CKV_AWS_18"}),
        "(landing|lake|trail/logs|state)/bucket",
        "S3 delivers server access logs on a best effort, to a further bucket that takes no "
        "customer's key. Who touched which object is in CloudTrail's data events, complete, which "
        "a company records for all of its buckets in one place and not for each stack.",
    ),
    Accepted(
        frozenset({"CKV2_AWS_62"}),
        "(trail/logs|state)/bucket",
        "EventBridge bills the events of a bucket one by one, so a bucket sends them only where "
        "somebody listens. Nobody listens to a trail's files or to a state.",
    ),
)
# Only of an environment with a trail, which carries events to the bus and is no audit trail.
ACCEPTED_OF_THE_TRAIL = (
    Accepted(
        frozenset({"CKV_AWS_67", "CKV_AWS_252", "CKV2_AWS_10"}),
        "trail/trail",
        "It logs new objects of one bucket, which is in one region, so that EventBridge gets them. "
        "Its files are a by-product that nobody waits for: neither a topic nor a log group.",
    ),
)

# What the mode sse-s3 does without, by definition: a customer's key. That the same resources have
# it in sse-kms is what the stacks of that mode show. A state bucket has none in either mode: its
# key would have to be there before any state is.
ASK_FOR_A_CUSTOMER_KEY = {
    # SNS's own key lets neither EventBridge nor an alarm publish (Amazon SNS developer guide, "Key
    # management"), so a topic has a customer's key or none.
    "CKV_AWS_26": "topic",
    "CKV_AWS_35": "trail",
    "CKV_AWS_145": "bucket",
    "CKV_AWS_158": "log group",
    "CKV_AWS_195": "Glue security configuration, which only holds keys",
}
WITHOUT_A_KEY = ("sse-s3", STATE)


@pytest.fixture(scope="module")
def python() -> Path:
    found = scanner.python()
    if found is None:
        pytest.skip(scanner.MISSING)
    return found


PUBLIC = "a bucket that anybody could make public"


@pytest.fixture(scope="module")
def reports(
    python: Path, every_stack: Mapping[str, Synthesized], tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, Report]:
    """What checkov says of every stack, by the stack's name, and of a bad one."""
    stacks = {
        **every_stack,
        PUBLIC: anybody_could_make_public(every_stack[NAMES[0]], tmp_path_factory.mktemp("public")),
    }
    return dict(zip(stacks, scan(python, list(stacks.values())), strict=True))


def anybody_could_make_public(stack: Synthesized, folder: Path) -> Synthesized:
    document = copy.deepcopy(stack.document)
    for guard in document["resource"]["aws_s3_bucket_public_access_block"].values():
        guard["block_public_acls"] = False
    (folder / "cdk.tf.json").write_text(json.dumps(document, indent=2), encoding="utf-8")
    return Synthesized.read(folder)


@pytest.mark.parametrize("name", NAMES)
def test_checkov_finds_nothing_but_what_is_accepted(
    reports: Mapping[str, Report], name: str
) -> None:
    report = reports[name]
    assert report.passed > 15
    unexpected = [
        f"{finding.check} {finding.resource}: {title}"
        for finding, title in report.findings.items()
        if not any(item.covers(finding) for item in (*ACCEPTED, *ACCEPTED_OF_THE_TRAIL))
        and not (name.endswith(WITHOUT_A_KEY) and finding.check in ASK_FOR_A_CUSTOMER_KEY)
    ]
    assert "\n".join(unexpected) == ""


def test_no_accepted_finding_is_stale_and_there_are_three_at_most(
    reports: Mapping[str, Report],
) -> None:
    found = {finding for name in NAMES for finding in reports[name].findings}
    for accepted in (*ACCEPTED, *ACCEPTED_OF_THE_TRAIL):
        failed = {finding.check for finding in found if accepted.covers(finding)}
        assert failed == accepted.checks, "a check that nothing fails any more"
    assert set(ASK_FOR_A_CUSTOMER_KEY) <= {finding.check for finding in found}
    assert len(ACCEPTED) <= 3


def test_checkov_sees_a_bucket_that_anybody_could_make_public(
    reports: Mapping[str, Report],
) -> None:
    """A linter that reads nothing finds nothing: this one reads."""
    assert Finding("CKV_AWS_53", "landing/public-access") in reports[PUBLIC].findings
