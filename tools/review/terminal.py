"""The page on a terminal."""

from __future__ import annotations

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
        colour = COLOURS[section.tone]
        width = console.width - FRAME
        lines = Text("\n").join(_text(console, item, width) for item in section.items)
        console.print(Panel(lines, title=f"[bold]{section.title}[/]", border_style=colour))
    console.print(_line(page.title, style="bold underline"))
    for line in page.summary:
        console.print(_line(line))
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
            console.print(_text(console, item, console.width))
        return
    rows = [item for item in section.items if isinstance(item, Row)]
    if console.width < WIDE_ENOUGH:
        console.print(Text("\n").join(_text(console, row, console.width) for row in rows))
        return
    table = Table(*section.columns)
    for column in table.columns:
        column.overflow = "fold"
    for row in rows:
        table.add_row(*map(_line, row.cells))
    console.print(table)


def _text(console: Console, item: Item | Row, width: int) -> Text:
    """The finding after a bullet; what does not fit a line goes on below its beginning."""
    parts = _stacked(item) if isinstance(item, Row) else _listed(item)
    lines = []
    for lead, text in parts:
        for line in text.wrap(console, width - len(lead)):
            line.rstrip()
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
