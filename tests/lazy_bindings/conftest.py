"""Bindings in miniature: the layout of the published package, with three submodules."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.patience import PATIENCE

PROJECT = Path(__file__).resolve().parents[2]
SUBMODULES = ("alb", "provider", "s3_bucket")

RunPython = Callable[..., "subprocess.CompletedProcess[str]"]


@dataclass(frozen=True)
class Bindings:
    """The Python package and the folder that Python finds it in."""

    folder: Path

    @property
    def package(self) -> Path:
        return self.folder / "cdktf_cdktf_provider_aws"

    @property
    def init(self) -> Path:
        return self.package / "__init__.py"

    @property
    def assembly(self) -> Path:
        return self.package / "_jsii" / "__init__.py"


def package_source(published: tuple[str, ...], imported: tuple[str, ...], more: str = "") -> str:
    names = "".join(f'    "{name}",\n' for name in published)
    imports = "".join(f"from . import {name}\n" for name in imported)
    return (
        'r"""The bindings."""\n'
        "from pkgutil import extend_path\n"
        "__path__ = extend_path(__path__, __name__)\n\n"
        "import publication\n\n"
        f"from ._jsii import *\n\n__all__ = [\n{names}]\n\npublication.publish()\n\n"
        "# Loading modules to ensure their types are registered with the jsii runtime library\n"
        f"{imports}{more}"
    )


def assembly_source(version: str) -> str:
    # jsii itself needs Node and the real bindings; what it would read is printed instead.
    return (
        "import sys\n\nclass JSIIAssembly:\n    @staticmethod\n    def load(*args):\n"
        '        table = getattr(sys.modules[__name__], "_SUBMODULE_FQN_MAP", {})\n'
        '        print("assembly", *args[:2], *(f"{k}={v}" for k, v in sorted(table.items())))\n\n'
        "__jsii_assembly__ = JSIIAssembly.load(\n"
        f'    "@cdktf/provider-aws", "{version}", __name__[0:-6], "x.jsii.tgz"\n)\n\n'
        '__all__ = ["__jsii_assembly__"]\n'
    )


@pytest.fixture
def bindings(tmp_path: Path) -> Bindings:
    made = Bindings(tmp_path / "site")
    made.assembly.parent.mkdir(parents=True)
    made.init.write_text(package_source(SUBMODULES, SUBMODULES))
    made.assembly.write_text(assembly_source("21.22.1"))
    for name in SUBMODULES:
        (made.package / name).mkdir()
        source = f'from .._jsii import *\nprint("loaded {name}")\n'
        (made.package / name / "__init__.py").write_text(source)
    return made


@pytest.fixture
def run_python(bindings: Bindings) -> RunPython:
    """Run Python code in a process of its own that finds the bindings in miniature."""

    def run(
        code: str, environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        inherited = {
            name: value
            for name, value in os.environ.items()
            if name not in ("NODE_OPTIONS", "JSII_NODE", "BURST_STOCK_BINDINGS")
        }
        return subprocess.run(
            [sys.executable, "-c", code],
            env={
                **inherited,
                "PYTHONPATH": os.pathsep.join([str(bindings.folder), str(PROJECT)]),
                **(environment or {}),
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )

    return run
