"""Fast bindings change no byte of what the stock ones write, not even on the first run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lazy_bindings.both_ways import Synth, synthesize

pytestmark = pytest.mark.gate


@pytest.fixture(scope="module")
def fast(tmp_path_factory: pytest.TempPathFactory) -> Synth:
    return synthesize(tmp_path_factory.mktemp("fast"))


def test_every_environment_is_the_same_byte_for_byte_with_stock_bindings(
    fast: Synth, tmp_path: Path
) -> None:
    stock = synthesize(tmp_path, BURST_STOCK_BINDINGS="1")

    assert len(stock.python_modules) > 2000
    assert len(stock.node_modules) > 2000
    assert set(fast.files) == set(stock.files)
    assert [name for name in stock.files if fast.files[name] != stock.files[name]] == []
    assert {"dev", "prod"} <= {Path(name).parts[1] for name in fast.files if "cdk.tf" in name}


def test_the_first_run_after_an_install_is_lazy_and_leaves_the_next_one_nothing_to_do(
    fast: Synth, tmp_path: Path
) -> None:
    """jsii unpacks and indexes the bindings on the first run, and must not have to do it again."""
    cache = tmp_path / "an empty cache"

    first = synthesize(tmp_path, JSII_RUNTIME_PACKAGE_CACHE_ROOT=str(cache))

    assert first.stderr == ""
    assert len(first.node_modules) < 100
    assert first.files == fast.files
    indexes = list((cache / "@cdktf" / "provider-aws").rglob(".jsii.runtime.v*.json"))
    assert len(indexes) == 1


def test_a_run_without_jsiis_cache_is_lazy_too(fast: Synth, tmp_path: Path) -> None:
    run = synthesize(tmp_path, JSII_RUNTIME_PACKAGE_CACHE="disabled")

    assert run.stderr == ""
    assert len(run.node_modules) < 100
    assert run.files == fast.files
