"""What was seen, not seen and not tried, pipeline by pipeline."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from tools.operate.checking import Finding, Verdict
from tools.operate.words import count

STYLES = {Verdict.SEEN: "green", Verdict.NOT_SEEN: "red", Verdict.NOT_TRIED: "yellow"}


def findings_parts(findings: Sequence[Finding], environment: str) -> Iterator[RenderableType]:
    """A table for the environment and one for each pipeline."""
    # The environment first; a pipeline's findings in the order in which they were made.
    ordered = sorted(findings, key=lambda finding: finding.pipeline)
    for pipeline, group in groupby(ordered, key=lambda finding: finding.pipeline):
        yield Text(f"\n{environment} {pipeline}".rstrip(), style="bold")
        yield _table(list(group))


def _table(findings: Sequence[Finding]) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True, min_width=len(Verdict.NOT_TRIED))
    table.add_column(overflow="fold")
    for finding in findings:
        text = Text(finding.promise)
        if finding.detail:
            plain = finding.verdict is Verdict.NOT_SEEN
            text.append(f"\n{finding.detail}", style="" if plain else "dim")
        table.add_row(Text(finding.verdict, style=STYLES[finding.verdict]), text)
    return table


def verdict_line(findings: Sequence[Finding], environment: str) -> Text:
    """How many promises came out how, and what to look at first."""
    counted = Counter(finding.verdict for finding in findings)
    told = ", ".join(f"{counted[verdict]} {verdict}" for verdict in Verdict if counted[verdict])
    first = next((f for f in findings if f.breaks), None) or next(
        (f for f in findings if f.verdict is Verdict.NOT_SEEN), None
    )
    if first is None:
        return Text(f"{environment}: {told}; nothing is broken.", style="green")
    where = f"{environment} {first.pipeline}".strip()
    line = Text(f"{count(counted[Verdict.NOT_SEEN], 'promise')} not seen ({told}). ", style="red")
    return line.append(f"Begin with {where}: {first.detail}", style="")
