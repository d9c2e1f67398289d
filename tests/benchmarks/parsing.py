"""What the vetting of values costs: our parsers beside Arrow's own conversion of the same bytes.

    pipenv run bench parsing [MEGABYTES] [CHECKOUT]

Both read the same good file from memory in the same run. The rival is Arrow told the types, with
blocks of the same size and no check of what it gives. CHECKOUT is a folder with another version of
this project, whose parsers then read the same files, in turn with ours. The files of the orders
pipeline come first; the others are the worst that a good file can be: nothing but numbers, or
everything in quotes. Times are of the processor, the best of some rounds.
"""

from __future__ import annotations

import gzip
import io
import pickle
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import IO, Any, cast

import pyarrow as pa
import pyarrow.csv
import pyarrow.json
import pyarrow.parquet as pq
from burst.columns import arrow_schema
from burst.contract import Column, FileFormat, Format
from burst.parsing.csv import BLOCK_BYTES as CSV_BLOCK
from burst.parsing.json import BLOCK_BYTES as JSON_BLOCK
from burst.parsing.parquet import BATCH_ROWS
from burst.parsing.parse import parse

# A file's format, columns and bytes; what is compressed is seen by its first bytes.
File = tuple[Format, dict[str, str], bytes]

ROUNDS = 15
_GZIP = b"\x1f\x8b"
COLUMNS = {
    "order_id": "string",
    "customer_id": "string",
    "status": "string",
    "ordered_at": "timestamp",
    "updated_at": "timestamp",
    "sku": "string",
    "quantity": "int",
    "unit_price": "decimal(10,2)",
    "currency": "string",
}
NUMBERS = {"i": "int", "l": "bigint", "f": "double", "n": "decimal(10,2)", "w": "decimal(38,18)"}


def main(arguments: Sequence[str]) -> int:
    size = int(arguments[0]) * 1024**2 if arguments else 24 * 1024**2
    # Checkouts from before do not know the types.
    sample = files(size) | ({} if arguments[1:] else nested_files(size))
    with checkout(Path(arguments[1]), sample) if arguments[1:] else nullcontext() as other:
        print(f"{'file':<20}{'MB':>6}{'Arrow alone':>13}{'vetted':>9}{'ratio':>7}", end="")
        print(f"{'checkout':>11}{'ratio':>7}" if other else "")
        for name, file in sample.items():
            kind, columns, body = file
            if plain(kind, body, typed(columns)) != vetted(kind, body, typed(columns)):
                print(f"{name}: the two give different numbers of rows.", file=sys.stderr)
                return 1
            best = best_of(
                {
                    "arrow": partial(seconds_of, plain, file),
                    "ours": partial(seconds_of, vetted, file),
                    **({"other": partial(other, name)} if other else {}),
                }
            )
            ours = best["ours"]
            print(
                f"{name:<20}{len(body) / 1e6:>6.1f}{best['arrow'] * 1e3:>10.0f} ms"
                f"{ours * 1e3:>6.0f} ms{ours / best['arrow']:>7.2f}",
                end="",
            )
            print(f"{best['other'] * 1e3:>8.0f} ms{ours / best['other']:>7.2f}" if other else "")
    return 0


def typed(columns: dict[str, str]) -> tuple[Column, ...]:
    return tuple(Column(name, type_) for name, type_ in columns.items())


@contextmanager
def checkout(folder: Path, sample: dict[str, File]) -> Iterator[Callable[[str], float]]:
    """How long the parsers of another checkout take, asked by the name of the file."""
    with subprocess.Popen(
        [sys.executable, "-c", _OF_A_CHECKOUT, str(folder / "glue_jobs")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        asks, answers = cast("IO[bytes]", process.stdin), cast("IO[bytes]", process.stdout)
        pickle.dump(sample, asks)

        def seconds(name: str) -> float:
            asks.write(f"{name}\n".encode())
            asks.flush()
            return float(answers.readline())

        yield seconds


# It must not find this checkout's package, so it imports nothing of it.
_OF_A_CHECKOUT = """
import io, pickle, sys, time
sys.path[0] = sys.argv[1]
from burst.parsing.parse import parse
try:
    from burst.contract import Column, FileFormat
except ImportError:
    from burst.arguments import FileFormat
    from burst.columns import Column

sample = pickle.load(sys.stdin.buffer)
for line in sys.stdin.buffer:
    name = line.decode().strip()
    kind, columns, body = sample[name]
    format = FileFormat(kind, tuple(Column(*item) for item in columns.items()))
    key = "k.gz" if body[:2] == b"\\x1f\\x8b" else "k"
    start = time.process_time()
    for batch in parse(io.BytesIO(body), key=key, format=format):
        batch.num_rows
    print(time.process_time() - start, flush=True)
"""


def best_of(rivals: dict[str, Callable[[], float]]) -> dict[str, float]:
    """The best of some rounds in turn, so that a slow moment of the machine hits all."""
    best = dict.fromkeys(rivals, float("inf"))
    for _ in range(ROUNDS):
        for name, seconds in rivals.items():
            best[name] = min(best[name], seconds())
    return best


def seconds_of(run: Callable[[Format, bytes, tuple[Column, ...]], int], file: File) -> float:
    kind, columns, body = file
    start = time.process_time()
    run(kind, body, typed(columns))
    return time.process_time() - start


def vetted(kind: Format, body: bytes, columns: tuple[Column, ...]) -> int:
    key = "k.gz" if body.startswith(_GZIP) else "k"
    batches = parse(io.BytesIO(body), key=key, format=FileFormat(kind, columns))
    return sum(batch.num_rows for batch in batches)


def plain(kind: Format, body: bytes, columns: tuple[Column, ...]) -> int:
    schema = arrow_schema(columns)
    stream: Any = io.BytesIO(body)
    if body.startswith(_GZIP):
        stream = pa.CompressedInputStream(stream, "gzip")
    if kind == "parquet":
        file = pq.ParquetFile(stream)
        batches = file.iter_batches(BATCH_ROWS, use_threads=False)
        return sum(batch.cast(schema).num_rows for batch in batches)
    if kind == "csv":
        reader = pa.csv.open_csv(
            stream,
            read_options=pa.csv.ReadOptions(block_size=CSV_BLOCK, use_threads=False),
            parse_options=pa.csv.ParseOptions(newlines_in_values=True),
            convert_options=pa.csv.ConvertOptions(
                column_types=schema, null_values=[""], strings_can_be_null=True
            ),
        )
        return sum(batch.num_rows for batch in reader)
    table = pa.json.read_json(
        stream,
        read_options=pa.json.ReadOptions(use_threads=False, block_size=JSON_BLOCK),
        parse_options=pa.json.ParseOptions(
            explicit_schema=schema, unexpected_field_behavior="error"
        ),
    )
    return int(table.num_rows)


def files(size: int) -> dict[str, File]:
    orders_csv, orders_json = as_csv(COLUMNS, order, size), as_json(COLUMNS, order, size)
    return {
        "csv, orders": ("csv", COLUMNS, orders_csv),
        "csv, all in quotes": ("csv", COLUMNS, as_csv(COLUMNS, order, size, quote='"')),
        "csv, numbers": ("csv", NUMBERS, as_csv(NUMBERS, number, size)),
        "json, orders": ("json", COLUMNS, orders_json),
        "json, numbers": ("json", NUMBERS, as_json(NUMBERS, number, size)),
        "parquet, orders": ("parquet", COLUMNS, as_parquet(COLUMNS, order, size)),
        "parquet, numbers": ("parquet", NUMBERS, as_parquet(NUMBERS, number, size)),
        "csv, gzip": ("csv", COLUMNS, gzip.compress(orders_csv, 6)),
        "json, gzip": ("json", COLUMNS, gzip.compress(orders_json, 6)),
    }


def nested_files(size: int) -> dict[str, File]:
    """Baskets with items."""
    items = {
        "items": "array<struct<sku:string,qty:int,price:decimal(10,2)>>",
        "at": "timestamp",
        "customer": "struct<id:bigint,name:string>",
    }
    basket = (
        b'{"items": [{"sku": "s-1", "qty": 2, "price": 12.50}, {"sku": "s-2", "qty": 1}], '
        b'"at": "2025-01-02T03:04:05Z", "customer": {"id": 123456, "name": "Zo"}}\n'
    )
    return {"json, nested": ("json", items, basket * (size // len(basket)))}


def order(place: int) -> list[str]:
    return [
        f"o-{place:07}",
        f"c-{place % 997}",
        "Shipped",
        f"2025-01-{place % 28 + 1:02}T03:04:05Z",
        f"2025-01-02T04:04:{place % 60:02}.{place % 10**6:06}Z",
        f"sku {place % 3000}",
        str(place % 50 + 1),
        f"{place % 9000}.{place % 100:02}",
        "EUR",
    ]


def number(place: int) -> list[str]:
    return [
        str(place % 4000 - 2000),
        str(place * 10**6),
        repr(place / 7),
        f"{place % 9000}.{place % 100:02}",
        f"{place}.{place % 10**9:018}",
    ]


def as_csv(
    columns: dict[str, str], row: Callable[[int], list[str]], size: int, quote: str = ""
) -> bytes:
    between = f"{quote},{quote}"
    lines = [between.join(row(place)) for place in range(size // len(",".join(row(10**5))))]
    body = "".join(f"{quote}{line}{quote}\n" for line in lines)
    return (",".join(columns) + "\n" + body).encode()


def as_json(columns: dict[str, str], row: Callable[[int], list[str]], size: int) -> bytes:
    texts = [type_ in ("string", "timestamp") for type_ in columns.values()]
    lines = []
    for place in range(size // len(str(dict(zip(columns, row(10**5), strict=True))))):
        values = zip(columns, row(place), texts, strict=True)
        fields = (f'"{name}": ' + (f'"{v}"' if text else v) for name, v, text in values)
        lines.append("{" + ", ".join(fields) + "}\n")
    return "".join(lines).encode()


def as_parquet(columns: dict[str, str], row: Callable[[int], list[str]], size: int) -> bytes:
    body = as_csv(columns, row, size)
    format = FileFormat("csv", typed(columns))
    out = io.BytesIO()
    table = pa.Table.from_batches(list(parse(io.BytesIO(body), key="k", format=format)))
    pq.write_table(table, out)
    return out.getvalue()
