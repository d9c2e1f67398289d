"""What a changed lifecycle configuration of a bucket makes S3 delete."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tools.review.difference import Difference
from tools.review.plan import Action, ResourceChange, Unknown

NEVER = float("inf")


@dataclass(frozen=True)
class Expiry:
    """After how many days a rule deletes: current objects, or versions that were replaced.

    ``days`` is 0 where a date or a number of versions to keep decides, infinite where it never
    deletes, and None where it is known only after the apply.
    """

    rule: str
    index: int
    scope: str
    what: str
    days: float | None


def lost_by_lifecycle(change: ResourceChange) -> Iterator[tuple[Difference, str, str]]:
    """What is deleted that would have been kept: the attribute, the keys, and a sentence of ours.

    A rule is known by its id, or else by what it is about. Rules that go or get longer delete
    nothing.
    """
    if change.action is Action.DESTROY:
        return
    before = list(_expiries(change.before.get("rule")))
    for expiry in _expiries(change.after.get("rule")):
        was = _counterpart(expiry, before)
        kept = was.days if was else NEVER
        path = ("rule", expiry.index, *_PATHS[expiry.what])
        shown = None if kept in (NEVER, None) else _days(kept)
        difference = Difference(path, shown, _days(expiry.days))
        if expiry.days is None or (kept is not None and expiry.days < kept):
            yield difference, expiry.scope, f"S3 deletes {expiry.what} that it would have kept."
        elif was and expiry.days < NEVER and was.scope != expiry.scope:
            scope = Difference(("rule", expiry.index, "filter"), was.scope, expiry.scope)
            yield scope, expiry.scope, f"S3 deletes {expiry.what} elsewhere than before."


def _counterpart(expiry: Expiry, before: list[Expiry]) -> Expiry | None:
    alike = [was for was in before if was.what == expiry.what]
    same = [was for was in alike if was.rule == expiry.rule]
    about_the_same = [was for was in alike if was.scope == expiry.scope]
    return next(iter((*same, *about_the_same)), None)


_PATHS: Mapping[str, tuple[str | int, ...]] = {
    "objects": ("expiration", 0, "days"),
    "replaced versions": ("noncurrent_version_expiration", 0, "noncurrent_days"),
}


def _days(days: float | None) -> Any:
    if days is None:
        return Unknown()
    return int(days) if days < NEVER else None


def _expiries(rules: Any) -> Iterator[Expiry]:
    for index, rule in enumerate(rules if isinstance(rules, list) else []):
        if not isinstance(rule, dict) or rule.get("status") == "Disabled":
            continue
        name = rule.get("id") if isinstance(rule.get("id"), str) else str(index)
        scope = _scope(rule)
        for what, (block, _, attribute) in _PATHS.items():
            yield Expiry(
                str(name), index, scope, what, _after(rule.get(str(block)), str(attribute))
            )


def _after(blocks: Any, attribute: str) -> float | None:
    if isinstance(blocks, Unknown):
        return None
    block = blocks[0] if isinstance(blocks, list) and blocks else {}
    if isinstance(block, Unknown):
        return None
    days = block.get(attribute)
    if isinstance(days, Unknown):
        return None
    if isinstance(days, int | float) and days > 0:
        return float(days)
    return 0 if block.get("date") else NEVER


def _scope(rule: Mapping[str, Any]) -> str:
    """Which keys a rule is about: a prefix, "" for all."""
    filters = rule.get("filter")
    first = filters[0] if isinstance(filters, list) and filters else {}
    prefix = first.get("prefix") if isinstance(first, dict) else None
    both = first.get("and") if isinstance(first, dict) else None
    if isinstance(both, list) and both and isinstance(both[0], dict):
        prefix = both[0].get("prefix")
    return str(prefix or rule.get("prefix") or "")
