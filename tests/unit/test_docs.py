"""The documentation holds together: links, anchors, paths, and a short README."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
PAGES = sorted({*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob(".github/**/*.md")})
FOLDERS = ("stacks", "glue_jobs", "tools", "tests", "docs", ".github", ".ci")
SOURCES = ("stacks", "glue_jobs", "tools", "tests")
PAGE = re.compile(r"\bdocs/[\w/-]+\.md")
MAX_LINES, MAX_BYTES = 200, 12_000


def names(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@functools.cache
def tokens(page: Path) -> tuple[Token, ...]:
    """Every token of the page, those inside of paragraphs and cells included."""
    parsed = MarkdownIt("gfm-like", {"linkify": False}).parse(page.read_text(encoding="utf-8"))
    return tuple(inner for token in parsed for inner in (token, *(token.children or ())))


def anchors(page: Path) -> list[str]:
    """What a link can name after `#`: headings as GitHub spells them, and explicit ids."""
    all_tokens = tokens(page)
    headings = (
        following.content
        for token, following in pairwise(all_tokens)
        if token.type == "heading_open"
    )
    ids = re.findall(r'<a id="([^"]+)">', page.read_text(encoding="utf-8"))
    return [*(slug(heading) for heading in headings), *ids]


def slug(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def links(page: Path) -> Iterator[tuple[Path, str]]:
    """The relative links of the page: the file and the anchor, which may be empty."""
    for token in tokens(page):
        target = str(token.attrs.get("href") or token.attrs.get("src") or "")
        if target and not re.match(r"[a-z]+:", target):
            path, _, anchor = target.partition("#")
            yield ((page.parent / path).resolve() if path else page), anchor


def documented_paths(page: Path) -> Iterator[str]:
    """What is in backticks and begins with a folder of the project."""
    for token in tokens(page):
        if token.type == "code_inline":
            for word in token.content.split():
                if re.fullmatch(r"[\w.-]+(/[\w.-]+)*/?", word) and word.split("/")[0] in FOLDERS:
                    yield word


def is_there(path: str) -> bool:
    """Whether the project has it; what people may replace by their own is there in the example."""
    in_example = ROOT / "tools/sandbox/example" / path.removeprefix("glue_jobs/")
    replaceable = path.startswith("glue_jobs/transforms/")
    return (ROOT / path).exists() or (replaceable and in_example.exists())


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    for path, anchor in links(page):
        assert path.exists(), path
        if anchor:
            assert anchor in anchors(path), f"{names(path)}#{anchor}"


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_no_two_places_of_a_page_have_the_same_anchor(page: Path) -> None:
    if page.name == "CHANGELOG.md":
        return  # Its headings repeat in every version.
    assert len(set(anchors(page))) == len(anchors(page))


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_every_path_in_backticks_exists(page: Path) -> None:
    assert [path for path in documented_paths(page) if not is_there(path)] == []


def test_every_page_that_the_code_names_exists() -> None:
    """Messages send people to pages, and so do docstrings."""
    files = [path for folder in SOURCES for path in (ROOT / folder).rglob("*.py")]
    named = {page for path in files for page in PAGE.findall(path.read_text(encoding="utf-8"))}
    assert {page for page in named if not (ROOT / page).exists()} == set()
    assert "docs/runbook.md" in named


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached, unread = set(), [README]
    while unread:
        page = unread.pop()
        if page not in reached:
            reached.add(page)
            unread += [path for path, _ in links(page) if path.suffix == ".md"]
    assert set(PAGES) - reached == set()


def test_readme_is_short() -> None:
    text = README.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MAX_LINES
    assert len(text.encode()) <= MAX_BYTES
