"""What `burst new` and `burst try` show."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from burst.contract import STRUCT, ColumnType, parse_type
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from tools.authoring.advice import Advice
from tools.authoring.drift import Came, Report
from tools.authoring.inference import Inference
from tools.authoring.samples import Sample
from tools.authoring.trial import Transformed, TriedFile
from tools.authoring.writing import SETTINGS, Proposal
from tools.operate.views.tables import RowsTable
from tools.operate.words import count, size, timestamp

SHOWN_SAMPLES = 5
# Where a doubt was first seen, at its end: another place for every column.
_EXAMPLE = re.compile(r" \([^()]*, (?:row|line) [0-9,]+: .*\)$")


def plain_table(*names: str) -> Table:
    """A table without lines, whose last column wraps where there is no room."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in names:
        table.add_column(name, overflow="fold", no_wrap=name != names[-1])
    return table


def _all_rows(rows: int) -> str:
    return f"all {rows:,} rows" if rows > 1 else "the one row" if rows else "no row"


def inference_lines(samples: Sequence[Sample], found: Inference) -> Iterator[RenderableType]:
    """What was read, what was found in it, why, and what is doubtful."""
    for sample in samples[:SHOWN_SAMPLES]:
        read = f"{sample.read} of it" if sample.read else size(len(sample.body))
        yield f"{sample.name}: {read} read{' (unpacked)' if sample.zipped else ''}"
    if len(samples) > SHOWN_SAMPLES:
        rest = samples[SHOWN_SAMPLES:]
        partly = sum(1 for sample in rest if sample.read)
        in_part = f", of {partly} of them only the beginning" if partly else ""
        yield f"... and {count(len(rest), 'more file')}{in_part}"
    yield f"{found.format.kind}: {', '.join(found.evidence)}"
    yield f"The job's parser reads {_all_rows(found.rows)} with these columns:\n"
    table = plain_table("column", "type", "evidence")
    for one, column in zip(found.findings, found.format.columns, strict=True):
        kind = Text(short_type(one.type), style="yellow" if one.undecided else "")
        remarks = [f"source {one.name!r}"] if column.source else []
        remarks += [f"format {one.format}"] if one.format else []
        remarks += ["optional"] if one.optional else []
        table.add_row(Text(column.name), kind, Text("; ".join((one.evidence, *remarks))))
        for path, inner, evidence in one.inside:
            table.add_row(Text(f"  {path}"), Text(inner), Text(evidence))
    yield table
    if doubts := doubts_of(found):
        yield "\nDoubts, to be looked at:"
        yield from (f"• {doubt}" for doubt in doubts)
    undecided = [one.name for one in found.findings if one.undecided and not one.doubts]
    if undecided:
        yield f"Undecided (no sample has a value): {', '.join(undecided)}"


def doubts_of(found: Inference) -> list[str]:
    """All doubts; one that several columns share is there once, with their names."""
    first: dict[str, str] = {}
    columns: dict[str, list[str]] = {}
    for one in found.findings:
        for doubt in one.doubts:
            same = _EXAMPLE.sub("", doubt)
            first.setdefault(same, doubt)
            # Those of what is inside of a column begin with its path.
            columns.setdefault(same, []).extend(() if one.inside else (one.name,))
    shared = (
        f"{', '.join(columns[same])}: {doubt}" if columns[same] else doubt
        for same, doubt in first.items()
    )
    return [*found.doubts, *shared]


def advice_lines(advised: Advice) -> Iterator[RenderableType]:
    """What the forecast advises."""
    yield (
        f"\nThe forecast advises a run after {count(advised.batch_size, 'file')} or "
        f"{count(advised.window_seconds, 'second')}, with {count(advised.workers, 'worker')}: "
        f"{advised.words}."
    )


def proposal_lines(proposal: Proposal) -> Iterator[RenderableType]:
    """What would be written."""
    where = " and ".join(proposal.environments)
    yield f"\nIn {SETTINGS}, under environments, {where}, pipelines:\n"
    yield proposal.member
    yield ""
    for name in proposal.texts:
        if name != SETTINGS:
            yield f"New file: {name}"
    for name in proposal.kept:
        yield f"There already, and kept as it is: {name}"


def next_steps(pipeline: str, files: Sequence[str], found: Inference) -> Iterator[RenderableType]:
    """What to do after writing."""
    doubts = ", then look at the doubts" if doubts_of(found) else ""
    yield f"\nWritten. Next: `pipenv run burst try {pipeline} {files[0]}`{doubts}."


def trial_lines(
    files: Sequence[TriedFile], made: Transformed | None, *, stops: bool
) -> Iterator[RenderableType]:
    """Each file's rows or reason, the first rows, and what the transform did."""
    for file in files:
        if file.reason:
            yield f"quarantine  {file.name}: {file.reason}"
        else:
            yield f"good        {file.name}: {count(file.rows, 'row')}"
        if not file.picked_up:
            yield "            Its name does not end in the pipeline's suffix, so it would stay."
    if stops:
        yield "So many bad files would stop the run (max_bad_fraction, min_bad_files)."
    if made is None:
        yield "\nThere is no row to transform."
        return
    yield f"\ntransform: {made.by}"
    if made.wrong:
        yield f"The rows would not be loaded: {made.wrong}"
    yield f"rows in  {made.rows_in:,}\nrows out {made.rows_out:,}\n"
    if made.types:
        yield RowsTable(
            ("column", "type"),
            [(name, short_type(kind)) for name, kind in made.types.items()],
            [[row[name] for name in made.types] for row in made.first],
        )


def short_type(text: str) -> str:
    """A type without the fields of its structs, which are lines of their own."""
    return _short(parse_type(text))


def _short(kind: ColumnType) -> str:
    if kind.kind == STRUCT or not kind.parts:
        return kind.kind if kind.kind == STRUCT else str(kind)
    return f"{kind.kind}<{','.join(_short(part) for _, part in kind.parts)}>"


def drift_lines(found: Report, diff: str, where: str, *, written: bool) -> Iterator[RenderableType]:
    """What came, and what could be declared."""
    if not found.came:
        yield (
            f"Nothing came since {timestamp(found.since)} that no column takes "
            f"({count(found.files, 'file')})."
        )
        return
    table = plain_table("name", "since", "files", "rows", "for example")
    for one in found.came:
        table.add_row(
            Text(one.name),
            f"{one.since:%Y-%m-%d %H:%M}Z",
            f"{one.files:,} ({_share(one.files, found.files)})",
            f"{one.rows:,} ({_share(one.rows, found.rows)})",
            Text(", ".join(one.examples)),
        )
    yield table
    yield ""
    for one in found.came:
        yield from _drift_words(one)
    read = f"\nTypes and examples are from {count(found.looked, 'row')} of _rescued."
    yield read if found.looked else "\nNo row of _rescued is in curated any more."
    if not diff:
        yield "There is nothing to propose."
        return
    yield f"\n{'Changed' if written else 'To change'} in cdktf.json:\n\n{diff}"
    if not written:
        yield "Add --write to change the file."
    # To the minute below, so that the batch itself is among them.
    first = min(one.since for one in found.came)
    yield (
        "Then plan, review and apply. To fill the columns of rows that are loaded already:\n\n"
        f"  pipenv run burst replay {where} --archive \\\n"
        f"    --since {first:%Y-%m-%dT%H:%M}Z --replace"
    )


def _drift_words(one: Came) -> Iterator[str]:
    if one.what:
        what = one.what
    elif one.column:
        what = f"values that {one.column.type} does not take"
    else:
        what = "a column that nobody declared"
    proposed = ""
    if one.proposal and not one.what:
        extra = f", format {one.proposal.format}" if one.proposal.format else ""
        proposed = f", could be {one.proposal.name} {one.proposal.type}{extra}"
    yield f"• {one.name}: {what}{proposed} ({one.why})"
    if one.empty:
        yield (
            f"  It may be {' or '.join(one.empty)} under another name, which is empty in the same "
            "rows: then change the source of that column instead."
        )


def _share(part: int, whole: int) -> str:
    percent = 100 * part / whole if whole else 0
    return f"{percent:.0f}%" if percent >= 1 or not part else "<1%"
