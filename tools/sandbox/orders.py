"""Realistic order files for a burst: what a few shops export, with updates and repeats.

The same seed gives the same files. Most rows are new orders; some are updates of an earlier order
(a later file holds the same order with a newer status), some are the very same row once more, as a
producer that retries would send it.
"""

from __future__ import annotations

import csv
import io
import random
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

COLUMNS = (
    "order_id",
    "customer_id",
    "status",
    "ordered_at",
    "updated_at",
    "sku",
    "quantity",
    "unit_price",
    "currency",
)
STATUSES = ("placed", "paid", "packed", "shipped", "delivered")
SHOPS = (("berlin", "EUR"), ("paris", "EUR"), ("zurich", "CHF"), ("london", "GBP"))
SKUS = ("mug-blue", "mug-white", "lamp-oak", "chair-ash", "desk-120", "shelf-80", "rug-wool")
ROWS_PER_FILE = (5, 60)
SHARE_UPDATES = 0.15
SHARE_REPEATS = 0.03


@dataclass(frozen=True)
class Order:
    """One row of a file."""

    order_id: str
    customer_id: str
    status: str
    ordered_at: datetime
    updated_at: datetime
    sku: str
    quantity: int
    unit_price: Decimal
    currency: str

    def values(self) -> tuple[str, ...]:
        """The row as the file has it; times are UTC."""
        return tuple(_text(getattr(self, name)) for name in COLUMNS)


@dataclass(frozen=True)
class OrderFile:
    """A file's name below the pipeline's prefix, its content, and the rows that are expected of it.

    A bad file is expected to give no rows.
    """

    name: str
    body: bytes
    rows: tuple[tuple[str, ...], ...]
    bad: bool = False


def generate(files: int, *, seed: int, now: datetime, bad: int = 0) -> list[OrderFile]:
    """Order files as of ``now``: between 5 and 60 rows each, the oldest orders first.

    ``bad`` of them (at most all) have a word in place of a number.
    """
    random_source = random.Random(seed)  # noqa: S311 - test data, not a secret.
    known: list[Order] = []
    made = [_file(number, known, random_source, now) for number in range(files)]
    spoiled = set(random_source.sample(range(files), bad))
    return [_spoiled(file) if number in spoiled else file for number, file in enumerate(made)]


def _file(number: int, known: list[Order], source: random.Random, now: datetime) -> OrderFile:
    shop, currency = source.choice(SHOPS)
    rows = [_row(known, source, now, currency) for _ in range(source.randint(*ROWS_PER_FILE))]
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    writer.writerows(row.values() for row in rows)
    return OrderFile(
        name=f"{now:%Y/%m/%d}/{shop}-{number:05d}.csv",
        body=text.getvalue().encode(),
        rows=tuple(row.values() for row in rows),
    )


def _spoiled(file: OrderFile) -> OrderFile:
    """The same file with the last row's quantity in letters."""
    *lines, last = file.body.decode().splitlines(keepends=True)
    values = last.split(",")
    values[COLUMNS.index("quantity")] = "three"
    return replace(file, body="".join([*lines, ",".join(values)]).encode(), rows=(), bad=True)


def _row(known: list[Order], source: random.Random, now: datetime, currency: str) -> Order:
    kind = source.random()
    if known and kind < SHARE_REPEATS:
        return source.choice(known)
    if known and kind < SHARE_REPEATS + SHARE_UPDATES:
        order = _updated(source.choice(known), source, now)
    else:
        order = _placed(len(known), source, now, currency)
    known.append(order)
    return order


def _placed(number: int, source: random.Random, now: datetime, currency: str) -> Order:
    ordered_at = (now - timedelta(seconds=source.randint(60, 3 * 24 * 3600))).replace(microsecond=0)
    return Order(
        order_id=f"O-{number:08d}",
        customer_id=f"C-{source.randint(1, 5000):06d}",
        status=STATUSES[0],
        ordered_at=ordered_at,
        updated_at=ordered_at,
        sku=source.choice(SKUS),
        quantity=source.randint(1, 6),
        unit_price=Decimal(source.randint(390, 49900)) / 100,
        currency=currency,
    )


def _updated(order: Order, source: random.Random, now: datetime) -> Order:
    later = order.updated_at + (now - order.updated_at) * source.random()
    status = STATUSES[min(STATUSES.index(order.status) + 1, len(STATUSES) - 1)]
    return replace(order, status=status, updated_at=later.replace(microsecond=0))


def _text(value: object) -> str:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    return f"{value:.2f}" if isinstance(value, Decimal) else str(value)
