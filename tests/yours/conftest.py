"""One synth of everything that is configured, and your `transforms` instead of the example's."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.synth.synthesis import synthesize_environments, synthesize_state_bucket
from tests.synth.synthesized import Synthesized
from tests.yours import configured


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, Any, Any]:
    """A test module here may import its transform."""
    with configured.your_transforms():
        return (yield)


@pytest.fixture(autouse=True)
def your_transforms() -> Iterator[None]:
    with configured.your_transforms():
        yield


@pytest.fixture(scope="session")
def every_stack(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Synthesized]:
    """Every stack by its name."""
    settings = configured.settings()
    if settings is None:
        pytest.fail("The settings are not allowed; see test_settings.py.", pytrace=False)
    outdir: Path = tmp_path_factory.mktemp("cdktf.out")
    with configured.your_transforms():
        stacks = synthesize_environments(settings.environments, outdir / "environments")
    if settings.state_bucket:
        state = synthesize_state_bucket(settings.state_bucket, outdir / "state")
        return stacks | {configured.STATE: state}
    return stacks


@pytest.fixture(scope="session", params=configured.stacks())
def stack(request: pytest.FixtureRequest, every_stack: Mapping[str, Synthesized]) -> Synthesized:
    """Each stack in turn."""
    return every_stack[request.param]
