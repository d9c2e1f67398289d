"""Tests that do not run each time: `@pytest.mark.gate` and `@pytest.mark.full`.

What the gate adds takes a deployment, a copy of the project or a program of its own. It runs with
`--gate`, and where somebody names its folder or file. What takes minutes runs with `-m full` only.
"""

from __future__ import annotations

from typing import Any

import pytest

LEFT_OUT = pytest.StashKey[int]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--gate", action="store_true", help="run also what the gate adds")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "gate: runs in the gate, and where it is named")
    config.addinivalue_line("markers", "full: takes minutes; runs with `-m full` only")
    # Every process of xdist gets the same arguments, so they agree.
    named = config.args_source is pytest.Config.ArgsSource.ARGS
    config.option.gate = config.option.gate or named


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without -m they are left out; they are no skips."""
    if config.getoption("markexpr"):
        return
    long = [item for item in items if item.get_closest_marker("full")]
    added = [item for item in items if item.get_closest_marker("gate") and item not in long]
    left_out = {*long, *(() if config.option.gate else added)}
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=list(left_out))
    config.stash[LEFT_OUT] = 0 if config.option.gate else len(added)


def pytest_sessionfinish(session: pytest.Session) -> None:
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["left out"] = session.config.stash.get(LEFT_OUT, 0)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Every process leaves out the same."""
    node.config.stash[LEFT_OUT] = getattr(node, "workeroutput", {}).get("left out", 0)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if count := config.stash.get(LEFT_OUT, 0):
        what = "1 test more runs" if count == 1 else f"{count} tests more run"
        terminalreporter.write_line(
            f"{what} in the gate: `pipenv run test --gate`, or name their folder."
        )
