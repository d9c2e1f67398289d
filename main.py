"""Write the Terraform of every environment, of its GitHub roles, and of the state bucket."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

# Before cdktf: it makes the AWS bindings load only what is used.
from stacks.lazy_bindings import nothing_collected

# isort: split
from cdktf import App

from stacks.burst_stack import BurstStack
from stacks.github.roles_stack import GithubRolesStack
from stacks.limits import check_limits
from stacks.pipeline.transforms import find_transforms
from stacks.settings import SettingsError, read_settings, read_variables, single_key
from stacks.state.state_stack import StateStack

PROJECT_FOLDER = Path(__file__).resolve().parent


def main() -> int:
    """Write all stacks below `CDKTF_OUTDIR`, or else `cdktf.out`.

    Returns 2, and writes nothing, where a setting cannot be used.
    """
    outdir = Path(os.environ.get("CDKTF_OUTDIR", PROJECT_FOLDER / "cdktf.out"))
    with nothing_collected():
        try:
            names = synthesize(outdir)
        except SettingsError as error:
            print(error, file=sys.stderr)
            # A new App makes them; they stay where an earlier synth has filled them.
            for folder in (outdir / "stacks", outdir):
                with suppress(OSError):
                    folder.rmdir()
            return 2
    print(f"Written below {_shown(outdir / 'stacks')}: {', '.join(names)}.")
    return 0


def _shown(folder: Path) -> Path:
    return folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder


def synthesize(outdir: Path) -> list[str]:
    """Add all stacks to an app and write them; `SettingsError` before anything is written.

    Returns the names of the stacks.
    """
    file = PROJECT_FOLDER / "cdktf.json"
    settings = read_settings(file)
    variables = read_variables(os.environ, settings)
    find_transforms(settings.environments, file)

    app = App(outdir=str(outdir))
    if settings.state_bucket:
        StateStack(app, settings.state_bucket, bootstrap=variables.bootstrap_state)
    environments = []
    for name, environment in settings.environments.items():
        environments.append(
            BurstStack(app, name, environment, allow_data_loss=variables.allow_data_loss)
        )
        if environment.github:
            GithubRolesStack(app, name, environment, environment.github)
    check_limits(environments, file)
    if note := single_key(settings, variables):
        print(note, file=sys.stderr)
    app.synth()
    return [child.node.id for child in app.node.children]


if __name__ == "__main__":
    sys.exit(main())
