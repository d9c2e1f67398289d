"""Lock the dependencies without naming an index (`pipenv run lock`).

Pipenv writes the address of the index it used into the lock file. The project takes its packages
from whatever index the machine is set up for, so the address is taken out again.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

LOCK_FILE = Path(__file__).resolve().parent.parent / "Pipfile.lock"


def main() -> int:
    """Run `pipenv lock` and remove the sources from its result; returns its exit code."""
    code = subprocess.run(["pipenv", "lock", "--dev"], check=False).returncode  # noqa: S607
    if code == 0:
        lock = json.loads(LOCK_FILE.read_text(encoding="utf-8"))
        lock["_meta"]["sources"] = []
        LOCK_FILE.write_text(json.dumps(lock, indent=4) + "\n", encoding="utf-8")
    return code


if __name__ == "__main__":
    sys.exit(main())
