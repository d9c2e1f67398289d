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


def show(console: Console, page: Page, *, plan_text: str | None = None) -> None:
    """Print the page; nothing of it is cut."""
    for section in page.banners:
        colour = COLOURS[section.tone]
        lines = Text("\n").join(_text(item) for item in section.items)
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
            console.print(_text(item))
        return
    rows = [item for item in section.items if isinstance(item, Row)]
    if console.width < WIDE_ENOUGH:
        console.print(Text("\n").join(map(_stacked, rows)))
        return
    table = Table(*section.columns)
    for column in table.columns:
        column.overflow = "fold"
    for row in rows:
        table.add_row(*map(_line, row.cells))
    console.print(table)


def _stacked(row: Row) -> Text:
    """Where and which setting, and below it the values and the remark: for narrow terminals."""
    where, setting, before, after, remark = map(_line, row.cells)
    text = Text("• ").append_text(where).append(" · ").append_text(setting).append("\n    ")
    if before.plain:
        text.append_text(before).append(" → ")
    text.append_text(after)
    return text.append("\n    ").append_text(remark) if remark.plain else text


def _text(item: Item | Row) -> Text:
    if isinstance(item, Row):
        return _stacked(item)
    text = Text("• ").append_text(_line(item.line))
    for sign, line in item.difference:
        text.append(f"\n    {sign} {on_one_line(line)}", style=SIGNS[sign])
    return text


def _line(line: Line, style: str = "") -> Text:
    return Text.assemble(*map(_span, line), style=style)


def _span(span: str | Code | Strong) -> str | tuple[str, str]:
    if isinstance(span, Code):
        return on_one_line(span.text), "cyan"
    return (span.text, "bold") if isinstance(span, Strong) else span
