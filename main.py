"""Synthesize a stack for each environment, for its GitHub roles, and for the state bucket."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from stacks import lazy_bindings as lazy_bindings

PROJECT_FOLDER = Path(__file__).resolve().parent


def main() -> int:
    """Write Terraform for every environment; 2 where a setting cannot be used."""
    # What Node loads it loads beside Python, so it begins before anything else is imported.
    lazy_bindings.start()
    with lazy_bindings.nothing_collected():
        from stacks.settings import SettingsError

        try:
            synthesize()
        except SettingsError as error:
            print(error, file=sys.stderr)
            return 2
    return 0


def synthesize() -> None:
    """Write all stacks below `CDKTF_OUTDIR`, or else `cdktf.out`; `SettingsError` before that."""
    from stacks.pipeline.transforms import find_transforms
    from stacks.settings import read_settings, read_variables

    settings = read_settings(PROJECT_FOLDER / "cdktf.json")
    variables = read_variables(os.environ, settings)
    find_transforms(settings.environments)
    # Only now: loading the bindings takes far longer than refusing a wrong setting.
    from cdktf import App

    from stacks.burst_stack import BurstStack
    from stacks.state.state_stack import StateStack

    app = App(outdir=os.environ.get("CDKTF_OUTDIR", str(PROJECT_FOLDER / "cdktf.out")))
    if settings.state_bucket:
        StateStack(app, settings.state_bucket, bootstrap=variables.bootstrap_state)
    for name, environment in settings.environments.items():
        BurstStack(app, name, environment, allow_data_loss=variables.allow_data_loss)
        if environment.github:
            from stacks.github.roles_stack import GithubRolesStack

            GithubRolesStack(app, name, environment, environment.github)
    app.synth()


if __name__ == "__main__":
    sys.exit(main())
