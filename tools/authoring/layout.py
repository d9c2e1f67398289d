"""How the text of the samples is laid out: format, encoding, delimiter, header."""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from burst.contract import Column, Encoding, FileFormat, Format
from burst.parsing import ParseError, parse
from pydantic import ValidationError

from stacks.settings import Column as ColumnSettings
from tools.authoring.samples import Sample
from tools.operate.errors import InputError

DELIMITERS = {
    ",": "comma",
    ";": "semicolon",
    "\t": "tab",
    "|": "vertical bar",
    "^": "caret",
    "~": "tilde",
}
HEAD_BYTES = 1024**2
MOST_CHARACTERS = 255
_BOM = b"\xef\xbb\xbf"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_CONTROLS = frozenset(range(32)) - frozenset(b"\t\n\r\x0c\x1a\x1b")
# A text in which every byte is something comes last.
_ONE_BYTE: tuple[Encoding, ...] = ("cp1252", "iso-8859-1")
# Latin letters that are no other letter with an accent.
_LETTERS = str.maketrans({"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "Ł": "L", "Ø": "O"})
_VALUE = re.compile(r"[+-]?[0-9][0-9.,:/TZ +-]*|true|false|null|", re.IGNORECASE)
_READ = "csv with a header line, json lines and Parquet"


@dataclass(frozen=True)
class Layout:
    """How to read the files, and why.

    header: of csv only, in the first sample's order. rescues: whether unknown columns go to
    `_rescued`, because no column can take all of the samples.
    """

    kind: Format
    evidence: tuple[str, ...]
    doubts: tuple[str, ...] = ()
    header: tuple[str, ...] = ()
    delimiter: str = FileFormat.delimiter
    encoding: Encoding = FileFormat.encoding
    escape: str = FileFormat.escape
    null_texts: tuple[str, ...] = ()
    decimal_separator: str = FileFormat.decimal_separator
    thousands_separator: str = FileFormat.thousands_separator
    rescues: bool = False

    def file_format(self, columns: Sequence[Column]) -> FileFormat:
        """The format with which the job reads these columns."""
        return FileFormat(
            self.kind,
            tuple(columns),
            delimiter=self.delimiter,
            encoding=self.encoding,
            escape=self.escape,
            null_texts=self.null_texts,
            decimal_separator=self.decimal_separator,
            thousands_separator=self.thousands_separator,
            unknown="rescue" if self.rescues else FileFormat.unknown,
        )


def contradiction(text: str) -> InputError:
    """The error that two samples cannot belong to one pipeline."""
    return InputError(
        f"The samples contradict each other: {text} Give the samples of one pipeline only, or "
        "correct the file."
    )


def find_layout(samples: Sequence[Sample]) -> Layout:
    """How to read all of the samples; raises `InputError` when there is no one way."""
    kinds = [_kind(sample) for sample in samples]
    for sample, kind in zip(samples, kinds, strict=True):
        if kind != kinds[0]:
            raise contradiction(f"{samples[0].name} is {kinds[0]}, but {sample.name} is {kind}.")
    if kinds[0] == "parquet":
        return Layout("parquet", ("each file begins with Parquet's mark PAR1",))
    if kinds[0] == "json":
        return Layout("json", ("the first line of each file is a JSON object",))
    return _csv(samples)


def check_names(names: Sequence[str], where: str, what: str = "column names") -> None:
    """Raises `InputError` for names that no column can be found by."""
    if wrong := [name for name in names if not 0 < len(name) <= MOST_CHARACTERS]:
        raise InputError(
            f"{where}: {what} must have 1 to {MOST_CHARACTERS} characters, but "
            f"{wrong[0][:40]!r} has {len(wrong[0])}."
        )
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InputError(f"{where} has these {what} more than once: {', '.join(twice)}.")


def table_names(names: Sequence[str]) -> dict[str, str]:
    """By the name in the file, one that a column of the table can have; all are different."""
    found = {name: name for name in names if _can_be_a_column(name)}
    for name in names:
        if name not in found:
            proposed = _proposed(name)
            taken = set(found.values())
            tried = (_numbered(proposed, number) for number in range(1, len(names) + 2))
            found[name] = next(one for one in tried if one not in taken)
    return found


def _numbered(name: str, number: int) -> str:
    return name if number == 1 else f"{name[:250]}_{number}"


def _can_be_a_column(name: str) -> bool:
    try:
        ColumnSettings(name=name, type="string")
    except ValidationError:
        return False
    return True


def _proposed(name: str) -> str:
    words = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name.translate(_LETTERS))
    # Letters without their accents.
    words = unicodedata.normalize("NFKD", words)
    words = "".join(letter for letter in words if not unicodedata.combining(letter))
    plain = re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_")
    candidate = plain if plain[:1].isalpha() else f"column_{plain}".rstrip("_")
    return candidate if _can_be_a_column(candidate) else f"file_{candidate}"[:255]


def _kind(sample: Sample) -> Format:
    if sample.is_parquet:
        return "parquet"
    body = sample.body
    if not body.startswith(_UTF_16):
        _must_be_text(sample)
        _must_be_no_page(sample.name, body)
        start = body.removeprefix(_BOM).lstrip()
        if start.startswith(b"{"):
            _must_be_lines(sample.name, start)
            return "json"
        if start.startswith(b"["):
            raise InputError(
                f"{sample.name} begins with [, as a JSON list does. The job reads JSON lines: "
                "one object per line, without brackets and commas around it "
                "(`jq -c '.[]'` makes them)."
            )
    return "csv"


def _must_be_text(sample: Sample) -> None:
    head = sample.body[:4096]
    found = _CONTROLS.intersection(head)
    if not found:
        return
    if found == {0} and head.count(0) * 3 > len(head):
        raise InputError(
            f"{sample.name} looks like UTF-16 without a byte order mark, without which the job "
            "does not know the order of its bytes. Write it as UTF-8, or with the mark."
        )
    hint = " An Excel workbook can be saved as CSV." if head.startswith(b"PK") else ""
    at = next(at for at, byte in enumerate(head) if byte in found)
    line, column = head.count(b"\n", 0, at) + 1, at - head.rfind(b"\n", 0, at)
    raise InputError(
        f"{sample.name} is not a data file that the job reads ({_READ}): the byte "
        f"0x{head[at]:02X} in line {line}, column {column} is a control character.{hint}"
    )


def _must_be_no_page(name: str, body: bytes) -> None:
    """A page that says that something went wrong is a file of one column, too."""
    if body.removeprefix(_BOM).lstrip().startswith(b"<"):
        raise InputError(
            f"{name} begins with <, as HTML and XML do; the job reads {_READ}. It may be an error "
            "page that was saved in place of the data."
        )


def _must_be_lines(name: str, start: bytes) -> None:
    line = start.split(b"\n", 1)[0]
    try:
        json.loads(line)
    except UnicodeDecodeError as error:
        raise InputError(f"{name} is JSON but not in UTF-8; the job reads no other.") from error
    except ValueError as error:
        raise InputError(
            f"{name}: the first line is not a whole JSON object ({error}). The job reads JSON "
            "lines: one object per line (`jq -c .` makes them)."
        ) from error


def _csv(samples: Sequence[Sample]) -> Layout:
    encoding, why, doubts = _encoding(samples)
    first = samples[0]
    reasons: dict[str, str] = {}
    accepted: list[Layout] = []
    for delimiter in DELIMITERS:
        header = header_of(first, encoding, delimiter)
        if len(header) == 1 and delimiter != ",":
            continue
        layout = Layout("csv", (), (), tuple(header), delimiter, encoding)
        for escape in ("", "\\"):
            layout = Layout("csv", (), (), tuple(header), delimiter, encoding, escape)
            reason = _refusal(first, layout)
            if reason is None:
                accepted.append(layout)
                break
            reasons.setdefault(delimiter, reason)
            if b'\\"' not in first.body:
                break
    if not accepted:
        header = max((header_of(first, encoding, one) for one in reasons), key=len)
        likely = next(one for one in reasons if header_of(first, encoding, one) == header)
        raise InputError(
            f"{first.name} is no csv that the job can read, with a {DELIMITERS[likely]} between "
            f"the values: {reasons[likely]}"
        )
    best = max(accepted, key=lambda one: (all(map(_can_be_a_column, one.header)), len(one.header)))
    _must_be_a_header(first.name, best.header)
    others = [one for one in accepted if one is not best and len(one.header) > 1]
    if others:
        words = ", ".join(DELIMITERS[one.delimiter] for one in others)
        doubts = (*doubts, f"{first.name} could also be read with another delimiter: {words}")
    best = replace(best, header=_widest_header(samples, best))
    if len(best.header) == 1:
        doubts = (*doubts, "there is only one column: is there another delimiter?")
    else:
        why = (*why, f"{DELIMITERS[best.delimiter]} between {len(best.header)} columns")
    if best.escape:
        why = (*why, r"quotes inside of quoted values are written as \"")
    return Layout("csv", why, doubts, best.header, best.delimiter, encoding, best.escape)


def header_of(sample: Sample, encoding: Encoding, delimiter: str) -> list[str]:
    """The cells of the first line that is not blank."""
    # A character may be cut at the end of the head.
    text = sample.body[:HEAD_BYTES].decode(encoding, errors="ignore").removeprefix("\ufeff")
    try:
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        return next((row for row in rows if row), [])
    except csv.Error as error:
        raise InputError(f"{sample.name}: the header cannot be read: {error}.") from error


def _must_be_a_header(name: str, header: Sequence[str]) -> None:
    values = [cell for cell in header if _VALUE.fullmatch(cell.strip())]
    if values:
        raise InputError(
            f"{name}: the first line looks like values ({', '.join(map(repr, values[:5]))}), not "
            "like names. A csv file needs a header line with a name for every column."
        )
    check_names(header, f"{name}, header")


def _widest_header(samples: Sequence[Sample], layout: Layout) -> tuple[str, ...]:
    """The header that has the columns of all samples."""
    headers = {one.name: header_of(one, layout.encoding, layout.delimiter) for one in samples}
    for name, header in headers.items():
        check_names(header, f"{name}, header")
    return widest(headers)


def widest(names: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """The columns of the file that has those of all others.

    names: the columns of each file. Raises `InputError` where each of two files lacks one of the
    other's, as then one of them may have been renamed.
    """
    fullest = max(names, key=lambda file: len(names[file]))
    for file, columns in names.items():
        if more := [name for name in columns if name not in names[fullest]]:
            lacks = [name for name in names[fullest] if name not in columns]
            differences = [
                *(f"no column {name!r}" for name in lacks),
                *(f"the column {name!r} as well" for name in more),
            ]
            raise contradiction(
                f"{fullest} has the columns {', '.join(names[fullest][:30])}, but {file} has "
                f"{', '.join(differences[:10])}."
            )
    return tuple(names[fullest])


def _refusal(sample: Sample, layout: Layout) -> str | None:
    """Why the job's own parser does not read the sample, with all columns as text."""
    names = list(dict.fromkeys(layout.header))
    columns = [Column(name, "string") for name in names]
    try:
        if len(names) < len(layout.header):
            return f"The header has the same name twice: {', '.join(layout.header)}."
        for _ in read(sample, layout.file_format(columns)):
            pass
    except ParseError as error:
        return str(error)
    return None


def read(sample: Sample, format: FileFormat) -> Any:
    """The sample's record batches, by the parser of the job. Raises `ParseError`."""
    return parse(io.BytesIO(sample.body), key=sample.key, format=format)


def _encoding(
    samples: Sequence[Sample],
) -> tuple[Encoding, tuple[str, ...], tuple[str, ...]]:
    """The encoding of all samples, why, and what is doubtful about it."""
    wide = [sample for sample in samples if sample.body.startswith(_UTF_16)]
    narrow = [sample for sample in samples if sample not in wide]
    if wide and narrow:
        raise contradiction(
            f"{wide[0].name} begins with the byte order mark of UTF-16, {narrow[0].name} does not."
        )
    if wide:
        return "utf-16", ("UTF-16, by the byte order mark",), ()
    for sample in samples:
        _must_end_with_a_character(sample)
    others = {sample.name: found for sample in samples if (found := _not_utf_8(sample))}
    if not others:
        return "utf-8", ("every byte is UTF-8",), ()
    name, (line, before, after) = next(iter(others.items()))
    for sample in samples:
        if sample.name not in others and not sample.body.isascii():
            raise contradiction(
                f"{sample.name} is UTF-8, but {name} has bytes that are not, in line {line}."
            )
    for encoding in _ONE_BYTE:
        if all(_decodes(sample.body, encoding) for sample in samples):
            shown = (before + after).decode(encoding, errors="replace")
            doubt = (
                f"encoding {encoding}: {name} has bytes that are not UTF-8 in line {line}, which "
                f"then read {shown!r}; if that is wrong, choose another encoding"
            )
            return encoding, (f"{encoding}, as not every byte is UTF-8",), (doubt,)
    raise InputError(f"{name}, line {line}: found bytes that are text in no known encoding.")


def _must_end_with_a_character(sample: Sample) -> None:
    """Raises `InputError` for UTF-8 that is cut inside of its last character.

    Read as another encoding, all of its other characters would become two or three wrong ones.
    With no other character beside ASCII it may well be one of another encoding.
    """
    try:
        sample.body.decode()
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data" and not sample.body[: error.start].isascii():
            raise InputError(
                f"{sample.name} is cut short: it is UTF-8 and ends inside of a character. Give a "
                "sample of whole lines (`head -n 1000` and not `head -c`)."
            ) from None


def _not_utf_8(sample: Sample) -> tuple[int, bytes, bytes] | None:
    """The line of the first byte that is not UTF-8, and what is around it."""
    try:
        sample.body.decode()
    except UnicodeDecodeError as error:
        line = sample.body.count(b"\n", 0, error.start) + 1
        before = sample.body[max(0, error.start - 12) : error.start]
        after = sample.body[error.start : error.start + 12]
        return line, re.split(rb"[\r\n]", before)[-1], re.split(rb"[\r\n]", after)[0]
    return None


def _decodes(body: bytes, encoding: str) -> bool:
    try:
        body.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True
