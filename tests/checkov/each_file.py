"""Runs with checkov's Python: scans every file that is named, and writes `FILE.report` beside it.

checkov takes longer to start than to scan a stack, and given several files it would draw one graph
of them all. So it starts once, and each scan has a fork of its own.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from checkov.main import Checkov

# `terraform_json` is the only framework that reads `cdk.tf.json`; `terraform` scans nothing and
# says that all is well. Without a network checkov prints a stack trace; its result stands.
OPTIONS = ("--framework", "terraform_json", "--output", "json", "--compact", "--quiet")
OFFLINE = ("--soft-fail", "--skip-download")


def scan(file: str) -> int:
    """The exit code of a scan in a process of its own."""
    child = os.fork()
    if not child:
        with Path(f"{file}.report").open("wb") as report:
            os.dup2(report.fileno(), sys.stdout.fileno())
        code = Checkov([*OPTIONS, *OFFLINE, "--file", file]).run()
        sys.stdout.flush()
        os._exit(code or 0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


sys.exit(max(map(scan, sys.argv[1:])))
