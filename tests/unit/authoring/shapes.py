"""Files with the shapes of well-known public ones: small, made up, other ones with each seed.

The names of the columns, the notation of the values, what may be empty and how the file is laid out
are those of the source; the values are not. Each shape takes from its source the part that readers
trip over.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

Maker = Callable[[Random], Any]
Rows = Mapping[str, Maker]
# Writes a file of so many rows.
Writer = Callable[[Random, int], bytes]
START = datetime(2024, 1, 1, tzinfo=UTC)
YEAR = 366 * 24 * 3600


@dataclass(frozen=True)
class Shape:
    """source: where the shape is described. write: a file of it."""

    name: str
    source: str
    ending: str
    write: Writer


# -- Values ----------------------------------------------------------------------------------------


def whole(low: int, high: int, form: str = "{}") -> Maker:
    return lambda rng: form.format(rng.randint(low, high))


def number(low: float, high: float, decimals: int, comma: str = ".") -> Maker:
    return lambda rng: f"{rng.uniform(low, high):.{decimals}f}".replace(".", comma)


def amount(high: int, *, comma: str = ",", point: str = ".", form: str = "{}") -> Maker:
    """With marked thousands."""

    def make(rng: Random) -> str:
        text = f"{rng.uniform(-high / 10, high):,.2f}"
        return form.format(text.translate({ord(","): comma, ord("."): point}))

    return make


def at(form: str, step: int = 1) -> Maker:
    """A moment of the year 2024."""
    return lambda rng: (START + timedelta(seconds=rng.randrange(0, YEAR, step))).strftime(form)


def one_of(*values: Any) -> Maker:
    return lambda rng: rng.choice(values)


def text(*words: str) -> Maker:
    words = words or ("Zoë", "O'Brien", "Łódź", "東京", 'the "big" one', "a, b", "plain")
    return lambda rng: " ".join(rng.choice(words) for _ in range(rng.randint(1, 3)))


def code(length: int, letters: str = "0123456789abcdef") -> Maker:
    return lambda rng: "".join(rng.choice(letters) for _ in range(length))


def maybe(make: Maker, empty: Any = "", share: float = 0.15) -> Maker:
    return lambda rng: empty if rng.random() < share else make(rng)


def sometimes(make: Maker, share: float = 0.6) -> Maker:
    """What a JSON object may lack."""
    return lambda rng: make(rng) if rng.random() < share else LEFT_OUT


LEFT_OUT = object()


def obj(fields: Rows) -> Maker:
    def make(rng: Random) -> dict[str, Any]:
        made = {name: maker(rng) for name, maker in fields.items()}
        return {name: value for name, value in made.items() if value is not LEFT_OUT}

    return make


def many(make: Maker, most: int = 3) -> Maker:
    return lambda rng: [make(rng) for _ in range(rng.randint(0, most))]


def real(make: Maker) -> Maker:
    """A number instead of its text."""
    return lambda rng: json.loads(make(rng))


# -- Files -----------------------------------------------------------------------------------------


def table(
    columns: Rows,
    *,
    delimiter: str = ",",
    quoting: int = csv.QUOTE_MINIMAL,
    encoding: str = "utf-8",
    line_end: str = "\n",
) -> Writer:
    def write(rng: Random, rows: int) -> bytes:
        out = io.StringIO(newline="")
        writer = csv.writer(out, delimiter=delimiter, quoting=quoting, lineterminator=line_end)  # type: ignore[arg-type]
        writer.writerow(columns)
        writer.writerows([make(rng) for make in columns.values()] for _ in range(rows))
        return out.getvalue().encode(encoding, errors="replace")

    return write


def lines(columns: Rows) -> Writer:
    make = obj(columns)
    return lambda rng, rows: "".join(
        json.dumps(make(rng), ensure_ascii=False) + "\n" for _ in range(rows)
    ).encode()


def parquet(columns: Mapping[str, tuple[pa.DataType, Maker]], **how: Any) -> Writer:
    def write(rng: Random, rows: int) -> bytes:
        made = {
            name: pa.array([make(rng) for _ in range(rows)], kind)
            for name, (kind, make) in columns.items()
        }
        out = io.BytesIO()
        pq.write_table(pa.table(made), out, **how)
        return out.getvalue()

    return write


def moment(unit: int = 1) -> Maker:
    return lambda rng: START + timedelta(seconds=rng.randrange(YEAR), microseconds=unit)


def flag(rng: Random) -> bool:
    return rng.random() < 0.5


def integer(low: int, high: int) -> Maker:
    return lambda rng: rng.randint(low, high)


def double(low: float, high: float) -> Maker:
    return lambda rng: rng.uniform(low, high)


def euros(rng: Random) -> Decimal:
    return Decimal(rng.randint(0, 10**7)).scaleb(-2)


SECOND = "%Y-%m-%d %H:%M:%S"
ISO = "%Y-%m-%dT%H:%M:%SZ"
LATITUDE, LONGITUDE = number(-90, 90, 6), number(-180, 180, 6)

CSVS = [
    Shape(
        "NYC yellow taxi trips, CSV",
        "https://www.nyc.gov/site/tlc/about/tlc-trip-record-data.page",
        ".csv",
        table(
            {
                "VendorID": whole(1, 2),
                "tpep_pickup_datetime": at(SECOND),
                "tpep_dropoff_datetime": at(SECOND),
                "passenger_count": maybe(whole(0, 6)),
                "trip_distance": number(0, 30, 2),
                "RatecodeID": maybe(whole(1, 99)),
                "store_and_fwd_flag": one_of("Y", "N"),
                "PULocationID": whole(1, 265),
                "fare_amount": number(-20, 200, 1),
                "tip_amount": number(0, 50, 2),
                "total_amount": number(-20, 250, 2),
            },
            line_end="\r\n",
        ),
    ),
    Shape(
        "GTFS stops",
        "https://gtfs.org/documentation/schedule/reference/#stopstxt",
        ".txt",
        table(
            {
                "stop_id": whole(1, 99999, "{:05}"),
                "stop_code": maybe(whole(1, 9999)),
                "stop_name": text(),
                "stop_lat": LATITUDE,
                "stop_lon": LONGITUDE,
                "zone_id": maybe(one_of("A", "B", "1")),
                "location_type": maybe(whole(0, 4)),
                "parent_station": maybe(whole(1, 99999, "{:05}")),
                "wheelchair_boarding": maybe(whole(0, 2)),
            }
        ),
    ),
    Shape(
        "GTFS stop times",
        "https://gtfs.org/documentation/schedule/reference/#stop_timestxt",
        ".txt",
        table(
            {
                "trip_id": code(8),
                "arrival_time": lambda rng: f"{rng.randint(4, 26):02}:{rng.randint(0, 59):02}:00",
                "departure_time": lambda rng: f"{rng.randint(4, 26):02}:10:00",
                "stop_id": whole(1, 99999, "{:05}"),
                "stop_sequence": whole(1, 80),
                "pickup_type": maybe(whole(0, 3)),
                "shape_dist_traveled": maybe(number(0, 50, 5)),
            }
        ),
    ),
    Shape(
        "Citi Bike trips",
        "https://citibikenyc.com/system-data",
        ".csv",
        table(
            {
                "ride_id": code(16, "0123456789ABCDEF"),
                "rideable_type": one_of("electric_bike", "classic_bike"),
                "started_at": at(f"{SECOND}.%f"),
                "ended_at": at(f"{SECOND}.%f"),
                "start_station_name": maybe(text("W 21 St", "6 Ave", "E 17 St & Broadway")),
                "start_station_id": maybe(number(2000, 9000, 2)),
                "start_lat": number(40, 41, 8),
                "end_lat": maybe(number(40, 41, 8)),
                "member_casual": one_of("member", "casual"),
            },
            quoting=csv.QUOTE_NONNUMERIC,
        ),
    ),
    Shape(
        "OurAirports airports",
        "https://ourairports.com/data/",
        ".csv",
        table(
            {
                "id": whole(1, 500000),
                "ident": code(4, "ABCDEFGHIJKL"),
                "type": one_of("small_airport", "heliport", "closed"),
                "name": text(),
                "latitude_deg": number(-90, 90, 5),
                "elevation_ft": maybe(whole(-1200, 14000)),
                "iso_country": one_of("US", "DE", "NA"),
                "scheduled_service": one_of("yes", "no"),
                "home_link": maybe(text("https://example.org/a"), share=0.9),
            },
            quoting=csv.QUOTE_ALL,
        ),
    ),
    Shape(
        "IMDb title basics",
        "https://developer.imdb.com/non-commercial-datasets/",
        ".tsv",
        table(
            {
                "tconst": whole(1, 9999999, "tt{:07}"),
                "titleType": one_of("movie", "short", "tvEpisode"),
                "primaryTitle": text("Zoë", "The", "Łódź", "II"),
                "isAdult": whole(0, 1),
                "startYear": maybe(whole(1894, 2026), "\\N"),
                "endYear": maybe(whole(1950, 2026), "\\N", 0.8),
                "runtimeMinutes": maybe(whole(1, 600), "\\N"),
                "genres": maybe(one_of("Drama", "Comedy,Short"), "\\N"),
            },
            delimiter="\t",
        ),
    ),
    Shape(
        "Iris",
        "https://archive.ics.uci.edu/dataset/53/iris",
        ".csv",
        table(
            {
                "sepal_length": number(4, 8, 1),
                "sepal_width": number(2, 5, 1),
                "petal_length": number(1, 7, 1),
                "petal_width": number(0, 3, 1),
                "species": one_of("setosa", "versicolor", "virginica"),
            }
        ),
    ),
    Shape(
        "Titanic passengers",
        "https://www.kaggle.com/c/titanic/data",
        ".csv",
        table(
            {
                "PassengerId": whole(1, 891),
                "Survived": whole(0, 1),
                "Pclass": whole(1, 3),
                "Name": one_of('Duff Gordon, Lady. ("Mrs Morgan")', "Braund, Mr. Owen Harris"),
                "Sex": one_of("male", "female"),
                "Age": maybe(one_of("22", "0.75", "28.5"), share=0.2),
                "Ticket": one_of("A/5 21171", "113803", "LINE"),
                "Fare": number(0, 512, 4),
                "Cabin": maybe(one_of("C85", "B57 B59"), share=0.77),
                "Embarked": one_of("S", "C", "Q"),
            }
        ),
    ),
    Shape(
        "US Census population estimates",
        "https://www.census.gov/data/tables/time-series/demo/popest/2020s-counties-total.html",
        ".csv",
        table(
            {
                "SUMLEV": one_of("040", "050"),
                "REGION": one_of("1", "2", "3", "4", "X"),
                "STATE": whole(1, 56, "{:02}"),
                "COUNTY": whole(0, 840, "{:03}"),
                "CTYNAME": one_of("Doña Ana County", "Autauga County"),
                "POPESTIMATE2024": whole(50, 10_000_000),
                "RNETMIG2024": number(-40, 40, 9),
            },
            encoding="iso-8859-1",
        ),
    ),
    Shape(
        "Stripe balance report",
        "https://docs.stripe.com/reports/report-types",
        ".csv",
        table(
            {
                "balance_transaction_id": code(24),
                "created_utc": at(SECOND),
                "available_on_utc": at(SECOND, 86_400),
                "currency": one_of("usd", "eur"),
                "gross": number(-900, 9000, 2),
                "fee": number(0, 90, 2),
                "reporting_category": one_of("charge", "refund", "payout"),
                "description": maybe(text()),
                "customer_id": maybe(code(14)),
            },
            quoting=csv.QUOTE_ALL,
        ),
    ),
    Shape(
        "Shopify orders export",
        "https://help.shopify.com/en/manual/orders/export-orders",
        ".csv",
        table(
            {
                "Name": whole(1001, 99999, "#{}"),
                "Email": one_of("a@example.org", "b@example.org"),
                "Financial Status": maybe(one_of("paid", "refunded")),
                "Paid at": maybe(at(f"{SECOND} +0100")),
                "Subtotal": maybe(number(0, 900, 2)),
                "Lineitem quantity": whole(1, 9),
                "Lineitem price": number(1, 400, 2),
                "Billing Zip": maybe(whole(0, 99999, "'{:05}")),
                "Refunded Amount": maybe(number(0, 99, 2)),
                "Id": whole(10**12, 10**13),
                "Tax 1 Name": maybe(one_of("MwSt 19%"), share=0.5),
            }
        ),
    ),
    Shape(
        "Salesforce accounts export",
        "https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/",
        ".csv",
        table(
            {
                "Id": code(18, "0015gAZ"),
                "IsDeleted": one_of("false", "true"),
                "Name": text(),
                "AnnualRevenue": maybe(one_of("350000000.0", "5.0E7", "1.394E8")),
                "NumberOfEmployees": maybe(whole(1, 90000)),
                "CreatedDate": at("%Y-%m-%dT%H:%M:%S.000+0000"),
                "LastActivityDate": maybe(at("%Y-%m-%d"), share=0.5),
                "Description": maybe(one_of("two\nlines", "one line")),
            },
            quoting=csv.QUOTE_ALL,
        ),
    ),
    Shape(
        "SAP list, German notation",
        "https://help.sap.com/docs/SUPPORT_CONTENT/abap/3353526495.html",
        ".csv",
        table(
            {
                "Belegnummer": whole(1, 10**9, "{:010}"),
                "Buchungsdatum": at("%d.%m.%Y"),
                "Betrag": amount(500_000, comma=".", point=","),
                "Wahrung": one_of("EUR", "CHF"),
                "Menge": number(0, 900, 3, ","),
                "Text": maybe(one_of("Größe M", "Straße")),
            },
            delimiter=";",
            encoding="iso-8859-1",
            line_end="\r\n",
        ),
    ),
    Shape(
        "German bank, CAMT as CSV",
        "https://www.sparkasse.de/",
        ".csv",
        table(
            {
                "Auftragskonto": code(20, "0123456789"),
                "Buchungstag": at("%d.%m.%y"),
                "Valutadatum": at("%d.%m.%y"),
                "Verwendungszweck": one_of("Miete März", "Gehalt; Dank"),
                "Kontonummer/IBAN": whole(10**9, 10**10, "DE02{}"),
                "Betrag": number(-4000, 4000, 2, ","),
                "Waehrung": one_of("EUR"),
                "Glaeubiger ID": maybe(one_of("DE98ZZZ09999999999"), share=0.8),
            },
            delimiter=";",
            quoting=csv.QUOTE_ALL,
            encoding="cp1252",
        ),
    ),
    Shape(
        "NOAA global summary of the day",
        "https://www.ncei.noaa.gov/access/metadata/landing-page/bin/iso?id=gov.noaa.ncdc:C00516",
        ".csv",
        table(
            {
                "STATION": whole(1001099999, 99999999999, "{:011}"),
                "DATE": at("%Y-%m-%d"),
                "LATITUDE": maybe(number(-90, 90, 5)),
                "ELEVATION": number(-5, 4000, 1),
                "TEMP": number(-60, 120, 1),
                "TEMP_ATTRIBUTES": whole(4, 24, "{:2}"),
                "MAX": maybe(number(-60, 130, 1), "9999.9"),
                "PRCP": number(0, 9, 2),
                "FRSHTT": one_of("000000", "010000"),
            },
            quoting=csv.QUOTE_ALL,
        ),
    ),
    Shape(
        "World Bank indicators",
        "https://databank.worldbank.org/source/world-development-indicators",
        ".csv",
        table(
            {
                "Country Name": one_of("Côte d'Ivoire", "Egypt, Arab Rep."),
                "Country Code": one_of("CIV", "EGY"),
                "Series Code": one_of("NY.GDP.MKTP.CD", "SP.POP.TOTL"),
                "2022 [YR2022]": maybe(one_of("1234567", "0.123456789012345"), ".."),
                "2023 [YR2023]": maybe(one_of("1.5", "98765432109.8765"), ".."),
            },
            encoding="utf-8-sig",
        ),
    ),
    Shape(
        "OpenAddresses",
        "https://github.com/openaddresses/openaddresses",
        ".csv",
        table(
            {
                "LON": number(-180, 180, 7),
                "LAT": number(-90, 90, 7),
                "NUMBER": one_of("1", "12", "12A", "7-9"),
                "STREET": text("Rue", "de", "l'Église"),
                "UNIT": maybe(one_of("Apt 2", "3"), share=0.8),
                "POSTCODE": maybe(whole(0, 99999, "{:05}")),
                "HASH": code(16),
            }
        ),
    ),
    Shape(
        "MovieLens ratings",
        "https://grouplens.org/datasets/movielens/",
        ".csv",
        table(
            {
                "userId": whole(1, 160_000),
                "movieId": whole(1, 200_000),
                "rating": one_of("0.5", "3.0", "4.5"),
                "timestamp": whole(1_000_000_000, 1_700_000_000),
            }
        ),
    ),
    Shape(
        "Inside Airbnb listings",
        "https://insideairbnb.com/get-the-data/",
        ".csv",
        table(
            {
                "id": whole(10**6, 10**18),
                "last_scraped": at("%Y-%m-%d"),
                "description": maybe(one_of("Cosy<br />near\nthe lake", "“Nice”")),
                "host_response_rate": maybe(whole(0, 100, "{}%"), "N/A"),
                "host_is_superhost": maybe(one_of("t", "f")),
                "price": amount(3000, form="${}"),
                "reviews_per_month": maybe(number(0, 9, 2)),
            }
        ),
    ),
    Shape(
        "Our World in Data, COVID-19",
        "https://github.com/owid/covid-19-data/tree/master/public/data",
        ".csv",
        table(
            {
                "iso_code": one_of("AFG", "OWID_WRL"),
                "date": at("%Y-%m-%d"),
                "total_cases": maybe(number(0, 7e8, 1)),
                "new_cases_per_million": maybe(number(0, 9000, 3)),
                "tests_units": maybe(one_of("tests performed"), share=0.5),
                "population": whole(800, 8 * 10**9),
            }
        ),
    ),
]

COMMIT = obj(
    {"sha": code(40), "message": text(), "distinct": flag, "author": obj({"name": text()})}
)
JSONS = [
    Shape(
        "CloudTrail events",
        "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-examples.html",
        ".json",
        lines(
            {
                "eventVersion": one_of("1.08", "1.09"),
                "userIdentity": obj(
                    {
                        "type": one_of("IAMUser", "AssumedRole"),
                        "arn": code(20),
                        "accountId": whole(10**11, 10**12),
                        "sessionContext": sometimes(
                            obj(
                                {
                                    "attributes": obj(
                                        {
                                            "creationDate": at(ISO),
                                            "mfaAuthenticated": one_of("true", "false"),
                                        }
                                    )
                                }
                            )
                        ),
                    }
                ),
                "eventTime": at(ISO),
                "eventName": one_of("PutObject", "RunInstances"),
                "requestParameters": maybe(
                    obj({"bucketName": code(8), "x-amz-acl": sometimes(one_of("private"))}), None
                ),
                "resources": sometimes(many(obj({"type": code(4), "ARN": code(9)}))),
                "readOnly": flag,
                "errorCode": sometimes(one_of("AccessDenied"), 0.3),
            }
        ),
    ),
    Shape(
        "GitHub Archive events",
        "https://www.gharchive.org/",
        ".json",
        lines(
            {
                "id": whole(10**10, 10**11),
                "type": one_of("PushEvent", "WatchEvent"),
                "actor": obj(
                    {"id": integer(1, 10**8), "login": code(6), "gravatar_id": one_of("")}
                ),
                "repo": obj({"id": integer(1, 10**9), "name": code(9)}),
                "payload": obj(
                    {
                        "action": sometimes(one_of("started")),
                        "push_id": sometimes(integer(1, 10**11)),
                        "size": sometimes(integer(0, 20)),
                        "commits": sometimes(many(COMMIT)),
                    }
                ),
                "public": flag,
                "created_at": at(ISO),
                "org": sometimes(obj({"id": integer(1, 10**8), "login": code(5)}), 0.4),
            }
        ),
    ),
    Shape(
        "nginx access log as JSON",
        "https://nginx.org/en/docs/http/ngx_http_log_module.html",
        ".json",
        lines(
            {
                "time_iso8601": at("%Y-%m-%dT%H:%M:%S+00:00"),
                "msec": real(number(1.6e9, 1.8e9, 3)),
                "remote_addr": one_of("192.0.2.1", "2001:db8::1"),
                "request": one_of('GET /a?q="x" HTTP/1.1', "POST /b HTTP/2.0"),
                "status": whole(200, 504),
                "body_bytes_sent": integer(0, 10**7),
                "request_time": real(number(0, 9, 3)),
                "upstream_response_time": one_of("0.012", "-", "0.001, 0.002"),
            }
        ),
    ),
    Shape(
        "Google Analytics 4, BigQuery export",
        "https://support.google.com/analytics/answer/7029846",
        ".json",
        lines(
            {
                "event_date": at("%Y%m%d"),
                "event_timestamp": whole(17 * 10**14, 18 * 10**14),
                "event_name": one_of("page_view", "purchase"),
                "event_params": many(
                    obj(
                        {
                            "key": one_of("page", "value"),
                            "value": obj(
                                {
                                    "string_value": sometimes(text()),
                                    "int_value": sometimes(whole(0, 10**9)),
                                    "double_value": sometimes(real(number(0, 99, 2))),
                                }
                            ),
                        }
                    )
                ),
                "device": obj(
                    {"category": one_of("mobile"), "is_limited_ad_tracking": one_of("No")}
                ),
                "ecommerce": sometimes(obj({"purchase_revenue": real(number(0, 999, 2))})),
            }
        ),
    ),
    Shape(
        "Kafka Connect, Debezium envelope",
        "https://debezium.io/documentation/reference/stable/connectors/mysql.html",
        ".json",
        lines(
            {
                "before": maybe(obj({"id": integer(1, 9999), "email": code(5)}), None, 0.5),
                "after": maybe(obj({"id": integer(1, 9999), "email": code(5)}), None, 0.2),
                "source": obj(
                    {
                        "version": one_of("2.7.0.Final"),
                        "ts_ms": integer(1_700_000_000_000, 1_710_000_000_000),
                        "snapshot": one_of("false", "last"),
                        "table": one_of("customers"),
                        "pos": integer(4, 10**9),
                    }
                ),
                "op": one_of("c", "u", "d"),
                "ts_ms": integer(1_700_000_000_000, 1_710_000_000_000),
                "transaction": one_of(None),
            }
        ),
    ),
    Shape(
        "FHIR patients, bulk export",
        "https://hl7.org/fhir/uv/bulkdata/",
        ".ndjson",
        lines(
            {
                "resourceType": one_of("Patient"),
                "id": code(12),
                "meta": obj({"lastUpdated": at("%Y-%m-%dT%H:%M:%S.000+00:00")}),
                "active": sometimes(flag),
                "name": many(
                    obj({"family": text(), "given": many(text()), "use": one_of("official")})
                ),
                "birthDate": at("%Y-%m-%d"),
                "address": sometimes(
                    many(obj({"line": many(text()), "postalCode": whole(0, 99999, "{:05}")}))
                ),
                "multipleBirthInteger": sometimes(integer(1, 4), 0.3),
            }
        ),
    ),
    Shape(
        "Yelp businesses",
        "https://business.yelp.com/data/resources/open-dataset/",
        ".json",
        lines(
            {
                "business_id": code(22),
                "name": text(),
                "stars": real(number(1, 5, 1)),
                "review_count": integer(1, 9000),
                "is_open": integer(0, 1),
                "attributes": maybe(
                    obj(
                        {
                            "WiFi": sometimes(one_of("u'free'", "'no'")),
                            "ByAppointmentOnly": sometimes(one_of("True", "False")),
                        }
                    ),
                    None,
                ),
                "categories": maybe(one_of("Food, Tea Rooms"), None),
                "hours": maybe(obj({"Monday": one_of("8:0-18:30", "0:0-0:0")}), None),
            }
        ),
    ),
    Shape(
        "Elastic Common Schema logs",
        "https://www.elastic.co/docs/reference/ecs",
        ".json",
        lines(
            {
                "@timestamp": at("%Y-%m-%dT%H:%M:%S.123Z"),
                "log.level": one_of("info", "error"),
                "message": text(),
                "labels": obj({"env-name": one_of("prod"), "team/owner": one_of("core")}),
                "http": sometimes(obj({"response": obj({"status_code": integer(200, 599)})})),
                "tags": sometimes(many(code(4))),
            }
        ),
    ),
]

NS, US = pa.timestamp("ns"), pa.timestamp("us", "UTC")
PARQUETS = [
    Shape(
        "NYC yellow taxi trips, Parquet",
        "https://www.nyc.gov/site/tlc/about/tlc-trip-record-data.page",
        ".parquet",
        parquet(
            {
                "VendorID": (pa.int32(), integer(1, 7)),
                "tpep_pickup_datetime": (pa.timestamp("us"), moment()),
                "passenger_count": (pa.int64(), maybe(integer(0, 6), None)),
                "trip_distance": (pa.float64(), double(0, 30)),
                "store_and_fwd_flag": (pa.large_string(), maybe(one_of("Y", "N"), None)),
                "Airport_fee": (pa.float64(), maybe(double(0, 2), None)),
            },
            compression="zstd",
        ),
    ),
    Shape(
        "pandas.DataFrame.to_parquet",
        "https://pandas.pydata.org/docs/reference/api/pandas.DataFrame.to_parquet.html",
        ".parquet",
        parquet(
            {
                "Order ID": (pa.int64(), integer(1, 10**9)),
                "when": (NS, moment()),
                "kind": (pa.dictionary(pa.int8(), pa.string()), one_of("a", "b")),
                "score": (pa.float64(), maybe(double(-1, 1), None)),
                "__index_level_0__": (pa.int64(), integer(0, 10**6)),
            }
        ),
    ),
    Shape(
        "awswrangler.s3.to_parquet",
        "https://aws-sdk-pandas.readthedocs.io/en/stable/stubs/awswrangler.s3.to_parquet.html",
        ".parquet",
        parquet(
            {
                "id": (pa.int64(), integer(1, 10**9)),
                "day": (pa.date32(), lambda rng: moment()(rng).date()),
                "price": (pa.decimal128(12, 2), euros),
                "tags": (pa.list_(pa.string()), many(code(3))),
                "at": (NS, moment()),
            }
        ),
    ),
    Shape(
        "Spark with INT96",
        "https://spark.apache.org/docs/latest/sql-data-sources-parquet.html",
        ".parquet",
        parquet(
            {
                "id": (pa.int32(), integer(1, 10**9)),
                "at": (US, moment()),
                "nested": (
                    pa.struct([("eventId", pa.int64()), ("at", US)]),
                    maybe(obj({"eventId": integer(1, 9), "at": moment()}), None),
                ),
                "amount": (pa.decimal128(38, 18), euros),
            },
            use_deprecated_int96_timestamps=True,
        ),
    ),
    Shape(
        "DuckDB COPY TO",
        "https://duckdb.org/docs/stable/data/parquet/overview.html",
        ".parquet",
        parquet(
            {
                "id": (pa.uint32(), integer(0, 2**32 - 1)),
                "big": (pa.uint64(), integer(0, 2**64 - 1)),
                "tiny": (pa.int8(), integer(-128, 127)),
                "ok": (pa.bool_(), flag),
                "blob": (pa.binary(), lambda rng: rng.randbytes(4)),
                "m": (pa.map_(pa.string(), pa.int32()), lambda rng: [(code(2)(rng), 1)]),
            }
        ),
    ),
    Shape(
        "AWS Cost and Usage Report 2.0",
        "https://docs.aws.amazon.com/cur/latest/userguide/table-dictionary-cur2.html",
        ".parquet",
        parquet(
            {
                "bill_billing_period_start_date": (pa.timestamp("ms"), lambda rng: START),
                "line_item_unblended_cost": (pa.float64(), double(0, 9)),
                "line_item_usage_type": (pa.string(), code(6)),
                "resource_tags": (
                    pa.map_(pa.string(), pa.string()),
                    lambda rng: [("user_team", code(3)(rng))],
                ),
                "discount": (
                    pa.map_(pa.string(), pa.float64()),
                    maybe(lambda rng: [("edp", rng.random())], None),
                ),
            }
        ),
    ),
]
SHAPES = [*CSVS, *JSONS, *PARQUETS]
