"""One synth of the example's environments for all tests here, and a way to make others.

The stacks are imported later: the process that deals the tests out reads this file, too, and jsii
would start its Node there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from stacks.pipeline.transforms import GLUE_JOBS
from stacks.settings import StateBucket, parse_environments, read_environments
from tests import example
from tests.synth import every_stack as every_stack_of
from tests.synth.every_stack import Synth
from tests.synth.synthesized import Synthesized


def pytest_collection_modifyitems() -> None:
    """Here are only processes that run tests; a test may not start Node (`tests/example.py`)."""
    import tests.synth.synthesis  # noqa: F401


@pytest.fixture(scope="session")
def synth(tmp_path_factory: pytest.TempPathFactory) -> Synth:
    """A function that synthesizes environments given as JSON data, or else the example's.

    It returns all their stacks by name. Equal settings are synthesized once for all tests of the
    process; a test that has changed what it got fails the next one that asks for the same.
    """
    from stacks.pipeline import code
    from tests.synth.synthesis import synthesize_environments

    kept: dict[tuple[str, bool], Mapping[str, Synthesized]] = {}

    def run(
        environments: Any = None, *, allow_data_loss: bool = False
    ) -> Mapping[str, Synthesized]:
        settings = (
            read_environments(example.SETTINGS)
            if environments is None
            else parse_environments(environments)
        )
        # A text, because the order of equal mappings may be seen in what is written.
        key = (repr(settings), allow_data_loss)
        # Sources of a test's own change between two synths.
        has_own_sources = code.GLUE_JOBS != GLUE_JOBS
        if key in kept and not has_own_sources:
            for stack in kept[key].values():
                assert stack.is_as_it_was_read, "another test has changed this stack"
            return kept[key]
        outdir = tmp_path_factory.mktemp("cdktf.out")
        made = synthesize_environments(settings, outdir, allow_data_loss=allow_data_loss)
        if not has_own_sources:
            kept[key] = made
        return made

    return run


@pytest.fixture(scope="session")
def shipped(synth: Synth) -> Mapping[str, Synthesized]:
    """Every environment of the example."""
    return synth()


@pytest.fixture(scope="session")
def two_pipelines() -> Mapping[str, Any]:
    """The example's environment `dev`, with a second pipeline of the same kind."""
    dev = example.environments()["dev"]
    orders = dev["pipelines"]["orders"]
    returns = {**orders, "prefix": "returns/", "transform": "orders"}
    return {**dev, "pipelines": {"orders": orders, "web-returns": returns}}


@pytest.fixture(scope="session")
def encrypted(synth: Synth, two_pipelines: Mapping[str, Any]) -> Synthesized:
    """An environment with a key of its own and two pipelines."""
    return synth({"dev": {**two_pipelines, "encryption": "sse-kms"}})["dev"]


@pytest.fixture(scope="session", params=["dev", "prod"])
def stack(request: pytest.FixtureRequest, shipped: Mapping[str, Synthesized]) -> Synthesized:
    """Each environment of the example in turn."""
    return shipped[request.param]


@pytest.fixture(scope="session")
def state_stack(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Synthesized]:
    """A function that synthesizes the stack of a state bucket."""
    from tests.synth.synthesis import synthesize_state_bucket

    def run(settings: StateBucket, *, bootstrap: bool = False) -> Synthesized:
        return synthesize_state_bucket(
            settings, tmp_path_factory.mktemp("cdktf.out"), bootstrap=bootstrap
        )

    return run


@pytest.fixture(scope="session")
def every_stack(synth: Synth, state_stack: Callable[..., Synthesized]) -> Mapping[str, Synthesized]:
    """Every stack that the security bar holds for, by name."""
    bucket = StateBucket(name="states-of-the-team", region="eu-central-1")
    return every_stack_of.synthesize(synth) | {every_stack_of.STATE: state_stack(bucket)}
