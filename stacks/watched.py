"""A pipeline as those see it who watch over it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class WatchedPipeline:
    """The names under which a pipeline's parts appear in metrics, events and logs.

    rule_names: the rule of new files, and the sweep's where there is one.
    tags: of everything that belongs to the pipeline.
    """

    name: str
    pipeline: str
    rule_names: Sequence[str]
    queue_name: str
    job_name: str
    workflow_name: str
    log_group: str
    tags: Mapping[str, str]
