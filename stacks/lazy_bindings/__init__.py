"""Makes the AWS bindings load only what is used: synth in about a second instead of twenty.

The published bindings are eager twice. In Python, importing any resource imports all 2,212 of
them. In Node, where the constructs live, jsii loads the JavaScript of all 2,212 as well. Each
half here makes one of the two lazy, and changes no file of the bindings:

- `python_half` gives the Python package the shape that jsii's newer generator gives its packages:
  a module is imported when it is first asked for.
- `node_half` makes jsii start Node with `preload.cjs`, which does the same for JavaScript.

`nothing_collected` keeps Python from looking for garbage among the bindings.

What ends up in `cdktf.out` is the same, byte for byte. Each half checks that what it finds is
what it knows; otherwise it leaves everything as it is and says so once on stderr.
`BURST_STOCK_BINDINGS=1` switches everything off.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager

from stacks.lazy_bindings import node_half, python_half

STOCK_BINDINGS = "BURST_STOCK_BINDINGS"


def activate() -> None:
    """Prepare both halves. Costs next to nothing until the bindings are really imported.

    Call it before the first import of `cdktf` and of the bindings; calling it again is harmless.
    """
    if not _are_wanted():
        return
    python_half.activate()
    node_half.activate()


@contextmanager
def nothing_collected() -> Iterator[None]:
    """For a program that synthesizes and ends: spare Python the search for garbage.

    Python searches all objects of the bindings again and again while it imports them, and once
    more at its end, unless they are set aside. A synth is over before that pays.
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
