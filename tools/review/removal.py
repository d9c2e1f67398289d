"""Pipelines that a plan removes as a whole: what becomes of their files and rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from burst.contract import JobSpec, arguments_of

from tools.review.difference import follow
from tools.review.plan import Action, Plan, ResourceChange
from tools.review.subject import Part, subject_of

_ARGUMENTS = arguments_of(JobSpec)
PREFIX, SUFFIX = (_ARGUMENTS[name].flag for name in ("prefix", "suffix"))
# Without these two nothing of a pipeline can run.
ESSENTIAL = frozenset({"aws_glue_job", "aws_glue_workflow"})


@dataclass(frozen=True)
class RemovedPipeline:
    """A pipeline whose job and workflow are destroyed.

    Attributes:
        job: the change that destroys its job.
        prefix: of its keys in landing, and the suffix ("" where there is none); None where the
            plan does not say.
        successor: another pipeline that takes its keys, "" where none does, None where the plan
            does not say.
        keeps_data: whether the lake stays, with the rows and files that the pipeline made.
    """

    name: str
    job: ResourceChange
    prefix: str | None
    suffix: str
    successor: str | None
    keeps_data: bool

    @property
    def keys(self) -> str | None:
        """Its keys as a pattern."""
        if self.prefix is None:
            return None
        return f"{self.prefix}*{self.suffix}" if self.suffix else self.prefix

    @property
    def consequence(self) -> str:
        """What its removal means, in our words."""
        if self.successor:
            files = f"The pipeline {self.successor} takes its files from now on."
        elif self.successor is None:
            files = "Its files stay in landing, unless another pipeline takes them."
        else:
            files = "Its files are no longer taken: they stay in landing."
        lake = " Its rows in curated and its files in archive and quarantine stay."
        return files + lake * self.keeps_data


def removed_pipelines(plan: Plan) -> tuple[RemovedPipeline, ...]:
    """All pipelines that the plan removes, by name."""
    gone: dict[str, dict[str, ResourceChange]] = {}
    for change in plan.changes:
        pipeline = subject_of(change).pipeline
        if pipeline and change.action is Action.DESTROY and not change.deposed:
            gone.setdefault(pipeline, {})[change.type] = change
    keeps_data = not any(map(_is_lake_that_goes, plan.changes))
    return tuple(
        _removed(name, changes["aws_glue_job"], plan, keeps_data=keeps_data)
        for name, changes in sorted(gone.items())
        if changes.keys() >= ESSENTIAL
    )


def without_pipelines(plan: Plan) -> bool:
    """Whether the plan removes pipelines and leaves none."""
    jobs = [change for change in plan.changes if change.type == "aws_glue_job"]
    return bool(removed_pipelines(plan)) and all(job.action is Action.DESTROY for job in jobs)


def _removed(name: str, job: ResourceChange, plan: Plan, *, keeps_data: bool) -> RemovedPipeline:
    prefix, suffix = (_argument(job.before, name) for name in (PREFIX, SUFFIX))
    successor = None if prefix is None else _successor(prefix, suffix or "", plan)
    return RemovedPipeline(name, job, prefix, suffix or "", successor, keeps_data)


def _successor(prefix: str, suffix: str, plan: Plan) -> str | None:
    """The pipeline that takes these keys afterwards; "" for none, None where it is not known."""
    known = True
    for change in plan.changes:
        pipeline = subject_of(change).pipeline
        if change.type != "aws_glue_job" or pipeline is None or not change.after:
            continue
        own = _argument(change.after, PREFIX)
        known &= own is not None
        ends = _argument(change.after, SUFFIX) or ""
        if own is not None and prefix.startswith(own) and suffix.endswith(ends):
            return pipeline
    return "" if known else None


def _argument(side: Mapping[str, Any], name: str) -> str | None:
    value = follow(side, ("default_arguments", name))
    return value if isinstance(value, str) else None


def _is_lake_that_goes(change: ResourceChange) -> bool:
    is_bucket = change.type == "aws_s3_bucket" and change.goes
    return is_bucket and subject_of(change).part is Part.LAKE
