"""Which part of the project may import which."""

from __future__ import annotations

import ast
import functools
import graphlib
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

PROJECT_FOLDER = Path(__file__).resolve().parents[2]
# By the name under which a module is imported, the folder that holds it.
ROOTS = {
    "stacks": PROJECT_FOLDER,
    "tools": PROJECT_FOLDER,
    "burst": PROJECT_FOLDER / "glue_jobs",
    "transforms": PROJECT_FOLDER / "glue_jobs",
}
CONTRACT = "burst.contract"
OF_THE_CONTRACT = {"burst.column_types", "burst.errors"}
JOB = ("burst", "burst_job")
OF_GLUE = {"boto3", "botocore", "urllib3", "numpy", "pyarrow", "pyspark", "py4j"}
ONLY_FOR_TYPES = {"_typeshed", "mypy_boto3_s3"}


@dataclass(frozen=True)
class Import:
    """One name that a module imports. name: None for `import module`."""

    importer: str
    module: str
    name: str | None

    def __str__(self) -> str:
        return f"{self.importer} imports {self.name or ''} from {self.module}"


def files() -> dict[str, Path]:
    """Every module of the project by its name."""
    found = {"burst_job": PROJECT_FOLDER / "glue_jobs" / "burst_job.py"}
    for root, folder in ROOTS.items():
        for path in sorted((folder / root).rglob("*.py")):
            parts = path.relative_to(folder).with_suffix("").parts
            found[".".join(part for part in parts if part != "__init__")] = path
    return found


MODULES = files()
PACKAGES = {name for name, path in MODULES.items() if path.name == "__init__.py"}


@functools.cache
def tree(module: str) -> ast.Module:
    return ast.parse(MODULES[module].read_text(encoding="utf-8"))


def statements(module: str) -> Iterator[ast.AST]:
    """Every statement of a module, however deep; not the expressions, which are ten times as many.

    An import can stand in no expression.
    """
    waiting: list[ast.AST] = [tree(module)]
    while waiting:
        node = waiting.pop()
        yield node
        for blocks in ("body", "orelse", "handlers", "finalbody", "cases"):
            found = getattr(node, blocks, ())
            # The body of a lambda, which is an expression, is no list.
            waiting += found if isinstance(found, list) else ()


@functools.cache
def imports_of(module: str) -> list[Import]:
    """What a module imports of the project; relative imports are not used here."""
    found = []
    for node in statements(module):
        if isinstance(node, ast.Import):
            found += [Import(module, alias.name, None) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} has a relative import"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                if whole in MODULES and whole not in public_names(str(node.module)):
                    found.append(Import(module, whole, None))
                else:
                    found.append(Import(module, str(node.module), alias.name))
    return found


@functools.cache
def public_names(package: str) -> set[str]:
    """The full names of what `__all__` of a package names."""
    if package not in PACKAGES:
        return set()
    for node in tree(package).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return {f"{package}.{name}" for name in ast.literal_eval(node.value)}
    return set()


def imports() -> list[Import]:
    return [item for module in MODULES for item in imports_of(module)]


def root(module: str) -> str:
    return module.split(".")[0]


def room(module: str) -> str:
    """The package below the root that a module is in; for others the module itself."""
    parts = module.split(".")
    first_two = ".".join(parts[:2])
    return first_two if first_two in MODULES else parts[0]


def test_everything_that_is_imported_of_the_project_exists() -> None:
    assert len(imports()) > 500
    assert [
        str(item) for item in imports() if root(item.module) in ROOTS and item.module not in MODULES
    ] == []


def test_job_imports_nothing_of_the_stacks_and_the_tools() -> None:
    wrong = [
        str(item)
        for item in imports()
        if root(item.importer) in ("burst", "transforms", "burst_job")
        and root(item.module) in ("stacks", "tools", "tests", "glue_jobs")
    ]
    assert wrong == []


def test_job_needs_only_what_glue_brings() -> None:
    needed = {root(item.module) for item in imports() if root(item.importer) in JOB}
    assert needed - set(sys.stdlib_module_names) - set(ROOTS) == OF_GLUE | ONLY_FOR_TYPES


def test_stacks_import_of_the_job_the_contract_only() -> None:
    job = ("burst", "transforms", "burst_job", "glue_jobs", "tools")
    wrong = [
        str(item)
        for item in imports()
        if root(item.importer) == "stacks" and root(item.module) in job and item.module != CONTRACT
    ]
    assert wrong == []


def test_contract_needs_the_standard_library_and_its_own_errors_only() -> None:
    needed = {item.module for module in (CONTRACT, *OF_THE_CONTRACT) for item in imports_of(module)}
    others = {name for name in needed if root(name) not in sys.stdlib_module_names}
    assert others == OF_THE_CONTRACT


@pytest.mark.parametrize("package", sorted(name for name in PACKAGES if name.startswith("burst.")))
def test_package_of_the_job_is_used_by_its_public_names_only(package: str) -> None:
    public = public_names(package)
    assert public
    wrong = [
        str(item)
        for item in imports()
        if (item.module == package or item.module.startswith(f"{package}."))
        and room(item.importer) != package
        and f"{item.module}.{item.name}" not in public
    ]
    assert wrong == []


def test_tools_use_no_private_name_of_the_job_or_the_stacks() -> None:
    wrong = [
        str(item)
        for item in imports()
        if root(item.importer) == "tools"
        and root(item.module) in ("burst", "stacks")
        and any(part.startswith("_") for part in f"{item.module}.{item.name or ''}".split("."))
    ]
    assert wrong == []


@pytest.mark.parametrize("top", ["burst", "stacks", "tools"])
def test_rooms_do_not_import_each_other_in_a_circle(top: str) -> None:
    needs: dict[str, set[str]] = defaultdict(set)
    for item in imports():
        if root(item.importer) == root(item.module) == top and item.importer != top:
            needs[room(item.importer)].add(room(item.module))
    graph = {one: others - {one, top} for one, others in needs.items()}
    graphlib.TopologicalSorter(graph).prepare()
