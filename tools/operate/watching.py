"""A screen that is drawn again every few seconds, until Ctrl-C."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NoReturn

from rich.console import Console, RenderableType
from rich.live import Live

LOOK_EVERY_SECONDS = 5.0


def watched(
    console: Console,
    look: Callable[[], RenderableType],
    sleep: Callable[[float], None] = time.sleep,
) -> NoReturn:
    """Draw what ``look`` returns, again and again; ends by KeyboardInterrupt only.

    On a terminal in one place, elsewhere one below the other.
    """
    if not console.is_terminal:
        while True:
            console.print(look())
            sleep(LOOK_EVERY_SECONDS)
    with Live(look(), console=console, auto_refresh=False, vertical_overflow="visible") as live:
        while True:
            sleep(LOOK_EVERY_SECONDS)
            live.update(look(), refresh=True)
