"""One synth of every environment in a process of its own, with fast or with stock bindings."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.example import copy_project

PROJECT_FOLDER = Path(__file__).resolve().parents[2]

# Runs in jsii's Node beside our preload, as an option of the user's would: writes what was loaded.
LIST_MODULES = """
process.on("exit", () => {
  const loaded = Object.keys(require.cache).filter((file) => file.includes("provider-aws"));
  if (loaded.length > 0) require("fs").writeFileSync(process.env.LOADED, JSON.stringify(loaded));
});
"""
SYNTH = """
import json, sys, main
code = main.main()
prefix = "cdktf_cdktf_provider_aws."
print(json.dumps([name for name in sys.modules if name.startswith(prefix)]))
sys.exit(code)
"""


@dataclass(frozen=True)
class Synth:
    """One synth of every environment in a process of its own."""

    files: Mapping[str, bytes]
    python_modules: list[str]
    node_modules: list[str]
    stderr: str


def synthesize(folder: Path, **environment: str) -> Synth:
    # A space, because the folder of a checkout may hold one.
    scratch = folder / "a user's folder"
    scratch.mkdir()
    (scratch / "list.cjs").write_text(LIST_MODULES)
    done = subprocess.run(
        [sys.executable, "-c", SYNTH],
        cwd=copy_project(folder / "project"),
        env=clean_environment(
            CDKTF_OUTDIR=str(scratch / "cdktf.out"),
            LOADED=str(scratch / "loaded.json"),
            # Both keys to deleting data are turned, so stderr has no note about one of them.
            BURST_ALLOW_DATA_LOSS="1",
            NODE_OPTIONS=f'--require "{scratch / "list.cjs"}"',
            **environment,
        ),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    out = scratch / "cdktf.out"
    return Synth(
        {str(f.relative_to(out)): f.read_bytes() for f in sorted(out.rglob("*")) if f.is_file()},
        json.loads(done.stdout.splitlines()[-1]),
        json.loads((scratch / "loaded.json").read_text()),
        done.stderr,
    )


def clean_environment(**environment: str) -> dict[str, str]:
    """This process has fast bindings itself; a child must not inherit them."""
    ours = ("NODE_OPTIONS", "JSII_NODE", "BURST_STOCK_BINDINGS", "CDKTF_OUTDIR")
    inherited = {name: value for name, value in os.environ.items() if name not in ours}
    return {**inherited, **environment}


def run_python(code: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=PROJECT_FOLDER,
        env=clean_environment(**settings),
        capture_output=True,
        text=True,
        check=False,
    )
