"""A review in words, written once for all renderers.

Our own words are plain text. Text from the plan or the command line is always a `Code` (or a line
of a difference), which every renderer must show unchanged and make harmless.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from tools.review.behaviour import NewPipeline, SettingChange, shown
from tools.review.dangers import Danger, Kind
from tools.review.difference import (
    Difference,
    differences,
    name_text,
    path_text,
    quoted,
    value_text,
)
from tools.review.drift import Drift
from tools.review.permissions import PolicyChange
from tools.review.plan import Action, Check, OutputChange
from tools.review.rest import Other, Rest
from tools.review.review import Review
from tools.review.statements import ELEMENTS, Statement, StatementChange
from tools.review.subject import Subject
from tools.review.summary import Entries, entries

# A check of which only the apply decides whether it is met.
UNDECIDED = "unknown"
HOW_TO_READ = (
    "The synthesized stack says what they will permit: put its cdk.tf.json beside the plan, or "
    "name it by --synthesized."
)
LONGEST_VALUE = 300
MANY_VALUES = 6


class Tone(StrEnum):
    """How loud a section is."""

    CAUTION = "caution"
    WARNING = "warning"
    PLAIN = "plain"


@dataclass(frozen=True)
class Code:
    """Text from outside."""

    text: str


@dataclass(frozen=True)
class Strong:
    """Words of ours that stand out."""

    text: str


Line = tuple[str | Code | Strong, ...]


@dataclass(frozen=True)
class Item:
    """One finding: a line, and below it a difference line by line (with "+", "-" or " ")."""

    line: Line
    difference: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Row:
    """One finding in a table."""

    cells: tuple[Line, ...]


@dataclass(frozen=True)
class Section:
    """Findings under a title; with ``columns`` it is a table of rows, else a list of items."""

    title: str
    items: tuple[Item | Row, ...]
    columns: tuple[str, ...] = ()
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True)
class Page:
    """The banners, then what is planned in one line, then the sections, by importance."""

    banners: tuple[Section, ...]
    title: Line
    summary: tuple[Line, ...]
    sections: tuple[Section, ...]


def page_of(review: Review) -> Page:
    """The review in words."""
    sections = (
        _invocations(review),
        _permissions(review),
        _settings(review),
        *_rest(review.rest),
        _drift(review),
    )
    return Page(
        banners=tuple(_banners(review)),
        title=_title(review),
        summary=tuple(_summary(review)),
        sections=tuple(section for section in sections if section.items),
    )


# --- Banner and summary ---------------------------------------------------------------------------

TITLES = {
    Kind.DATA: (Tone.CAUTION, "Data would go"),
    Kind.PERMISSIONS: (Tone.CAUTION, "Permissions would become wide"),
    Kind.PROTECTION: (Tone.WARNING, "Protection of data would go"),
    Kind.PIPELINES: (Tone.WARNING, "Pipelines would be removed"),
    Kind.FILES: (Tone.WARNING, "Files would be left in landing"),
    Kind.EVENTS: (Tone.WARNING, "Events would not get through"),
}
DONE = {
    Action.DESTROY: "is destroyed",
    Action.REPLACE: "is destroyed and created again",
    Action.CHANGE: "is changed",
    Action.ADD: "is added",
    Action.FORGET: "is forgotten",
}


def _banners(review: Review) -> Iterator[Section]:
    for kind, (tone, title) in TITLES.items():
        items = tuple(_danger(danger) for danger in review.dangers if danger.kind is kind)
        if items:
            yield Section(title, items, tone=tone)
    failed = tuple(_check(check) for check in review.checks if check.status != UNDECIDED)
    if failed:
        yield Section("Checks failed", failed, tone=Tone.CAUTION)
    unknown = tuple(_unknown(review))
    if unknown:
        yield Section("What this review does not know", unknown, tone=Tone.WARNING)


def _check(check: Check) -> Item:
    why: Line = (": ", Code(" ".join(check.problems))) if check.problems else ()
    what = "cannot be evaluated" if check.status == "error" else "is not met"
    return Item((Strong("check"), " ", Code(check.address), f" {what}", *why))


def _unknown(review: Review) -> Iterator[Item]:
    for kind, counts in review.unknown_types.items():
        what = ", ".join(f"{number} to {VERBS[action]}" for action, number in counts.items())
        yield Item((Code(kind), f" is a resource type that no stack here makes: {what}"))
    if review.unreadable_policies:
        number = len(review.unreadable_policies)
        policies = "1 policy" if number == 1 else f"{number} policies"
        yield Item((Strong(policies), f" cannot be read before the apply. {HOW_TO_READ}"))
    for deferred in review.deferred:
        yield Item((Code(deferred.address), " is put off to a later plan: ", Code(deferred.reason)))
    for check in review.checks:
        if check.status == UNDECIDED:
            yield Item((Strong("check"), " ", Code(check.address), " is decided by the apply"))
    for name, number in review.unknown_parts.items():
        values = "1 value" if number == 1 else f"{number} values"
        yield Item((Code(name), f" is a part of the plan that this review cannot read: {values}"))


def _invocations(review: Review) -> Section:
    return Section(
        "Actions that the apply invokes",
        tuple(
            Item((Code(item.address), *((" for ", Code(item.trigger)) if item.trigger else ())))
            for item in review.invocations
        ),
    )


def _danger(danger: Danger) -> Item:
    causes: list[str | Code | Strong] = []
    for cause in danger.causes:
        causes += [", and by " if causes else " (forced by " if danger.forced else " ("]
        causes += _difference(cause)
    if danger.reason:
        causes += [", " if causes else " (", danger.reason]
    end: list[str | Code | Strong] = [")" if causes else ""]
    if danger.where:
        end += [", ", Code(danger.where)]
    end.append(": ")
    return Item(
        (
            *_called(danger.subject, strong=True),
            f" {DONE[danger.action]}",
            *causes,
            *end,
            danger.consequence,
        )
    )


def _called(subject: Subject, own_name: str | None = None, *, strong: bool = False) -> Line:
    """What it is, its name, and whose it is: a pipeline often has the name of its table.

    own_name: of what belongs to the subject, and is called by it.
    """

    def words(text: str) -> str | Strong:
        return Strong(text) if strong else text

    name = Code(own_name or subject.name or subject.address)
    if subject.title == f"pipeline {subject.pipeline}":
        return (words(subject.title), " (", name, ")")
    if subject.pipeline:
        return (words(subject.noun), " ", name, f" of pipeline {subject.pipeline}")
    return (words(subject.title), " ", name)


def _named(subject: Subject) -> Line:
    return (" ", Code(subject.name or subject.address))


def _difference(item: Difference) -> Line:
    before, after = _cut(quoted(item.before)), _cut(quoted(item.after))
    return (Code(path_text(item.path)), " ", Code(before), " → ", Code(after))


def _cut(text: str) -> str:
    if len(text) <= LONGEST_VALUE:
        return text
    return f"{text[:LONGEST_VALUE]}… ({len(text)} characters in all)"


def _title(review: Review) -> Line:
    stack: Line = (" of ", Code(review.stack)) if review.stack else ()
    commit: Line = (" at ", Code(_short(review.commit))) if review.commit else ()
    return ("Plan", *stack, *commit)


def _short(commit: str) -> str:
    is_hash = len(commit) == 40 and all(c in "0123456789abcdef" for c in commit)
    return commit[:10] if is_hash else commit


def _summary(review: Review) -> Iterator[Line]:
    count = review.counts
    words: list[str | Code | Strong] = []
    for number, what in (
        (count.get(Action.ADD, 0), "to add"),
        (count.get(Action.CHANGE, 0), "to change"),
        (count.get(Action.REPLACE, 0), "to replace"),
        (count.get(Action.DESTROY, 0), "to destroy"),
    ):
        words += [" · " if words else "", Strong(f"{number} {what}") if number else f"0 {what}"]
    words.append(f" · {count.get(Action.NO_OP, 0)} unchanged")
    if count.get(Action.FORGET):
        words += [" · ", Strong(f"{count[Action.FORGET]} to forget")]
    yield tuple(words)
    if review.invocations:
        number = len(review.invocations)
        yield (Strong("1 action" if number == 1 else f"{number} actions"), " to invoke")
    if not review.changes_anything and review.knows_all:
        yield ("Nothing to do: what is deployed is what the code says.",)
    if review.stack_file:
        yield ("What the plan leaves open is shown as in ", Code(review.stack_file), ".")
    if not review.complete:
        yield (Strong("Terraform put some changes off"), " to a later plan: this is not all.")


# --- IAM and resource policies --------------------------------------------------------------------


def _permissions(review: Review) -> Section:
    alike: dict[Item, list[PolicyChange]] = {}
    for change in review.policies:
        same = Item((*_mark(change), *_done(change)), tuple(_statement_lines(change)))
        alike.setdefault(same, []).append(change)
    items = tuple(_policies(changes) for changes in alike.values())
    return Section("Permissions: who may do what on what", items)


def _policies(changes: list[PolicyChange]) -> Item:
    """Changes that are alike, with what differs said once and the names of all."""
    first, *others = changes
    if not others:
        return _policy(first)
    who: list[str | Code | Strong] = [*_who(first)]
    for change in others:
        who += [" and " if change is others[-1] else ", ", *_who(change)]
    line = (*_mark(first), *who, ", each", *_done(first))
    return Item(line, tuple(_statement_lines(first)))


def _policy(change: PolicyChange) -> Item:
    line = (*_mark(change), *_who(change), *_done(change))
    return Item(line, tuple(_statement_lines(change)))


def _mark(change: PolicyChange) -> Line:
    # A policy that is new is not wider than another one, but may hold wildcards.
    mark = "⚠ wildcard" if change.action is Action.ADD and change.attribute else "⚠ wider"
    return (Strong(mark), ": ") if change.widened else ()


def _who(change: PolicyChange) -> Line:
    subject, holder = change.subject, change.holder
    if not holder:
        return _called(subject, change.name)
    if not subject.pipeline:
        return (*_called(subject, change.name), " of ", Code(holder))
    name = Code(change.name or subject.name or subject.address)
    return (subject.noun, " ", name, " of ", Code(holder), f" (pipeline {subject.pipeline})")


def _done(change: PolicyChange) -> Line:
    """What becomes of it."""
    what = {
        "assume_role_policy": ", who may assume it",
        "inline_policy": ", an inline policy that no resource manages",
    }.get(change.attribute, "")
    title: Line = (f" {DONE[change.action]}{what}",)
    if change.unreadable:
        return (*title, f": {change.unreadable}", *_unknown_parts(change))
    details: list[str | Code | Strong] = []
    for detail in change.details:
        details += [", " if details else ": ", *_difference(detail)]
    same = not change.statements and not change.details
    return (*title, ": it says the same" if same else "", *details, *_unknown_parts(change))


def _unknown_parts(change: PolicyChange) -> Line:
    on: Line = ("; known only after the apply: ", Code(", ".join(change.refers_to)))
    now: Line = ("; now it has the statements ", Code(", ".join(change.now)))
    return (*(on if change.refers_to else ()), *(now if change.now else ()))


def _statement_lines(change: PolicyChange) -> Iterator[tuple[str, str]]:
    for statement in change.statements:
        for note in statement.widened:
            yield "!", f"{statement.sid or 'a statement without a Sid'}: {note}"
        # What is allowed no longer, because the whole policy goes, is said in short.
        yield from _lines(statement, goes=change.action is Action.DESTROY)


def _lines(change: StatementChange, *, goes: bool) -> Iterator[tuple[str, str]]:
    if change.before is None or change.after is None:
        for sign, statement in (("-", change.before), ("+", change.after)):
            if statement and goes and statement.allows:
                yield sign, f"{_head(statement)}: {', '.join(statement['Action'])}"
            elif statement:
                yield from _whole(sign, statement)
        return
    yield " ", _head(change.after)
    for element in ELEMENTS:
        before, after = change.before[element], change.after[element]
        if before == after:
            if after and element in ("Action", "Resource", "Principal"):
                yield " ", f"    {_word(element)} {', '.join(after)}"
            continue
        kept = [value for value in after if value in before]
        if kept:
            yield " ", f"    {_word(element)} {', '.join(kept)}"
        for value in before:
            if value not in after:
                yield "-", f"    {_word(element)} {value}"
        for value in after:
            if value not in before:
                yield "+", f"    {_word(element)} {value}"


def _whole(sign: str, statement: Statement) -> Iterator[tuple[str, str]]:
    yield sign, _head(statement)
    for element in ELEMENTS:
        if statement[element]:
            yield sign, f"    {_word(element)} {', '.join(statement[element])}"


def _head(statement: Statement) -> str:
    return f"{statement.effect} {statement.sid or '(no Sid)'}"


def _word(element: str) -> str:
    return {
        "Principal": "who ",
        "NotPrincipal": "everyone but",
        "Action": "what",
        "NotAction": "everything but",
        "Resource": "on  ",
        "NotResource": "on everything but",
        "Condition": "if  ",
    }[element]


# --- Settings -------------------------------------------------------------------------------------


def _settings(review: Review) -> Section:
    new = [_new_pipeline(pipeline) for pipeline in review.new_pipelines]
    rows = [_setting(item) for item in review.settings]
    return Section(
        "Settings that change cost or behaviour",
        (*new, *rows),
        columns=("where", "setting", "now", "then", "remark"),
    )


def _setting(item: SettingChange) -> Row:
    before, after = shown(item)
    # A pipeline has several of these.
    several = item.subject.noun in ("log group", "alarm", "subscription")
    where = item.subject.name if several else item.subject.pipeline
    label: Line = (item.label, Code(item.name)) if item.name else (item.label,)
    return Row(
        (
            (Code(where),) if where else (item.subject.noun, *_named(item.subject)),
            label,
            (Code(_cut(before)),),
            (Code(_cut(after)),),
            (item.note,),
        )
    )


def _new_pipeline(pipeline: NewPipeline) -> Row:
    return Row(
        (
            (Code(pipeline.name),),
            ("new pipeline",),
            ("",),
            (
                "runs after ",
                Code(value_text(pipeline.batch_size)),
                " events or ",
                Code(value_text(pipeline.batch_window)),
                " seconds, with ",
                Code(value_text(pipeline.workers)),
                " workers of ",
                Code(value_text(pipeline.worker_type)),
                " on Glue ",
                Code(value_text(pipeline.glue_version)),
                " for ",
                Code(value_text(pipeline.timeout)),
                " minutes at most",
            ),
            ("",),
        )
    )


# --- The rest -------------------------------------------------------------------------------------

VERBS = {
    Action.DESTROY: "destroy",
    Action.REPLACE: "replace",
    Action.FORGET: "forget",
    Action.CHANGE: "change",
    Action.ADD: "add",
    Action.NO_OP: "keep",
}


def _rest(found: Rest) -> Iterator[Section]:
    for part, others in found.parts.items():
        yield Section(f"Other changes: {part}", tuple(_others(others)))
    yield Section("Outputs", tuple(_outputs(found.outputs)))
    yield Section(
        "Only tags change",
        tuple(
            Item(
                (
                    *_joined(same.differences),
                    f" on {len(same.addresses)} resources: "
                    if len(same.addresses) > 1
                    else " on one resource: ",
                    Code(", ".join(same.addresses)),
                )
            )
            for same in found.tags
        ),
    )


def _others(others: tuple[Other, ...]) -> Iterator[Item]:
    whole: dict[tuple[Action, str | None, bool], list[Other]] = {}
    for other in others:
        plain = other.action in (Action.ADD, Action.DESTROY) or other.with_owner
        if plain and not other.deposed and not other.imported:
            key = (other.action, other.subject.pipeline, other.with_owner)
            whole.setdefault(key, []).append(other)
        else:
            yield _one(other)
    for (action, pipeline, with_owner), together in whole.items():
        nouns = Counter(other.subject.noun for other in together)
        what = ", ".join(noun if n == 1 else f"{n} {_plural(noun)}" for noun, n in nouns.items())
        whose = f" for pipeline {pipeline}" if pipeline else ""
        why = ", with what they belong to" if with_owner else ""
        yield Item((Strong(VERBS[action]), f"{whose}{why}: {what}"))


def _plural(noun: str) -> str:
    return f"{noun[:-1]}ies" if noun.endswith(("cy", "ry")) else f"{noun}s"


def _one(other: Other) -> Item:
    words: list[str | Code | Strong] = [Strong(VERBS[other.action]), f" {other.subject.title} "]
    words.append(Code(other.subject.address))
    if other.moved_from:
        words += [", moved from ", Code(other.moved_from)]
    if other.imported:
        words.append(", imported")
    if other.deposed:
        words.append(", which an earlier replacement left behind")
    if other.widgets is not None:
        words += [": ", *(_entries(other.widgets, "widget") or ("its widgets only move",))]
    if other.differences:
        forced = other.action is Action.REPLACE
        words += [", forced by " if forced else ": ", *_joined(other.differences)]
    if other.unknown:
        words += ["; known only after the apply: ", Code(", ".join(dict.fromkeys(other.unknown)))]
    if other.same:
        words.append(": only what it refers to is created again")
    if other.reported:
        words.append(" (more of it above)")
    return Item(tuple(words))


def _joined(items: tuple[Difference, ...]) -> Line:
    words: list[str | Code | Strong] = []
    for item in items:
        words += [", " if words else "", *_difference(item)]
    return tuple(words)


def _outputs(outputs: tuple[OutputChange, ...]) -> Iterator[Item]:
    for action in (Action.ADD, Action.DESTROY):
        names = [output.name for output in outputs if output.action is action]
        if names:
            yield Item((Strong(VERBS[action]), " ", Code(", ".join(names))))
    for output in outputs:
        if output.action not in (Action.ADD, Action.DESTROY):
            yield Item((Strong(VERBS[output.action]), " ", *_output(output)))


def _output(output: OutputChange) -> Line:
    """A few values old and new; of a map with more only the names of what changes."""
    before, after = output.before, output.after
    changed = tuple(differences(before, after, (output.name,)))
    if not (isinstance(before, dict) and isinstance(after, dict)):
        return _joined(changed)
    found = entries(before, after)
    inside = tuple(item for item in changed if item.path[1] in found.changed)
    if len(inside) > MANY_VALUES:
        return (Code(output.name), ": ", *_entries(found, "entry"))
    words = [*_entries(replace(found, changed=()), "entry")]
    if words:
        words = [Code(output.name), ": ", *words, ", " if inside else ""]
    return (*words, *_joined(inside))


def _entries(found: Entries, noun: str) -> Line:
    """How many are added, removed and changed, and which."""
    words: list[str | Code | Strong] = []
    for names, verb in (
        (found.added, "added"),
        (found.removed, "removed"),
        (found.changed, "changed"),
    ):
        if names:
            what = noun if len(names) == 1 else _plural(noun)
            words += [", " if words else "", f"{len(names)} {what} {verb}: "]
            words.append(Code(_cut(", ".join(map(name_text, names)))))
    return tuple(words)


def _drift(review: Review) -> Section:
    return Section(
        "Drift: changed outside of Terraform since the last apply",
        tuple(item for drift in review.drifts for item in _drift_items(drift)),
    )


def _drift_items(drift: Drift) -> Iterator[Item]:
    what = _called(drift.subject)
    undone = "the plan undoes it" if drift.undone else "the plan leaves it so"
    if drift.gone:
        then = "the plan creates it again" if drift.undone else "the plan does not create it"
        yield Item((Strong("deleted"), ": ", *what, f"; {then}"))
    if drift.differences:
        yield Item(
            (Strong("changed"), ": ", *what, ": ", *_joined(drift.differences), f"; {undone}")
        )
    for policy in drift.policies:
        item = _policy(replace(policy, action=Action.CHANGE))
        yield replace(item, line=(Strong("changed"), ": ", *item.line, f"; {undone}"))
