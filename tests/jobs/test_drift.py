"""People are told once a day of what the columns do not take, also where a run dies meanwhile."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from burst import drift
from burst.metrics import NoMetrics

from tests.jobs.one_process import OneProcess, ProcessDied
from tests.jobs.world import World, as_csv, memory_world, order

NOON = datetime(2025, 1, 31, 12, tzinfo=UTC)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return replace(memory_world(tmp_path), clock=lambda: NOON)


def wider(number: int, *names: str) -> bytes:
    header, line = as_csv([order(number)]).decode().splitlines()
    return f"{header},{','.join(names)}\n{line}{',x' * len(names)}\n".encode()


def drain(world: World, process: OneProcess | None = None, **other: str) -> None:
    world.drain_plain(process, unknown_columns="rescue", metrics=NoMetrics(), **other)


def told(world: World) -> list[str]:
    return list(world.in_lake("ledger/orders/drift/"))


def test_names_are_told_with_the_first_batch_of_a_day_and_not_again(world: World) -> None:
    world.put("orders/known.csv", as_csv([order(1)]))
    drain(world)
    assert told(world) == []

    world.put("orders/a.csv", wider(2, "channel", "Größe/m²"))
    world.put("orders/b.csv", wider(3, "channel"))
    drain(world)
    [key] = told(world)
    assert key == "ledger/orders/drift/2025-01-31/channel,Gr%C3%B6%C3%9Fe%2Fm%C2%B2.json"
    assert json.loads(world.in_lake(key)[key])["rows"] == {"channel": 2, "Größe/m²": 1}

    world.put("orders/c.csv", wider(4, "region"))
    drain(world)
    assert told(world) == [key]

    tomorrow = replace(world, clock=lambda: NOON + timedelta(days=1))
    tomorrow.put("orders/d.csv", wider(5, "region"))
    drain(tomorrow)
    assert told(world) == [key, "ledger/orders/drift/2025-02-01/region.json"]


@pytest.mark.parametrize("after", [False, True])
def test_run_that_dies_while_it_tells_is_followed_by_one_that_has_told(
    world: World, after: bool
) -> None:
    world.put("orders/a.csv", wider(1, "channel"))
    watch = OneProcess()
    with contextlib.suppress(ProcessDied):
        drain(replace(memory_like(world), clock=world.clock), watch)
    number = next(n for n, call in enumerate(watch.calls, 1) if "/drift/2025-01-31/ch" in call)

    with pytest.raises(ProcessDied):
        drain(world, OneProcess(dies_at=number, after=after))
    drain(world)

    assert told(world) == ["ledger/orders/drift/2025-01-31/channel.json"]
    assert world.order_ids() == ["o-00001"]


def memory_like(world: World) -> World:
    """Another world with the same file."""
    other = memory_world(world.curated_folder.parent / "other")
    other.put("orders/a.csv", wider(1, "channel"))
    return other


def test_key_has_room_for_names_of_any_length() -> None:
    names = [f"{'é' * 40}{number}" for number in range(100)]
    key = drift.in_key(names)
    assert len(key.encode()) < 700
    assert key.endswith(" and 98 more")
    assert drift.in_key([""]) == "(no name)"
