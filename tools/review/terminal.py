"""The page on a terminal."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rich.cells import cell_len
from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from tools.review.page import Code, Item, Line, Page, Row, Section, Strong, Tone
from tools.review.visible import on_many_lines, on_one_line

COLOURS = {Tone.CAUTION: "red", Tone.WARNING: "yellow", Tone.PLAIN: "bold"}
# Fewer columns leave too little for the values in a table of five columns.
WIDE_ENOUGH = 120
SIGNS = {"+": "green", "-": "red", "!": "yellow", " ": "default"}
# What a panel takes of a line: a border and a space on either side.
FRAME = 4


def show(console: Console, page: Page, *, plan_text: str | None = None) -> None:
    """Print the page; nothing of it is cut."""
    for section in page.banners:
        if not console.is_terminal:
            # A pipe gets no boxes.
            _section(console, section)
            console.print()
            continue
        colour = COLOURS[section.tone]
        width = console.width - FRAME
        # In a box a line cannot be longer than the others.
        lines = Text("\n").join(_text(console, item, width, fold=True) for item in section.items)
        console.print(Panel(lines, title=f"[bold]{section.title}[/]", border_style=colour))
    _print(console, _text_of(console, _line(page.title, style="bold underline")))
    for line in page.summary:
        _print(console, _text_of(console, _line(line)))
    for section in page.sections:
        console.print()
        _section(console, section)
    if plan_text is not None:
        console.print()
        console.print(Text("The whole plan", style="bold"))
        console.print(Text(on_many_lines(plan_text).rstrip(), style="dim"))


def _section(console: Console, section: Section) -> None:
    console.print(Text(section.title, style="bold"))
    if not section.columns:
        for item in section.items:
            _print(console, _text(console, item, console.width))
        return
    rows = [item for item in section.items if isinstance(item, Row)]
    if console.width < WIDE_ENOUGH:
        for row in rows:
            _print(console, _text(console, row, console.width))
        return
    table = Table(*section.columns)
    for column in table.columns:
        column.overflow = "fold"
    for row in rows:
        table.add_row(*map(_line, row.cells))
    console.print(table)


def _print(console: Console, lines: Text) -> None:
    """Print lines as they are: one that is longer than the terminal is broken by that alone."""
    console.print(lines, soft_wrap=True)


def _text_of(console: Console, text: Text) -> Text:
    return Text("\n").join(_wrapped(console, text, console.width))


def _wrapped(console: Console, text: Text, width: int, *, fold: bool = False) -> list[Text]:
    """Lines of words. A path is there to be copied: a long one stays whole, on its own line."""
    paths = (word for word in text.plain.split() if "/" in word)
    is_whole = not fold and any(cell_len(path) > width for path in paths)
    lines = text.divide(_breaks(text.plain, width)) if is_whole else text.wrap(console, width)
    for line in lines:
        line.rstrip()
    return list(lines)


def _breaks(text: str, width: int) -> Iterator[int]:
    """Where lines of whole words begin; a word that is longer than a line has one to itself."""
    used = 0
    for word in re.finditer(r"\s*\S+\s*", text):
        if used and used + cell_len(word[0].rstrip()) > width:
            yield word.start()
            used = 0
        used += cell_len(word[0])


def _text(console: Console, item: Item | Row, width: int, *, fold: bool = False) -> Text:
    """The finding after a bullet; what does not fit a line goes on below its beginning."""
    parts = _stacked(item) if isinstance(item, Row) else _listed(item)
    lines = []
    for lead, text in parts:
        for line in _wrapped(console, text, width - len(lead), fold=fold):
            lines.append(Text(lead, text.style).append_text(line))
            lead = " " * len(lead)
    return Text("\n").join(lines)


def _stacked(row: Row) -> list[tuple[str, Text]]:
    """Where and which setting, and below it the values and the remark: for narrow terminals."""
    where, setting, before, after, remark = map(_line, row.cells)
    values = Text.assemble(before, " → ", after) if before.plain else after
    first = Text.assemble(where, " · ", setting)
    return [("• ", first), ("    ", values), *([("    ", remark)] if remark.plain else [])]


def _listed(item: Item) -> list[tuple[str, Text]]:
    lines = [("• ", _line(item.line))]
    for sign, line in item.difference:
        lines.append((f"    {sign} ", Text(on_one_line(line), SIGNS[sign])))
    return lines


def _line(line: Line, style: str = "") -> Text:
    return Text.assemble(*map(_span, line), style=style)


def _span(span: str | Code | Strong) -> str | tuple[str, str]:
    if isinstance(span, Code):
        return on_one_line(span.text), "cyan"
    return (span.text, "bold") if isinstance(span, Strong) else span
