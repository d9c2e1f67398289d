"""Synthesize stacks from settings, into a folder, and read back what was written."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from cdktf import App

from stacks.burst_stack import BurstStack
from stacks.github.roles_stack import GithubRolesStack
from stacks.limits import check_limits
from stacks.settings import EnvironmentSettings, StateBucket
from stacks.state.state_stack import StateStack
from tests.synth.synthesized import Synthesized


def synthesize_environments(
    environments: Mapping[str, EnvironmentSettings], outdir: Path, *, allow_data_loss: bool = False
) -> dict[str, Synthesized]:
    """Every stack of these environments by name."""
    app = App(outdir=str(outdir))
    stacks = []
    for name, environment in environments.items():
        stacks.append(BurstStack(app, name, environment, allow_data_loss=allow_data_loss))
        if environment.github:
            GithubRolesStack(app, name, environment, environment.github)
    check_limits(stacks)
    app.synth()
    return {folder.name: Synthesized.read(folder) for folder in (outdir / "stacks").iterdir()}


def synthesize_state_bucket(
    settings: StateBucket, outdir: Path, *, bootstrap: bool = False
) -> Synthesized:
    """The stack of a state bucket."""
    app = App(outdir=str(outdir))
    StateStack(app, settings, bootstrap=bootstrap)
    app.synth()
    return Synthesized.read(outdir / "stacks" / "state")
