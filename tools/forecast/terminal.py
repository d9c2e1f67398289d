"""A forecast in the terminal, within 80 columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tools.forecast.alternatives import Alternative
from tools.forecast.report import Report
from tools.forecast.search import Forecast
from tools.operate.words import count, days

PLOT_WIDTH, PLOT_HEIGHT = 58, 12
SHOWN_OF_FRONTIER = 6


def view(report: Report) -> Group:
    """The whole forecast."""
    parts: list[RenderableType] = [_arrivals(report), Text(), _table(report), Text()]
    parts += [_plot(report), Text(), _advice(report)]
    parts += [Text(f"Note: {note}", style="yellow") for note in report.notes]
    return Group(*parts)


def _arrivals(report: Report) -> Text:
    trace, prices = report.trace, report.price_list
    return Text(
        f"{count(len(trace), 'file')}, {size(trace.total_bytes)}, "
        f"{count(trace.bursts, 'burst')} in "
        f"{days(trace.days)}, from {trace.source}\n"
        f"Prices of {prices.region} of {prices.dated}, US dollars a month without free tiers"
    )


def _table(report: Report) -> Table:
    table = Table(box=None, pad_edge=False, collapse_padding=True, padding=(0, 1))
    table.add_column("settings or alternative", min_width=25)
    for name in ("runs", "empty", "p50", "p95", "max", "burst p99", "$/month"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_row(f"now: {short(report.present)}", *_cells(report.present))
    if report.recommended:
        best = report.recommended
        table.add_row(f"best: {short(best)}", *_cells(best), style="bold green")
    table.add_section()
    for item in spread(report.frontier, SHOWN_OF_FRONTIER):
        table.add_row(f"  {short(item)}", *_cells(item))
    table.add_section()
    for alternative in report.alternatives:
        table.add_row(alternative.name, *_alternative_cells(alternative))
    return table


def _cells(item: Forecast) -> tuple[str, ...]:
    played = item.replay
    return (
        f"{played.runs:,}",
        f"{played.empty_runs:,}",
        seconds(played.latency(0.5)),
        seconds(played.latency(0.95)),
        seconds(played.longest_seconds),
        seconds(item.burst_p99),
        f"{item.dollars:,.2f}",
    )


def _alternative_cells(item: Alternative) -> tuple[str, ...]:
    return (
        f"{item.runs:,}",
        f"{item.empty_runs:,}",
        seconds(item.latency_p50),
        seconds(item.latency_p95),
        seconds(item.latency_max),
        seconds(item.burst_p99),
        f"{item.costs.total:,.2f}",
    )


def _plot(report: Report) -> Text:
    """Cost against latency: `.` a candidate, `o` the frontier, `N` now, `B` best."""
    points = [(item.burst_p99, item.dollars) for item in report.every]
    low, high = min(x for x, _ in points), max(x for x, _ in points)
    cheap, dear = min(y for _, y in points), max(y for _, y in points)
    grid = [[" "] * PLOT_WIDTH for _ in range(PLOT_HEIGHT)]

    def draw(items: Sequence[Forecast], mark: str) -> None:
        for item in items:
            column = _place(item.burst_p99, low, high, PLOT_WIDTH)
            grid[PLOT_HEIGHT - 1 - _place(item.dollars, cheap, dear, PLOT_HEIGHT)][column] = mark

    draw(report.every, ".")
    draw(report.frontier, "o")
    draw([report.present], "N")
    if report.recommended:
        draw([report.recommended], "B")
    lines = ["$ a month; . candidate, o frontier, N now, B best"]
    for place, row in enumerate(grid):
        label = (
            f"{dear:,.0f}" if place == 0 else f"{cheap:,.0f}" if place == PLOT_HEIGHT - 1 else ""
        )
        lines.append(f"{label:>9} |{''.join(row).rstrip()}")
    lines.append(f"{'':>9} +{'-' * PLOT_WIDTH}")
    ends = seconds(low), seconds(high)
    lines.append(f"{'':>11}{ends[0]}{ends[1]:>{PLOT_WIDTH - len(ends[0])}}  burst p99")
    return Text("\n".join(lines), no_wrap=True)


def _place(value: float, low: float, high: float, steps: int) -> int:
    return round((value - low) / (high - low) * (steps - 1)) if high > low else 0


def _advice(report: Report) -> Text:
    promise = seconds(report.promise_seconds)
    if report.recommended is None:
        return Text(report.nearest or "", style="bold red")
    best = report.recommended
    lines = [
        f"To keep 99 of 100 bursts within {promise}: {best.candidate} for "
        f"{best.dollars:,.2f} $ a month.",
        _difference(report),
    ]
    lines += [
        f"With {trial.name}: {seconds(trial.forecast.burst_p99)} and "
        f"{trial.forecast.dollars:,.2f} ${'' if trial.keeps else ', which breaks the promise'}."
        for trial in report.trials
    ]
    lines.append(f"A month without a file costs {report.idle_dollars:,.2f} $.")
    price = report.price_list.prices.alarm_metric_month
    lines.append(
        f"Plus alarms, the same for every candidate: {price:.2f} $ a month for each metric that "
        "they look at."
    )
    lines.append("The alternatives are without alarms, dead-letter queue, sweep and metrics.")
    return Text("\n".join(line for line in lines if line))


def _difference(report: Report) -> str:
    best, now = report.recommended, report.present
    if best is None or best.candidate == now.candidate:
        return "These are the present settings."
    saved = report.saved_dollars
    word = "less" if saved >= 0 else "more"
    return (
        f"That is {abs(saved):,.2f} $ a month {word} than now; 99 of 100 bursts wait "
        f"{seconds(best.burst_p99)} at most, now {seconds(now.burst_p99)}."
    )


def spread(items: Sequence[Forecast], most: int) -> Iterator[Forecast]:
    """Evenly spread ones, the first and the last among them."""
    if len(items) <= most:
        yield from items
        return
    for place in range(most):
        yield items[round(place * (len(items) - 1) / (most - 1))]


def short(item: Forecast) -> str:
    """The settings in a few characters: `100 / 300 s / 2`."""
    candidate = item.candidate
    return f"{candidate.batch_size} / {candidate.batch_window_seconds} s / {candidate.workers}"


def seconds(value: float) -> str:
    """A duration as people read it: `47 s`, `5m 20s`, `2h 5m`."""
    whole = round(value)
    if whole < 100:
        return f"{whole} s"
    if whole < 6_000:
        return f"{whole // 60}m {whole % 60}s" if whole % 60 else f"{whole // 60}m"
    return f"{whole // 3_600}h {whole % 3_600 // 60}m"


def size(value: float) -> str:
    """Bytes as people read them, in powers of 1,000."""
    for unit in ("B", "KB", "MB", "GB"):
        if value < 1_000:
            return f"{value:,.0f} {unit}" if unit == "B" else f"{value:,.1f} {unit}"
        value /= 1_000
    return f"{value:,.1f} TB"
