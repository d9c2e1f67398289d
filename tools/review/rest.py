"""Every other change, by the parts of the design."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tools.review.behaviour import reported_paths
from tools.review.belonging import goes_with_its_owner
from tools.review.dangers import dangers_of
from tools.review.difference import Difference, differences, differing
from tools.review.permissions import mirrored, reported_attributes
from tools.review.plan import Action, OutputChange, Path, Plan, ResourceChange, Unknown
from tools.review.subject import Part, Subject, subject_of
from tools.review.summary import BODY, DASHBOARD, Entries, widgets

# The provider repeats the tags with those of the provider here.
ALL_TAGS = "tags_all"


@dataclass(frozen=True)
class Other:
    """What happens to one resource, without what other sections report.

    Attributes:
        differences: the attributes that change; those of a replacement that force it.
        unknown: attributes known only after the apply.
        reported: another section reports something of it.
        same: nothing of it differs but what it refers to, which is created again.
        with_owner: what it belongs to goes as well.
        moved_from: its address until now, if it has another one.
        widgets: of a dashboard, in place of its differences.
    """

    subject: Subject
    action: Action
    differences: tuple[Difference, ...] = ()
    unknown: tuple[str, ...] = ()
    reported: bool = False
    same: bool = False
    with_owner: bool = False
    moved_from: str | None = None
    imported: bool = False
    deposed: bool = False
    widgets: Entries | None = None


@dataclass(frozen=True)
class SameTags:
    """Resources of which nothing changes but the tags, and all in the same way."""

    addresses: tuple[str, ...]
    differences: tuple[Difference, ...]


@dataclass(frozen=True)
class Rest:
    """By part of the design, in the order of the data's way."""

    parts: dict[Part, tuple[Other, ...]]
    tags: tuple[SameTags, ...]
    outputs: tuple[OutputChange, ...]


def rest(plan: Plan) -> Rest:
    """Everything that changes and is not fully reported elsewhere."""
    found: dict[Part, list[Other]] = {part: [] for part in Part}
    tags: dict[tuple[tuple[object, str, str], ...], tuple[list[str], tuple[Difference, ...]]] = {}
    for change in plan.changes:
        other = _other(change, plan)
        if other is None:
            continue
        if other.action is Action.CHANGE and not other.reported and _only_tags(other):
            key = tuple((i.path, repr(i.before), repr(i.after)) for i in other.differences)
            tags.setdefault(key, ([], other.differences))[0].append(change.address)
        else:
            found[other.subject.part].append(other)
    return Rest(
        parts={
            part: tuple(sorted(others, key=_importance)) for part, others in found.items() if others
        },
        tags=tuple(SameTags(tuple(addresses), items) for addresses, items in tags.values()),
        outputs=tuple(output for output in plan.outputs if output.action is not Action.NO_OP),
    )


def _importance(other: Other) -> tuple[int, str]:
    return list(Action).index(other.action), other.subject.address


def _only_tags(other: Other) -> bool:
    return bool(other.differences) and all(
        item.path[0] in ("tags", ALL_TAGS) for item in other.differences
    )


def _other(change: ResourceChange, plan: Plan) -> Other | None:
    moved = change.previous_address
    if change.action is Action.READ:
        return None
    if change.action is Action.NO_OP and moved is None and not change.imported:
        return None
    telling = list(_telling(change, plan))
    reported = bool(reported_paths(change) | _warned_of(change, plan)) or bool(
        reported_attributes(change, plan)
    )
    if change.action is Action.CHANGE and reported and not telling and moved is None:
        return None
    shown = None
    if change.type == DASHBOARD and change.action is Action.CHANGE:
        shown = widgets(change.before.get(BODY), change.after.get(BODY))
    return Other(
        subject=subject_of(change),
        action=change.action,
        differences=tuple(
            item
            for item in telling
            if not isinstance(item.after, Unknown)
            and not (shown is not None and item.path[0] == BODY)
        ),
        widgets=shown,
        unknown=tuple(str(i.path[0]) for i in telling if isinstance(i.after, Unknown)),
        reported=change.action is Action.CHANGE and reported,
        same=change.action is Action.CHANGE and not differing(change.before, change.after),
        with_owner=goes_with_its_owner(change, plan.changes),
        moved_from=moved,
        imported=change.imported,
        deposed=change.deposed,
    )


def _overlap(one: Path, other: Path) -> bool:
    shorter = min(len(one), len(other))
    return one[:shorter] == other[:shorter]


def _warned_of(change: ResourceChange, plan: Plan) -> set[Path]:
    return {cause.path for danger in dangers_of(change, plan) for cause in danger.causes}


def _telling(change: ResourceChange, plan: Plan) -> Iterator[Difference]:
    if change.action is Action.REPLACE:
        forcing = set(change.replace_paths)
        for item in differences(change.before, change.after):
            if any(item.path[: len(path)] == path for path in forcing):
                yield item
    elif change.action is Action.CHANGE:
        reported = reported_paths(change) | _warned_of(change, plan)
        attributes = reported_attributes(change, plan)
        own_tags = change.before.get("tags") != change.after.get("tags")
        for item in differences(change.before, change.after):
            first = str(item.path[0])
            if any(_overlap(item.path, path) for path in reported) or first in attributes:
                continue
            if (first == ALL_TAGS and own_tags) or mirrored(change, first, plan.changes):
                continue
            yield item
