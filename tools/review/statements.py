"""Policy documents, compared statement by statement: what is added, removed, changed, widened.

Follows the IAM user guide, "IAM JSON policy elements reference".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tools.iam import matches, matches_arn

WHO = ("Principal", "NotPrincipal")
WHAT = ("Action", "NotAction")
ON = ("Resource", "NotResource")
KINDS = (("principal", WHO), ("action", WHAT), ("resource", ON))
ELEMENTS = (*WHO, *WHAT, *ON, "Condition")


@dataclass(frozen=True)
class Statement:
    """One statement; each element is a sorted tuple of texts, empty where it is not there.

    A principal is its kind and its name (`Service glue.amazonaws.com`), a condition is operator,
    key and value (`StringEquals aws:SourceAccount = 123456789012`).
    """

    sid: str
    effect: str
    elements: Mapping[str, tuple[str, ...]]

    def __getitem__(self, element: str) -> tuple[str, ...]:
        return self.elements.get(element, ())

    @property
    def allows(self) -> bool:
        """Whether it permits; else it refuses."""
        return self.effect != "Deny"

    @property
    def condition_keys(self) -> frozenset[str]:
        """Its conditions by operator and key, like `StringEquals aws:SourceAccount`."""
        return frozenset(text.partition(" = ")[0] for text in self["Condition"])

    @property
    def open_to_everyone(self) -> bool:
        """Whether it permits something to anyone in the world, without a condition."""
        everyone = any(who == "*" or who == "AWS *" for who in self["Principal"])
        return self.allows and not self["Condition"] and (everyone or bool(self["NotPrincipal"]))


@dataclass(frozen=True)
class StatementChange:
    """A statement that is added (``before`` is None), removed (``after`` is None) or changed.

    ``widened`` says in which ways more is permitted than before.
    """

    before: Statement | None
    after: Statement | None
    widened: tuple[str, ...] = ()

    @property
    def sid(self) -> str:
        """What it is called, or "" where it has no name."""
        statement = self.after or self.before
        return statement.sid if statement else ""


def policy_document(value: Any) -> tuple[Statement, ...] | None:
    """The statements of a policy as JSON text; None where it is no policy."""
    if not isinstance(value, str):
        return None
    try:
        document = json.loads(value)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict) or "Statement" not in document:
        return None
    statements = _as_list(document["Statement"])
    if not all(isinstance(statement, dict) for statement in statements):
        return None
    return tuple(_statement(statement) for statement in statements)


def compare(before: Iterable[Statement], after: Iterable[Statement]) -> tuple[StatementChange, ...]:
    """Every statement that differs; those with the same Sid belong together.

    Statements without a Sid belong together when they are equal; else one is removed and one is
    added. Widened ones come first, then added, changed and removed ones.
    """
    old, new = list(before), list(after)
    was_there = bool(old)
    for statement in list(old):
        if statement in new:
            old.remove(statement)
            new.remove(statement)
    changes = []
    for statement, partner in _pairs(old, new):
        old.remove(statement)
        new.remove(partner)
        if dict(partner.elements) != dict(statement.elements):
            changes.append(_change(statement, partner))
    changes += [_added(statement, to_a_policy=was_there) for statement in new]
    changes += [_change(statement, None) for statement in old]
    return tuple(sorted(changes, key=_importance))


def _pairs(old: list[Statement], new: list[Statement]) -> list[tuple[Statement, Statement]]:
    """Those with the same Sid, where there is one of it on either side."""
    pairs = []
    for sid in sorted({statement.sid for statement in old} - {""}):
        one, other = ([s for s in side if s.sid == sid] for side in (old, new))
        if len(one) == len(other) == 1 and one[0].effect == other[0].effect:
            pairs.append((one[0], other[0]))
    return pairs


def _importance(change: StatementChange) -> tuple[bool, int]:
    kind = 0 if change.before is None else 2 if change.after is None else 1
    return (not change.widened, kind)


def _change(before: Statement | None, after: Statement | None) -> StatementChange:
    return StatementChange(before, after, tuple(_widened(before, after)))


def _added(statement: Statement, *, to_a_policy: bool) -> StatementChange:
    """One that is new; a policy that was there permits more by it, whatever it permits."""
    change = _change(None, statement)
    if to_a_policy and statement.allows and not change.widened:
        return StatementChange(None, statement, ("more than the policy permitted",))
    return change


def _statement(data: Mapping[str, Any]) -> Statement:
    return Statement(
        sid=str(data.get("Sid", "")),
        effect=str(data.get("Effect", "")),
        elements={
            element: tuple(sorted(_texts(element, data[element])))
            for element in ELEMENTS
            if element in data
        },
    )


def _texts(element: str, value: Any) -> set[str]:
    if element in WHO and isinstance(value, dict):
        return {f"{kind} {name}" for kind, names in value.items() for name in _as_list(names)}
    if element == "Condition" and isinstance(value, dict):
        return {
            f"{operator} {key} = {_text(item)}"
            for operator, keys in value.items()
            if isinstance(keys, dict)
            for key, items in keys.items()
            for item in _as_list(items)
        }
    return {_text(item) for item in _as_list(value)}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _widened(before: Statement | None, after: Statement | None) -> Iterator[str]:
    """In which ways more is permitted after than before."""
    if before is None and after is not None and after.allows:
        yield from _broad(after)
    elif after is None and before is not None and not before.allows:
        yield "refuses no longer"
    elif before is not None and after is not None:
        if after.allows:
            yield from _wider(before, after, "allows one more {}")
        else:
            yield from _wider(after, before, "refuses one {} less")


def _broad(statement: Statement) -> Iterator[str]:
    """What of a new permission is not one thing but many."""
    yield from (f"wildcard principal: {who}" for who in statement["Principal"] if "*" in who)
    yield from (f"wildcard action: {what}" for what in statement["Action"] if _wild(what))
    yield from (f"wildcard resource: {on}" for on in statement["Resource"] if is_everything(on))
    for element in ("NotPrincipal", "NotAction", "NotResource"):
        if statement[element]:
            yield f"everything but: {element} {', '.join(statement[element])}"


def _wider(narrow: Statement, wide: Statement, how: str) -> Iterator[str]:
    """In which ways ``wide`` reaches further than ``narrow``."""
    for kind, (positive, negative) in KINDS:
        swapped = {_without_hashes(value) for value in set(narrow[positive]) - set(wide[positive])}
        for value in wide[positive]:
            if _without_hashes(value) in swapped:
                continue
            if not any(covers(kind, pattern, value) for pattern in narrow[positive]):
                covered = any(covers(kind, value, old) for old in narrow[positive])
                wild = is_everything(value) or (kind == "action" and _wild(value)) or covered
                yield f"{how.format(kind)}{', a wildcard' if wild else ''}: {value}"
        if wide[negative]:
            spared = set(narrow[negative]) - set(wide[negative])
            if spared or not narrow[negative]:
                yield f"{how.format(kind)}: everything but {', '.join(wide[negative])}"
    yield from _looser(narrow, wide)


def _looser(narrow: Statement, wide: Statement) -> Iterator[str]:
    """Conditions of ``narrow`` that ``wide`` has not, or has with more ways to fulfil them."""
    old, new = _conditions(narrow), _conditions(wide)
    for condition, values in old.items():
        name = " ".join(condition)
        negated = "Not" in condition[0]
        taken = new.get(condition, set())
        more = sorted(values - taken if negated else taken - values)
        if condition not in new:
            yield f"without the condition {name}"
        elif more:
            how = "no longer excludes" if negated else "also takes"
            yield f"condition {name} {how} {', '.join(more)}"


def _conditions(statement: Statement) -> dict[tuple[str, ...], set[str]]:
    found: dict[tuple[str, ...], set[str]] = {}
    for text in statement["Condition"]:
        name, _, value = text.partition(" = ")
        found.setdefault(tuple(name.split(" ", 1)), set()).add(value)
    return found


def _without_hashes(value: str) -> str:
    """The name of a thing that has a hash or a time in its name, like the job's code."""
    return re.sub(r"[0-9a-f]{12,}", "#", value)


def _wild(action: str) -> bool:
    return "*" in action or "?" in action


def is_everything(value: str) -> bool:
    """Whether it is a wildcard for nearly everything: `*`, or an ARN of any resource."""
    return value in ("*", "AWS *") or (value.startswith("arn:") and value.endswith((":*", ":::*")))


def covers(kind: str, pattern: str, value: str) -> bool:
    """Whether the pattern takes in all that the value does, which may be a pattern itself."""
    if kind == "resource":
        return matches_arn(pattern, value)
    return matches(pattern, value, ignore_case=kind == "action")
