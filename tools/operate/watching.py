"""A screen that is drawn again every few seconds, until Ctrl-C."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NoReturn

from rich.console import Console, ConsoleOptions, RenderableType
from rich.live import Live
from rich.segment import Segment
from rich.text import Text

from tools.operate.answer import print_whole
from tools.operate.words import count

LOOK_EVERY_SECONDS = 5.0


def watched(
    console: Console,
    look: Callable[[], RenderableType],
    sleep: Callable[[float], None] = time.sleep,
    *,
    more: str = "",
) -> NoReturn:
    """Draw what ``look`` returns, again and again; ends by KeyboardInterrupt only.

    On a terminal it has the screen to itself, cut at the bottom, and leaves the last picture as a
    whole. Elsewhere one picture comes below the other. more: what to do to see the lines that there
    is no room for.
    """
    if not console.is_terminal:
        while True:
            print_whole(console, look())
            sleep(LOOK_EVERY_SECONDS)
    shown = look()
    try:
        with Live(Cut(shown, more), console=console, auto_refresh=False, screen=True) as live:
            live.refresh()
            while True:
                sleep(LOOK_EVERY_SECONDS)
                shown = look()
                live.update(Cut(shown, more), refresh=True)
    finally:
        console.print(shown)


@dataclass(frozen=True)
class Cut:
    """As much of something as the terminal is high; the last line says how much more there is."""

    whole: RenderableType
    more: str = ""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        height = options.height or options.max_height
        lines = console.render_lines(self.whole, options.update(height=None), pad=False)
        if len(lines) > height:
            left = len(lines) - height + 1
            note = Text(f"… {count(left, 'more line')}{self.more}", style="dim", no_wrap=True)
            note.truncate(options.max_width, overflow="ellipsis")
            lines = [*lines[: height - 1], list(note.render(console))]
        for number, line in enumerate(lines, 1):
            yield from line
            if number < len(lines):
                yield Segment.line()
