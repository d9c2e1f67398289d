"""The ids of batches and runs: how they are shown, and what may be typed in their place.

A batch is shown by the time of planning, with which its id begins. Glue's ids have 64 digits: a run
is shown by its kind and the first eight, by its workflow run where it has one. Every command takes
the beginning of an id, as long as only one id begins like that.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from tools.operate.errors import InputError

SHORT_DIGITS = 8
# Glue's own form, for job runs and workflow runs.
_RUN = re.compile(r"(?:jr|wr)_[0-9a-f]{4,}")
_BATCH = re.compile(r"\d{8}(T\d{0,6}(Z(-[0-9a-f]{0,8})?)?)?", re.ASCII)
_LIKE_A_BATCH = re.compile(r"\d[0-9A-Za-z-]*", re.ASCII)
_EARLIEST = "00000000T000000Z"


def short(run_id: str) -> str:
    """The form in which a run is shown."""
    kind, _, digits = run_id.partition("_")
    return f"{kind}_{digits[:SHORT_DIGITS]}" if digits else run_id


def short_batch(batch: str) -> str:
    """The form in which a batch is shown."""
    return batch.partition("-")[0]


def looks_like_run(text: str) -> bool:
    """Whether it is the id of a run, or the beginning of one."""
    return _RUN.fullmatch(text) is not None


def means_a_run(text: str) -> bool:
    """Whether the id of a run is meant, be it one or not."""
    return text.startswith(("jr_", "wr_"))


def means_a_batch(text: str) -> bool:
    """Whether the id of a batch is meant, be it one or not."""
    return _LIKE_A_BATCH.fullmatch(text) is not None


def looks_like_batch(text: str) -> bool:
    """Whether it is the id of a batch, or the beginning of one: at least its day."""
    return _BATCH.fullmatch(text) is not None


def earliest_time(batch: str) -> str:
    """The earliest time of planning, as an id has it, with which an id can begin like this."""
    time = batch.partition("-")[0]
    return time + _EARLIEST[len(time) :]


def the_one(text: str, ids: Iterable[str], *, what: str, where: str) -> str:
    """The id that begins like this.

    Raises `InputError` where there is none, and where there are several.
    """
    found = sorted({id_ for id_ in ids if id_.startswith(text)})
    if not found:
        raise missing(text, what=what, where=where)
    if len(found) > 1:
        shown = ", ".join(found[:3])
        raise InputError(
            f"{text!r} is the beginning of {len(found)} ids, the first are {shown}: type more."
        )
    return found[0]


def missing(text: str, *, what: str, where: str) -> InputError:
    """The error for an id that there is not; it says what the id looks like."""
    other = ""
    if what == "batch" and looks_like_run(text):
        other = " It looks like the id of a run; `burst inspect` shows its batches."
    elif what == "batch" and not looks_like_batch(text):
        other = " The id of a batch is like 20250131T235959Z-0123abcd, or its beginning."
    elif what == "run" and not looks_like_run(text):
        other = " The id of a run is like wr_0123abcd, or its beginning."
    return InputError(
        f"There is no {what} {text} in {where}; `burst status` shows the last ones.{other}"
    )
