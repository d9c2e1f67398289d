"""Tags as AWS takes them."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

TAGS_ALLOWED = (
    "up to 40 tags; keys of 1 to 128 characters that do not begin with aws:, values of up to 256"
)

TagKey = Annotated[str, StringConstraints(min_length=1, max_length=128)]
TagValue = Annotated[str, StringConstraints(max_length=256)]


def _not_reserved(tags: dict[str, str]) -> dict[str, str]:
    reserved = [key for key in tags if key.lower().startswith("aws:")]
    if reserved:
        raise ValueError(f"AWS keeps these keys for itself: {', '.join(reserved)}")
    return tags


Tags = Annotated[dict[TagKey, TagValue], Field(max_length=40), AfterValidator(_not_reserved)]
