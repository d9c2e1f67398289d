"""Each link by itself: what breaks it, what is not known, and what a reader is told."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.operate.checking.facts import (
    DENIED,
    JOB,
    ORDERS,
    QUEUE,
    RULE,
    SOUND,
    SWEEP,
    TARGET,
    TOPIC,
    TRIGGER,
    but,
)
from tools.operate.checking.alert_links import alerting
from tools.operate.checking.facts import AlertRule, Target
from tools.operate.checking.findings import Finding, Verdict
from tools.operate.checking.links import chain
from tools.operate.refusals import Unavailable
from tools.operate.routing import DeadLetter

REFUSED = Unavailable("Access denied: these credentials lack the permission x:Y.")
LETTER = DeadLetter("1", "r", "NO_PERMISSIONS", "No glue:notifyEvent.", "orders/a.csv")
KEY = "arn:aws:kms:eu-central-1:123456789012:key/1"
# A pipeline whose setting `sweep` is on.
SWEPT = but(ORDERS, sweep_rule_name="burst-dev-orders-sweep")
OTHERS_TARGET = Target("arn:aws:glue:eu-central-1:123456789012:workflow/other", TARGET.role_arn)


def by_link(findings: Any) -> dict[str, Finding]:
    return {finding.link: finding for finding in findings}


def test_sound_deployment_has_no_finding_that_is_not_seen() -> None:
    findings = [*chain(SOUND), *alerting(TOPIC, [ORDERS])]
    assert [f.link for f in findings if f.verdict is not Verdict.SEEN] == ["sweep"]
    assert by_link(findings)["sweep"].detail == "The setting `sweep` is off."


@pytest.mark.parametrize(
    ("changes", "link", "what"),
    [
        ({"versioning": "Suspended"}, "versioning", "not Enabled (it is Suspended)"),
        ({"notified": False}, "notification", "sends no events to EventBridge"),
        ({"rule": None}, "rule", "does not exist (aws_cloudwatch_event_rule)"),
        ({"rule": but(RULE, state="DISABLED")}, "rule", "disabled it by hand"),
        (
            {"rule": but(RULE, state="DISABLED"), "pipeline": but(ORDERS, paused=True)},
            "rule",
            "`burst resume dev orders`",
        ),
        ({"matches": False}, "pattern", "does not match an upload of orders/burst-check-good.csv"),
        ({"rule": but(RULE, targets=())}, "target", "has no target"),
        ({"rule": but(RULE, targets=(OTHERS_TARGET,))}, "target", "and not the workflow burst-dev"),
        ({"rule": but(RULE, targets=(but(TARGET, role_arn=None),))}, "target", "has no role"),
        ({"events_role": None}, "events-role", "burst-dev-orders-events of the target does not"),
        (
            {"events_role": but(SOUND.events_role, trust=SOUND.job_role.trust)},
            "events-role",
            "does not let EventBridge assume it",
        ),
        (
            {"events_role": but(SOUND.events_role, denied=((DENIED, "implicitDeny"),))},
            "events-role",
            "does not allow s3:PutObject on arn:aws:s3:::lake/archive/x (to archive files)",
        ),
        ({"queue": None}, "dead-letter-queue", "does not exist (aws_sqs_queue)"),
        ({"queue": but(QUEUE, policy=None)}, "dead-letter-queue", "what cannot be delivered is"),
        (
            {"rule": but(RULE, targets=(but(TARGET, dead_letter_arn=None),))},
            "dead-letter-queue",
            "does not name the dead-letter queue",
        ),
        (
            {"queue": but(QUEUE, key_arn=KEY, key_policy='{"Statement": []}')},
            "dead-letter-queue",
            f"The policy of the key {KEY} does not let events.amazonaws.com use it",
        ),
        (
            {"queue": but(QUEUE, depth=2, letters=(LETTER, LETTER))},
            "undelivered",
            "2 events are in the dead-letter queue. EventBridge could not deliver to the workflow "
            "(NO_PERMISSIONS): No glue:notifyEvent.",
        ),
        ({"workflow": False}, "workflow", "no workflow burst-dev-orders"),
        ({"trigger": None}, "trigger", "The trigger burst-dev-orders-batch does not exist"),
        ({"trigger": but(TRIGGER, workflow="")}, "trigger", "belongs to the workflow (none)"),
        ({"trigger": but(TRIGGER, state="DEACTIVATED")}, "trigger", "events start nothing"),
        ({"trigger": but(TRIGGER, kind="ON_DEMAND")}, "trigger", "of type ON_DEMAND and not EVENT"),
        ({"trigger": but(TRIGGER, jobs=("x",))}, "trigger", "starts x and not the job"),
        ({"job": None}, "job", "There is no job burst-dev-orders"),
        ({"job": but(JOB, queuing=False)}, "job", "do not queue"),
        ({"job": but(JOB, concurrent_runs=2)}, "job", "may have 2 runs at once"),
        ({"job": but(JOB, reads=Unavailable("Unreadable."))}, "job", "Unreadable."),
        ({"job": but(JOB, missing_code=("s3://lake/x.py",))}, "code", "no object s3://lake/x.py"),
        ({"job_role": None}, "job-role", "burst-dev-orders-job of the job does not exist"),
        (
            {"job_role": but(SOUND.job_role, trust=SOUND.events_role.trust)},
            "job-role",
            "does not let Glue assume it",
        ),
        (
            {"job_role": but(SOUND.job_role, denied=((DENIED, "explicitDeny"),) * 5)},
            "job-role",
            " and 2 more, says the simulator of IAM",
        ),
        ({"log_groups": {"/burst/dev/orders/error": False}}, "log-groups", "orders/error does not"),
        ({"pipeline": SWEPT, "sweep": None}, "sweep", "burst-dev-orders-sweep does not exist"),
        ({"pipeline": SWEPT, "sweep": but(SWEEP, state="DISABLED")}, "sweep", "is DISABLED"),
        (
            {"pipeline": SWEPT, "sweep": but(SWEEP, targets=(OTHERS_TARGET,))},
            "sweep",
            "and not the workflow burst-dev-orders",
        ),
    ],
)
def test_broken_link_is_named(changes: dict[str, Any], link: str, what: str) -> None:
    finding = by_link(chain(but(**changes)))[link]
    assert finding.verdict is Verdict.NOT_SEEN
    assert what in finding.detail


@pytest.mark.parametrize(
    ("changes", "link"),
    [
        ({"versioning": REFUSED}, "versioning"),
        ({"notified": REFUSED}, "notification"),
        ({"rule": REFUSED}, "rule"),
        ({"matches": REFUSED}, "pattern"),
        ({"events_role": REFUSED}, "events-role"),
        ({"events_role": but(SOUND.events_role, asked=REFUSED)}, "events-role"),
        ({"queue": REFUSED}, "dead-letter-queue"),
        ({"queue": but(QUEUE, key_arn=KEY, key_policy=REFUSED)}, "dead-letter-queue"),
        ({"queue": REFUSED}, "undelivered"),
        ({"workflow": REFUSED}, "workflow"),
        ({"trigger": REFUSED}, "trigger"),
        ({"job": REFUSED}, "job"),
        ({"job": but(JOB, missing_code=REFUSED)}, "code"),
        ({"job_role": REFUSED}, "job-role"),
        ({"log_groups": REFUSED}, "log-groups"),
        ({"pipeline": SWEPT, "sweep": REFUSED}, "sweep"),
    ],
)
def test_what_aws_does_not_tell_is_not_tried_with_its_reason(
    changes: dict[str, Any], link: str
) -> None:
    finding = by_link(chain(but(**changes)))[link]
    assert finding.verdict is Verdict.NOT_TRIED
    assert REFUSED.reason in finding.detail


def test_only_what_keeps_files_from_being_loaded_breaks() -> None:
    everything = but(
        versioning="Suspended",
        notified=False,
        rule=None,
        matches=False,
        events_role=None,
        queue=None,
        workflow=False,
        trigger=None,
        job=None,
        job_role=None,
        log_groups={"x": False},
        pipeline=SWEPT,
    )
    kept = {finding.link for finding in chain(everything) if not finding.breaks}
    # Without a rule there is no target to look at, and without a job no code.
    assert kept == {"target", "dead-letter-queue", "undelivered", "code", "log-groups", "sweep"}


def test_policy_that_the_evaluator_does_not_know_is_not_guessed_about() -> None:
    trust = {
        "Statement": {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": {"DateLessThan": {"aws:CurrentTime": "2030-01-01T00:00:00Z"}},
        }
    }
    finding = by_link(chain(but(events_role=but(SOUND.events_role, trust=trust))))["events-role"]
    assert finding.verdict is Verdict.NOT_TRIED
    assert "DateLessThan is not known here" in finding.detail


def test_rule_on_a_trail_needs_no_notification() -> None:
    trail = but(RULE, pattern='{"detail-type": ["AWS API Call via CloudTrail"]}')
    finding = by_link(chain(but(rule=trail, notified=False)))["notification"]
    assert finding.verdict is Verdict.NOT_TRIED


# ---- alerts ------------------------------------------------------------------------------------


def only_for(service: str) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sns:Publish",
        "Resource": TOPIC.arn,
    }
    return json.dumps({"Statement": [statement]})


@pytest.mark.parametrize(
    ("topic", "link", "verdict", "what"),
    [
        (None, "topic", Verdict.NOT_SEEN, "does not exist"),
        (REFUSED, "topic", Verdict.NOT_TRIED, "lack the permission"),
        (
            but(TOPIC, policy=only_for("cloudwatch.amazonaws.com")),
            "topic",
            Verdict.NOT_SEEN,
            "does not let events.amazonaws.com publish",
        ),
        (
            but(TOPIC, policy=only_for("events.amazonaws.com")),
            "topic",
            Verdict.NOT_SEEN,
            "does not let cloudwatch.amazonaws.com publish",
        ),
        (
            but(TOPIC, key_arn=KEY, key_policy='{"Statement": []}'),
            "topic",
            Verdict.NOT_SEEN,
            "use it for the topic",
        ),
        (but(TOPIC, pending=2), "subscriptions", Verdict.NOT_SEEN, "2 subscriptions are not"),
        (but(TOPIC, confirmed=0), "subscriptions", Verdict.NOT_TRIED, "Nobody is subscribed"),
        (but(TOPIC, rules={}), "alert-rule", Verdict.NOT_SEEN, "No rule that sends to the topic"),
        (
            but(TOPIC, rules={"r": AlertRule("DISABLED", frozenset({"orders"}), quarantine=False)}),
            "alert-rule",
            Verdict.NOT_SEEN,
            "The rule r is DISABLED",
        ),
        (but(TOPIC, rules=REFUSED), "alert-rule", Verdict.NOT_TRIED, "lack the permission"),
        (but(TOPIC, alarms={}), "alarms", Verdict.NOT_TRIED, "`alerts.alarms` is off"),
        (but(TOPIC, alarms=REFUSED), "alarms", Verdict.NOT_TRIED, "lack the permission"),
    ],
)
def test_alert_that_would_not_arrive_is_named(
    topic: Any, link: str, verdict: Verdict, what: str
) -> None:
    finding = by_link(alerting(topic, [ORDERS]))[link]
    assert finding.verdict is verdict
    assert what in finding.detail
