"""The folder of a sandbox: whose it is, whether it runs, and what another process must know.

A sandbox holds a lock on a file in its folder for as long as it runs. The system gives the lock up
when the process ends, however it ends, so a lock says more than a process id.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from tools.operate.deployment import PROJECT_FOLDER, SANDBOX_VARIABLE
from tools.sandbox.errors import SandboxError

SANDBOXES = PROJECT_FOLDER / ".sandbox"
FACTS_FILE = "sandbox.json"
RUNNING, APPLYING = "running.lock", "applying.lock"
# The folders that a sandbox makes where it is given none.
_OUR_NAME = re.compile(r"\d{8}T\d{6}\.\d{6}Z")


def write_at_once(file: Path, text: str) -> None:
    """Write the whole text or nothing: another process may read the file at any moment."""
    new = file.with_name(f"{file.name}.new")
    new.write_text(text, encoding="utf-8")
    new.replace(file)


@dataclass(frozen=True)
class Facts:
    """What another process must know of a running sandbox.

    Attributes:
        project: the folder whose `main.py` made the stack.
        pipeline: the only one that is deployed; None for all of the environment.
        batch_size: events in place of every pipeline's own; None for these.
        batch_window: seconds in place of every pipeline's own; None for these.
        stack_folder: of the stack that is deployed now.
        backend: where its Terraform state is.
        variables: with which a program uses the emulated account.
    """

    process_id: int
    environment: str
    region: str
    project: str
    pipeline: str | None
    batch_size: int | None
    batch_window: int | None
    stack_folder: str
    backend: Mapping[str, Any]
    variables: Mapping[str, str]

    def write(self, folder: Path) -> None:
        """Put them into the folder, at once or not at all."""
        write_at_once(folder / FACTS_FILE, json.dumps(dataclasses.asdict(self), indent=1))

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Those of a sandbox that is deployed; raises `SandboxError`."""
        try:
            return cls(**json.loads((folder / FACTS_FILE).read_text(encoding="utf-8")))
        except FileNotFoundError:
            raise SandboxError(
                f"The sandbox in {folder} is not deployed yet: wait until its terminal says how to "
                "use it."
            ) from None
        except (ValueError, TypeError) as error:
            raise SandboxError(
                f"{folder / FACTS_FILE} is of another version of the sandbox: start a new one."
            ) from error


@contextmanager
def held(folder: Path, name: str) -> Iterator[None]:
    """Holds a lock of the folder; raises `BlockingIOError` where somebody else does."""
    # Here, because Windows has no such module, and the other commands need it not.
    import fcntl

    with (folder / name).open("a", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


def runs(folder: Path) -> bool:
    """Whether the sandbox of this folder runs."""
    if not (folder / RUNNING).exists():
        return False
    try:
        with held(folder, RUNNING):
            return False
    except BlockingIOError:
        return True


def is_ours(folder: Path) -> bool:
    """Whether a sandbox, or the demo, made this folder."""
    marked = (folder / RUNNING).is_file() or (folder / FACTS_FILE).is_file()
    # Without a mark: made before folders were marked.
    return marked or (folder.parent == SANDBOXES and bool(_OUR_NAME.fullmatch(folder.name)))


def sandbox_folders(root: Path = SANDBOXES) -> list[Path]:
    """The folders of all sandboxes that were given none, oldest first."""
    return sorted(path for path in root.glob("*") if path.is_dir() and is_ours(path))


def new_folder(folder: Path | None) -> Path:
    """The folder for a new sandbox; raises `SandboxError` where it exists."""
    if folder is None:
        return SANDBOXES / f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}"
    if folder.exists():
        raise SandboxError(f"The folder {folder} exists already: name a new one.")
    return folder


def running_folder(named: Path | None, root: Path = SANDBOXES) -> Path:
    """The folder of the sandbox that a command means: the named one, or else the one that runs.

    A shell that has sourced the environment of a sandbox means that one. Raises `SandboxError`
    where none runs, or several do.
    """
    if named is None and os.environ.get(SANDBOX_VARIABLE):
        named = Path(os.environ[SANDBOX_VARIABLE])
    if named is not None:
        folder = named.resolve()
        if not runs(folder):
            raise SandboxError(
                f"No sandbox runs in {folder}. `pipenv run burst sandbox` starts one; a shell of "
                "one that has ended leaves it by `leave_sandbox`."
            )
        return folder
    found = [path for path in sandbox_folders(root) if runs(path) and (path / FACTS_FILE).exists()]
    if not found:
        raise SandboxError(
            "No sandbox is up. `pipenv run burst sandbox` starts one, in another terminal; one "
            "that was given a folder is found by --folder."
        )
    if len(found) > 1:
        names = ", ".join(str(path) for path in found)
        raise SandboxError(f"{len(found)} sandboxes run: name one by --folder ({names}).")
    return found[0].resolve()
