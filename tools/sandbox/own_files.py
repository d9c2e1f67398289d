"""A burst of one's own: a folder with files, and one pipeline of one's own settings."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from burst.contract import MIB

from stacks.settings import EnvironmentSettings, PipelineSettings, SettingsError, read_environments
from tools.operate.words import count, size
from tools.sandbox.errors import SandboxError
from tools.sandbox.one_pipeline import unknown

MAX_FILES = 1000
# The emulated account keeps them in memory, in landing and in the archive.
MAX_BYTES = 256 * MIB
# Amazon S3 user guide, "Naming Amazon S3 objects".
MAX_KEY_BYTES = 1024
SHOWN_NAMES = 3


@dataclass(frozen=True)
class OwnFile:
    """A file on this machine. name: its path below the folder, which goes below the prefix."""

    name: str
    path: Path

    @property
    def body(self) -> bytes:
        """What is in it now."""
        return self.path.read_bytes()


@dataclass(frozen=True)
class OwnFiles:
    """The files of a folder that a pipeline takes. others: how many it does not take."""

    files: tuple[OwnFile, ...]
    bytes: int
    others: int


def find_pipeline(
    settings_file: Path, environment: str, name: str
) -> tuple[EnvironmentSettings, PipelineSettings]:
    """An environment and one of its pipelines.

    Raises `SettingsError` where there is none, and `SandboxError` where no burst can reach it here.
    """
    environments = read_environments(settings_file)
    if (found := environments.get(environment)) is None:
        raise SettingsError([unknown("environment", environment, list(environments))])
    if (pipeline := found.pipelines.get(name)) is None:
        raise SettingsError([unknown("pipeline", name, list(found.pipelines), environment)])
    if found.existing_landing is not None:
        raise SandboxError(
            f"Files of the environment {environment!r} land in the existing bucket "
            f"{found.existing_landing.name!r}, which the emulated account does not have: choose an "
            "environment without existing_landing by --environment."
        )
    if pipeline.paused:
        raise SandboxError(
            f"The pipeline {name!r} of {environment!r} is paused, so no file would start it: take "
            "the setting paused out."
        )
    return found, pipeline


def find_files(folder: Path, pipeline: str, settings: PipelineSettings) -> OwnFiles:
    """The files below a folder that the pipeline takes; the first by name come first.

    Files and folders whose names begin with a dot are not looked at. Raises `SandboxError` where
    there is no such file or too many of them, and `OSError` where the folder cannot be read.
    """
    if not folder.is_dir():
        raise SandboxError(f"{folder} is not a folder: name the folder with the pipeline's files.")
    everything = sorted(_walk(folder))
    taken = [path for path in everything if path.name.endswith(settings.suffix or "")]
    if not taken:
        raise SandboxError(_nothing(folder, everything, pipeline, settings))
    if len(taken) > MAX_FILES:
        raise SandboxError(
            f"{folder} has {count(len(taken), 'file')} for the pipeline {pipeline!r}; a burst of "
            f"the demo has at most {MAX_FILES:,}. Name a folder with fewer."
        )
    total = sum(path.stat().st_size for path in taken)
    if total > MAX_BYTES:
        raise SandboxError(
            f"The files in {folder} have {size(total)}; the emulated account keeps them in memory "
            f"and takes at most {size(MAX_BYTES)}. Name a folder with fewer or smaller ones."
        )
    files = tuple(OwnFile(_name(path, folder, settings.prefix), path) for path in taken)
    return OwnFiles(files, total, len(everything) - len(taken))


def _walk(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder, onerror=_raise):
        folders[:] = [name for name in folders if not name.startswith(".")]
        paths = (Path(place) / name for name in names if not name.startswith("."))
        yield from (path for path in paths if path.is_file())


def _raise(error: OSError) -> None:
    raise error


def _name(path: Path, folder: Path, prefix: str) -> str:
    name = path.relative_to(folder).as_posix()
    try:
        key = f"{prefix}{name}".encode()
    except UnicodeEncodeError:
        raise SandboxError(f"The name of {path!a} is not UTF-8, as a key in S3 must be.") from None
    if len(key) > MAX_KEY_BYTES:
        raise SandboxError(
            f"{path} would be a key of {len(key):,} bytes, and S3 takes {MAX_KEY_BYTES:,}: "
            "name a folder further down, or shorten the name."
        )
    return name


def _nothing(folder: Path, others: list[Path], pipeline: str, settings: PipelineSettings) -> str:
    wanted = f"names ending in {settings.suffix!r}" if settings.suffix else "any name"
    if others:
        names = ", ".join(path.relative_to(folder).as_posix() for path in others[:SHOWN_NAMES])
        more = f" and {len(others) - SHOWN_NAMES:,} more" if len(others) > SHOWN_NAMES else ""
        there = f"It has {names}{more}."
    else:
        there = "It has no files."
    return (
        f"{folder} has no file for the pipeline {pipeline!r}, which takes {settings.input.format} "
        f"files with {wanted} (and puts them under {settings.prefix!r}). {there}"
    )
