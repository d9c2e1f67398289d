"""A cdktf.json that is no JSON: where it is wrong, why, and what to do."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stacks.settings import SettingsError, parse_document, settings_text


def problem(content: bytes) -> str:
    with pytest.raises(SettingsError) as error:
        parse_document(settings_text(content, "cdktf.json"), "cdktf.json")
    return str(error.value)


@pytest.mark.parametrize(
    ("content", "where", "cause", "fix"),
    [
        (b'{\n "a": 1,\n}', "line 2, column 8", "comma comes before", "remove the comma"),
        (b'{"a": [1, 2, ]}', "line 1, column 12", "comma comes before", "remove the comma"),
        (b'{\n  // x\n "a": 1}', "line 2, column 3", "no comments", "remove the comment"),
        (b'{"a": 1 /* x */}', "line 1, column 9", "no comments", "remove the comment"),
        (b'{"a": 1\n# x\n}', "line 2, column 1", "no comments", "remove the comment"),
        (b"{'a': 1}", "line 1, column 2", "single quotes", "double quotes"),
        (b"{a: 1}", "line 1, column 2", "found 'a'", "the key in double quotes"),
        (b'{"a" 1}', "line 1, column 6", "after a key", "put a colon"),
        (b'{"a": 1\n "b": 2}', "line 2, column 2", """found '"b"'""", "put a comma"),
        (b'{"a": 1', "line 1, column 8", "ends too early", "close what is open"),
        (b'{"a": 1}}', "line 1, column 9", "after the end", "remove it"),
        (b'{"a": "x}', "line 1, column 7", "no closing quote", "close it"),
        (b'{"a": "x\ny"}', "line 1, column 9", "line break", r"\n"),
        (b'{"a": "\\x"}', "line 1, column 8", "backslash", "double the backslash"),
        (b'{"a": yes}', "line 1, column 7", "found 'yes'", "write a value"),
        (b'{"a": True,}', "line 1, column 7", "found 'True'", "write true"),
        (b'{"a": None}', "line 1, column 7", "found 'None'", "write null"),
        (b'\xef\xbb\xbf{"a": 1}', "line 1, column 1", "byte order mark", "UTF-8 without one"),
        ('{"a": 1}'.encode("utf-16"), "line 1, column 1", "UTF-16", "save it as UTF-8"),
        ('{"a": 1}'.encode("utf-16-le"), "line 1, column 2", "NUL", "save it as UTF-8"),
        (b'{\n"a": "\xe4"}', "line 2, column 7", "0xe4", "save it as UTF-8"),
    ],
)
def test_error_names_place_cause_and_fix(content: bytes, where: str, cause: str, fix: str) -> None:
    said = problem(content)
    assert said.startswith(f"cdktf.json is not usable: {where}: "), said
    assert cause in said
    assert fix in said


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            b'{"a": [{}, {\n"prefix": 1,\n "prefix": 2}]}',
            "line 3, column 2: the key 'prefix' stands twice in the object a.1, first in line 2; "
            "remove one of the two.",
        ),
        (b'{"a": {}, "a": 1}', "line 1, column 11: the key 'a' stands twice in the outermost obj"),
    ],
)
def test_key_that_stands_twice_is_named_with_both_places(content: bytes, said: str) -> None:
    assert said in problem(content)


@pytest.mark.parametrize(("content", "words"), [(b"", "it is empty"), (b" \n", "it is empty")])
def test_file_without_content_is_named(content: bytes, words: str) -> None:
    assert words in problem(content)


def test_nesting_without_end_is_an_error_and_not_a_crash() -> None:
    assert "nested too deeply" in problem(b'{"a":' + b"[" * 100_000)


DOCUMENT = json.dumps({"a": [1, {"b": None}], "c": "x,}", "d": {"e": True}}, indent=1)


@given(st.integers(0, len(DOCUMENT) - 1), st.sampled_from(["", ",", "}", "#", '"', "\\", "x"]))
def test_any_slip_is_a_sentence_with_a_place(at: int, other: str) -> None:
    text = DOCUMENT[:at] + other + DOCUMENT[at + 1 :]
    try:
        json.loads(text)
    except ValueError:
        assert "line " in problem(text.encode())
