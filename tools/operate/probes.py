"""The names of the files that `burst check` sends: nobody's data, so a replay leaves them out."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Literal

MARK = "burst-check"
# What the run that is to fail is given: an argument that the job refuses before it does anything.
BAD_ARGUMENT = {"--input_format": MARK}
Kind = Literal["good", "bad"]
_NAME = re.compile(rf"(^|/){MARK}-\d{{8}}T\d{{6}}Z-[0-9a-f]{{8}}-(good|bad)", re.ASCII)


def check_id(now: datetime, digits: str) -> str:
    """The id of one call of `burst check`. digits: eight hexadecimal ones that nobody else has."""
    return f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}-{digits}"


def probe_key(prefix: str, check: str, kind: Kind, ending: str) -> str:
    """The key of a probe under a pipeline's prefix; its name says what it is."""
    return f"{prefix}{MARK}-{check}-{kind}{ending}"


def is_probe(key: str) -> bool:
    """Whether a key is that of a probe."""
    return _NAME.search(key) is not None
