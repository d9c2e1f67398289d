"""Lock the dependencies without naming an index (`pipenv run lock`).

Pipenv writes the address of the index it used into the lock file, and lets the indexes of the
machine's pip configuration into the hash by which it tells whether the lock is up to date. The
project takes its packages from whatever index a machine is set up for, so the lock is made without
that configuration (PIPENV_PYPI_MIRROR still names another index) and the address is taken out.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

LOCK_FILE = Path(__file__).resolve().parent.parent / "Pipfile.lock"


def main() -> int:
    """Run `pipenv lock` and remove the sources from its result; returns its exit code."""
    code = subprocess.run(
        ["pipenv", "lock", "--dev"],  # noqa: S607
        env={**os.environ, "PIP_CONFIG_FILE": os.devnull},
        check=False,
    ).returncode
    if code == 0:
        lock = json.loads(LOCK_FILE.read_text(encoding="utf-8"))
        lock["_meta"]["sources"] = []
        LOCK_FILE.write_text(json.dumps(lock, indent=4) + "\n", encoding="utf-8")
    return code


if __name__ == "__main__":
    sys.exit(main())
