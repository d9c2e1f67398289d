"""`burst forecast`: what settings would cost and how long files would wait."""

from __future__ import annotations

import csv
import json
import re
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress

from tools.forecast.errors import ForecastError
from tools.forecast.ledger import MeasuredTimes
from tools.forecast.model import Candidate, RunTimes
from tools.forecast.page import page, picture
from tools.forecast.present import DEFAULT, DEFAULT_REGION, candidate_of, read_pipeline
from tools.forecast.prices import read_prices
from tools.forecast.report import SLOWER, Report
from tools.forecast.report import report as make_report
from tools.forecast.search import Forecast
from tools.forecast.sentence import trace_like
from tools.forecast.sources import (
    trace_from_file,
    trace_from_inventory,
    trace_from_listing,
    write_trace,
)
from tools.forecast.terminal import view
from tools.forecast.timeline import explain as explain_moment
from tools.forecast.trace import Trace
from tools.operate.answer import print_part
from tools.operate.options import Endpoint, Outputs, reach, utc_now
from tools.operate.refusals import explained

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|h)?", re.IGNORECASE)
_SECONDS = {"s": 1, "m": 60, "h": 3_600}
NOT_KEPT = 1
EXAMPLE = "10 files in 2 minutes, 6 times a day; 3000 files of 20 KB in 5 minutes, once a day"
EXAMPLE_NOTE = (
    "These arrivals are an example. Describe yours with --like, or name a deployed environment and "
    "pipeline whose ledger is read; `burst forecast --help` shows the other sources."
)


def forecast(
    environment: Annotated[
        str | None, typer.Argument(help="Environment, as in cdktf.json, for the present settings.")
    ] = None,
    pipeline: Annotated[
        str | None,
        typer.Argument(help="Pipeline of it; its ledger is read where no arrivals are given."),
    ] = None,
    like: Annotated[
        str | None,
        typer.Option(help='Arrivals as a sentence: "10 files in 2 minutes, 6 times a day".'),
    ] = None,
    arrivals: Annotated[
        Path | None, typer.Option(help="Arrivals as a CSV of time and bytes; .gz is unzipped.")
    ] = None,
    listing: Annotated[
        str | None, typer.Option(help="Arrivals as the objects under s3://BUCKET/PREFIX.")
    ] = None,
    inventory: Annotated[
        str | None, typer.Option(help="Arrivals from S3 Inventory: its manifest.json.")
    ] = None,
    promise: Annotated[
        str, typer.Option(help="Wait that 99 of 100 bursts may have: 90s, 5m, 1h.")
    ] = "5m",
    days: Annotated[
        int, typer.Option(min=1, max=366, help="Days that --like plays, or of the ledger.")
    ] = 30,
    seed: Annotated[int, typer.Option(help="The same seed gives the same arrivals.")] = 1,
    size: Annotated[
        int | None, typer.Option(min=1, max=100, help="Present batch size, in events.")
    ] = None,
    window: Annotated[
        int | None, typer.Option(min=1, max=900, help="Present batch window, in seconds.")
    ] = None,
    workers: Annotated[int | None, typer.Option(min=2, max=299, help="Present workers.")] = None,
    limit: Annotated[
        int | None,
        typer.Option(min=0, max=1000, help="Present limit of workflow runs at once; 0 for none."),
    ] = None,
    every: Annotated[
        int, typer.Option(min=1, max=1440, help="Minutes of the alternatives by the clock.")
    ] = 15,
    region: Annotated[str | None, typer.Option(help="Region of the prices.")] = None,
    prices: Annotated[
        Path | None, typer.Option(help="A price list in place of the shipped one.")
    ] = None,
    assume: Annotated[
        list[str] | None, typer.Option(help="A run time in seconds: NAME=SECONDS; may be repeated.")
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Write the page with the drawings.")] = None,
    svg: Annotated[
        Path | None, typer.Option(help="Write the drawing of cost against latency alone.")
    ] = None,
    csv_file: Annotated[
        Path | None, typer.Option("--csv", help="Write every candidate as CSV.")
    ] = None,
    save_trace: Annotated[
        Path | None, typer.Option(help="Write the arrivals as CSV, for --arrivals and the review.")
    ] = None,
    explain: Annotated[
        str | None,
        typer.Option(help="Say which event fired which run for the first file from this time on."),
    ] = None,
    write: Annotated[
        bool, typer.Option("--write", help="Put the recommended settings into cdktf.json.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document and nothing else.")
    ] = False,
    outputs: Outputs = None,
    endpoint: Endpoint = None,
) -> None:
    """Show runs, waits and costs of settings on arrivals, and the cheapest that keep a promise.

    Without arguments it plays an example.

    Example: pipenv run burst forecast --like "10 files in 2 minutes, 6 times a day" --promise 5m
    """
    console = Console(stderr=as_json, highlight=False)
    present, its_region = _present(environment, pipeline)
    present = replace(
        present,
        batch_size=size or present.batch_size,
        batch_window_seconds=window or present.batch_window_seconds,
        workers=workers or present.workers,
        max_concurrent_runs=present.max_concurrent_runs if limit is None else limit or None,
    )
    promise_seconds = read_duration(promise)
    if write and not pipeline:
        raise ForecastError("--write needs an environment and a pipeline whose settings to change.")
    price_list = read_prices(region or its_region, prices)
    assumed = _assumptions(assume or [])
    with Progress(
        console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()
    ) as bar:
        task = bar.add_task("arrivals", total=None)

        def advance(done: int, of: int | None = None) -> None:
            bar.update(task, completed=done, total=of)

        sources = Sources(like, arrivals, listing, inventory, days, seed, outputs, endpoint)
        trace, found = sources.read(environment, pipeline, present, advance)
        times = found.times.with_values(assumed)
        if save_trace:
            write_trace(trace, save_trace)
        if explain:
            bar.stop()
            for line in explain_moment(trace, present, times, _moment(explain)):
                console.print(line, soft_wrap=True)
            return
        bar.update(task, description="candidates")
        result = make_report(
            trace,
            present,
            times,
            price_list,
            promise_seconds=promise_seconds,
            every_minutes=every,
            slower=found.slow if found.batches else SLOWER,
            notes=(*_measured_note(found), *_default_note(environment)),
            progress=advance,
        )
    if html:
        _write_text(html, page(result))
    if svg:
        _write_text(svg, picture(result))
    if csv_file:
        _write_candidates(csv_file, result)
    if as_json:
        sys.stdout.write(json.dumps(as_data(result), indent=1) + "\n")
    else:
        print_part(console, view(result))
        for file in (html, svg, csv_file, save_trace):
            if file:
                console.print(f"Written: {file}", soft_wrap=True)
    if write and environment and pipeline and result.recommended:
        from tools.forecast.writing import write_settings

        write_settings(console, environment, pipeline, result.recommended.candidate)
    if result.recommended is None:
        raise typer.Exit(NOT_KEPT)


def read_duration(text: str) -> float:
    """Seconds of `90s`, `5m`, `1h` or a number of seconds; ForecastError for anything else."""
    match = _DURATION.fullmatch(text.strip())
    seconds = float(match[1]) * _SECONDS[(match[2] or "s").lower()] if match else 0.0
    if not 1 <= seconds <= 7 * 86_400:
        raise ForecastError(
            f"--promise is {text!r}; allowed is a time from 1s to 168h such as 90s, 5m or 1h."
        )
    return seconds


def _present(environment: str | None, pipeline: str | None) -> tuple[Candidate, str]:
    if environment is None:
        return DEFAULT, DEFAULT_REGION
    if pipeline is None:
        raise ForecastError(
            f"Name a pipeline of {environment!r} as well, or leave both out to try the defaults."
        )
    settings, its_pipeline = read_pipeline(environment, pipeline)
    return candidate_of(its_pipeline), settings.region


@dataclass(frozen=True)
class Sources:
    """Where the arrivals are from: at most one of the first four, else the ledger."""

    like: str | None
    arrivals: Path | None
    listing: str | None
    inventory: str | None
    days: int
    seed: int
    outputs: Path | None
    endpoint: str | None

    def read(
        self,
        environment: str | None,
        pipeline: str | None,
        present: Candidate,
        advance: Callable[[int, int | None], None],
    ) -> tuple[Trace, MeasuredTimes]:
        """The arrivals, and run times: measured where they are from the ledger."""
        given = (self.like, self.arrivals, self.listing, self.inventory)
        count = sum(value is not None for value in given)
        if count > 1:
            raise ForecastError(
                "Say where the arrivals are from with one of --like, --arrivals, --listing and "
                f"--inventory; {count} are given."
            )
        if count == 0 and environment and pipeline:
            return self._ledger(environment, pipeline, present, advance)
        return self._given(advance), MeasuredTimes(RunTimes())

    def _given(self, advance: Callable[[int, int | None], None]) -> Trace:
        if self.like is not None:
            return trace_like(self.like, days=self.days, seed=self.seed)
        if self.arrivals is not None:
            return trace_from_file(self.arrivals)
        if self.listing is not None:
            bucket, prefix = _address(self.listing)
            with explained():
                return trace_from_listing(
                    self._s3(), bucket, prefix, progress=lambda done: advance(done, None)
                )
        if self.inventory is not None:
            with explained():
                return trace_from_inventory(self.inventory, self._bytes_of)
        trace = trace_like(EXAMPLE, days=self.days, seed=self.seed)
        return replace(trace, notes=(EXAMPLE_NOTE,))

    def _ledger(
        self,
        environment: str,
        pipeline: str,
        present: Candidate,
        advance: Callable[[int, int | None], None],
    ) -> tuple[Trace, MeasuredTimes]:
        from burst.ledger import Ledger

        from tools.forecast import ledger

        deployment, connection = reach(environment, self.outputs, self.endpoint)
        name = deployment.pipeline(pipeline).name
        now = utc_now()
        with explained():
            records = ledger.read_ledger(
                Ledger(connection.s3, deployment.lake_bucket, name, environment),
                since=now - timedelta(days=self.days),
                progress=advance,
            )
        trace = ledger.trace_of(
            records, until=now, source=f"the ledger of {environment}/{pipeline}"
        )
        return trace, ledger.measured(
            records,
            RunTimes(),
            workers=present.workers,
            dpu_per_worker=present.dpu_per_worker,
        )

    def _bytes_of(self, name: str) -> bytes:
        if not name.startswith("s3://"):
            return Path(name).read_bytes()
        bucket, key = _address(name)
        body: bytes = self._s3().get_object(Bucket=bucket, Key=key)["Body"].read()
        return body

    def _s3(self) -> Any:
        import boto3

        return boto3.client("s3", endpoint_url=self.endpoint)


def _measured_note(found: MeasuredTimes) -> tuple[str, ...]:
    if not found.batches:
        return ()
    return (
        f"Run times are those of {found.batches:,} batches in the ledger; 8 of 10 took "
        f"{found.quick:.2g} to {found.slow:.2g} times as long as they say.",
    )


def _default_note(environment: str | None) -> tuple[str, ...]:
    if environment is not None:
        return ()
    return ("`now` is the defaults of the settings, because no environment was named.",)


def _address(text: str) -> tuple[str, str]:
    if not text.startswith("s3://") or len(text) <= len("s3://"):
        raise ForecastError(f"{text!r} is no address; write s3://BUCKET or s3://BUCKET/PREFIX.")
    bucket, _, prefix = text.removeprefix("s3://").partition("/")
    return bucket, prefix


def _assumptions(items: list[str]) -> dict[str, float]:
    values = {}
    for item in items:
        name, _, number = item.partition("=")
        try:
            values[name.strip().replace("-", "_")] = float(number)
        except ValueError:
            raise ForecastError(
                f"--assume {item!r} is not NAME=SECONDS, such as per_file=0.2."
            ) from None
    return values


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise ForecastError(
            f"--explain is {text!r}; allowed is a time such as 2025-01-31T23:59:59Z."
        ) from None


def _write_text(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ForecastError(f"{file} cannot be written: {error.strerror}.") from error


def _write_candidates(file: Path, result: Report) -> None:
    rows = [forecast_as_data(item) for item in result.every]
    try:
        with file.open("w", newline="", encoding="utf-8") as out:
            writer = csv.DictWriter(out, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    except OSError as error:
        raise ForecastError(f"{file} cannot be written: {error.strerror}.") from error


def forecast_as_data(item: Forecast) -> dict[str, Any]:
    """One candidate as flat data: settings, counts, seconds and dollars."""
    candidate, played = item.candidate, item.replay
    return {
        "batch_size": candidate.batch_size,
        "batch_window_seconds": candidate.batch_window_seconds,
        "workers": candidate.workers,
        "worker_type": candidate.worker_type,
        "workflow_max_concurrent_runs": candidate.max_concurrent_runs,
        "runs": played.runs,
        "empty_runs": played.empty_runs,
        "refused_firings": played.refused,
        "waiting_runs": played.waited,
        "given_up_runs": played.given_up,
        "longest_queue": played.longest_queue,
        "file_p50_seconds": played.latency(0.5),
        "file_p95_seconds": played.latency(0.95),
        "file_max_seconds": played.longest_seconds,
        "burst_p50_seconds": item.burst_p50,
        "burst_p95_seconds": item.burst_p95,
        "burst_p99_seconds": item.burst_p99,
        "burst_max_seconds": item.burst_max,
        "dpu_hours": round(item.dpu_hours, 4),
        **{f"{name}_dollars": round(value, 4) for name, value in asdict(item.costs).items()},
        "dollars_a_month": round(item.dollars, 4),
    }


def as_data(result: Report) -> dict[str, Any]:
    """The forecast for programs."""
    return {
        "arrivals": {
            "source": result.trace.source,
            "files": len(result.trace),
            "bytes": result.trace.total_bytes,
            "bursts": result.trace.bursts,
            "days": result.trace.days,
        },
        "promise_seconds": result.promise_seconds,
        "present": forecast_as_data(result.present),
        "recommended": forecast_as_data(result.recommended) if result.recommended else None,
        "nearest": result.nearest,
        "trials": [
            {"name": trial.name, "keeps": trial.keeps, **forecast_as_data(trial.forecast)}
            for trial in result.trials
        ],
        "frontier": [forecast_as_data(item) for item in result.frontier],
        "alternatives": [
            {**asdict(item), "dollars_a_month": round(item.costs.total, 4)}
            for item in result.alternatives
        ],
        "idle_dollars_a_month": round(result.idle_dollars, 4),
        "assumptions": asdict(result.times),
        "prices": asdict(result.price_list.prices)
        | {"region": result.price_list.region, "dated": result.price_list.dated},
        "notes": list(result.notes),
    }
