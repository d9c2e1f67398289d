"""The review on a terminal, whatever its width."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from tools.review import terminal
from tools.review.page import Code, Item, Line, Page, Row, Section, Tone

LONG = "The role may do more than before, and somebody has to look at it. " * 3


def _shown(
    width: int,
    *sections: Section,
    banners: tuple[Section, ...] = (),
    is_terminal: bool = True,
) -> list[str]:
    out = io.StringIO()
    page = Page(banners=banners, title=("Review",), summary=(), sections=sections)
    console = Console(file=out, width=width, force_terminal=is_terminal, color_system=None)
    terminal.show(console, page)
    return out.getvalue().splitlines()


def _row(*cells: str) -> Row:
    lines: tuple[Line, ...] = tuple((cell,) if cell else () for cell in cells)
    return Row(lines)


@pytest.mark.parametrize("width", [40, 80, 119])
def test_what_does_not_fit_a_line_goes_on_below_the_beginning_of_its_finding(width: int) -> None:
    item = Item((LONG, Code("arn:" + "x" * 150)), (("+", "s3:" + "y" * 150), ("-", "short")))
    row = _row(LONG, "workers", "2", "4", LONG)
    shown = _shown(width, Section("Permissions", (item,)), Section("Settings", (row,), ("",) * 5))
    assert all(len(line) <= width and line == line.rstrip() for line in shown)
    findings = shown[shown.index("Permissions") + 1 :]
    assert all(line.startswith(("• ", "  ")) for line in findings if line not in {"", "Settings"})
    assert sum(line.startswith("    + s3:yyyy") for line in findings) == 1
    assert sum(line.startswith("      yyyy") for line in findings) >= 1
    assert {"    - short", "    2 → 4"} <= set(findings)


def test_banner_keeps_its_findings_apart() -> None:
    banner = Section("Look", (Item((LONG,)), Item((LONG,))), tone=Tone.CAUTION)
    inside = [line[2:-2] for line in _shown(60, banners=(banner,)) if line.startswith("│")]
    assert [line[:2] for line in inside if not line.startswith("  ")] == ["• ", "• "]
    piped = _shown(60, banners=(banner,), is_terminal=False)
    assert piped[0] == "Look"
    assert [line[:2] for line in piped if line.startswith("•")] == ["• ", "• "]
    assert not set("".join(piped)) & set("│╭╰─")
    assert " ".join(" ".join(inside).replace("•", "").split()) == " ".join((LONG * 2).split())


def test_long_path_is_whole_and_stands_on_a_line_of_its_own() -> None:
    path = "/plans/" + "folder/" * 10 + "cdk.tf.json"
    line: Line = ("What the plan leaves open is shown as in ", Code(path), ".")
    out = io.StringIO()
    page = Page(
        banners=(), title=("Plan",), summary=(line,), sections=(Section("S", (Item(line),)),)
    )
    terminal.show(Console(file=out, width=80), page)
    said = "What the plan leaves open is shown as in"
    assert out.getvalue().splitlines() == [
        "Plan",
        said,
        f"{path}.",
        "",
        "S",
        f"• {said}",
        f"  {path}.",
    ]
