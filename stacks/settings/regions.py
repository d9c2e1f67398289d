"""Which regions there are, and the partition that each is in.

botocore has the list, in a small file that is read without importing botocore. A region that AWS
opens later comes with the next release of the package; the AWS provider refuses regions that it
does not know as well (its argument `skip_region_validation`).
"""

from __future__ import annotations

import functools
import importlib.util
import json
import re
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, StringConstraints

REGION = r"^[a-z]{2,4}(-[a-z]+)+-\d$"


@functools.cache
def partitions() -> Mapping[str, str]:
    """The partition (`aws`, `aws-cn`, ...) of each region by the region's name."""
    found = importlib.util.find_spec("botocore")
    if found is None or found.origin is None:
        raise ModuleNotFoundError("no list of regions without botocore", name="botocore")
    file = Path(found.origin).parent / "data" / "partitions.json"
    document = json.loads(file.read_text(encoding="utf-8"))
    # The list also has names such as aws-global, of services without a region.
    return {
        region: partition["id"]
        for partition in document["partitions"]
        for region in partition["regions"]
        if re.match(REGION, region)
    }


def _known(region: str) -> str:
    known = partitions()
    if region in known:
        return region
    close = get_close_matches(region, sorted(known), n=3)
    near = f" (did you mean {' or '.join(map(repr, close))}?)" if close else ""
    raise ValueError(
        f"AWS has no such region{near}; if it is a new one, `pipenv update boto3` brings the "
        "list with it"
    )


Region = Annotated[str, StringConstraints(pattern=REGION), AfterValidator(_known)]
