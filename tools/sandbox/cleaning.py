"""The folders of sandboxes that have ended: which they are, and how large."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.sandbox.errors import SandboxError
from tools.sandbox.folder import RUNNING, SANDBOXES, held, is_ours, runs, sandbox_folders


@dataclass(frozen=True)
class Leftover:
    """A folder that may be removed. bytes: of its files, without what only a link names."""

    folder: Path
    bytes: int


def look(named: Sequence[Path], root: Path = SANDBOXES) -> tuple[list[Leftover], list[Path]]:
    """The folders that may be removed, and those that stay because their sandboxes run.

    ``named``: these, or else all below ``root``. Raises `SandboxError` for a named folder that is
    none of ours or whose sandbox runs; nothing is removed then.
    """
    for folder in named:
        if not folder.is_dir():
            raise SandboxError(f"{folder} is no folder.")
        if folder.is_symlink() or not is_ours(folder.resolve()):
            raise SandboxError(f"{folder} is not removed: no sandbox made it.")
        if runs(folder):
            raise SandboxError(f"{folder} is not removed: its sandbox runs. Stop it by Ctrl-C.")
    folders = [folder.resolve() for folder in named] or sandbox_folders(root)
    running = [folder for folder in folders if runs(folder)]
    left = [Leftover(folder, _bytes(folder)) for folder in folders if folder not in running]
    return left, running


def remove(folder: Path) -> None:
    """Remove a folder; raises `SandboxError` where its sandbox was started meanwhile."""
    try:
        with held(folder, RUNNING):
            shutil.rmtree(folder)
    except BlockingIOError:
        raise SandboxError(f"{folder} is not removed: its sandbox runs.") from None


def _bytes(folder: Path) -> int:
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return sum(path.stat().st_size for path in files)
