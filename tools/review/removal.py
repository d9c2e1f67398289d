"""Pipelines that a plan removes as a whole: what becomes of their files and rows."""

from __future__ import annotations

from dataclasses import dataclass

from tools.review.difference import follow
from tools.review.plan import Action, Plan, ResourceChange
from tools.review.subject import Part, subject_of

# Without these two nothing of a pipeline can run.
ESSENTIAL = frozenset({"aws_glue_job", "aws_glue_workflow"})


@dataclass(frozen=True)
class RemovedPipeline:
    """A pipeline whose job and workflow are destroyed.

    Attributes:
        job: the change that destroys its job.
        prefix: of its keys in landing, and the suffix ("" where there is none); None where the
            plan does not say.
        keeps_data: whether the lake stays, with the rows and files that the pipeline made.
    """

    name: str
    job: ResourceChange
    prefix: str | None
    suffix: str
    keeps_data: bool

    @property
    def keys(self) -> str | None:
        """Its keys as a pattern."""
        return (
            None if self.prefix is None else f"{self.prefix}{'*' * bool(self.suffix)}{self.suffix}"
        )

    @property
    def consequence(self) -> str:
        """What its removal means, in our words."""
        stays = (
            " Its rows in curated and its files in archive and quarantine stay."
            if self.keeps_data
            else ""
        )
        return f"Its files are no longer taken: they stay in landing.{stays}"


def removed_pipelines(plan: Plan) -> tuple[RemovedPipeline, ...]:
    """All pipelines that the plan removes, by name."""
    gone: dict[str, dict[str, ResourceChange]] = {}
    for change in plan.changes:
        pipeline = subject_of(change).pipeline
        if pipeline and change.action is Action.DESTROY and not change.deposed:
            gone.setdefault(pipeline, {})[change.type] = change
    keeps_data = not any(map(_is_lake_that_goes, plan.changes))
    return tuple(
        _removed(name, changes["aws_glue_job"], keeps_data=keeps_data)
        for name, changes in sorted(gone.items())
        if changes.keys() >= ESSENTIAL
    )


def without_pipelines(plan: Plan) -> bool:
    """Whether the plan removes pipelines and leaves none."""
    jobs = [change for change in plan.changes if change.type == "aws_glue_job"]
    return bool(removed_pipelines(plan)) and all(job.action is Action.DESTROY for job in jobs)


def _removed(name: str, job: ResourceChange, *, keeps_data: bool) -> RemovedPipeline:
    prefix, suffix = (_argument(job, argument) for argument in ("--prefix", "--suffix"))
    return RemovedPipeline(name, job, prefix, suffix or "", keeps_data)


def _argument(job: ResourceChange, name: str) -> str | None:
    value = follow(job.before, ("default_arguments", name))
    return value if isinstance(value, str) else None


def _is_lake_that_goes(change: ResourceChange) -> bool:
    return change.type == "aws_s3_bucket" and change.goes and subject_of(change).part is Part.LAKE
