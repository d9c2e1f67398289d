"""No garbage is collected while a program synthesizes, unless stock bindings are asked for."""

from __future__ import annotations

import pytest

from tests.lazy_bindings.both_ways import run_python

PROGRAM = """
import gc
import stacks
with stacks.lazy_bindings.nothing_collected():
    print(gc.isenabled())
print(gc.isenabled(), gc.get_freeze_count() > 0)
"""


@pytest.mark.parametrize(
    ("settings", "said"),
    [({}, "False\nTrue True\n"), ({"BURST_STOCK_BINDINGS": "1"}, "True\nTrue False\n")],
)
def test_garbage_is_collected_before_and_after_only(settings: dict[str, str], said: str) -> None:
    done = run_python(PROGRAM, **settings)

    assert (done.stdout, done.stderr, done.returncode) == (said, "", 0)
