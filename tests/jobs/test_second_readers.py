"""Each parser against an independent reader, over generated files cut into tiny blocks.

The second readers are Python's own csv, json, decimal and datetime, and pyarrow's default way of
reading Parquet. What they make of a value by the rules of docs/values.md is written here once more,
one value at a time and in the plainest way. Spark's readers are in test_spark_readers.py.

`pytest -m full tests/jobs/test_second_readers.py` looks at many more files.
"""

from __future__ import annotations

import base64
import csv
import datetime
import io
import json
import math
import re
import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, timedelta
from decimal import Context, Decimal
from fractions import Fraction
from typing import Any, NoReturn

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from burst.contract import Column, FileFormat, Format
from burst.parsing import csv as csv_parser
from burst.parsing import json as json_parser
from burst.parsing import parquet as parquet_parser
from burst.parsing.parse import parse
from burst.parsing.reasons import ParseError
from hypothesis import given, settings
from hypothesis import strategies as st

Row = dict[str, Any]


class Refused(Exception):
    """The second reader does not take the value."""


@contextmanager
def blocks_of(size: int) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_parser, "BLOCK_BYTES", size)
        patch.setattr(csv_parser, "READ_BYTES", 1 + size // 3)
        patch.setattr(csv_parser, "_PIECE", 64)
        patch.setattr(csv_parser, "HEAD_BYTES", size)
        patch.setattr(json_parser, "BLOCK_BYTES", size)
        patch.setattr(parquet_parser, "BATCH_ROWS", size)
        yield


def ours(body: bytes, kind: Format, columns: Mapping[str, str], size: int, **how: Any) -> list[Row]:
    """The rows as our parser gives them. Raises ParseError.

    columns: the type of each, and after a `|` its format.
    """
    declared = [
        Column(name, kind, format=format)
        for name, (kind, _, format) in ((n, t.partition("|")) for n, t in columns.items())
    ]
    format = FileFormat(kind, tuple(declared), **how)
    with blocks_of(size):
        batches = list(parse(io.BytesIO(body), key="k", format=format))
    return [row for batch in batches for row in batch.to_pylist()]


def same(left: object, right: object) -> bool:
    """Equal also in type and sign, and not-a-number equal to itself."""
    if isinstance(left, float) and isinstance(right, float):
        return struct.pack(">d", left) == struct.pack(">d", right) or (
            math.isnan(left) and math.isnan(right)
        )
    return type(left) is type(right) and left == right


# -- The rules once more ---------------------------------------------------------------------------

BITS = {"smallint": 16, "int": 32, "bigint": 64}
BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
DIGITS = {"yyyy": "([0-9]{4})", "MM": "([0-9]{2})", "dd": "([0-9]{2})"}
DIGITS |= {"M": "([0-9]{1,2})", "d": "([0-9]{1,2})"}
# After 400 years the calendar repeats. Python has no year 0, in which an instant may be written
# that its zone moves into the year 1.
YEARS_400 = timedelta(days=146_097)
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=UTC)
NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
TIME = re.compile(
    DATE.pattern
    + r"(?:[T ]([0-9]{2})(?::([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,6}))?)?)?"
    + r"(?:Z|([+-])([0-9]{2})(?::?([0-9]{2}))?)?)?"
)


def must(condition: object) -> None:
    if not condition:
        raise Refused


def whole(number: Decimal, bits: int) -> int:
    must(-(2 ** (bits - 1)) <= number < 2 ** (bits - 1))
    return int(number)


def double(number: Decimal, kind: str = "double") -> float:
    value = single(number) if kind == "float" else float(number)
    must(math.isfinite(value) and (value == 0) == (number == 0))
    return value


def single(number: Decimal) -> float:
    """The nearest float of 32 bits, of two that are as near the one whose last bit is 0."""
    must(number.copy_abs() < Decimal("1e40"))
    if number.copy_abs() < Decimal("1e-60"):
        return math.copysign(0.0, number)
    exact = Fraction(number)
    exponent = max(math.floor(math.log2(abs(exact))) - 23, -149) if exact else 0
    for power in (exponent - 1, exponent, exponent + 1):
        # Fractions round halves to even.
        value = math.ldexp(round(exact / Fraction(2) ** power), power)
        if power >= -149 and abs(value) < 2.0 ** (power + 24):
            break
    must(abs(value) < 2.0**128)
    return math.copysign(value, number) if value == 0 else value


def fitting(number: Decimal, kind: str) -> Decimal:
    precision, scale = (int(part) for part in re.findall(r"\d+", kind))
    if number == 0:
        return Decimal(0)
    _, digits, exponent = number.as_tuple()
    assert isinstance(exponent, int)
    must(-400 < exponent < 400)
    scaled = int("".join(map(str, digits))) * 10 ** (exponent + scale + 800)
    must(scaled % 10**800 == 0 and scaled // 10**800 < 10**precision)
    return number


def from_text(text: str, kind: str) -> Any:
    if kind == "string":
        return text
    if kind == "boolean":
        must(text in ("true", "True", "TRUE", "1", "false", "False", "FALSE", "0"))
        return text.lower() in ("true", "1")
    if "|" in kind:
        return formatted(text, *kind.split("|"))
    if kind in BITS:
        must(re.fullmatch(r"[+-]?[0-9]+", text))
        return whole(Decimal(text), BITS[kind])
    if kind in ("float", "double"):
        if re.fullmatch(r"(?i)[+-]?(nan|inf|infinity)", text):
            return float(text)
        must(NUMBER.fullmatch(text))
        return double(Decimal(text), kind)
    if kind.startswith("decimal"):
        must(NUMBER.fullmatch(text))
        return fitting(Decimal(text), kind)
    return calendar(text, kind)


def formatted(text: str, kind: str, format: str) -> Any:
    if format == "hex":
        must(len(text) % 2 == 0 and re.fullmatch(r"[0-9a-fA-F]*", text))
        return bytes(int(text[at : at + 2], 16) for at in range(0, len(text), 2))
    if format == "base64":
        must(re.fullmatch(r"[A-Za-z0-9+/]*={0,2}", text) and len(text) % 4 == 0)
        bits = "".join(f"{BASE64.index(letter):06b}" for letter in text.rstrip("="))
        left = len(bits) % 8
        must("1" not in bits[len(bits) - left :])
        return bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits) - left, 8))
    if format.startswith("epoch"):
        must(re.fullmatch(r"[+-]?[0-9]+", text))
        return epoch(whole(Decimal(text), 64), format)
    day, _, clock = format.partition(" ")
    text_of_day, gap, text_of_clock = text.partition(" ")
    match = re.fullmatch(re.sub(r"(\w)\1*", lambda m: DIGITS[m[0]], re.escape(day)), text_of_day)
    must(match and bool(gap) == bool(clock))
    assert match
    fields = [field[0] for field in re.finditer(r"(\w)\1*", day)]
    parts = dict(zip(fields, match.groups(), strict=True))
    year, month, date_ = (next(parts[n] for n in parts if n[0] == letter) for letter in "yMd")
    written = f"{year}-{month:0>2}-{date_:0>2}"
    if clock:
        must(re.fullmatch(r"[0-9]{2}:[0-9]{2}", text_of_clock[:5]))
        must(re.fullmatch(r"(Z|[+-][0-9]{2}(:?[0-9]{2})?)", text_of_clock[5:]))
        written += f"T{text_of_clock}"
    return calendar(written, kind)


def epoch(number: int, format: str) -> datetime.datetime:
    try:
        return EPOCH + timedelta(microseconds=number * (10**6 if format[6:7] == "s" else 10**3))
    except OverflowError:
        raise Refused from None


def calendar(text: str, kind: str) -> date:
    match = (DATE if kind == "date" else TIME).fullmatch(text)
    must(match)
    assert match
    try:
        if kind == "date":
            return date(*map(int, match.groups()))
        day, clock, fraction = match.groups()[:3], match.groups()[3:6], match[7] or ""
        year, *month_and_day = map(int, day)
        naive = datetime.datetime(
            year or 400,
            *month_and_day,
            *(int(part or 0) for part in clock),
            int(fraction.ljust(6, "0")),
        )
        hours, minutes = int(match[9] or 0), int(match[10] or 0)
        must(hours < 24 and minutes < 60)
        offset = timedelta(hours=hours, minutes=minutes) * (-1 if match[8] == "-" else 1)
        return (naive - offset - (timedelta() if year else YEARS_400)).replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise Refused from None


def from_json(value: Any, kind: str) -> Any:
    if "epoch" in kind:
        must(isinstance(value, int) and not isinstance(value, bool))
        return epoch(whole(Decimal(value), 64), kind.split("|")[1])
    if "|" in kind:
        must(isinstance(value, str) and not re.search("[\ud800-\udfff]", value))
        return from_text(value, kind)
    if kind in ("string", "date", "timestamp"):
        must(isinstance(value, str) and not re.search("[\ud800-\udfff]", value))
        return from_text(value, kind)
    if kind == "boolean":
        must(isinstance(value, bool))
        return value
    must(not isinstance(value, bool))
    if kind.startswith("decimal"):
        must(isinstance(value, int | Decimal | str))
        return from_text(value, kind) if isinstance(value, str) else fitting(Decimal(value), kind)
    must(isinstance(value, int | Decimal))
    if kind in ("float", "double"):
        # As it is written: -0 has a sign.
        return double(Decimal(getattr(value, "text", value)), kind)
    must(isinstance(value, int))
    return whole(Decimal(value), BITS[kind])


# -- Values ----------------------------------------------------------------------------------------

KINDS = [
    "string",
    "boolean",
    "smallint",
    "int",
    "bigint",
    "float",
    "double",
    "decimal(5,2)",
    "decimal(38,18)",
    "decimal(38,38)",
    "decimal(38,0)",
    "decimal(1,1)",
    "date",
    "timestamp",
]
FORMATTED = [
    "date|dd.MM.yyyy",
    "date|M/d/yyyy",
    "timestamp|yyyyMMdd HH:mmX",
    "timestamp|epoch_seconds",
    "timestamp|epoch_milliseconds",
    "binary|hex",
    "binary|base64",
]
digits = st.text("0123456789", max_size=45) | st.sampled_from(["0" * 350, "9" * 38, "9" * 39])
exponents = st.sampled_from(["", "", "", "e0", "E-2", "e+5", "e-30", "e308", "e-400", "E100000000"])
numbers = st.builds(
    "{}{}{}{}{}".format,
    st.sampled_from(["", "-", "+"]),
    digits,
    st.sampled_from(["", ".", "."]),
    digits,
    exponents,
)
edges = st.sampled_from(
    [
        str(sign * 2**bits + step)
        for sign in (1, -1)
        for bits in (15, 24, 31, 53, 63, 64, 127, 128)
        for step in (-1, 0, 1)
    ]
    + [
        "0x1F",
        "-0",
        "-0.0",
        "1_0",
        " 1",
        "1 ",
        "\u0661",
        "1d",
        "nan",
        "NaN",
        "-inf",
        "Infinity",
        "NaN(1)",
        "true",
        "TRUE",
        "tRUE",
        "t",
        "1.7976931348623157e308",
        "1.7976931348623159e308",
        "16777217",
        "8388609.5",
        "3.4028235677973366e38",
        "3.4028235677973365e38",
        "7.006492321624085e-46",
        "7.1e-46",
        "1.00000017881393432617187499",
        "1.00000017881393432617187500001",
        "5e-324",
        "2e-324",
        "-1e-999",
        "0e-999",
        "0e999999999",
        "99999999999999999999.5",
    ]
)
days = st.builds(
    "{:04}-{:02}-{:02}".format, st.integers(0, 9999), st.integers(0, 13), st.integers(0, 32)
) | st.sampled_from(["0000-12-31", "0001-01-01", "9999-12-31"])
clocks = st.builds(
    "{:02}:{:02}:{:02}{}".format,
    st.integers(0, 24),
    st.integers(0, 60),
    st.integers(0, 60),
    st.sampled_from(["", ".5", ".123456", ".1234567", "."]),
) | st.sampled_from(["", "05", "05:06", "5:6:7"])
zones = st.sampled_from(["", "Z", "z", "+02:00", "-0530", "+01", "+24:00", "-23:59", "+1", " Z"])
times = st.builds(
    "{}{}{}{}".format, days, st.sampled_from(["T", " ", "", "t"]), clocks, zones
) | st.sampled_from(
    ["0000-12-31T23:00-01", "0000-12-31T22:59:59.999999-01", "9999-12-31T23:59-00:01"]
)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
good_times = st.datetimes().map(lambda time: time.isoformat() + "Z")
OF_KIND: dict[str, st.SearchStrategy[str]] = {
    "date": days | times,
    "timestamp": times | days | good_times,
    "string": texts,
    "boolean": edges | st.sampled_from(["true", "false", "0", "1"]),
}


in_another_form = st.builds(
    "{0:0{4}}{3}{1:0{4}}{3}{2:04}".format,
    st.integers(0, 32),
    st.integers(0, 32),
    st.integers(0, 9999),
    st.sampled_from("./-"),
    st.sampled_from([1, 2, 2]),
) | st.builds("{:08} {}".format, st.integers(10101, 99991231), clocks.map(lambda c: c[:5] + "Z"))
encoded = st.binary(max_size=5).map(bytes.hex) | st.binary(max_size=5).map(
    lambda found: base64.b64encode(found).decode()
)
instants_as_numbers = (
    st.sampled_from([-62135596801, -62135596800, 253402300799, 253402300800, 2**63 // 1000, 2**62])
    .flatmap(lambda n: st.sampled_from([n, n * 1000, n * 1000 + 1, n * 1000 + 999]))
    .map(str)
)
OF_KIND |= {
    "binary": encoded | st.sampled_from(["QQ==", "QR==", "QQ=", "Q Q=", "0A\n", "éé", "_-=="]),
    "formatted": in_another_form | days | times | numbers | instants_as_numbers,
}


def values_of(kind: str) -> st.SearchStrategy[str]:
    if "|" in kind:
        return OF_KIND["binary" if kind.startswith("binary") else "formatted"] | texts
    return OF_KIND.get(kind, numbers | edges | st.integers(-500, 500).map(str)) | texts


BOTH = pytest.mark.parametrize(
    "examples",
    [pytest.param(0, id="quick"), pytest.param(5000, id="long", marks=pytest.mark.full)],
)


def examined(test: Callable[..., None], strategies: Mapping[str, Any], examples: int) -> None:
    run = given(**strategies)(test)
    (settings(max_examples=examples, deadline=None)(run) if examples else run)()


# -- CSV -------------------------------------------------------------------------------------------


def must_be_around_values(body: str, delimiter: str) -> None:
    """Every odd quote begins a value and every even one ends it, or is followed by one more.

    Python's csv takes a quote in a value that is not quoted as it is.
    """
    around = {"", delimiter, "\n", "\r", '"'}
    for number, place in enumerate(re.finditer('"', body)):
        neighbour = place.start() + (1 if number % 2 else -1)
        must(body[max(0, neighbour) : neighbour + 1] in around)


def second_csv(body: str, columns: Mapping[str, str], delimiter: str = ",") -> list[Row]:
    """Raises Refused where the rules, or Python's csv, do not take the file."""
    must_be_around_values(body, delimiter)
    try:
        rows = list(csv.reader(io.StringIO(body, newline=""), delimiter=delimiter, strict=True))
    except csv.Error:
        raise Refused from None
    rows = [row for row in rows if row]
    if not rows:
        return []
    header, *data = rows
    must(sorted(header) == sorted(columns))
    for row in data:
        must(len(row) == len(header))
    return [
        {
            name: from_text(text, columns[name]) if (text := row[header.index(name)]) else None
            for name in columns
        }
        for row in data
    ]


def outcomes_agree(
    first: Callable[[], list[Row]], second: Callable[[], list[Row]], *, may_refuse: str = ""
) -> None:
    """Both give the same rows, or both refuse.

    may_refuse: words of the reasons for which the first one alone may refuse.
    """
    expected: list[Row] | None
    try:
        expected = second()
    except Refused:
        expected = None
    try:
        rows = first()
    except ParseError as error:
        reason = str(error)
        allowed = expected is None or (may_refuse and re.search(may_refuse, reason))
        if not allowed:
            pytest.fail(f"Only ours refuses: {reason}")
        return
    assert expected is not None, f"only ours takes it: {rows}"
    assert len(rows) == len(expected)
    for mine, other in zip(rows, expected, strict=True):
        assert mine.keys() == other.keys()
        for name, value in mine.items():
            assert same(value, other[name]), f"{name}: {value!r} and {other[name]!r}"


TOO_LONG = "longer than"


@BOTH
@pytest.mark.parametrize("kind", [*KINDS, *FORMATTED])
def test_texts_of_csv_are_the_values_of_the_rules(kind: str, examples: int) -> None:
    def agree(found: list[str], size: int) -> None:
        out = io.StringIO(newline="")
        csv.writer(out).writerows([["v", "n"], *([text, "1"] for text in found)])
        body = out.getvalue()
        columns = {"v": kind, "n": "int"}
        outcomes_agree(
            lambda: ours(body.encode(), "csv", columns, size), lambda: second_csv(body, columns)
        )

    # One value decides on the file, so most files have one.
    few = st.lists(values_of(kind), min_size=1, max_size=1) | st.lists(values_of(kind), max_size=6)
    examined(agree, {"found": few, "size": st.integers(1000, 3000)}, examples)


def plain(text: str, decimal: str, thousands: str) -> str:
    """A number with separators as one without; Refused where it is none."""
    before, point, after = text.partition(decimal)
    sign = before[:1] if before[:1] in ("+", "-") else ""
    groups = before.removeprefix(sign).split(thousands) if thousands else [before[len(sign) :]]
    if len(groups) > 1:
        must(re.fullmatch("[0-9]{1,3}", groups[0]))
        must(all(re.fullmatch("[0-9]{3}", group) for group in groups[1:-1]))
        # What follows the last group may be an exponent.
        must(re.fullmatch("[0-9]{3}" + ("" if point else "([eE][+-]?[0-9]+)?"), groups[-1]))
        must(not point or re.fullmatch("[0-9]*([eE][+-]?[0-9]+)?", after))
    must(decimal == "." or "." not in "".join(groups) + after)
    return sign + "".join(groups) + ("." if point else "") + after


@BOTH
@pytest.mark.parametrize("kind", ["int", "double", "decimal(38,18)", "string"])
def test_numbers_with_separators_are_those_without(kind: str, examples: int) -> None:
    def agree(found: list[str], separators: tuple[str, str]) -> None:
        decimal, thousands = separators
        out = io.StringIO(newline="")
        csv.writer(out, quoting=csv.QUOTE_ALL).writerows([["v"], *([text] for text in found)])

        def second() -> list[Row]:
            values = [None if text in ("", "NA", "-") else text for text in found]
            if kind != "string":
                values = [v if v is None else plain(v, decimal, thousands) for v in values]
            return [{"v": v if v is None else from_text(v, kind)} for v in values]

        outcomes_agree(
            lambda: ours(
                out.getvalue().encode(),
                "csv",
                {"v": kind},
                2000,
                null_texts=("NA", "-"),
                decimal_separator=decimal,
                thousands_separator=thousands,
            ),
            second,
        )

    group = st.integers(0, 1999).map(str) | st.sampled_from(["000", "1", "12", "123", ""])
    mark = st.sampled_from([".", ",", "'", "\u202f"])
    number = st.builds(
        lambda sign, groups, by, point, rest: sign + by.join(groups) + point + rest,
        st.sampled_from(["", "-", "+"]),
        st.lists(group, min_size=1, max_size=3),
        mark,
        st.sampled_from(["", ".", ","]),
        st.sampled_from(["", "5", "50", "123", "e3", "5E-2"]),
    )
    strategies = {
        "found": st.lists(
            number | st.sampled_from(["NA", "na", "-", "", " NA", "nan", "1e3"]),
            min_size=1,
            max_size=2,
        ),
        "separators": st.sampled_from(
            [(".", ""), (",", ""), (",", "."), (".", ","), (".", "'"), (",", "\u202f")]
        ),
    }
    examined(agree, strategies, examples)


pieces = st.lists(
    st.sampled_from(['"', '"', ",", ",", "\n", "\r", "\r\n", "a", "é", " ", "\\", "\ufeff", '""']),
    max_size=200,
).map("".join)


@BOTH
def test_quotes_delimiters_and_line_ends_of_any_order_are_read_as_csv_does(examples: int) -> None:
    def agree(body: str, size: int) -> None:
        columns = {"a": "string", "b": "string"}
        whole = "a,b\r\n" + body
        outcomes_agree(
            lambda: ours(whole.encode(), "csv", columns, size),
            lambda: second_csv(whole, columns),
            may_refuse=TOO_LONG,
        )

    examined(agree, {"body": pieces, "size": st.integers(8, 300)}, examples)


rows_of_texts = st.lists(
    st.tuples(*[st.text(st.sampled_from('ab,;"\r\n\\é\ufeff '), max_size=9)] * 2), max_size=12
)


@BOTH
def test_what_csv_writes_is_read_back_whatever_the_block(examples: int) -> None:
    def agree(rows: list[tuple[str, str]], size: int, delimiter: str, end: str) -> None:
        out = io.StringIO(newline="")
        # csv quotes only the line ends that it writes itself.
        broken = any({"\r", "\n"} & {*a, *b} for a, b in rows)
        quoting = csv.QUOTE_ALL if broken else csv.QUOTE_MINIMAL
        writer = csv.writer(out, delimiter=delimiter, lineterminator=end, quoting=quoting)
        writer.writerows([("a", "b"), *rows])

        found = ours(
            out.getvalue().encode(),
            "csv",
            {"a": "string", "b": "string"},
            size,
            delimiter=delimiter,
        )

        assert found == [{"a": a or None, "b": b or None} for a, b in rows]

    strategies = {
        "rows": rows_of_texts,
        "size": st.integers(60, 200),
        "delimiter": st.sampled_from([",", ";", "\t", "|"]),
        "end": st.sampled_from(["\n", "\r\n", "\r"]),
    }
    examined(agree, strategies, examples)


@BOTH
def test_what_is_written_with_an_escape_character_is_read_back(examples: int) -> None:
    def agree(rows: list[tuple[str, str]], size: int, escape: str) -> None:
        def quoted(text: str) -> str:
            escaped = text.replace(escape, escape * 2).replace('"', escape + '"')
            return f'"{escaped}"' if text else ""

        body = "a,b\n" + "".join(f"{quoted(a)},{quoted(b)}\n" for a, b in rows)

        found = ours(body.encode(), "csv", {"a": "string", "b": "string"}, size, escape=escape)

        assert found == [{"a": a or None, "b": b or None} for a, b in rows]

    strategies = {
        "rows": rows_of_texts,
        "size": st.integers(100, 200),
        "escape": st.sampled_from(["\\", "'", "$"]),
    }
    examined(agree, strategies, examples)


# -- JSON ------------------------------------------------------------------------------------------


class Whole(int):
    """A number without point and exponent, which knows how it is written."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


def no_json(word: str) -> NoReturn:
    raise Refused


def once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    must(len(dict(pairs)) == len(pairs))
    return dict(pairs)


def second_json(body: str, columns: Mapping[str, str]) -> list[Row]:
    lines = [line for line in body.split("\n") if line.strip(" \t\r\v\f")]
    rows = []
    for line in lines:
        must("\0" not in line)
        try:
            value = json.loads(
                line,
                parse_int=Whole,
                parse_float=Decimal,
                parse_constant=no_json,
                object_pairs_hook=once_each,
            )
        except (ValueError, RecursionError):
            raise Refused from None
        must(isinstance(value, dict) and set(value) <= set(columns))
        rows.append(value)
    must(not rows or {name for row in rows for name in row} == set(columns))
    return [
        {
            name: None if row.get(name) is None else from_json(row[name], kind)
            for name, kind in columns.items()
        }
        for row in rows
    ]


def in_json(kind: str) -> st.SearchStrategy[str]:
    """A value as it is written in the file: a text or a number, right or wrong."""
    text = values_of(kind)
    return (
        text.map(json.dumps)
        | text.map(lambda value: json.dumps(value, ensure_ascii=False))
        | (text if kind != "string" else st.sampled_from(['"\\ud800"', '"\\udc00\\ud800"']))
        | text.map(lambda value: '"' + "".join(f"\\u{ord(c) & 0xFFFF:04x}" for c in value) + '"')
        | st.sampled_from(
            [
                "null",
                "true",
                "false",
                "NaN",
                "-Infinity",
                "[]",
                '{"v":1}',
                "01",
                "1.",
                ".5",
                "-",
                "+1",
                "1e5",
                "-0",
                "-0.0",
                '"1e\\u002b2"',
                '"\\u0031e2"',
                "1E-100000000",
                '"1\\u0065-100000000"',
                "400000000000000000000",
                "2e-324",
                "1e400",
                "",
                '"',
            ]
        )
    )


# Arrow's parser knows no number beyond a double, whatever the column.
BEYOND = "Number too big"


@BOTH
@pytest.mark.parametrize("kind", [*KINDS, *FORMATTED])
def test_values_of_json_are_those_of_the_rules(kind: str, examples: int) -> None:
    def agree(found: list[str], size: int) -> None:
        body = "".join(f'{{"v":{value}, "n":1}}\n' for value in found)
        columns = {"v": kind, "n": "int"}
        outcomes_agree(
            lambda: ours(body.encode(errors="surrogatepass"), "json", columns, size),
            lambda: second_json(body, columns),
            may_refuse=BEYOND if kind.startswith(("decimal", "float", "double")) else "",
        )

    value = in_json(kind)
    few = st.lists(value, min_size=1, max_size=1) | st.lists(value, max_size=4)
    examined(agree, {"found": few, "size": st.integers(1, 80)}, examples)


json_pieces = st.lists(
    st.sampled_from(
        [
            '{"v":"a"}',
            '{"v":',
            '"b"',
            "}",
            "{",
            "\n",
            "\r",
            "\\",
            '"',
            ",",
            " ",
            '"v"',
            ":",
            "null",
            "\\u0061",
            "\t",
            "1",
            '{"v":"c","v":"d"}',
            "/**/",
            "\v",
        ]
    ),
    max_size=15,
).map("".join)


@BOTH
def test_json_of_any_order_is_read_as_json_does(examples: int) -> None:
    def agree(body: str, size: int) -> None:
        columns = {"v": "string"}
        outcomes_agree(
            lambda: ours(body.encode(), "json", columns, size), lambda: second_json(body, columns)
        )

    examined(agree, {"body": json_pieces, "size": st.integers(1, 30)}, examples)


# -- Parquet ---------------------------------------------------------------------------------------

CONTEXT = Context(prec=100)
decimals_of = {
    (precision, scale): st.integers(-(10**precision) + 1, 10**precision - 1).map(
        lambda number, scale=scale: Decimal(number).scaleb(-scale, CONTEXT)
    )
    for precision, scale in [(5, 2), (38, 0), (38, 18), (38, 38), (76, 38), (76, 0), (9, 4)]
}
AGES = st.integers(-(2**63), 2**63 - 1)
RECENT = st.integers(-(10**10), 10**10)


def of(kind: pa.DataType, values: st.SearchStrategy[Any]) -> st.SearchStrategy[pa.Array]:
    return st.lists(st.none() | values, max_size=20).map(lambda found: pa.array(found, kind))


def instants(unit: str, zone: str | None) -> st.SearchStrategy[pa.Array]:
    step = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
    whole_microseconds = RECENT.map(lambda number: number * max(1, step // 10**6) * 7)
    kind = pa.timestamp(unit, zone)
    return of(pa.int64(), whole_microseconds | AGES).map(lambda found: found.view(kind))


WHOLE = [
    pa.int8(),
    pa.int16(),
    pa.int32(),
    pa.int64(),
    pa.uint8(),
    pa.uint16(),
    pa.uint32(),
    pa.uint64(),
]
arrays: st.SearchStrategy[pa.Array] = st.one_of(
    *(of(kind, st.integers(0, 127)) for kind in WHOLE),
    of(pa.int64(), AGES),
    of(pa.uint64(), st.integers(0, 2**64 - 1)),
    of(
        pa.int64(),
        st.sampled_from(
            [2**24, 2**24 + 1, 2**15, 2**53 - 1, 2**53, 2**53 + 1, -(2**53) - 1, 2**31, -(2**31)]
        ),
    ),
    *(
        of(wide(precision, scale), values)
        for (precision, scale), values in decimals_of.items()
        for wide in (pa.decimal256, pa.decimal128)
        if wide is pa.decimal256 or precision <= 38
    ),
    of(pa.decimal128(38, 0), st.integers(0, 10**38 - 1).map(Decimal)),
    of(pa.float64(), st.floats()),
    of(pa.float32(), st.floats(width=32)),
    of(pa.bool_(), st.booleans()),
    *(of(kind, texts) for kind in (pa.string(), pa.large_string(), pa.string_view())),
    of(pa.string(), texts).map(lambda found: found.dictionary_encode()),
    of(pa.binary(), st.binary(max_size=4)),
    of(pa.binary(16), st.binary(min_size=16, max_size=16)),
    of(pa.large_binary(), st.binary(max_size=4)),
    of(pa.string(), days | in_another_form),
    of(pa.date32(), st.dates()),
    of(pa.int32(), st.integers(-800_000, 3_000_000)).map(lambda found: found.view(pa.date32())),
    of(pa.date64(), st.dates()),
    *(
        instants(unit, zone)
        for unit in ("s", "ms", "us", "ns")
        for zone in (None, "UTC", "Europe/Berlin", "+05:30")
    ),
    of(pa.null(), st.none()),
)


def instant(number: int, kind: pa.DataType) -> datetime.datetime:
    microseconds, rest = divmod(
        number * 10**6, {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[kind.unit]
    )
    must(rest == 0)
    try:
        return EPOCH + timedelta(microseconds=microseconds)
    except OverflowError:
        raise Refused from None


def from_parquet(values: pa.Array, kind: str) -> list[Any]:
    """What the values are as Python's own, and whether they may be in such a column."""
    found = values.type
    if pa.types.is_dictionary(found):
        found = found.value_type
    if pa.types.is_null(found):
        return [None] * len(values)
    if "|" in kind:
        fits = pa.types.is_integer if "epoch" in kind else is_text
        must(fits(found))
        return [
            None
            if value is None
            else (epoch(value, kind[10:]) if "epoch" in kind else from_text(value, kind))
            for value in values.to_pylist()
        ]
    if pa.types.is_timestamp(found):
        must(kind == "timestamp")
        numbers = values.view(pa.int64()).to_pylist()
        return [None if number is None else instant(number, found) for number in numbers]
    if pa.types.is_date(found):
        must(kind == "date")
        numbers = values.cast(pa.date32()).view(pa.int32()).to_pylist()
        for number in numbers:
            must(
                number is None or 0 < number + date(1970, 1, 1).toordinal() <= date.max.toordinal()
            )
    return [None if value is None else by_type(value, found, kind) for value in values.to_pylist()]


def is_text(found: pa.DataType) -> bool:
    return str(found) in ("string", "large_string", "string_view")


def by_type(value: Any, found: pa.DataType, kind: str) -> Any:
    if isinstance(value, bytes):
        must(kind == "binary")
        return value
    if pa.types.is_integer(found):
        if kind.startswith("decimal"):
            return fitting(Decimal(value), kind)
        if kind in ("float", "double"):
            must(abs(value) <= 2 ** (24 if kind == "float" else 53))
            return float(value)
        must(kind in BITS)
        return whole(Decimal(value), BITS[kind])
    if pa.types.is_decimal(found):
        must(kind.startswith("decimal"))
        return fitting(value, kind)
    if pa.types.is_floating(found):
        must(kind == "double" or (kind == "float" and not pa.types.is_float64(found)))
    elif pa.types.is_boolean(found):
        must(kind == "boolean")
    elif pa.types.is_date(found):
        must(kind == "date")
    else:
        must(kind == "string" and isinstance(value, str))
    return value


@BOTH
@pytest.mark.parametrize("kind", [*KINDS, "binary", "timestamp|epoch_seconds", "date|dd.MM.yyyy"])
def test_values_of_parquet_are_those_of_the_rules(kind: str, examples: int) -> None:
    def agree(found: pa.Array, size: int) -> None:
        out = io.BytesIO()
        pq.write_table(
            pa.table({"v": found}),
            out,
            data_page_size=20,
            write_page_checksum=True,
            row_group_size=max(1, size // 2),
        )
        # As it arrives: Parquet has no seconds, and no half of Arrow's types.
        arrived = pq.ParquetFile(out).read().column("v").combine_chunks()
        kept = pa.chunked_array([arrived]).combine_chunks()
        outcomes_agree(
            lambda: ours(out.getvalue(), "parquet", {"v": kind}, size),
            lambda: [{"v": value} for value in from_parquet(kept, kind)],
            # A type that never fits is refused even where there is no value.
            may_refuse=rf"found \S.*, expected {re.escape(kind)}\.$"
            if kept.null_count == len(kept)
            else "",
        )

    examined(agree, {"found": arrays, "size": st.integers(1, 10)}, examples)


@BOTH
def test_timestamps_of_96_bits_are_those_of_pyarrow_where_it_reads_them(examples: int) -> None:
    """Nanoseconds as Arrow and Spark write them, and any other column around."""

    def agree(found: list[int | None], size: int) -> None:
        out = io.BytesIO()
        values = pa.array(found, pa.timestamp("us"))
        pq.write_table(
            pa.table({"a": ["x"] * len(found), "t": values, "z": range(len(found))}),
            out,
            use_deprecated_int96_timestamps=True,
            row_group_size=max(1, size // 2),
        )
        nanoseconds = pq.ParquetFile(out).read().column("t").cast(pa.int64()).to_pylist()
        columns = {"t": "timestamp", "z": "bigint", "a": "string"}

        rows = ours(out.getvalue(), "parquet", columns, size)

        expected = [
            n if n is None else EPOCH + timedelta(microseconds=n // 1000) for n in nanoseconds
        ]
        assert rows == [{"t": t, "z": z, "a": "x"} for z, t in enumerate(expected)]

    inside = st.integers(-(2**63) // 1000 + 1, 2**63 // 1000 - 1)
    strategies = {"found": st.lists(st.none() | inside, max_size=9), "size": st.integers(1, 10)}
    examined(agree, strategies, examples)
