"""Prices, from one dated file: `prices.json`, or another one of the same form."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from pathlib import Path

from tools.forecast.errors import ForecastError

SHIPPED = Path(__file__).with_name("prices.json")


@dataclass(frozen=True)
class Prices:
    """Prices of one region in US dollars, without free tiers and discounts.

    Each name says its unit: per DPU-hour, per million events or requests, per thousand requests,
    per month and metric. S3 sends events only where that is switched on, and EventBridge bills such
    opt-in events as custom ones (its pricing page, "Event buses").
    Glue 6.0 is "30% lower" than the versions before (AWS News Blog, 21 August 2026).
    """

    glue_dpu_hour: float
    glue_6_dpu_hour: float
    events_million: float
    s3_put_thousand: float
    s3_get_thousand: float
    alarm_metric_month: float
    metric_month: float
    dashboard_month: float
    lambda_million: float
    lambda_gb_second: float
    sqs_million: float

    def dpu_hour(self, glue_version: str) -> float:
        """What a DPU-hour costs on this version of Glue."""
        return self.glue_6_dpu_hour if glue_version == "6.0" else self.glue_dpu_hour


@dataclass(frozen=True)
class PriceList:
    """The prices that a forecast uses, and from when and where they are."""

    prices: Prices
    region: str
    dated: str
    source: str


def read_prices(region: str, file: Path | None = None) -> PriceList:
    """The prices of a region.

    file: another price list than the shipped one. Raises ForecastError when it cannot be read, does
    not know the region, lacks a price, or has one that is no number of 0 or more.
    """
    path = file or SHIPPED
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ForecastError(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise ForecastError(f"{path} is not JSON: {error}.") from error
    regions = document.get("regions") if isinstance(document, dict) else None
    if not isinstance(regions, dict) or not regions:
        raise ForecastError(f"{path} has no `regions`; copy the form of {SHIPPED.name}.")
    if region not in regions:
        raise ForecastError(
            f"{path.name} has no prices for the region {region!r}; it has {', '.join(regions)}. "
            "Take one of these with --region, or a price list with this region with --prices FILE."
        )
    values = {
        field.name: _price(path, region, field.name, regions[region]) for field in fields(Prices)
    }
    return PriceList(Prices(**values), region, str(document.get("dated", "unknown")), path.name)


def _price(path: Path, region: str, name: str, values: object) -> float:
    value = values.get(name) if isinstance(values, dict) else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e9:
        raise ForecastError(
            f"{path.name}: the price {name} of {region} is {value!r}; "
            "a number of US dollars, 0 or more, is allowed."
        )
    return float(value)
