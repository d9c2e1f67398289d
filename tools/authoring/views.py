"""What `burst new` and `burst try` show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from tools.authoring.inference import Inference
from tools.authoring.samples import Sample
from tools.authoring.trial import Transformed, TriedFile
from tools.authoring.writing import SETTINGS, Proposal
from tools.operate.words import count, size

SHOWN_SAMPLES = 5


def plain_table(*names: str) -> Table:
    """A table without lines; everything wraps where there is no room."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in names:
        table.add_column(name, overflow="fold")
    return table


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
    yield f"The job's parser reads all {count(found.rows, 'row')} of them with these columns:\n"
    table = plain_table("column", "type", "evidence")
    for one, column in zip(found.findings, found.format.columns, strict=True):
        kind = Text(one.type, style="yellow" if one.undecided else "")
        remarks = [f"source {one.name!r}"] if column.source else []
        remarks += [f"format {one.format}"] if one.format else []
        remarks += ["optional"] if one.optional else []
        table.add_row(Text(column.name), kind, Text("; ".join((one.evidence, *remarks))))
    yield table
    doubts = [*found.doubts]
    doubts += [f"{one.name}: {doubt}" for one in found.findings for doubt in one.doubts]
    if doubts:
        yield "\nDoubts, to be looked at:"
        yield from (f"- {doubt}" for doubt in doubts)
    undecided = [one.name for one in found.findings if one.undecided]
    if undecided:
        yield f"Undecided (no sample has a value): {', '.join(undecided)}"


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


def next_steps(pipeline: str, files: Sequence[str]) -> Iterator[RenderableType]:
    """What to do after writing."""
    yield f"\nWritten. Next: `pipenv run burst try {pipeline} {files[0]}`, then look at the doubts."


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
        yield f"The run would stop: {made.wrong}"
    yield f"rows in  {made.rows_in:,}\nrows out {made.rows_out:,}\n"
    if made.types:
        table = plain_table("column", "type", *(f"row {n}" for n in range(1, len(made.first) + 1)))
        for name, kind in made.types.items():
            values = [plain_value(row[name]) for row in made.first]
            table.add_row(Text(name), Text(kind), *(Text(value) for value in values))
        yield table


def plain_value(value: object) -> str:
    """A value as a reader sees it; null is empty."""
    return "" if value is None else str(value)
