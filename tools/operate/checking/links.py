"""The chain from the landing bucket to the rows, link by link, decided on facts alone.

Each link is a promise. Where one is not seen, its reason names the part that is broken and what to
do. The order is that of a file's way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from tools.iam import (
    Identity,
    Principal,
    Request,
    decide,
)
from tools.iam import eventbridge as may
from tools.operate.checking.facts import (
    JobFacts,
    PipelineFacts,
    Place,
    Queue,
    RoleFacts,
    Rule,
    Trigger,
    is_about_cloudtrail,
)
from tools.operate.checking.findings import Finding, Promise, Verdict
from tools.operate.checking.verdicts import evaluated, key_allows, key_refuses, without
from tools.operate.deployment import DeployedPipeline
from tools.operate.refusals import Unavailable
from tools.operate.words import count

GLUE = Principal.service("glue.amazonaws.com")
# A trigger in another state starts nothing (Glue API reference, Trigger, State).
LISTENS = frozenset({"CREATED", "ACTIVATED"})
SHOWN_CALLS = 3


def chain(facts: PipelineFacts) -> tuple[Finding, ...]:
    """Every link of one pipeline, in the order of a file's way."""
    return (
        _versioning(facts),
        _notification(facts),
        _rule(facts),
        _pattern(facts),
        _target(facts),
        _events_role(facts),
        _queue_policy(facts),
        _undelivered(facts),
        _workflow(facts),
        _trigger(facts),
        _job(facts),
        _code(facts),
        _job_role(facts),
        _log_groups(facts),
        *_sweep(facts),
    )


# ---- landing ---------------------------------------------------------------------------------


def _versioning(facts: PipelineFacts) -> Finding:
    promise = _stops(facts, "versioning", "The landing bucket keeps every version of a file")
    if isinstance(facts.versioning, Unavailable):
        return promise.not_tried(facts.versioning.reason)
    if facts.versioning == "Enabled":
        return promise.seen()
    return promise.not_seen(
        f"Versioning of {facts.landing_bucket} is not Enabled (it is {facts.versioning}), so every "
        "run stops: enable it, or apply the stack."
    )


def _notification(facts: PipelineFacts) -> Finding:
    promise = _stops(facts, "notification", "The landing bucket sends its events to EventBridge")
    rule = facts.rule
    if isinstance(rule, Rule) and rule.pattern and is_about_cloudtrail(rule.pattern):
        return promise.not_tried("The rule listens to a CloudTrail trail and not to the bucket.")
    if isinstance(facts.notified, Unavailable):
        return promise.not_tried(facts.notified.reason)
    if facts.notified:
        return promise.seen()
    return promise.not_seen(
        f"The landing bucket {facts.landing_bucket} sends no events to EventBridge: EventBridge is "
        "not switched on in its notification configuration (aws_s3_bucket_notification). Apply the "
        "stack, or ask the owner of the bucket."
    )


# ---- EventBridge -----------------------------------------------------------------------------


def _rule(facts: PipelineFacts) -> Finding:
    promise = _stops(facts, "rule", f"The rule {facts.pipeline.rule_name} is enabled")
    rule = facts.rule
    if not isinstance(rule, Rule):
        return without(
            promise,
            rule,
            f"The rule {facts.pipeline.rule_name} does not exist (aws_cloudwatch_event_rule): "
            "apply the stack.",
        )
    if rule.state == "ENABLED":
        return promise.seen()
    where = f"{facts.environment} {facts.pipeline.name}"
    if facts.pipeline.paused:
        return promise.not_seen(
            f"The rule {rule.name} is {rule.state}: the pipeline is paused by its setting. `burst "
            f"resume {where}` says how to go on."
        )
    return promise.not_seen(
        f"The rule {rule.name} is {rule.state}, though the setting is not paused: somebody "
        "disabled it by hand. The next apply enables it."
    )


def _pattern(facts: PipelineFacts) -> Finding:
    promise = _stops(facts, "pattern", "The rule's pattern takes the pipeline's files")
    if isinstance(facts.matches, Unavailable):
        return promise.not_tried(facts.matches.reason)
    if facts.matches:
        return promise.seen(f"It matches the upload of {facts.probe_key}.")
    pattern = facts.rule.pattern if isinstance(facts.rule, Rule) else ""
    return promise.not_seen(
        f"The pattern of the rule {facts.pipeline.rule_name} does not match an upload of "
        f"{facts.probe_key} to {facts.landing_bucket}: it is {pattern}. Apply the stack."
    )


def _target(facts: PipelineFacts) -> Finding:
    promise = _stops(facts, "target", "The rule hands its events to the workflow")
    if not isinstance(facts.rule, Rule):
        return promise.not_tried("There is no rule.")
    return promise.holds_unless(list(target_problems(facts.rule, facts.pipeline.workflow_name)))


def target_problems(rule: Rule, workflow: str) -> Iterator[str]:
    """What is wrong with the targets of a rule."""
    if not rule.targets:
        yield f"The rule {rule.name} has no target (aws_cloudwatch_event_target): apply the stack."
    for target in rule.targets:
        if target.arn.rpartition(":")[2] != f"workflow/{workflow}":
            yield (
                f"The target of the rule {rule.name} is {target.arn} and not the workflow "
                f"{workflow} (aws_cloudwatch_event_target): apply the stack."
            )
        elif not target.role_arn:
            yield f"The target {target.arn} of the rule {rule.name} has no role: apply the stack."


def _events_role(facts: PipelineFacts) -> Finding:
    promise = _stops(facts, "events-role", "EventBridge may start the workflow")
    role = facts.events_role
    if not isinstance(role, RoleFacts):
        return without(promise, role, f"{_named_role(facts.rule)} does not exist: apply the stack.")
    account = role.arn.split(":")[4]
    return _role(promise, role, "EventBridge", lambda: may.may_assume(role.trust, account))


def _named_role(rule: Rule | Unavailable | None) -> str:
    targets = rule.targets if isinstance(rule, Rule) else ()
    name = next((target.role_arn for target in targets if target.role_arn), "")
    return f"The role {name} of the target"


def _queue_policy(facts: PipelineFacts) -> Finding:
    promise = Promise(
        facts.pipeline.name, "dead-letter-queue", "Undelivered events are kept in a queue"
    )
    queue, rule = facts.queue, facts.rule
    if not isinstance(queue, Queue):
        return without(
            promise,
            queue,
            f"The dead-letter queue {facts.pipeline.dead_letter_queue_url} does not exist "
            "(aws_sqs_queue): apply the stack.",
        )
    if not isinstance(rule, Rule):
        return promise.not_tried("There is no rule that could send there.")
    unnamed = [target for target in rule.targets if target.dead_letter_arn != queue.arn]
    if unnamed:
        return promise.not_seen(
            f"The target of the rule {rule.name} does not name the dead-letter queue {queue.arn}: "
            "apply the stack."
        )
    return evaluated(promise, lambda: list(_queue_problems(queue, rule)))


def _queue_problems(queue: Queue, rule: Rule) -> Iterator[str]:
    context = may.sending_context(rule.arn, Place.of(rule.arn).account_id)
    if queue.policy is None or not may.may_send(queue.arn, queue.policy, context):
        yield (
            f"The policy of the dead-letter queue {queue.arn} does not let events.amazonaws.com "
            f"send for the rule {rule.name} (aws_sqs_queue_policy): what cannot be delivered is "
            "lost. Apply the stack."
        )
    elif not key_allows(queue.key_arn, queue.key_policy, context):
        yield key_refuses(queue.key_arn, "the dead-letter queue")


def _undelivered(facts: PipelineFacts) -> Finding:
    promise = Promise(facts.pipeline.name, "undelivered", "Every event was delivered")
    queue = facts.queue
    if not isinstance(queue, Queue):
        return without(promise, queue, "There is no dead-letter queue.")
    if not queue.depth:
        return promise.seen("The dead-letter queue is empty.")
    return promise.not_seen(
        f"{count(queue.depth, 'event is', 'events are')} in the dead-letter queue. "
        f"{' '.join(letter_reasons(queue))} Correct the cause, then `burst redeliver "
        f"{facts.environment}`."
    )


def letter_reasons(queue: Queue) -> Iterator[str]:
    """Why events were not delivered, each reason once, the most frequent first."""
    if isinstance(queue.letters, Unavailable):
        yield queue.letters.reason
        return
    reasons = Counter((letter.error_code, letter.error_message) for letter in queue.letters)
    for (code, message), _ in reasons.most_common():
        yield f"EventBridge could not deliver to the workflow ({code}): {message}"


def _sweep(facts: PipelineFacts) -> Iterator[Finding]:
    name = facts.pipeline.sweep_rule_name
    promise = Promise(facts.pipeline.name, "sweep", "The sweep finds files whose event is lost")
    if not name:
        yield promise.not_tried("The setting `sweep` is off.")
    elif not isinstance(facts.sweep, Rule):
        yield without(promise, facts.sweep, f"The rule {name} does not exist: apply the stack.")
    elif facts.sweep.state != "ENABLED":
        yield promise.not_seen(
            f"The rule {name} is {facts.sweep.state}: the next apply enables it."
        )
    else:
        yield promise.holds_unless(
            list(target_problems(facts.sweep, facts.pipeline.workflow_name)),
            "Its rule is enabled and leads to the workflow.",
        )


# ---- Glue ------------------------------------------------------------------------------------


def _workflow(facts: PipelineFacts) -> Finding:
    name = facts.pipeline.workflow_name
    promise = _stops(facts, "workflow", f"The workflow {name} exists")
    if isinstance(facts.workflow, Unavailable):
        return promise.not_tried(facts.workflow.reason)
    if facts.workflow:
        return promise.seen()
    return promise.not_seen(f"There is no workflow {name} (aws_glue_workflow): apply the stack.")


def _trigger(facts: PipelineFacts) -> Finding:
    promise = _stops(facts, "trigger", "Its trigger starts the job")
    trigger = facts.trigger
    if not isinstance(trigger, Trigger):
        return without(
            promise,
            trigger,
            f"The trigger {facts.pipeline.trigger_name} does not exist (aws_glue_trigger): apply "
            "the stack.",
        )
    return promise.holds_unless(
        list(_trigger_problems(trigger, facts.pipeline)),
        f"After {count(trigger.batch_size, 'event')} or {count(trigger.window, 'second')}.",
    )


def _trigger_problems(trigger: Trigger, pipeline: DeployedPipeline) -> Iterator[str]:
    if trigger.workflow != pipeline.workflow_name:
        yield (
            f"The trigger {trigger.name} belongs to the workflow {trigger.workflow or '(none)'} "
            f"and not to {pipeline.workflow_name} (aws_glue_trigger): apply the stack."
        )
    if trigger.kind != "EVENT":
        yield f"The trigger {trigger.name} is of type {trigger.kind} and not EVENT."
    if trigger.state not in LISTENS:
        yield (
            f"The trigger {trigger.name} is {trigger.state}, so events start nothing. Destroy it "
            "and apply the stack: the state of an EVENT trigger cannot be changed back."
        )
    if pipeline.job_name not in trigger.jobs:
        started = ", ".join(filter(None, trigger.jobs)) or "nothing"
        yield f"The trigger {trigger.name} starts {started} and not the job {pipeline.job_name}."


def _job(facts: PipelineFacts) -> Finding:
    promise = _stops(facts, "job", f"The job {facts.pipeline.job_name} exists, one run at a time")
    job = facts.job
    if not isinstance(job, JobFacts):
        return without(
            promise,
            job,
            f"There is no job {facts.pipeline.job_name} (aws_glue_job): apply the stack.",
        )
    problems = []
    if job.concurrent_runs != 1:
        problems.append(
            f"The job {job.name} may have {job.concurrent_runs} runs at once, and not one."
        )
    if not job.queuing:
        problems.append(f"Runs of the job {job.name} do not queue: a second one would fail.")
    if isinstance(job.reads, Unavailable):
        problems.append(job.reads.reason)
    return promise.holds_unless(problems)


def _code(facts: PipelineFacts) -> Finding:
    promise = _stops(facts, "code", "The job's code is in the lake")
    job = facts.job
    if not isinstance(job, JobFacts):
        return promise.not_tried("There is no job.")
    if isinstance(job.missing_code, Unavailable):
        return promise.not_tried(job.missing_code.reason)
    return promise.holds_unless(
        [f"There is no object {uri}: apply the stack." for uri in job.missing_code]
    )


def _job_role(facts: PipelineFacts) -> Finding:
    promise = _stops(facts, "job-role", "The job may do what it must")
    role = facts.job_role
    if not isinstance(role, RoleFacts):
        name = facts.job.role if isinstance(facts.job, JobFacts) else ""
        return without(
            promise, role, f"The role {name} of the job does not exist: apply the stack."
        )

    def assumable() -> bool:
        request = Request("sts:AssumeRole", context={"aws:SourceAccount": role.arn.split(":")[4]})
        return decide(request, Identity(GLUE), resource_policy=role.trust).allowed

    return _role(promise, role, "Glue", assumable)


def _log_groups(facts: PipelineFacts) -> Finding:
    promise = Promise(facts.pipeline.name, "log-groups", "The job's log groups exist")
    if isinstance(facts.log_groups, Unavailable):
        return promise.not_tried(facts.log_groups.reason)
    return promise.holds_unless(
        [
            f"The log group {name} does not exist (aws_cloudwatch_log_group). Glue makes one "
            "without the retention and the key of the settings, or writes no log: apply the stack."
            for name, there in facts.log_groups.items()
            if not there
        ]
    )


# ---- what several links need -----------------------------------------------------------------


def _stops(facts: PipelineFacts, link: str, text: str) -> Promise:
    return Promise(facts.pipeline.name, link, text, stops=True)


def _role(
    promise: Promise, role: RoleFacts, service: str, assumable: Callable[[], bool]
) -> Finding:
    trusted = evaluated(
        promise,
        lambda: (
            []
            if assumable()
            else [
                f"The role {role.arn} does not let {service} assume it: it is the role of "
                "something else, or its trust policy was changed. Apply the stack."
            ]
        ),
    )
    if trusted.verdict is Verdict.NOT_SEEN:
        return trusted
    if role.denied:
        return promise.not_seen(denied_words(role))
    if isinstance(role.asked, Unavailable):
        return promise.not_tried(f"Its permissions could not be asked for. {role.asked.reason}")
    if trusted.verdict is Verdict.NOT_TRIED:
        return trusted
    return promise.seen(f"The simulator of IAM allows {count(role.asked, 'call')}.")


def denied_words(role: RoleFacts) -> str:
    """Which calls the role may not make, and what they are for."""
    first = [
        f"{call.action} on {call.resource} (to {call.purpose})"
        for call, _ in role.denied[:SHOWN_CALLS]
    ]
    more = len(role.denied) - len(first)
    others = f" and {more} more" if more else ""
    return (
        f"The role {role.arn} does not allow {', '.join(first)}{others}, says the simulator of "
        "IAM. Apply the stack; if it stays so, look at the role's boundary and at the policies of "
        "the organization."
    )
