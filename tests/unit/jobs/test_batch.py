"""Planning is pure: bounds, order, names and destinations hold for whatever arrives."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from burst.batch import (
    InputFile,
    batch_id,
    batches,
    destination,
    ingest_date,
    output_uri,
    shares,
)
from hypothesis import given
from hypothesis import strategies as st

NOON = datetime(2025, 1, 31, 12, tzinfo=UTC)

# S3 keys: up to 1,024 bytes of UTF-8 (so no surrogates), never empty.
keys = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=300
).map(lambda key: key.encode()[:1024].decode(errors="ignore"))
versions = st.text(st.characters(codec="ascii", exclude_characters="\0"), min_size=1, max_size=32)
files = st.builds(
    InputFile,
    key=keys,
    version_id=versions,
    etag=st.just("e"),
    size=st.integers(0, 5000),
    last_modified=st.datetimes(timezones=st.just(UTC)),
)
outstanding = st.lists(files, max_size=40, unique_by=lambda file: (file.key, file.version_id))


@given(outstanding, st.integers(1, 10), st.integers(1, 10_000))
def test_every_file_is_in_one_batch_and_no_batch_exceeds_its_bounds(
    files: list[InputFile], max_files: int, max_bytes: int
) -> None:
    cut = list(batches(files, max_files=max_files, max_bytes=max_bytes))

    planned = [file for batch in cut for file in batch]
    assert sorted(planned, key=repr) == sorted(files, key=repr)
    for batch in cut:
        assert 1 <= len(batch) <= max_files
        assert len(batch) == 1 or sum(file.size for file in batch) <= max_bytes


@given(outstanding)
def test_older_files_come_first(files: list[InputFile]) -> None:
    planned = [file for batch in batches(files, max_files=3, max_bytes=100) for file in batch]

    assert [f.last_modified for f in planned] == sorted(f.last_modified for f in files)


@given(outstanding, st.randoms())
def test_order_of_the_listing_does_not_change_the_plan(
    files: list[InputFile], random: object
) -> None:
    shuffled = list(files)
    random.shuffle(shuffled)  # type: ignore[attr-defined]

    plans = [
        [(batch_id(batch, NOON), batch) for batch in batches(some, max_files=4, max_bytes=9000)]
        for some in (files, shuffled)
    ]
    assert plans[0] == plans[1]


def test_batch_id_has_the_time_of_planning_in_utc_and_a_hash_of_the_inputs() -> None:
    file = InputFile("orders/a.csv", "v1", "e", 1, NOON)
    other = InputFile("orders/a.csv", "v2", "e", 1, NOON)

    name = batch_id([file], NOON.astimezone(tz=None))

    assert name == "20250131T120000Z-6b45fabc"
    assert batch_id([other], NOON) != name
    # Planned again at the same second, which is another batch.
    assert batch_id([file], NOON, "jr_1") != batch_id([file], NOON, "jr_2")
    assert ingest_date(name).isoformat() == "2025-01-31"
    assert output_uri("s3://lake/curated/orders", name) == (
        "s3://lake/curated/orders/ingest_date=2025-01-31/batch=20250131T120000Z-6b45fabc"
    )


def test_hash_tells_apart_inputs_whose_names_run_together() -> None:
    ab = [InputFile("ab", "c", "e", 1, NOON), InputFile("d", "e", "e", 1, NOON)]
    a = [InputFile("a", "bc", "e", 1, NOON), InputFile("de", "e", "e", 1, NOON)]

    assert batch_id(ab, NOON) != batch_id(a, NOON)


@pytest.mark.parametrize("text", ["", "2025", "20250131T120000Z", "20250131T120000Z-XYZ", "x" * 25])
def test_text_that_is_no_batch_id_has_no_date(text: str) -> None:
    with pytest.raises(ValueError, match="batch id"):
        ingest_date(text)


@given(keys, versions)
def test_destination_and_its_reason_file_are_keys_that_s3_takes(key: str, version: str) -> None:
    place = destination(
        "quarantine",
        pipeline="orders",
        batch="20250131T120000Z-c8cdfd68",
        key=key,
        version_id=version,
    )

    assert len(f"{place}.reason.json".encode()) <= 1024
    assert place.startswith("quarantine/orders/20250131T120000Z-c8cdfd68/")
    assert key.endswith(place.split("/", 4)[4])


@given(keys, versions, versions)
def test_two_versions_of_one_key_never_share_a_destination(
    key: str, first: str, second: str
) -> None:
    places = {
        destination("archive", pipeline="p", batch="b", key=key, version_id=version)
        for version in (first, second)
    }

    assert len(places) == len({first, second})


def test_key_that_is_too_long_is_cut_from_the_left_between_characters() -> None:
    key = "orders/" + "ü" * 508

    place = destination("archive", pipeline="orders", batch="b", key=key, version_id="v")

    assert place.endswith("ü" * 400)
    assert place.split("/")[4].strip("ü") == ""


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=60), st.integers(1, 8))
def test_every_input_is_dealt_to_one_task_and_no_task_gets_far_more_than_another(
    sizes: list[int], tasks: int
) -> None:
    inputs = [
        InputFile(f"k{n}", "v", "e", size, NOON + timedelta(n)) for n, size in enumerate(sizes)
    ]

    dealt = shares(inputs, tasks)

    assert sorted(index for share in dealt for index in share) == list(range(len(sizes)))
    loads = [sum(sizes[index] + 1_000_000 for index in share) for share in dealt]
    assert max(loads) - min(loads) <= max(sizes) + 1_000_000
