"""What is said of files that are named, wherever they are."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tools.operate.errors import InputError


def must_not_be_folders(paths: Iterable[Path]) -> None:
    """Raise `InputError` for the first folder among them."""
    for path in paths:
        if path.is_dir():
            raise InputError(f"{path} is a folder; name the files in it, for example {path}/*.")
