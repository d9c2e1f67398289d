"""`pipenv run test`: all but what the gate adds, or the tests named; arguments as of pytest."""

from __future__ import annotations

import os
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from tests import set_up

# The rooms that only compute.
QUICK = ("tests/unit", "tests/synth", "tests/yours")
# Those of pytest that we use; what comes with the package of any other it would compile again.
PLUGINS = ("--disable-plugin-autoload", "-p", "xdist", "-p", "hypothesispytest")


def main(arguments: list[str]) -> int:
    named = [word.split("::")[0].rstrip("/") for word in arguments]
    named = [word for word in named if Path(word).exists()]
    deploys = not named or any("deploy" in word for word in named)
    waits = not named or any(not word.startswith(QUICK) for word in named)
    if problem := set_up.trouble(deploys=deploys):
        print(problem, file=sys.stderr)
        return 2
    import pytest

    # Each process collects all tests, and without their bytecode compiles them first: 5 seconds.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    ours = [*PLUGINS, "-p", "tests.progress", "--numprocesses", str(set_up.processes(waits=waits))]
    with _java_archive() if waits else nullcontext():
        return int(pytest.main([*ours, *arguments]))


def _java_archive() -> AbstractContextManager[object]:
    from tools.sandbox.java import ArchiveMaker

    return ArchiveMaker()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
