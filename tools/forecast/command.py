"""`burst forecast`: what settings would cost and how long files would wait."""

from __future__ import annotations

import csv
import json
import re
import sys
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress

from tools.forecast.errors import ForecastError
from tools.forecast.model import Candidate, RunTimes
from tools.forecast.page import page
from tools.forecast.present import DEFAULT, DEFAULT_REGION, candidate_of, read_pipeline
from tools.forecast.prices import read_prices
from tools.forecast.report import Report
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

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|h)?", re.IGNORECASE)
_SECONDS = {"s": 1, "m": 60, "h": 3_600}
NOT_KEPT = 1


def forecast(
    environment: Annotated[
        str | None, typer.Argument(help="Environment, as in cdktf.json, for the present settings.")
    ] = None,
    pipeline: Annotated[str | None, typer.Argument(help="Pipeline of that environment.")] = None,
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
    days: Annotated[int, typer.Option(min=1, max=366, help="Days that --like plays.")] = 30,
    seed: Annotated[int, typer.Option(help="The same seed gives the same arrivals.")] = 1,
    size: Annotated[
        int | None, typer.Option(min=1, max=100, help="Present batch size, in events.")
    ] = None,
    window: Annotated[
        int | None, typer.Option(min=1, max=900, help="Present batch window, in seconds.")
    ] = None,
    workers: Annotated[int | None, typer.Option(min=2, max=299, help="Present workers.")] = None,
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
) -> None:
    """Show runs, waits and costs of settings on arrivals, and recommend the cheapest that keep a
    promise.

    Example: burst forecast --like "10 files in 2 minutes, 6 times a day" --promise 5m
    """
    console = Console(stderr=as_json, highlight=False)
    present, its_region = _present(environment, pipeline)
    present = replace(
        present,
        batch_size=size or present.batch_size,
        batch_window_seconds=window or present.batch_window_seconds,
        workers=workers or present.workers,
    )
    promise_seconds = read_duration(promise)
    if write and not pipeline:
        raise ForecastError("--write needs an environment and a pipeline whose settings to change.")
    price_list = read_prices(region or its_region, prices)
    times = RunTimes().with_values(_assumptions(assume or []))
    trace = _trace(like, arrivals, listing, inventory, days=days, seed=seed)
    if save_trace:
        write_trace(trace, save_trace)
    if explain:
        for line in explain_moment(trace, present, times, _moment(explain)):
            console.print(line, soft_wrap=True)
        return
    with Progress(
        console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()
    ) as bar:
        task = bar.add_task("candidates", total=None)
        result = make_report(
            trace,
            present,
            times,
            price_list,
            promise_seconds=promise_seconds,
            every_minutes=every,
            progress=lambda done, of: bar.update(task, completed=done, total=of),
        )
    if html:
        _write_text(html, page(result))
    if csv_file:
        _write_candidates(csv_file, result)
    if as_json:
        sys.stdout.write(json.dumps(as_data(result), indent=1) + "\n")
    else:
        console.print(view(result))
        for file in (html, csv_file, save_trace):
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


def _trace(
    like: str | None,
    arrivals: Path | None,
    listing: str | None,
    inventory: str | None,
    *,
    days: int,
    seed: int,
) -> Trace:
    given = [value for value in (like, arrivals, listing, inventory) if value is not None]
    if len(given) != 1:
        raise ForecastError(
            "Say where the arrivals are from with one of --like, --arrivals, --listing and "
            f"--inventory; {len(given)} are given."
        )
    if like is not None:
        return trace_like(like, days=days, seed=seed)
    if arrivals is not None:
        return trace_from_file(arrivals)
    if listing is not None:
        bucket, prefix = _address(listing)
        return trace_from_listing(_s3(), bucket, prefix)
    return trace_from_inventory(str(inventory), _read)


def _address(text: str) -> tuple[str, str]:
    if not text.startswith("s3://") or len(text) <= len("s3://"):
        raise ForecastError(f"{text!r} is no address; write s3://BUCKET or s3://BUCKET/PREFIX.")
    bucket, _, prefix = text.removeprefix("s3://").partition("/")
    return bucket, prefix


def _read(name: str) -> bytes:
    if not name.startswith("s3://"):
        return Path(name).read_bytes()
    bucket, key = _address(name)
    body: bytes = _s3().get_object(Bucket=bucket, Key=key)["Body"].read()
    return body


def _s3() -> Any:
    import boto3

    return boto3.client("s3")


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
