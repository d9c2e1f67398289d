"""Which file is it? What a run does with a batch whose reading or writing failed.

A batch that failed twice is halved. A half that fails is halved at once, until a file is alone. A
file goes to quarantine only when it failed alone, again and again, and at least once after the same
run had loaded other rows: then engine, transform and permissions work, and the file does not.

Where nothing else is there to load, a probe takes its place: a row that was made up goes through
the same engine, columns and transform. There is none where both halves of a batch failed, or many
files did: then the cause is most likely not a file. Where neither a file nor the probe is loaded,
nothing is set aside.

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

Step = Literal["try", "probe", "halve", "convict", "wait"]


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

    def next_step(self, *, works: bool, may_probe: bool) -> Step:
        """works: whether this run has loaded other rows. may_probe: whether a probe can say so."""
        attempts = self.attempts
        if len(self.plan.inputs) > 1:
            limit = 1 if self.plan.part_of else ATTEMPTS
            return "halve" if attempts.begun >= limit else "try"
        often = attempts.failed >= ERRORS or attempts.begun >= DEATHS
        if self.set_aside_by or (attempts.proven and often):
            return "convict"
        if not works and may_probe and attempts.begun >= ATTEMPTS:
            return "probe"
        return "wait" if self.tried and not works else "try"


@dataclass
class Suspects:
    """The batches of this run that failed.

    loaded: whether the run has loaded rows.
    probed: whether it has loaded a row that was made up; None where it has not tried to.
    probe_error: why it could not.
    """

    loaded: bool = False
    probed: bool | None = None
    probe_error: str | None = None
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

    @property
    def works(self) -> bool:
        """Whether this run was seen to load rows, so that it is a file that fails."""
        return self.loaded or self.probed is True

    def _may_probe(self) -> bool:
        """Whether few files are left, each alone and no two of one batch: no other half failed."""
        plans = [suspect.plan for suspect in self.all()]
        return (
            self.probed is None
            and len(plans) < UNPROVEN_FILES
            and all(len(plan.inputs) == 1 for plan in plans)
            and len({plan.family for plan in plans}) == len(plans)
        )

    def next(self) -> tuple[Suspect, Step] | None:
        """The newest part first, so that the first single file is found soon.

        A file that was tried alone comes late: the run may die of it, and others may prove it. The
        probe comes last, as it costs time.
        """
        may_probe = self._may_probe()
        steps = [
            (item, item.next_step(works=self.works, may_probe=may_probe)) for item in self.all()
        ]
        waiting = sum(step == "wait" for _, step in steps)
        if not self.works and waiting >= UNPROVEN_FILES:
            return None
        ready = [(item, step) for item, step in reversed(steps) if step != "wait"]
        return min(ready, key=_comes_late, default=None)


def _comes_late(chosen: tuple[Suspect, Step]) -> int:
    suspect, step = chosen
    return 2 if step == "probe" else int(step == "try" and suspect.attempts.begun > 0)
