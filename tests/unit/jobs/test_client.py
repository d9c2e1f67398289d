"""Times in the answers of S3 are read as botocore reads them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.utils import parse_timestamp
from burst.s3.client import parse_time
from hypothesis import given
from hypothesis import strategies as st


@given(st.datetimes(min_value=datetime(1970, 1, 1)), st.sampled_from(["auto", "milliseconds"]))
def test_time_of_a_listing_is_what_botocore_makes_of_it(moment: datetime, digits: str) -> None:
    text = f"{moment.isoformat(timespec=digits)}Z"

    found = parse_time(text)

    assert found == parse_timestamp(text)
    assert found == datetime.fromisoformat(moment.isoformat(timespec=digits)).replace(tzinfo=UTC)
    assert found.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    "value",
    [
        "Fri, 31 Jan 2025 23:59:59 GMT",
        "2025-01-31T23:59:59+02:00",
        "20250131T235959Z",
        "1738367999",
        1738367999,
        1738367999.5,
    ],
)
def test_any_other_time_is_left_to_botocore(value: Any) -> None:
    assert parse_time(value) == parse_timestamp(value)


@pytest.mark.parametrize("value", ["2025-01-31T25:59:59Z", "yesterday", ""])
def test_what_is_no_time_is_refused_as_botocore_does(value: str) -> None:
    with pytest.raises(ValueError, match="timestamp"):
        parse_time(value)
