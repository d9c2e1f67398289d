"""A forecast as one HTML file that opens without a network: drawings, tables, no scripts.

Every number that a drawing shows is in a table as well, and every mark has a title, so the page
can be read without a mouse and without seeing colours.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from html import escape
from importlib import resources

from tools.forecast.costs import Costs
from tools.forecast.report import Report
from tools.forecast.search import Forecast
from tools.forecast.terminal import seconds, short, size, spread
from tools.forecast.timeline import Timeline, timelines
from tools.forecast.trace import DAY, HOUR, moment
from tools.operate.words import count, days

WIDTH, HEIGHT = 760, 360
LEFT, BOTTOM, TOP, RIGHT = 64, 44, 16, 16
LANE = 46
SHOWN_OF_FRONTIER = 10
# Narrower parts of a bar cannot be seen; the table has them.
MIN_PART = 0.1
PART_NAMES = {
    "glue": "Glue",
    "events": "EventBridge",
    "requests": "S3 and SQS requests",
    "compute": "Lambda",
    "watching": "metrics and dashboard",
}


def page(report: Report) -> str:
    """The whole page."""
    return "\n".join(
        [
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="color-scheme" content="light dark">',
            f"<title>Forecast: {escape(report.trace.source)}</title>",
            f"<style>{_style()}</style></head>",
            "<body><main>",
            _head(report),
            _section("Cost against latency", _scatter(report), _frontier_table(report)),
            _day(report),
            _section("What it costs, in parts", _bars(report), _parts_table(report)),
            _assumptions(report),
            _every(report),
            "</main></body></html>",
            "",
        ]
    )


def picture(report: Report) -> str:
    """Cost against latency as an SVG file, for a document."""
    drawing = _scatter(report)
    begin, rest = drawing.split(">", 1)
    begin = begin.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"')
    ground = f'<rect width="{WIDTH}" height="{HEIGHT}" class="ground"/>'
    return f"{begin}><style>{_style()}</style>{ground}{rest}\n"


def _style() -> str:
    return resources.files("tools.forecast").joinpath("page.css").read_text(encoding="utf-8")


def _head(report: Report) -> str:
    trace = report.trace
    lines = [
        "<h1>Forecast</h1>",
        f"<p>{count(len(trace), 'file')}, {size(trace.total_bytes)}, in "
        f"{count(trace.bursts, 'burst')} over "
        f"{days(trace.days)}, from {escape(trace.source)}.</p>",
    ]
    if report.recommended:
        best, now = report.recommended, report.present
        lines.append(
            '<p class="advice"><strong>'
            f"{escape(str(best.candidate))}: {best.dollars:,.2f} $ a month</strong>. It is the "
            f"cheapest that makes 99 of 100 bursts queryable within "
            f"{seconds(report.promise_seconds)} ({seconds(best.burst_p99)}). The present settings, "
            f"{escape(str(now.candidate))}, cost {now.dollars:,.2f} $ and need "
            f"{seconds(now.burst_p99)}.</p><ul>"
        )
        lines += [
            f"<li>With {escape(trial.name)}: {seconds(trial.forecast.burst_p99)}, "
            f"{trial.forecast.dollars:,.2f} $"
            f"{'' if trial.keeps else ' <strong>(breaks the promise)</strong>'}</li>"
            for trial in report.trials
        ]
        lines.append(f"<li>A month without a file: {report.idle_dollars:,.2f} $</li>")
        price = report.price_list.prices.alarm_metric_month
        lines.append(
            f"<li>Plus alarms, the same for every candidate: {price:.2f} $ a month for each metric "
            "that they look at</li></ul>"
        )
    else:
        lines.append(f'<p class="advice bad"><strong>{escape(report.nearest or "")}</strong></p>')
    lines += [f'<p class="note">{escape(note)}</p>' for note in report.notes]
    return "\n".join(lines)


def _section(title: str, *parts: str) -> str:
    return f"<section><h2>{title}</h2>{''.join(parts)}</section>"


# ---- cost against latency ----------------------------------------------------------------------


def _scatter(report: Report) -> str:
    across = _Scale.logarithmic([item.burst_p99 for item in report.every], LEFT, WIDTH - RIGHT)
    up = _Scale.linear([0, *(item.dollars for item in report.every)], HEIGHT - BOTTOM, TOP)
    parts = [_axes(across, up, "wait of 99 of 100 bursts", "$ a month; events / window / workers")]
    shown = {id(item) for item in (*report.frontier, report.present)}
    parts += [
        f'<circle class="candidate" cx="{across(item.burst_p99)}" cy="{up(item.dollars)}" r="2.5"/>'
        for item in report.every
        if id(item) not in shown
    ]
    steps = " ".join(f"{across(item.burst_p99)},{up(item.dollars)}" for item in report.frontier)
    parts.append(f'<polyline class="frontier" points="{steps}"/>')
    parts += [_point(item, across, up, "frontier", "frontier") for item in report.frontier]
    parts.append(_marked(report.present, across, up, "now", "now"))
    if report.recommended:
        parts.append(_marked(report.recommended, across, up, "best", "recommended"))
    return _svg(parts, HEIGHT, "Dollars a month of every candidate against the wait of its bursts")


def _point(item: Forecast, across: _Scale, up: _Scale, kind: str, name: str) -> str:
    words = f"{name}: {item.candidate}; {seconds(item.burst_p99)}, {item.dollars:,.2f} $ a month"
    return (
        f'<circle class="{kind}" tabindex="0" role="img" aria-label="{escape(words)}" '
        f'cx="{across(item.burst_p99)}" cy="{up(item.dollars)}" r="5">'
        f"<title>{escape(words)}</title></circle>"
    )


def _marked(item: Forecast, across: _Scale, up: _Scale, kind: str, name: str) -> str:
    x, y = across(item.burst_p99), up(item.dollars)
    # The label goes to the side with more room.
    left = x > WIDTH * 0.7
    place = f'x="{x - 10 if left else x + 10}" text-anchor="{"end" if left else "start"}"'
    return (
        _point(item, across, up, kind, name)
        + f'<text class="label {kind}" {place} y="{y - 8}">{name}: {escape(short(item))}</text>'
    )


def _frontier_table(report: Report) -> str:
    marks = {id(report.present): "now"}
    if report.recommended:
        marks[id(report.recommended)] = "recommended"
    marked = [report.present, *([report.recommended] if report.recommended else [])]
    shown = {id(item) for item in (*marked, *spread(report.frontier, SHOWN_OF_FRONTIER))}
    rows = [item for item in dict.fromkeys([*marked, *report.frontier]) if id(item) in shown]
    return _table(
        f"The frontier ({len(report.frontier)}, some shown): nothing is both cheaper and quicker",
        _FRONTIER_COLUMNS,
        [[marks.get(id(item), ""), *_frontier_cells(item)] for item in rows],
    )


_FRONTIER_COLUMNS = (
    "", "events", "window", "workers", "runs", "empty", "file p50", "file p95", "burst p99",
    "$ a month",
)  # fmt: skip


def _frontier_cells(item: Forecast) -> list[str]:
    candidate, played = item.candidate, item.replay
    return [
        str(candidate.batch_size),
        f"{candidate.batch_window_seconds} s",
        str(candidate.workers),
        f"{played.runs:,}",
        f"{played.empty_runs:,}",
        *(seconds(played.latency(share)) for share in (0.5, 0.95)),
        seconds(item.burst_p99),
        f"{item.dollars:,.2f}",
    ]


_FORECAST_COLUMNS = (
    "", "events", "window", "workers", "runs", "empty", "refused", "waiting", "file p50",
    "file p95", "file max", "burst p50", "burst p95", "burst p99", "longest queue", "DPU-hours",
    "$ a month",
)  # fmt: skip


def _forecast_cells(item: Forecast) -> list[str]:
    candidate, played = item.candidate, item.replay
    return [
        str(candidate.batch_size),
        f"{candidate.batch_window_seconds} s",
        str(candidate.workers),
        *(
            f"{number:,}"
            for number in (played.runs, played.empty_runs, played.refused, played.waited)
        ),
        *(seconds(played.latency(share)) for share in (0.5, 0.95)),
        seconds(played.longest_seconds),
        *(seconds(value) for value in (item.burst_p50, item.burst_p95, item.burst_p99)),
        str(played.longest_queue),
        f"{item.dpu_hours:,.1f}",
        f"{item.dollars:,.2f}",
    ]


# ---- the busiest day and hour ------------------------------------------------------------------


def _day(report: Report) -> str:
    item = report.recommended or report.present
    day, hour = timelines(report.trace, item.candidate, report.times, (DAY, HOUR))
    name = "recommended" if report.recommended else "present"
    title = f"The busiest day, {moment(day.begin):%Y-%m-%d} (UTC), with the {name} settings"
    return _section(
        title,
        f"<p>{_what_happened(day)}</p>",
        _timeline_drawing(day, "Arrivals, windows, runs and the queue of the busiest day"),
        f"<h3>Its busiest hour, from {moment(hour.begin):%Y-%m-%d %H:%M}</h3>"
        f"<p>{_what_happened(hour)}</p>",
        _timeline_drawing(hour, "The same of the busiest hour"),
        _runs_table(day),
    )


def _what_happened(span: Timeline) -> str:
    return (
        f"{count(span.files, 'file')}, {count(len(span.runs), 'run')} of which {span.empty:,} "
        f"found nothing, {count(span.refused, 'refused firing')}, which cost nothing."
    )


def _timeline_drawing(day: Timeline, label: str) -> str:
    across = _Scale(day.begin, day.end, LEFT, WIDTH - RIGHT)
    parts = []
    lanes = ("files", "windows", "runs", "queue")
    height = TOP + LANE * len(lanes) + BOTTOM
    for place, name in enumerate(lanes):
        base = TOP + LANE * (place + 1)
        parts.append(
            f'<text class="tick" x="{LEFT - 8}" y="{base - 12}" text-anchor="end">{name}</text>'
        )
        parts.append(
            f'<line class="axis" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{base}" y2="{base}"/>'
        )
    parts += _columns(day.arrivals, TOP + LANE, across, "arrivals", "files")
    parts += _spans(day.windows, TOP + 2 * LANE, across, "window")
    parts += _spans(day.runs, TOP + 3 * LANE, across, "run")
    parts += _columns(day.queue, TOP + 4 * LANE, across, "queue", "runs that wait")
    # Every three hours of a day, every ten minutes of an hour.
    steps = 8 if day.end - day.begin > HOUR else 6
    for place in range(steps + 1):
        time = day.begin + place * (day.end - day.begin) // steps
        anchor = "end" if place == steps else "middle"
        parts.append(
            f'<text class="tick" x="{across(time)}" y="{height - BOTTOM + 18}" '
            f'text-anchor="{anchor}">{moment(time):%H:%M}</text>'
        )
    return _svg(parts, height, label)


def _columns(
    bins: Sequence[int], base: float, across: _Scale, kind: str, what: str
) -> Iterator[str]:
    most = max(bins, default=0)
    step = (across.high - across.low) / max(len(bins), 1)
    for place, number in enumerate(bins):
        if number:
            tall = max(2.0, (LANE - 14) * number / most)
            x = across(across.low + place * step)
            wide = max(1.5, across(across.low + (place + 1) * step) - x)
            yield (
                f'<rect class="{kind}" x="{x}" y="{base - tall:.1f}" width="{wide:.1f}" '
                f'height="{tall:.1f}"><title>{number:,} {what}</title></rect>'
            )


def _spans(
    spans: Iterable[tuple[int, int, str]], base: float, across: _Scale, kind: str
) -> Iterator[str]:
    for begin, end, words in spans:
        x = max(across(begin), LEFT)
        wide = max(1.5, min(across(end), WIDTH - RIGHT) - x)
        yield (
            f'<rect class="{kind}{" empty" if "nothing" in words else ""}" x="{x}" '
            f'y="{base - LANE + 16}" width="{wide:.1f}" height="{LANE - 18}">'
            f"<title>{escape(words)}</title></rect>"
        )


def _runs_table(day: Timeline) -> str:
    rows = [
        [f"{moment(begin):%H:%M:%S}", f"{moment(end):%H:%M:%S}", words]
        for begin, end, words in day.runs
    ]
    columns = ("start", "end", "what it did")
    return _table("Its runs", columns, rows, folded=True, words_last=True)


# ---- cost in parts -----------------------------------------------------------------------------


def _parts(report: Report) -> list[tuple[str, Costs]]:
    shown = [("now", report.present.costs)]
    if report.recommended:
        shown.append(("recommended", report.recommended.costs))
    return shown + [(item.name, item.costs) for item in report.alternatives]


def _bars(report: Report) -> str:
    shown = _parts(report)
    most = max(costs.total for _, costs in shown)
    # One that costs a hundred times as much would leave nothing to see of the others.
    limit = min(most, 4 * sorted(costs.total for _, costs in shown)[-2]) or 1.0
    label, right = 150, WIDTH - 130
    parts = []
    for place, (name, costs) in enumerate(shown):
        y = TOP + place * 34
        parts.append(
            f'<text class="tick" x="{label - 8}" y="{y + 16}" text-anchor="end">'
            f"{escape(name)}</text>"
        )
        x = float(label)
        for part in fields(Costs):
            value = getattr(costs, part.name)
            wide = min(value / limit * (right - label), right - x)
            words = f"{name}: {PART_NAMES[part.name]} {value:,.2f} $"
            if wide < MIN_PART:
                continue
            parts.append(
                f'<rect class="part {part.name}" x="{x:.1f}" y="{y}" width="{wide:.1f}" '
                f'height="22"><title>{escape(words)}</title></rect>'
            )
            x += wide
        cut = " (cut)" if costs.total > limit else ""
        parts.append(
            f'<text class="tick" x="{x + 6:.1f}" y="{y + 16}">{costs.total:,.2f} ${cut}</text>'
        )
    legend = "".join(
        f'<span><i class="swatch {part.name}"></i>{PART_NAMES[part.name]}</span>'
        for part in fields(Costs)
    )
    height = TOP + len(shown) * 34 + 8
    return _svg(parts, height, "Dollars a month in parts") + f'<p class="legend">{legend}</p>'


def _parts_table(report: Report) -> str:
    rows = [
        [
            name,
            *(f"{getattr(costs, part.name):,.2f}" for part in fields(Costs)),
            f"{costs.total:,.2f}",
        ]
        for name, costs in _parts(report)
    ]
    columns = ("$ a month", *(PART_NAMES[part.name] for part in fields(Costs)), "total")
    waits = [
        [item.name, f"{item.runs:,}", f"{item.empty_runs:,}", seconds(item.latency_p50),
         seconds(item.latency_p95), seconds(item.latency_max), f"{item.curated_files:,.0f}",
         item.remark]
        for item in report.alternatives
    ]  # fmt: skip
    note = (
        "<p>The alternatives are counted as people build them first: without alarms, dead-letter "
        "queue, sweep and metrics. Storage, logs, KMS and queries are in none of the numbers.</p>"
    )
    return (
        note
        + _table("Costs in parts", columns, rows)
        + _table(
            "The alternatives",
            (
                "",
                "runs",
                "empty",
                "file p50",
                "file p95",
                "file max",
                "Parquet files a month",
                "remark",
            ),
            waits,
            words_last=True,
        )
    )


# ---- the rest ----------------------------------------------------------------------------------


def _assumptions(report: Report) -> str:
    times = [[name, f"{value:g} s"] for name, value in vars(report.times).items()]
    prices = [[name, f"{value:g} $"] for name, value in vars(report.price_list.prices).items()]
    dated = f"{report.price_list.region}, {report.price_list.dated}, {report.price_list.source}"
    return _section(
        "What it assumes",
        _table("How long the parts of a run take", ("part", "seconds"), times, folded=True),
        _table(f"Prices ({escape(dated)})", ("unit", "price"), prices, folded=True),
    )


def _every(report: Report) -> str:
    rows = [["", *_forecast_cells(item)] for item in report.every]
    return _section(
        "Every candidate", _table(f"{len(rows)} candidates", _FORECAST_COLUMNS, rows, folded=True)
    )


def _table(
    caption: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    folded: bool = False,
    words_last: bool = False,
) -> str:
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in columns)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    table = (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(caption)}">'
        f'<table class="{"words" if words_last else "figures"}">'
        f"<caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table></div>"
    )
    return f"<details><summary>{escape(caption)}</summary>{table}</details>" if folded else table


def _svg(parts: Iterable[str], height: float, label: str) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height:g}" role="group" aria-label="{escape(label)}">'
        f"{''.join(parts)}</svg>"
    )


class _Scale:
    """A value's place on an axis, in units of the drawing."""

    def __init__(
        self, low: float, high: float, begin: float, end: float, *, logarithmic: bool = False
    ) -> None:
        self.low, self.high = low, high if high > low else low + 1
        self._begin, self._end, self._logarithmic = begin, end, logarithmic

    @classmethod
    def linear(cls, values: Sequence[float], begin: float, end: float) -> _Scale:
        return cls(min(values), max(values) * 1.05, begin, end)

    @classmethod
    def logarithmic(cls, values: Sequence[float], begin: float, end: float) -> _Scale:
        low = max(min(values), 0.1)
        return cls(low / 1.15, max(*values, low) * 1.15, begin, end, logarithmic=True)

    def __call__(self, value: float) -> float:
        low, high = self.low, self.high
        if self._logarithmic:
            value, low, high = math.log(max(value, low)), math.log(low), math.log(high)
        return round(self._begin + (value - low) / (high - low) * (self._end - self._begin), 1)

    def ticks(self) -> list[float]:
        """Round values along the axis."""
        if self._logarithmic:
            steps = (
                1,
                2,
                5,
                10,
                20,
                30,
                60,
                120,
                300,
                600,
                900,
                1_800,
                3_600,
                7_200,
                21_600,
                86_400,
            )
            return [float(step) for step in steps if self.low <= step <= self.high]
        rough = (self.high - self.low) / 5
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)
        return [step * place for place in range(int(self.high / step) + 1)]


def _axes(across: _Scale, up: _Scale, below: str, beside: str) -> str:
    floor = HEIGHT - BOTTOM
    parts = [f'<line class="axis" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{floor}" y2="{floor}"/>']
    for value in across.ticks():
        x = across(value)
        parts.append(f'<line class="grid" x1="{x}" x2="{x}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>')
        parts.append(
            f'<text class="tick" x="{x}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">'
            f"{seconds(value)}</text>"
        )
    for value in up.ticks():
        y = up(value)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}"/>')
        parts.append(
            f'<text class="tick" x="{LEFT - 8}" y="{y + 4}" text-anchor="end">{value:,.4g}</text>'
        )
    parts.append(
        f'<text class="title" x="{WIDTH - RIGHT}" y="{HEIGHT - 8}" text-anchor="end">{below}</text>'
    )
    parts.append(f'<text class="title" x="{LEFT}" y="{TOP - 4}">{beside}</text>')
    return "".join(parts)
