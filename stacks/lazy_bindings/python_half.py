"""The Python half: a submodule of the bindings is imported when it is first asked for.

The package's `__init__` does nothing but import all of its submodules, so that their types are
known to jsii. Newer versions of jsii's generator no longer do that: their packages import a
submodule on first access, and carry a table from which jsii itself imports a type that it meets
before anybody asked for it. The last bindings were published before; here they get both, from a
finder that answers for two modules, the package and its `_jsii`, and for nothing else.

Type checkers and editors read the files and see the package as it is.
"""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from pkgutil import extend_path
from types import ModuleType

from stacks.lazy_bindings.notes import half_is_off

PACKAGE = "cdktf_cdktf_provider_aws"
ASSEMBLY = "@cdktf/provider-aws"
# The last version that was published, and the one that the tests compare byte for byte.
KNOWN_VERSION = "21.22.1"

# All that the package may do after its preamble: publish its submodules, then import each.
_BODY = re.compile(
    r"from \._jsii import \*\n"
    r"\n__all__ = \[\n(?P<published>(?:    \"\w+\",\n)+)\]\n"
    r"\npublication\.publish\(\)\n"
    r"\n# [^\n]*\n(?P<imported>(?:from \. import \w+\n)+)"
)
_ASSEMBLY_CALL = re.compile(r"JSIIAssembly\.load\(\s*\"(?P<name>[^\"]+)\", \"(?P<version>[^\"]+)\"")


class UnknownLayoutError(Exception):
    """The installed bindings are not the ones that this module knows; the text says how."""


def activate() -> None:
    """Let the bindings be imported lazily from now on."""
    if any(isinstance(finder, LazyBindingsFinder) for finder in sys.meta_path):
        return
    if PACKAGE in sys.modules:
        half_is_off("Python", f"{PACKAGE} was imported before `stacks`; import `stacks` first")
        return
    sys.meta_path.insert(0, LazyBindingsFinder())


class LazyBindingsFinder:
    """Finds the bindings where Python finds them, and swaps the loader of two modules."""

    def __init__(self) -> None:
        self._submodules: tuple[str, ...] = ()

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        if fullname == PACKAGE:
            return self._package(PathFinder.find_spec(fullname, path, target))
        if fullname == f"{PACKAGE}._jsii" and self._submodules:
            return self._assembly(PathFinder.find_spec(fullname, path, target))
        return None

    def _package(self, spec: ModuleSpec | None) -> ModuleSpec | None:
        self._submodules = ()
        try:
            if spec is None or spec.origin is None:
                raise UnknownLayoutError(f"{PACKAGE} is not installed as a folder")
            self._submodules = read_submodules(Path(spec.origin))
        except UnknownLayoutError as error:
            half_is_off("Python", str(error))
            return None
        spec.loader = _LazyPackage(PACKAGE, spec.origin, self._submodules)
        return spec

    def _assembly(self, spec: ModuleSpec | None) -> ModuleSpec | None:
        if spec is None or spec.origin is None:
            return None
        spec.loader = _Assembly(spec.name, spec.origin, self._submodules)
        return spec


class _LazyPackage(SourceFileLoader):
    """Takes the place of `__init__`: publishes the same names, imports none of them yet."""

    def __init__(self, name: str, path: str, submodules: tuple[str, ...]) -> None:
        super().__init__(name, path)
        self._submodules = submodules

    def exec_module(self, module: ModuleType) -> None:
        names = frozenset(self._submodules)

        def import_submodule(name: str) -> ModuleType:
            if name not in names:
                raise AttributeError(f"module {PACKAGE!r} has no attribute {name!r}")
            return importlib.import_module(f"{PACKAGE}.{name}")

        # The package's own preamble: its submodules may be in more than one folder.
        module.__path__ = extend_path(module.__path__, PACKAGE)
        # PEP 562: Python calls these for what the module itself does not hold.
        module.__dict__.update(
            __all__=list(self._submodules),
            __getattr__=import_submodule,
            __dir__=lambda: sorted(names | module.__dict__.keys()),
        )


class _Assembly(SourceFileLoader):
    """Runs `_jsii` as it is, with the table by which jsii finds the module of a type."""

    def __init__(self, name: str, path: str, submodules: tuple[str, ...]) -> None:
        super().__init__(name, path)
        self._submodules = submodules

    def exec_module(self, module: ModuleType) -> None:
        module.__dict__["_SUBMODULE_FQN_MAP"] = {
            f"{ASSEMBLY}.{camel_case(name)}": f"{PACKAGE}.{name}" for name in self._submodules
        }
        super().exec_module(module)


def read_submodules(init: Path) -> tuple[str, ...]:
    """The names of the bindings' submodules, from the package's `__init__.py`.

    Raises `UnknownLayoutError` where the package is another version, or does more than import
    its submodules: then it must run as it is.
    """
    try:
        source = init.read_text(encoding="utf-8")
        assembly = (init.parent / "_jsii" / "__init__.py").read_text(encoding="utf-8")
    except OSError as error:
        raise UnknownLayoutError(f"{error.filename} cannot be read") from error
    _check_version(assembly)
    body = _BODY.fullmatch(source, max(source.find("from ._jsii import *"), 0))
    if body is None:
        raise UnknownLayoutError(f"{PACKAGE} does more than import its submodules")
    published = re.findall(r"\w+", body["published"])
    imported = re.findall(r"import (\w+)", body["imported"])
    if sorted(published) != sorted(imported):
        raise UnknownLayoutError(f"{PACKAGE} imports other submodules than it publishes")
    return tuple(published)


def _check_version(assembly: str) -> None:
    call = _ASSEMBLY_CALL.search(assembly)
    if call is None or call["name"] != ASSEMBLY:
        raise UnknownLayoutError(f"{PACKAGE} does not load {ASSEMBLY}")
    if call["version"] != KNOWN_VERSION:
        raise UnknownLayoutError(
            f"version {call['version']} is installed and only {KNOWN_VERSION} is known"
        )


def camel_case(name: str) -> str:
    """jsii's name of a submodule: `s3_bucket` is `s3Bucket`. Tested against every submodule."""
    first, *rest = name.split("_")
    return first + "".join(part[:1].upper() + part[1:] for part in rest)
