"""The Python half: what is loaded, when, and what happens where the bindings look different."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from stacks.lazy_bindings.python_half import KNOWN_VERSION, camel_case, read_submodules

from .conftest import SUBMODULES, Bindings, RunPython, assembly_source, package_source

ALL_LOADED = [f"loaded {name}" for name in SUBMODULES]


def installed_bindings() -> Path:
    spec = importlib.util.find_spec("cdktf_cdktf_provider_aws")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin)


def loaded(stdout: str) -> list[str]:
    return [line for line in stdout.splitlines() if line.startswith("loaded")]


def test_importing_one_submodule_loads_only_that_one(run_python: RunPython) -> None:
    done = run_python("import stacks, cdktf_cdktf_provider_aws.s3_bucket")

    assert loaded(done.stdout) == ["loaded s3_bucket"]
    assert done.stderr == ""


def test_importing_stacks_alone_loads_no_bindings(run_python: RunPython) -> None:
    done = run_python(
        "import sys, stacks\n"
        "print([name for name in ('cdktf', 'jsii', 'cdktf_cdktf_provider_aws')"
        " if name in sys.modules])"
    )

    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    "code",
    [
        "import cdktf_cdktf_provider_aws as aws; aws.s3_bucket",
        "from cdktf_cdktf_provider_aws import s3_bucket",
        "import cdktf_cdktf_provider_aws as aws; getattr(aws, 's3_bucket')",
        "import importlib; importlib.import_module('cdktf_cdktf_provider_aws.s3_bucket')",
        "import importlib; importlib.import_module('.s3_bucket', 'cdktf_cdktf_provider_aws')",
    ],
)
def test_a_submodule_is_loaded_by_every_way_of_asking_for_it(
    run_python: RunPython, code: str
) -> None:
    done = run_python(f"import stacks\n{code}")

    assert loaded(done.stdout) == ["loaded s3_bucket"], done.stderr


def test_a_star_import_and_dir_offer_every_submodule(run_python: RunPython) -> None:
    done = run_python(
        "import stacks\nimport cdktf_cdktf_provider_aws as aws\n"
        "assert {'alb', 'provider', 's3_bucket'} <= set(dir(aws))\n"
        "from cdktf_cdktf_provider_aws import *\nalb, provider, s3_bucket"
    )

    assert loaded(done.stdout) == ALL_LOADED, done.stderr


def test_a_name_that_the_bindings_lack_is_refused_as_python_does(run_python: RunPython) -> None:
    done = run_python("import stacks\nfrom cdktf_cdktf_provider_aws import s4_bucket")

    assert "ImportError: cannot import name 's4_bucket'" in done.stderr


def test_the_assembly_is_loaded_once_with_the_table_of_all_types(run_python: RunPython) -> None:
    done = run_python(
        "import stacks, cdktf_cdktf_provider_aws.alb, cdktf_cdktf_provider_aws.s3_bucket"
    )

    assert [line for line in done.stdout.splitlines() if line.startswith("assembly")] == [
        "assembly @cdktf/provider-aws 21.22.1"
        " @cdktf/provider-aws.alb=cdktf_cdktf_provider_aws.alb"
        " @cdktf/provider-aws.provider=cdktf_cdktf_provider_aws.provider"
        " @cdktf/provider-aws.s3Bucket=cdktf_cdktf_provider_aws.s3_bucket"
    ]


def another_version(bindings: Bindings) -> None:
    bindings.assembly.write_text(assembly_source("22.0.0"))


def another_layout(bindings: Bindings) -> None:
    bindings.init.write_text(package_source(SUBMODULES, SUBMODULES, more="register_everything = 1"))


def other_imports(bindings: Bindings) -> None:
    bindings.init.write_text(package_source(SUBMODULES[:2], SUBMODULES))


def another_assembly(bindings: Bindings) -> None:
    source = assembly_source("21.22.1").replace("@cdktf/provider-aws", "@cdktn/provider-aws")
    bindings.assembly.write_text(source)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (another_version, "version 22.0.0 is installed and only 21.22.1 is known"),
        (another_layout, "cdktf_cdktf_provider_aws does more than import its submodules"),
        (other_imports, "cdktf_cdktf_provider_aws imports other submodules than it publishes"),
        (another_assembly, "cdktf_cdktf_provider_aws does not load @cdktf/provider-aws"),
    ],
)
def test_unknown_bindings_load_as_they_are_and_one_note_says_why(
    bindings: Bindings, run_python: RunPython, change: Callable[[Bindings], None], reason: str
) -> None:
    change(bindings)

    done = run_python(
        "import stacks, importlib.util\n"
        "importlib.util.find_spec('cdktf_cdktf_provider_aws')\n"
        "import cdktf_cdktf_provider_aws.s3_bucket"
    )

    assert loaded(done.stdout) == ALL_LOADED
    assert done.stderr == (
        f"lazy_bindings: the Python half is off, the AWS bindings load the slow way: {reason}.\n"
    )


def test_a_missing_package_is_reported_as_python_does(
    bindings: Bindings, run_python: RunPython
) -> None:
    bindings.package.rename(bindings.folder / "elsewhere")
    # Without site-packages the real bindings cannot be found either.
    done = run_python(
        "import stacks, sys\n"
        "sys.path[:] = [p for p in sys.path if 'site-packages' not in p]\n"
        "import cdktf_cdktf_provider_aws.s3_bucket"
    )

    assert "the Python half is off" in done.stderr
    assert "cdktf_cdktf_provider_aws is not installed as a folder" in done.stderr
    assert "ModuleNotFoundError: No module named 'cdktf_cdktf_provider_aws'" in done.stderr


def test_bindings_that_were_imported_before_are_left_alone(run_python: RunPython) -> None:
    done = run_python("import cdktf_cdktf_provider_aws, stacks")

    assert loaded(done.stdout) == ALL_LOADED
    assert "was imported before `stacks`; import `stacks` first" in done.stderr


def test_the_switch_gives_stock_bindings_without_a_word(run_python: RunPython) -> None:
    done = run_python(
        "import os, stacks, cdktf_cdktf_provider_aws.s3_bucket\n"
        "print([name in os.environ for name in ('NODE_OPTIONS', 'JSII_NODE')])",
        {"BURST_STOCK_BINDINGS": "1"},
    )

    assert loaded(done.stdout) == ALL_LOADED
    assert done.stdout.endswith("[False, False]\n")
    assert done.stderr == ""


def test_the_installed_bindings_are_the_ones_that_are_known() -> None:
    init = installed_bindings()

    submodules = read_submodules(init)

    folders = {item.parent.name for item in init.parent.glob("*/__init__.py")} - {"_jsii"}
    assert set(submodules) == folders
    assert KNOWN_VERSION in (init.parent / "_jsii" / "__init__.py").read_text()


def test_jsii_finds_the_module_of_every_type_by_its_name() -> None:
    init = installed_bindings()
    wrong = []
    for name in read_submodules(init):
        with (init.parent / name / "__init__.py").open(encoding="utf-8") as source:
            found = re.search(r'jsii_type="@cdktf/provider-aws\.(\w+)\.', source.read(16_384))
        if found is None or found[1] != camel_case(name):
            wrong.append(name)

    assert wrong == []
