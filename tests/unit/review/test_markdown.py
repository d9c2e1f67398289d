"""The page as GitHub takes it: harmless whatever the plan holds, and never too long."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from tests.unit.review.plans import allow, bucket, page, plan, policy, resource
from tools.review import markdown
from tools.review.markdown import code, render, size
from tools.review.page import Item, Page, Section, Strong, Tone, page_of
from tools.review.review import review
from tools.review.visible import on_many_lines, on_one_line

NASTY = st.text(
    st.sampled_from("`|<>&@#\\*_~[]()!$:\"' \nab\t\r\x1b\x00\u202e\u2028\ud800\U0001d4b3-+=/"),
    max_size=30,
)
READER = MarkdownIt("commonmark", {"html": True}).enable("table")


def spans(text: str, *, in_a_table: bool) -> list[tuple[str, str]]:
    """What a reader of Markdown makes of the text: kind and content of each piece."""
    table = f"| a | b |\n|---|---|\n| x | {text} |\n"
    tokens = READER.parse(table if in_a_table else f"- {text}\n")
    inline = [token for token in tokens if token.type == "inline"]
    return [(child.type, child.content) for child in inline[-1].children or []]


@given(NASTY, st.booleans())
def test_text_from_outside_is_nothing_but_code(text: str, in_a_table: bool) -> None:
    found = spans(code(text, in_a_table=in_a_table), in_a_table=in_a_table)
    if found[0][0] == "html_inline":
        assert found[0][1] == "<code>"
        assert found[-1] == ("html_inline", "</code>")
        assert {kind for kind, _ in found[1:-1]} <= {"text"}
        shown = "".join(content for _, content in found[1:-1])
    else:
        ((kind, shown),) = found
        assert kind == "code_inline"
    assert shown == on_one_line(text)


@given(NASTY)
def test_whatever_a_plan_holds_no_text_of_it_stands_outside_of_code(text: str) -> None:
    outside = "Zebra" + text
    rendered = page(
        bucket({"bucket": outside, "force_destroy": True}, None),
        resource("aws_iam_role_policy", *policies(outside), index=outside),
        resource("aws_glue_job", {"default_arguments": {outside: "a"}}, {"default_arguments": {}}),
        resource("aws_sqs_queue", {"x": outside}, {"x": outside + "2"}, name=outside),
        drift=(resource("aws_sns_topic", {"name": outside, "a": "b"}, None),),
    )
    for token in READER.parse(rendered):
        assert token.type != "html_block"
        inside = 0
        for child in token.children or []:
            inside += {"<code>": 1, "</code>": -1}.get(child.content, 0)
            if child.type == "html_inline":
                assert child.content in ("<code>", "</code>")
            elif child.type != "code_inline" and not inside:
                assert "Zebra" not in child.content


def policies(outside: str) -> tuple[dict[str, Any], dict[str, Any]]:
    return (
        {"role": outside, "policy": policy(allow(outside))},
        {"role": outside, "policy": policy(allow(outside, on=outside))},
    )


@given(NASTY)
def test_plan_text_cannot_leave_its_block(text: str) -> None:
    rendered = render(page_of(review(plan())), plan_text=f"{text}\n```\n</details>\n````\n@you")
    tokens = READER.parse(rendered)
    fences = [token for token in tokens if token.type == "fence"]
    assert len(fences) == 1
    assert fences[0].content.rstrip("\n") == on_many_lines(f"{text}\n```\n</details>\n````\n@you")
    assert rendered.count("</details>") == 2
    assert [t.content.strip() for t in tokens if t.type == "html_block"][-1] == "</details>"


def test_colours_of_a_terminal_are_left_out_of_the_plan_text() -> None:
    assert on_many_lines("\x1b[1m# a\x1b[0m\r\nb\tc\x07") == "# a\nb    c\\x07"


# --- Length ---------------------------------------------------------------------------------------

LINES = st.lists(st.text("ab\U0001d4b3", max_size=200), max_size=60)


@st.composite
def pages(draw: st.DrawFn) -> Page:
    def section(number: int, tone: Tone) -> Section:
        items = draw(st.lists(st.tuples(LINES, LINES), max_size=6))
        return Section(
            f"Section {number}",
            tuple(
                Item((f"item {number}.{i} ", *words), tuple(("+", line) for line in difference))
                for i, (words, difference) in enumerate(items)
            ),
            tone=tone,
        )

    banners = [section(0, Tone.CAUTION)] if draw(st.booleans()) else []
    sections = [section(n, Tone.PLAIN) for n in range(1, draw(st.integers(1, 4)))]
    return Page(
        tuple(s for s in banners if s.items),
        ("Plan",),
        ((Strong("1 to add"),),),
        tuple(s for s in sections if s.items),
    )


@given(pages(), st.none() | LINES.map("\n".join), st.integers(4_000, 30_000))
def test_page_is_never_longer_than_allowed_and_says_what_is_missing(
    drawn: Page, plan_text: str | None, longest: int
) -> None:
    text = render(drawn, plan_text=plan_text, longest=longest)
    assert size(text) <= longest
    assert len(text.encode("utf-16-le")) // 2 == size(text)
    whole = render(drawn, longest=10**9)
    if size(whole) <= longest:
        # The findings fit: all of them are there, whatever the plan's text needs.
        assert text.startswith(whole.rstrip("\n"))
        assert "This is not all" not in text
        assert plan_text is None or re.search("The whole plan|cut to what|is left out", text)
    else:
        assert "This is not all" in text
        missing = [
            item
            for section in (*drawn.banners, *drawn.sections)
            for item in section.items
            if isinstance(item, Item) and f"{item.line[0]}" not in text
        ]
        assert len(missing) < sum(len(s.items) for s in (*drawn.banners, *drawn.sections))


def test_findings_are_never_cut_for_the_plan_text() -> None:
    changes = [
        resource("aws_sqs_queue", {"name": f"queue-{i}"}, None, name=f"q{i}") for i in range(100)
    ]
    drawn = page_of(review(plan(*changes)))
    text = render(drawn, plan_text="a line of the plan\n" * 100_000)
    assert all(f"`queue-{i}`" in text for i in range(100))
    assert size(text) <= markdown.LONGEST
    assert re.search(r"cut to what GitHub takes: \d+ of 100000 lines", text)
    assert "This is not all" not in text


def test_findings_that_are_too_many_are_cut_from_the_end_and_the_banner_stays() -> None:
    changes = [bucket({"bucket": "precious"}, None)] + [
        resource("aws_glue_job", {"x": "a" * 250}, {"x": "b" * 250}, name=f"job{i}")
        for i in range(300)
    ]
    text = render(page_of(review(plan(*changes))), plan_text="the plan")
    assert text.startswith(
        "> [!CAUTION]\n> **Data would go**\n>\n> - **landing bucket** `precious`"
    )
    assert re.search(r"This is not all.*Left out.*\d+ of 300 under “Other changes: job”", text)
    assert size(text) <= markdown.LONGEST


def test_long_difference_gives_way_before_its_finding_does() -> None:
    statements = [allow(f"S{i}", on="arn:aws:s3:::" + "x" * 300) for i in range(300)]
    change = resource("aws_iam_role_policy", None, {"name": "p", "policy": policy(*statements)})
    text = render(page_of(review(plan(change))))
    assert "role policy `p` of pipeline orders is added" in text
    assert "1 of 1 under “Permissions" in text


@pytest.mark.parametrize("text", ["a|b", "`", "``a`b", " a ", "", "|", "<code>", "a\\|b"])
def test_code_with_a_pipe_or_a_backtick_is_written_so_that_a_table_holds(text: str) -> None:
    written = code(text, in_a_table=True)
    assert "|" not in written
    shown = re.sub(r"^(`|<code>)|(`|</code>)$", "", written)
    assert html.unescape(shown) == text
