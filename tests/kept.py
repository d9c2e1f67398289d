"""What a process of many tests would read or work out again for each, and keeps instead."""

from __future__ import annotations

import functools
import pickle
import typing
from typing import Any

from botocore.loaders import JSONFileLoader


def keep() -> None:
    """From now on this process reads a description of AWS once, and a type of the bindings."""
    _keep_descriptions_of_aws()
    _keep_type_hints()


def _keep_descriptions_of_aws() -> None:
    """What botocore knows of a service is a file of up to 3 MB, and a new session reads it again.

    Each `mock_aws()` begins one. It gets a copy, because a client of S3 changes what it was given.
    """
    read = JSONFileLoader.load_file

    @functools.cache
    def of_the_file(path: str) -> bytes:
        return pickle.dumps(read(JSONFileLoader(), path))

    def load_file(self: JSONFileLoader, path: str) -> Any:
        return pickle.loads(of_the_file(path))

    JSONFileLoader.load_file = load_file  # type: ignore[method-assign]


def _keep_type_hints() -> None:
    """jsii's bindings work out the types of a construct's arguments each time that one is made.

    That is a third of a synth here. They still check every argument.
    """
    work_out = typing.get_type_hints

    @functools.cache
    def of_the_bindings(stub: Any) -> dict[str, Any]:
        return work_out(stub)

    @functools.wraps(work_out)
    def get_type_hints(obj: Any, *others: Any, **named: Any) -> dict[str, Any]:
        if getattr(obj, "__name__", "").startswith("_typecheckingstub__"):
            return of_the_bindings(obj)
        return work_out(obj, *others, **named)

    typing.get_type_hints = get_type_hints
