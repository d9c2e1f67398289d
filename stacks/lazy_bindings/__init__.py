"""Makes the AWS bindings load only what is used: synth in about a second instead of twenty.

The published bindings are eager twice. In Python, importing any resource imports all 2,212 of
them. In Node, where the constructs live, jsii loads the JavaScript of all 2,212 as well. Each
half here makes one of the two lazy, and changes no file of the bindings:

- `python_half` gives the Python package the shape that jsii's newer generator gives its packages:
  a module is imported when it is first asked for.
- `node_half` makes jsii start Node with `preload.cjs`, which does the same for JavaScript.

Between the halves, `kernel` has jsii run its side in one Node process instead of two, and lets
the two languages load at the same time. `type_hints` evaluates what is checked at every call once,
and `nothing_collected` keeps Python from looking for garbage among the bindings.

What ends up in `cdktf.out` is the same, byte for byte. Each part checks that what it finds is
what it knows, otherwise it leaves everything as it is and says so once on stderr.
`BURST_STOCK_BINDINGS=1` switches all of them off.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager

from stacks.lazy_bindings import kernel, node_half, python_half, type_hints

STOCK_BINDINGS = "BURST_STOCK_BINDINGS"


def activate() -> None:
    """Prepare all parts. Costs next to nothing until the bindings are really imported.

    Call it before the first import of `cdktf` and of the bindings; calling it again is harmless.
    """
    if not _are_wanted():
        return
    python_half.activate()
    node_half.activate()
    kernel.activate()
    type_hints.activate()


def start() -> None:
    """Start Node now, so that it loads beside whatever comes before the import of `cdktf`."""
    kernel.start()


@contextmanager
def nothing_collected() -> Iterator[None]:
    """For a program that synthesizes and ends: spare Python the search for garbage.

    Python searches all that the bindings consist of again and again while it imports them, and
    once more at its end, unless it is put aside. A synth is over before that pays.
    """
    if not _are_wanted():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _are_wanted() -> bool:
    return os.environ.get(STOCK_BINDINGS) != "1"
