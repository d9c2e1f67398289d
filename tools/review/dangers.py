"""What a reviewer must be warned of before anything else.

Data that goes, permissions that get wide, protection of data that goes, pipelines that are removed,
and events that do not get through.
Terraform's `prevent_destroy` is not in a plan: where it is set, Terraform refuses the plan itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from burst.contract import ARTIFACTS

from tools.review.belonging import goes_with_its_owner, is_added_with_its_owner
from tools.review.difference import Difference, differences, follow, path_text
from tools.review.expiry import lost_by_lifecycle
from tools.review.permissions import PolicyChange, policy_changes
from tools.review.plan import Action, Plan, ResourceChange, Unknown
from tools.review.removal import (
    PREFIX,
    SUFFIX,
    RemovedPipeline,
    removed_pipelines,
    without_pipelines,
)
from tools.review.subject import Part, Subject, subject_of
from tools.review.wide import own_account, wide_permissions


class Kind(StrEnum):
    """What is at stake, the worst first."""

    DATA = "data"
    PERMISSIONS = "permissions"
    PROTECTION = "protection"
    PIPELINES = "pipelines"
    FILES = "files"
    EVENTS = "events"


@dataclass(frozen=True)
class Danger:
    """One thing to be warned of.

    Attributes:
        consequence: our sentence on what happens.
        causes: the attributes because of which it happens.
        forced: they force a replacement.
        reason: why, in our words, where no attribute says it; "" where one does.
        where: which part of it, as text from the plan, like a prefix; "" for all of it.
    """

    kind: Kind
    subject: Subject
    action: Action
    consequence: str
    causes: tuple[Difference, ...] = ()
    forced: bool = False
    reason: str = ""
    where: str = ""


# Why something is removed, by Terraform's `action_reason` ("JSON Output Format").
REASONS: Mapping[str, str] = {
    "replace_because_tainted": "it is tainted: an earlier apply left it half done",
    "replace_by_request": "asked for with -replace",
    "replace_by_triggers": "replace_triggered_by another resource",
    "delete_because_no_resource_config": "it is no longer in the configuration",
    "delete_because_no_module": "its module is no longer in the configuration",
    "delete_because_wrong_repetition": "its count or for_each changed",
    "delete_because_count_index": "its count is lower now",
    "delete_because_each_key": "its key is no longer in for_each",
    "delete_because_no_move_target": "it was moved to where nothing is",
}
CODE = f"{ARTIFACTS}/"
OWN_KEY = "What it holds is no longer encrypted with a key of your own."


def dangers(plan: Plan) -> tuple[Danger, ...]:
    """Everything to be warned of, the worst first."""
    found = [danger for change in plan.changes for danger in dangers_of(change, plan)]
    policies = policy_changes(plan)
    found += [danger for change in policies for danger in _of_policy(change)]
    found += [
        Danger(Kind.PERMISSIONS, change.subject, change.action, wide.consequence, where=wide.where)
        for change in policies
        for wide in wide_permissions(change, own_account(plan))
    ]
    found += map(_removed_pipeline, removed_pipelines(plan))
    return tuple(sorted(found, key=lambda danger: (list(Kind).index(danger.kind), _order(danger))))


def _removed_pipeline(pipeline: RemovedPipeline) -> Danger:
    job = subject_of(pipeline.job)
    subject = replace(job, noun="pipeline", title=f"pipeline {pipeline.name}", name=pipeline.keys)
    return Danger(Kind.PIPELINES, subject, Action.DESTROY, pipeline.consequence)


def errored(plan: Plan, source: str) -> str:
    """What to say of a plan that Terraform could not finish."""
    reported = (
        f"{source} is a plan that Terraform could not finish, so it can be neither reviewed nor "
        "applied: correct what `terraform plan` printed as its error and plan again."
    )
    losses = [f"{loss.subject.title} ({loss.subject.address})" for loss in data_losses(plan)]
    if losses:
        reported += (
            f" It wanted to destroy or replace: {', '.join(losses)}. Where `prevent_destroy` is "
            "set, Terraform refuses that."
        )
    return reported


def data_losses(plan: Plan) -> tuple[Danger, ...]:
    """The dangers by which data goes."""
    return tuple(danger for danger in dangers(plan) if danger.kind is Kind.DATA)


def _order(danger: Danger) -> tuple[int, int, str]:
    parts = list(Part)
    is_bucket = "bucket" in danger.subject.title.split()[:2]
    return (not is_bucket, parts.index(danger.subject.part), danger.subject.address)


def dangers_of(change: ResourceChange, plan: Plan) -> Iterator[Danger]:
    """What to be warned of in what happens to one resource, but for its policy."""
    if change.goes:
        yield from _destroyed(change, plan)
    if change.action is Action.FORGET and change.type in HOLDERS:
        yield _danger(Kind.PROTECTION, change, "It stays, but Terraform no longer manages it.")
    if change.action in (Action.CHANGE, Action.REPLACE, Action.DESTROY, Action.ADD):
        yield from _loosened(change, plan)


def _destroyed(change: ResourceChange, plan: Plan) -> Iterator[Danger]:
    holder, flow = HOLDERS.get(change.type), _stopped_flow(change, plan)
    if holder is not None:
        consequence = holder(change.before)
        if consequence:
            yield _forced(_danger(Kind.DATA, change, consequence, _forcing(change)))
    elif flow is not None:
        yield _forced(_danger(Kind.EVENTS, change, flow, _forcing(change)))


def _stopped_flow(change: ResourceChange, plan: Plan) -> str | None:
    """What happens to events; None where that is no question, or another finding answers it."""
    flow = FLOW.get(change.type)
    if flow is None or change.deposed:
        return None
    if _is_of_the_lake(change):
        flow = LAKE_FLOW
    if change.action is Action.REPLACE:
        return flow.replaced
    removed = {pipeline.name for pipeline in removed_pipelines(plan)}
    answered = subject_of(change).pipeline in removed or without_pipelines(plan)
    return None if answered or goes_with_its_owner(change, plan.changes) else flow.destroyed


def _forced(danger: Danger) -> Danger:
    return replace(danger, forced=danger.action is Action.REPLACE)


def _danger(
    kind: Kind, change: ResourceChange, consequence: str, causes: Iterable[Difference] = ()
) -> Danger:
    reason = REASONS.get(change.reason or "", "")
    if change.deposed:
        reason = "an earlier replacement left it behind"
    subject = subject_of(change)
    return Danger(kind, subject, change.action, consequence, tuple(causes), reason=reason)


def _forcing(change: ResourceChange) -> Iterator[Difference]:
    for path in change.replace_paths:
        before, after = follow(change.before, path), follow(change.after, path)
        yield Difference(path, before, after)


# --- What holds data, and what becomes of it ------------------------------------------------------


def _bucket(before: Mapping[str, Any]) -> str:
    if before.get("force_destroy") is True:
        return "Every object and every version in it goes: Terraform empties it (force_destroy)."
    return "It goes if it is empty; AWS refuses, and the apply fails, while anything is in it."


def _key(before: Mapping[str, Any]) -> str:
    days = before.get("deletion_window_in_days")
    waits = f" after {days} days" if isinstance(days, int) else ""
    return f"What it encrypted can never be read again{waits}, wherever it lies."


def _log_group(before: Mapping[str, Any]) -> str | None:
    return None if before.get("skip_destroy") is True else "All logs in it go."


def _object(before: Mapping[str, Any]) -> str | None:
    key = before.get("key")
    # The job's code has its hash in its key; a replaced object is a change of code.
    if isinstance(key, str) and key.startswith(CODE):
        return None
    return "The object goes from its bucket."


def _says(sentence: str) -> Callable[[Mapping[str, Any]], str | None]:
    return lambda before: sentence


HOLDERS: Mapping[str, Callable[[Mapping[str, Any]], str | None]] = {
    "aws_cloudwatch_log_group": _log_group,
    "aws_glue_catalog_database": _says(
        "Its tables go from the catalog, so queries fail; the files stay in the lake."
    ),
    "aws_glue_catalog_table": _says(
        "Its columns and partitions go from the catalog, so queries fail; the files stay in the "
        "lake."
    ),
    "aws_kms_key": _key,
    "aws_s3_bucket": _bucket,
    "aws_s3_object": _object,
    "aws_sqs_queue": _says("All messages in it go."),
}


@dataclass(frozen=True)
class _Flow:
    """What happens to events where a resource is replaced, and where it is destroyed for good."""

    replaced: str
    destroyed: str


FLOW: Mapping[str, _Flow] = {
    "aws_cloudtrail": _Flow(
        "Events of an existing landing bucket come through it: until there is a trail again, files "
        "wait in landing for the sweep or a start by hand.",
        "Events of an existing landing bucket come through it: files wait in landing for the sweep "
        "or a start by hand.",
    ),
    "aws_glue_trigger": _Flow(
        "Events that wait for the batch are lost. Their files wait in landing for the next event, "
        "the sweep or a start by hand.",
        "Neither events nor the sweep start the job any more: files wait in landing.",
    ),
    "aws_glue_workflow": _Flow(
        "Events that wait for the batch are lost, and the history of its runs. Files wait in "
        "landing for the next event, the sweep or a start by hand.",
        "Neither events nor the sweep start the job any more: files wait in landing. The history "
        "of its runs is lost.",
    ),
    "aws_s3_bucket_notification": _Flow(
        "The bucket sends no events until it is there again (AWS takes about five minutes). Files "
        "wait in landing for the next event, the sweep or a start by hand.",
        "The bucket sends no events: files wait in landing for the sweep or a start by hand.",
    ),
}

# The lake's events feed the rule that tells of files in quarantine, and nothing else.
LAKE_FLOW = _Flow(
    "Until it is there again (AWS takes about five minutes) nobody is told of a file in "
    "quarantine. Files are loaded as before.",
    "Nobody is told of a file in quarantine any more. Files are loaded as before.",
)


def _is_of_the_lake(change: ResourceChange) -> bool:
    return change.type == "aws_s3_bucket_notification" and subject_of(change).part is Part.LAKE


# --- Protection that is taken away ----------------------------------------------------------------


def _loosened(change: ResourceChange, plan: Plan) -> Iterator[Danger]:
    """What protects data and is there no longer, or less, though the data stays."""
    if change.type == "aws_s3_bucket_lifecycle_configuration":
        new = is_added_with_its_owner(change)
        if not new and not goes_with_its_owner(change, plan.changes):
            for difference, where, sentence in lost_by_lifecycle(change):
                yield replace(_danger(Kind.DATA, change, sentence, (difference,)), where=where)
        return
    gone = change.action is Action.DESTROY
    if change.action is Action.ADD or (gone and goes_with_its_owner(change, plan.changes)):
        return
    for guard in GUARDS:
        if guard.type != change.type:
            continue
        before = follow(change.before, guard.path)
        # What is destroyed falls back to what AWS does without it.
        after = None if gone else follow(change.after, guard.path)
        if gone and not guard.also_when_destroyed:
            continue
        if not isinstance(after, Unknown) and guard.looser(before, after):
            cause = Difference(guard.path, before, after)
            lake = LAKE_FLOW.destroyed if _is_of_the_lake(change) else None
            yield _danger(guard.kind, change, lake or guard.consequence, (cause,))
    yield from _changed_flow(change)


@dataclass(frozen=True)
class _Guard:
    """An attribute that protects data, and when it does so less than before."""

    type: str
    path: tuple[str | int, ...]
    looser: Callable[[Any, Any], bool]
    consequence: str
    kind: Kind = Kind.PROTECTION
    also_when_destroyed: bool = False


def _switched_on(before: Any, after: Any) -> bool:
    return before is not True and after is True


def _switched_off(before: Any, after: Any) -> bool:
    return before is True and after is not True


def _no_longer(value: str) -> Callable[[Any, Any], bool]:
    return lambda before, after: before == value and after != value


def _taken_away(before: Any, after: Any) -> bool:
    return bool(before) and not after


def _shorter(before: Any, after: Any) -> bool:
    """A time in days or seconds; 0 and nothing mean for ever."""
    kept, keeps = _duration(before), _duration(after)
    return keeps < kept


def _duration(value: Any) -> float:
    return value if isinstance(value, int | float) and value > 0 else float("inf")


def _more_than_one(before: Any, after: Any) -> bool:
    return before == 1 and isinstance(after, int) and after != 1


_PUBLIC = {
    "block_public_acls": "Public ACLs may be set again.",
    "block_public_policy": "A policy may open the bucket to everyone.",
    "ignore_public_acls": "Public ACLs on bucket and objects count again.",
    "restrict_public_buckets": "A public policy lets strangers in again.",
}
_ENCRYPTION = ("rule", 0, "apply_server_side_encryption_by_default", 0)
GUARDS: tuple[_Guard, ...] = (
    _Guard(
        "aws_s3_bucket",
        ("force_destroy",),
        _switched_on,
        "From now on a destroy empties the bucket and deletes it.",
    ),
    _Guard(
        "aws_s3_bucket_versioning",
        ("versioning_configuration", 0, "status"),
        _no_longer("Enabled"),
        "What is overwritten or deleted is lost at once, and files are no longer known by their "
        "version: the job may then delete a newer upload.",
        also_when_destroyed=True,
    ),
    _Guard(
        "aws_s3_bucket_versioning",
        ("versioning_configuration", 0, "mfa_delete"),
        _no_longer("Enabled"),
        "Versions can be deleted without a second factor.",
    ),
    *(
        _Guard(
            "aws_s3_bucket_public_access_block",
            (name,),
            _switched_off,
            text,
            also_when_destroyed=True,
        )
        for name, text in _PUBLIC.items()
    ),
    _Guard(
        "aws_s3_bucket_ownership_controls",
        ("rule", 0, "object_ownership"),
        _no_longer("BucketOwnerEnforced"),
        "ACLs count again, and the uploader may own the object.",
        also_when_destroyed=True,
    ),
    _Guard(
        "aws_s3_bucket_server_side_encryption_configuration",
        (*_ENCRYPTION, "sse_algorithm"),
        lambda before, after: str(before).startswith("aws:kms") and after != before,
        "New objects are no longer encrypted with a key of your own.",
        also_when_destroyed=True,
    ),
    _Guard(
        "aws_sqs_queue",
        ("message_retention_seconds",),
        _shorter,
        "Messages that are older go.",
        Kind.DATA,
    ),
    _Guard("aws_sqs_queue", ("kms_master_key_id",), _taken_away, OWN_KEY),
    _Guard(
        "aws_cloudwatch_log_group",
        ("retention_in_days",),
        _shorter,
        "Logs that are older go.",
        Kind.DATA,
    ),
    _Guard("aws_cloudwatch_log_group", ("kms_key_id",), _taken_away, OWN_KEY),
    _Guard(
        "aws_cloudwatch_log_group",
        ("skip_destroy",),
        _switched_off,
        "From now on a destroy deletes the logs.",
    ),
    _Guard("aws_sns_topic", ("kms_master_key_id",), _taken_away, "Messages are not encrypted."),
    _Guard(
        "aws_kms_key",
        ("enable_key_rotation",),
        _switched_off,
        "The key is no longer changed every year.",
    ),
    _Guard(
        "aws_kms_key",
        ("deletion_window_in_days",),
        _shorter,
        "A deletion of the key can be taken back for a shorter time.",
    ),
    _Guard(
        "aws_kms_key",
        ("is_enabled",),
        _switched_off,
        "Nothing that it encrypts can be read or written while it is disabled.",
    ),
    _Guard(
        "aws_glue_job",
        ("security_configuration",),
        _taken_away,
        "The job no longer encrypts what it writes as the security configuration said.",
    ),
    _Guard(
        "aws_glue_job",
        ("execution_property", 0, "max_concurrent_runs"),
        _more_than_one,
        "The job is no longer the only writer of its pipeline: two runs at a time can process a "
        "file twice.",
    ),
    _Guard(
        "aws_glue_job",
        ("default_arguments", PREFIX),
        lambda before, after: bool(before) and not str(before).startswith(str(after)),
        "Files that wait under the old prefix are no longer taken: `burst drain` before the apply "
        "takes them.",
        Kind.FILES,
    ),
    _Guard(
        "aws_glue_job",
        ("default_arguments", SUFFIX),
        lambda before, after: bool(after) and not str(before or "").endswith(str(after)),
        "Files that wait and end otherwise are no longer taken: `burst drain` before the apply "
        "takes them.",
        Kind.FILES,
    ),
    _Guard(
        "aws_glue_job",
        ("job_run_queuing_enabled",),
        _switched_off,
        "A run that starts while another one runs fails instead of waiting.",
        Kind.EVENTS,
    ),
    _Guard(
        "aws_glue_workflow",
        ("max_concurrent_runs",),
        lambda before, after: after in (1, 2) and before != after,
        "Glue refuses firings although no run is left to look: files wait for the next event or "
        "the sweep. At least 3 are needed (docs/forecast.md).",
        Kind.EVENTS,
    ),
    _Guard(
        "aws_cloudtrail",
        ("enable_logging",),
        _switched_off,
        "Events of an existing landing bucket come through it: files wait in landing until the "
        "sweep or a start by hand.",
        Kind.EVENTS,
    ),
    _Guard(
        "aws_s3_bucket_notification",
        ("eventbridge",),
        _switched_off,
        "The bucket sends no events: files wait in landing until the sweep or a start by hand.",
        Kind.EVENTS,
    ),
)


def _changed_flow(change: ResourceChange) -> Iterator[Danger]:
    if change.type == "aws_sqs_queue" and change.action is Action.CHANGE:
        was = change.before.get("sqs_managed_sse_enabled"), change.before.get("kms_master_key_id")
        now = change.after.get("sqs_managed_sse_enabled"), change.after.get("kms_master_key_id")
        if was[0] is True and now[0] is not True and not now[1]:
            cause = Difference(("sqs_managed_sse_enabled",), was[0], now[0])
            yield _danger(Kind.PROTECTION, change, "Messages are not encrypted.", (cause,))
    if change.type == "aws_glue_trigger" and change.action is Action.CHANGE:
        for difference in differences(change.before, change.after):
            if path_text(difference.path) == "enabled" and change.before.get("type") == "EVENT":
                yield _danger(
                    Kind.EVENTS,
                    change,
                    "The apply fails: Glue takes no change of it on an EVENT trigger "
                    "(terraform-provider-aws issue 49407). Disable the rule to pause.",
                    (difference,),
                )


def _of_policy(change: PolicyChange) -> Iterator[Danger]:
    """Policies that no longer refuse all that they refused."""
    for statement in change.statements:
        before = statement.before
        if before is not None and not before.allows and statement.widened:
            yield Danger(
                Kind.PROTECTION,
                change.subject,
                change.action,
                "It no longer refuses all that it refused.",
                where=before.sid,
            )
