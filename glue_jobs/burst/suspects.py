"""Which file is it? What a run does with a batch whose reading or writing failed.

A batch that failed twice is halved. A half that fails is halved at once, until a file is alone. A
file goes to quarantine only when it failed alone, again and again, and a run that loaded other rows
is among those that tried it: then engine, transform and permissions work, and the file does not.
Where nothing is loaded, nothing is set aside: the cause is not known to be a file.

A run that dies says nothing, so each attempt but the first is on record before it is made.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from burst.batch import InputFile
from burst.ledger import AttemptsRecord, PlanRecord

# Attempts of a whole batch before it is halved.
ATTEMPTS = 2
# What convicts a single file: so many attempts that ended with an error, or so many in all. A run
# may die for another reason, so more of these are needed.
ERRORS = 2
DEATHS = 3
# After so many single files that failed while nothing was loaded, a run gives up.
UNPROVEN_FILES = 3

Step = Literal["try", "halve", "convict", "wait"]


def is_suspect(plan: PlanRecord, begun: int) -> bool:
    """Whether a batch was tried so often that it waits until everything else is done."""
    return plan.part_of is not None or begun >= ATTEMPTS


@dataclass
class Suspect:
    """A batch that failed, or a part of one.

    set_aside_by: the person who gave up its single file; None where nobody did.
    tried: whether this run has tried it, in vain.
    """

    plan: PlanRecord
    attempts: AttemptsRecord
    set_aside_by: str | None = None
    tried: bool = False

    def next_step(self, *, loaded: bool) -> Step:
        """loaded: whether this run has loaded rows."""
        attempts = self.attempts
        if len(self.plan.inputs) > 1:
            limit = 1 if self.plan.part_of else ATTEMPTS
            return "halve" if attempts.begun >= limit else "try"
        often = attempts.failed >= ERRORS or attempts.begun >= DEATHS
        if self.set_aside_by or (attempts.proven and often):
            return "convict"
        return "wait" if self.tried and not loaded else "try"


@dataclass
class Suspects:
    """The batches of this run that failed. loaded: whether the run has loaded rows."""

    loaded: bool = False
    _by_batch: dict[str, Suspect] = field(default_factory=dict)

    def add(self, suspect: Suspect) -> None:
        self._by_batch[suspect.plan.origin.batch] = suspect

    def remove(self, batch: str) -> None:
        self._by_batch.pop(batch, None)

    def all(self) -> tuple[Suspect, ...]:
        return tuple(self._by_batch.values())

    def inputs(self) -> tuple[InputFile, ...]:
        """Files that are in landing and must not be planned again."""
        return tuple(file for suspect in self.all() for file in suspect.plan.inputs)

    def next(self) -> tuple[Suspect, Step] | None:
        """The newest part first, so that the first single file is found soon.

        A file that was tried alone comes last: the run may die of it, and others may prove it.
        """
        steps = [(item, item.next_step(loaded=self.loaded)) for item in self.all()]
        waiting = sum(step == "wait" for _, step in steps)
        if not self.loaded and waiting >= UNPROVEN_FILES:
            return None
        ready = [(item, step) for item, step in reversed(steps) if step != "wait"]
        return min(ready, key=_comes_late, default=None)


def _comes_late(chosen: tuple[Suspect, Step]) -> bool:
    suspect, step = chosen
    return step == "try" and suspect.attempts.begun > 0
