"""The page in GitHub's Markdown, as a comment on a pull request.

Text from the plan appears in code spans and code blocks only. In them Markdown and HTML have no
meaning, and GitHub turns nothing into a mention, a link or an emoji.
"""

from __future__ import annotations

import re
import string
from collections.abc import Sequence

from tools.review.page import Code, Item, Line, Page, Row, Section, Strong, Tone
from tools.review.visible import on_many_lines, on_one_line

# GitHub: "body is too long (maximum is 65536 characters)". The rest is for who posts it.
LONGEST = 65_000
ALERTS = {Tone.CAUTION: "CAUTION", Tone.WARNING: "WARNING"}
# Room for the sentence that says what was left out.
NOTICE = 2_000
DETAILS = "<details><summary>{summary}</summary>\n\n{fence}\n{text}\n{fence}\n\n</details>\n"
# Also what makes emphasis, a link, a mention or an emoji of a text.
_ENTITIES = {ord(c): f"&#{ord(c)};" for c in string.punctuation if c not in "-,/()=+"}


def render(page: Page, *, plan_text: str | None = None, longest: int = LONGEST) -> str:
    """The page as Markdown of at most ``longest`` characters (at least 4,000).

    Where it does not fit, the plan's text is cut. Where the findings alone are longer, the least
    important of them are left out, first the lines below a finding, then findings. The page says
    so. The banners come first in any case.
    """
    top = _top(page)
    banners, sections, left_out = _fitted(page, longest - size(top))
    if left_out:
        banners, sections, left_out = _fitted(page, longest - size(top) - NOTICE)
        sections.append(_notice(left_out))
    text = "\n".join([*banners, top, *sections])
    if plan_text is None:
        return text
    return text + "\n" + _details(on_many_lines(plan_text), longest - size(text) - 1)


def size(text: str) -> int:
    """How long GitHub takes a text to be at most: in units of UTF-16."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def code(text: str, *, in_a_table: bool = False) -> str:
    """Text from outside, in a code span."""
    visible = on_one_line(text)
    awkward = set("`|") if in_a_table else {"`"}
    if visible and not awkward & set(visible) and visible == visible.strip():
        return f"`{visible}`"
    return f"<code>{visible.translate(_ENTITIES)}</code>"


def _fitted(page: Page, room: int) -> tuple[list[str], list[str], list[str]]:
    """The banners and sections that fit, and what had to be left out."""
    drawn: list[list[str]] = [[], []]
    left_out = []
    for target, sections in zip(drawn, (page.banners, page.sections), strict=True):
        for section in sections:
            text, missing = _section(section, room)
            room -= size(text) + 1
            target.append(text)
            if missing:
                left_out.append(f"{missing} of {len(section.items)} under “{section.title}”")
    return drawn[0], [text for text in drawn[1] if text], left_out


def _section(section: Section, room: int) -> tuple[str, int]:
    """The part of a section that fits, and how many of its findings do not."""
    quote = "> " if section.tone in ALERTS else ""
    text = _head(section)
    room -= size(text)
    shortened = drawn = 0
    for item in section.items:
        full, short = _drawn(item, quote)
        for form in (full, short):
            if size(form) <= room:
                room -= size(form)
                text += form
                drawn += 1
                shortened += form != full
                break
    return (text if drawn else ""), len(section.items) - drawn + shortened


def _head(section: Section) -> str:
    if section.tone in ALERTS:
        return f"> [!{ALERTS[section.tone]}]\n> **{section.title}**\n>\n"
    head = f"### {section.title}\n\n"
    if section.columns:
        head += f"| {' | '.join(section.columns)} |\n|{'---|' * len(section.columns)}\n"
    return head


def _drawn(item: Item | Row, quote: str) -> tuple[str, str]:
    """A finding, and the same without the lines below it."""
    if isinstance(item, Row):
        cells = (_line(cell, in_a_table=True) for cell in item.cells)
        row = f"| {' | '.join(cells)} |\n"
        return row, row
    line = f"{quote}- {_line(item.line)}\n"
    if not item.difference:
        return line, line
    lines = [f"{sign} {on_one_line(text)}" for sign, text in item.difference]
    fence = _fence("\n".join(lines))
    block = "".join(f"{quote}  {part}\n" for part in (f"{fence}diff", *lines, fence))
    return line + block, line


def _top(page: Page) -> str:
    return f"## {_line(page.title)}\n\n" + "\n\n".join(map(_line, page.summary)) + "\n"


def _line(line: Line, *, in_a_table: bool = False) -> str:
    return "".join(
        code(span.text, in_a_table=in_a_table)
        if isinstance(span, Code)
        else f"**{span.text}**"
        if isinstance(span, Strong)
        else span
        for span in line
    )


def _notice(left_out: Sequence[str]) -> str:
    return (
        "> [!WARNING]\n> **This is not all.** GitHub takes comments of 65,536 characters. Left "
        f"out, or shown without the lines below: {'; '.join(left_out)}. All of it: "
        "`pipenv run burst review PLAN.json` in a terminal.\n"
    )


def _details(text: str, room: int) -> str:
    """The plan's text, folded, cut to what fits."""
    fence = _fence(text)
    lines = text.rstrip().split("\n")
    whole = DETAILS.format(summary="The whole plan", fence=fence, text="\n".join(lines))
    if size(whole) <= room:
        return whole
    summary = f"The plan, cut to what GitHub takes: {{}} of {len(lines)} lines"
    room -= size(DETAILS.format(summary=summary.format(len(lines)), fence=fence, text=""))
    kept = []
    for line in lines:
        room -= size(line) + 1
        if room < 0:
            break
        kept.append(line)
    if not kept:
        sentence = "The plan's text is left out: there is no room for it.\n"
        return sentence if size(sentence) <= room + size(lines[0]) + 1 else ""
    return DETAILS.format(summary=summary.format(len(kept)), fence=fence, text="\n".join(kept))


def _fence(text: str) -> str:
    """A fence that is longer than any in the text."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    return "`" * max(3, longest + 1)
