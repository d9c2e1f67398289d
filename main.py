"""Synthesize one stack for each environment in cdktf.json."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from stacks import fast_bindings

PROJECT_FOLDER = Path(__file__).resolve().parent


def main() -> int:
    """Write Terraform for every environment; 2 where a setting cannot be used."""
    # What Node loads it loads beside Python, so it begins before anything else is imported.
    fast_bindings.start()
    from stacks.settings import SettingsError, read_environments

    try:
        environments = read_environments(PROJECT_FOLDER / "cdktf.json")
        # Only now: loading the bindings takes far longer than refusing a wrong setting.
        from cdktf import App

        from stacks.burst_stack import BurstStack

        app = App(outdir=os.environ.get("CDKTF_OUTDIR", str(PROJECT_FOLDER / "cdktf.out")))
        for name, settings in environments.items():
            BurstStack(
                app,
                name,
                settings,
                allow_data_loss=os.environ.get("BURST_ALLOW_DATA_LOSS") == "1",
            )
        app.synth()
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
