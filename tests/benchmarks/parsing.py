"""What the vetting of values costs: our parsers beside Arrow's own conversion of the same bytes.

    pipenv run bench parsing [MEGABYTES] [CHECKOUT]

Both read the same good file from memory in the same run. The rival is Arrow told the types, with
blocks of the same size and no check of what it gives. CHECKOUT is a folder with another version of
this project, whose parsers then read the same files. The files of the orders pipeline come first;
the others are the worst that a good file can be: nothing but numbers, or everything in quotes.
Times are of the processor, the best of some rounds.
"""

from __future__ import annotations

import io
import json
import pickle
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

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

ROUNDS = 7
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
    sample = files(size)
    before = seconds_of(Path(arguments[1]), sample) if len(arguments) > 1 else {}
    print(f"{'file':<20}{'MB':>6}{'Arrow alone':>13}{'vetted':>9}{'ratio':>7}", end="")
    print(f"{'checkout':>11}{'ratio':>7}" if before else "")
    for name, (kind, columns, body) in sample.items():
        rivals: dict[str, Callable[[], int]] = {
            "arrow": partial(plain, kind, body, typed(columns)),
            "ours": partial(vetted, kind, body, typed(columns)),
        }
        if rivals["arrow"]() != rivals["ours"]():
            print(f"{name}: the two give different numbers of rows.", file=sys.stderr)
            return 1
        seconds = best_of(rivals)
        ours = seconds["ours"]
        print(
            f"{name:<20}{len(body) / 1e6:>6.1f}{seconds['arrow'] * 1e3:>10.0f} ms"
            f"{ours * 1e3:>6.0f} ms{ours / seconds['arrow']:>7.2f}",
            end="",
        )
        print(f"{before[name] * 1e3:>8.0f} ms{ours / before[name]:>7.2f}" if before else "")
    return 0


def typed(columns: dict[str, str]) -> tuple[Column, ...]:
    return tuple(Column(name, type_) for name, type_ in columns.items())


def seconds_of(checkout: Path, sample: dict[str, tuple[Format, dict[str, str], bytes]]) -> Any:
    """How long the parsers of another checkout take, by the name of the file."""
    finished = subprocess.run(
        [sys.executable, "-c", _OF_A_CHECKOUT, str(checkout / "glue_jobs"), str(ROUNDS)],
        input=pickle.dumps(sample),
        stdout=subprocess.PIPE,
        check=True,
    )
    return json.loads(finished.stdout)


# It must not find this checkout's package, so it imports nothing of it.
_OF_A_CHECKOUT = """
import io, json, pickle, sys, time
sys.path[0] = sys.argv[1]
from burst.parsing.parse import parse
try:
    from burst.contract import Column, FileFormat
except ImportError:
    from burst.arguments import FileFormat
    from burst.columns import Column

def seconds(kind, columns, body):
    format = FileFormat(kind, tuple(Column(*item) for item in columns.items()))
    start = time.process_time()
    for batch in parse(io.BytesIO(body), key="k", format=format):
        batch.num_rows
    return time.process_time() - start

sample = pickle.load(sys.stdin.buffer)
best = {name: min(seconds(*file) for _ in range(int(sys.argv[2]))) for name, file in sample.items()}
print(json.dumps(best))
"""


def best_of(rivals: dict[str, Callable[[], int]]) -> dict[str, float]:
    """The best of some rounds in turn, so that a slow moment of the machine hits both."""
    best = dict.fromkeys(rivals, float("inf"))
    for _ in range(ROUNDS):
        for name, run in rivals.items():
            start = time.process_time()
            run()
            best[name] = min(best[name], time.process_time() - start)
    return best


def vetted(kind: Format, body: bytes, columns: tuple[Column, ...]) -> int:
    batches = parse(io.BytesIO(body), key="k", format=FileFormat(kind, columns))
    return sum(batch.num_rows for batch in batches)


def plain(kind: Format, body: bytes, columns: tuple[Column, ...]) -> int:
    schema = arrow_schema(columns)
    if kind == "parquet":
        file = pq.ParquetFile(io.BytesIO(body))
        batches = file.iter_batches(BATCH_ROWS, use_threads=False)
        return sum(batch.cast(schema).num_rows for batch in batches)
    if kind == "csv":
        reader = pa.csv.open_csv(
            io.BytesIO(body),
            read_options=pa.csv.ReadOptions(block_size=CSV_BLOCK, use_threads=False),
            parse_options=pa.csv.ParseOptions(newlines_in_values=True),
            convert_options=pa.csv.ConvertOptions(
                column_types=schema, null_values=[""], strings_can_be_null=True
            ),
        )
        return sum(batch.num_rows for batch in reader)
    table = pa.json.read_json(
        io.BytesIO(body),
        read_options=pa.json.ReadOptions(use_threads=False, block_size=JSON_BLOCK),
        parse_options=pa.json.ParseOptions(
            explicit_schema=schema, unexpected_field_behavior="error"
        ),
    )
    return int(table.num_rows)


def files(size: int) -> dict[str, tuple[Format, dict[str, str], bytes]]:
    return {
        "csv, orders": ("csv", COLUMNS, as_csv(COLUMNS, order, size)),
        "csv, all in quotes": ("csv", COLUMNS, as_csv(COLUMNS, order, size, quote='"')),
        "csv, numbers": ("csv", NUMBERS, as_csv(NUMBERS, number, size)),
        "json, orders": ("json", COLUMNS, as_json(COLUMNS, order, size)),
        "json, numbers": ("json", NUMBERS, as_json(NUMBERS, number, size)),
        "parquet, orders": ("parquet", COLUMNS, as_parquet(COLUMNS, order, size)),
        "parquet, numbers": ("parquet", NUMBERS, as_parquet(NUMBERS, number, size)),
    }


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
