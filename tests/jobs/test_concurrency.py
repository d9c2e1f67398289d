"""How many requests Spark's workers have on their way to S3 at the same time."""

from __future__ import annotations

import time
from bisect import bisect_left

import pytest
from burst import batch_run
from burst.s3 import concurrency

from tests.jobs.faulty_s3 import SLOW_SECONDS, Fault, FaultyS3, Request
from tests.jobs.world import World, as_csv, order

FILES = 60
WORKERS = 2
REQUESTS = 16


class Meter:
    """Answers slowly, and keeps when each request came."""

    def __init__(self, method: str, part: str) -> None:
        self.method, self.part = method, part
        self.times: list[float] = []

    def slow(self, request: Request) -> Fault | None:
        if request.method != self.method or self.part not in request.path:
            return None
        self.times.append(time.monotonic())
        return Fault.SLOW

    def most_at_once(self) -> int:
        """Requests that came before the first of them was answered."""
        places = enumerate(self.times)
        return max(bisect_left(self.times, start + SLOW_SECONDS) - n for n, start in places)


@pytest.mark.parametrize(("method", "part"), [("GET", "-landing/orders/"), ("PUT", "/archive/")])
def test_workers_share_the_requests_of_the_run(
    spark_world: World,
    line: FaultyS3,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    part: str,
) -> None:
    monkeypatch.setattr(concurrency, "REQUESTS", REQUESTS)
    monkeypatch.setattr(concurrency, "FEWEST", 1)
    monkeypatch.setattr(batch_run, "SPREAD_FILES", 1)
    monkeypatch.setattr(batch_run, "PART_FILES", FILES // WORKERS)
    for number in range(FILES):
        spark_world.put(f"orders/{number:03}.csv", as_csv([order(number)]))
    meter = Meter(method, part)
    line.set(meter.slow)

    spark_world.drain()

    assert len(meter.times) == FILES
    # The emulator may keep some of them waiting.
    assert REQUESTS // 4 <= meter.most_at_once() <= REQUESTS
    assert len(spark_world.order_ids()) == FILES
