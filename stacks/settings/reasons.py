"""Why a value is not allowed, in plain words in place of pydantic's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

# What pydantic asks for, by the type of its error ("Validation Errors" in its documentation).
# A union that is told apart by a member asks for "attributes".
_ASKED = {
    "string_type": "a text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "dict_type": "an object",
    "model_type": "an object",
    "model_attributes_type": "an object",
}
_PLAIN = {
    "extra_forbidden": "there is no such setting",
    "string_pattern_mismatch": "it does not have the right form",
    "string_too_short": "it is too short",
    "string_too_long": "it is too long",
    "string_unicode": "it has a character that is half of a pair",
    "greater_than": "it is too small",
    "greater_than_equal": "it is too small",
    "less_than": "it is too large",
    "less_than_equal": "it is too large",
    "int_parsing_size": "it is too large",
    "finite_number": "it is too large",
}
_SAID_APART = {"none_required", "literal_error", "union_tag_invalid", "union_tag_not_found"}
_SAID_APART |= {"too_short", "too_long"}
KNOWN = {*_ASKED, *_PLAIN, *_SAID_APART}


def reason(problem: Mapping[str, Any]) -> str:
    """Why not, as the middle of a sentence.

    problem: one of pydantic's `ErrorDetails`, of JSON data.
    """
    kind, given = str(problem["type"]), problem["input"]
    if kind == "none_required":
        return f"expected null, found {json_kind(given)}"
    if kind in _ASKED:
        what = "one with a decimal point" if kind == "int_from_float" else json_kind(given)
        return f"expected {_ASKED[kind]}, found {what}"
    if kind == "literal_error":
        choices = str(problem["ctx"]["expected"]).replace(" or ", ", ").split(", ")
        return _not_among(given, [choice.strip("'") for choice in choices])
    if kind == "union_tag_invalid":
        member = str(problem["ctx"]["discriminator"]).strip("'")
        choices = [one.strip("'") for one in str(problem["ctx"]["expected_tags"]).split(", ")]
        tag = given[member]
        if not isinstance(tag, str):
            return f"{member!r}: expected a text, found {json_kind(tag)}"
        return f"there is no {member} {tag!r}{_hint(tag, choices)}"
    if kind == "too_short":
        return "it is empty"
    if kind == "too_long":
        return f"at most {problem['ctx']['max_length']} are allowed"
    if kind == "union_tag_not_found":
        return f"it has no {problem['ctx']['discriminator']}"
    return _PLAIN.get(kind) or str(problem["msg"]).removeprefix("Value error, ").rstrip(".")


def json_kind(value: Any) -> str:
    """What JSON calls such a value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    kinds = ((str, "a text"), (int | float, "a number"), (list, "a list"))
    return next((words for kind, words in kinds if isinstance(value, kind)), "an object")


def meant(written: str, names: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The name that resembles what was written, if one does."""
    return next(iter(get_close_matches(written, list(names), n=1, cutoff=cutoff)), None)


def _not_among(given: Any, choices: list[str]) -> str:
    if isinstance(given, int | float) and not isinstance(given, bool) and str(given) in choices:
        return f'a number here is a text; put it into double quotes ("{given}")'
    if not isinstance(given, str):
        return f"expected a text, found {json_kind(given)}"
    return f"it is none of what is allowed{_hint(given, choices)}"


def _hint(written: str, choices: list[str]) -> str:
    lower = {choice.lower(): choice for choice in choices}
    found = meant(written.lower(), lower)
    return f" (did you mean {lower[found]!r}?)" if found else ""
