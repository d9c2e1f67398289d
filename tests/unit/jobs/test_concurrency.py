"""A run has as many requests on their way as S3 can take, however many workers it has."""

from __future__ import annotations

import pytest
from burst.s3.concurrency import FEWEST, REQUESTS, threads_each
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(("processes", "threads"), [(1, 128), (2, 128), (4, 64), (12, 21), (36, 8)])
def test_few_processes_have_many_threads_each_and_many_have_few(
    processes: int, threads: int
) -> None:
    assert threads_each(processes) == threads


@given(st.integers(1, 10_000))
def test_processes_share_what_s3_can_take(processes: int) -> None:
    threads = threads_each(processes)

    assert threads >= FEWEST
    assert threads * processes <= max(REQUESTS, FEWEST * processes)
    assert threads >= threads_each(processes + 1)
