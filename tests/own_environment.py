"""A virtual environment of its own for what must not be installed beside the product."""

from __future__ import annotations

import os
import subprocess
import venv
from collections.abc import Callable, Sequence
from pathlib import Path


def python_with(
    requirements: Sequence[str],
    folder: str,
    say: Callable[[str], None] = lambda message: None,
) -> Path:
    """The Python of an environment with these packages, made in the user's cache once.

    Args:
        requirements: as pip takes them; the first one names the environment.
        folder: where in the project's part of the cache.
        say: called before something is installed, which takes a while.

    Raises `subprocess.CalledProcessError` where pip cannot install them; its ``stderr`` says why.
    """
    home = user_cache() / "burst" / folder / requirements[0]
    python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    ready = home / "ready"
    if not ready.exists() or ready.read_text(encoding="utf-8") != "\n".join(requirements):
        say(f"Installing {requirements[0]} in {home} (once)...")
        venv.create(home, with_pip=True, clear=True)
        install = [str(python), "-m", "pip", "install", "--quiet", *requirements]
        subprocess.run(install, check=True, capture_output=True, text=True)
        ready.write_text("\n".join(requirements), encoding="utf-8")
    return python


def user_cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
