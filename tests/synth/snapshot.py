"""All stacks in all their modes as files, to compare one state of the code with another.

    python -m tests.synth.snapshot write FOLDER      before a change
    python -m tests.synth.snapshot compare FOLDER    after it: exit code 1, and each difference
    python -m tests.synth.snapshot addresses         record those that test_addresses.py holds

Hashes of the job's code are masked: they change with every line of it.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import Any

from stacks.settings import StateBucket, parse_environments
from tests import example
from tests.synth.every_stack import STATE, with_everything
from tests.synth.every_stack import synthesize as synthesize_every_stack
from tests.synth.synthesis import synthesize_environments, synthesize_state_bucket
from tests.synth.synthesized import Synthesized
from tests.synth.test_addresses import ADDRESSES, addresses

_CODE_HASH = re.compile(r"(?<=-)[0-9a-f]{16}(?=\.)|(?<=/)[0-9a-fA-F]{16,32}(?=/)")


def masked(document: Any) -> Any:
    """The document without what depends on the bytes of the job's code."""
    return json.loads(_CODE_HASH.sub("HASH", json.dumps(document, sort_keys=True)))


class _Synth:
    """Synthesizes environments given as JSON data, each time into a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self._folders = (folder / str(number) for number in count())

    def __call__(self, environments: Any, *, loss: bool = False) -> Mapping[str, Synthesized]:
        settings = parse_environments(environments)
        return synthesize_environments(settings, next(self._folders), allow_data_loss=loss)

    def state_bucket(self, *, bootstrap: bool = False) -> Synthesized:
        bucket = StateBucket(name="states-of-the-team", region="eu-central-1")
        return synthesize_state_bucket(bucket, next(self._folders), bootstrap=bootstrap)


def every_stack(folder: Path) -> dict[str, Synthesized]:
    """The stacks that the security bar holds for, as the fixture of that name has them."""
    synth = _Synth(folder)
    return synthesize_every_stack(synth) | {STATE: synth.state_bucket()}


def every_mode() -> Iterator[tuple[str, Synthesized]]:
    """Every stack that the tests know, by a name that says its mode."""
    with tempfile.TemporaryDirectory() as folder:
        synth = _Synth(Path(folder))
        shipped = example.environments()
        yield from synth(shipped).items()
        yield from (
            (f"{name}, deletable", stack) for name, stack in synth(shipped, loss=True).items()
        )
        yield from synthesize_every_stack(synth).items()
        for mode, change in _changes().items():
            changed = with_everything(shipped["dev"]) | change
            yield from (
                (f"{name}, {mode}", stack) for name, stack in synth({"dev": changed}).items()
            )
        yield "state bucket", synth.state_bucket()
        yield "state bucket, bootstrap", synth.state_bucket(bootstrap=True)


def _changes() -> dict[str, Mapping[str, Any]]:
    with_job = {
        "orders": example.environments()["dev"]["pipelines"]["orders"]
        | {
            "paused": True,
            "sweep": "off",
            "suffix": None,
            "workflow_max_concurrent_runs": 4,
            "max_files_per_batch": 17,
            "input": {
                "format": "json",
                "unknown_columns": "drop",
                "columns": example.environments()["dev"]["pipelines"]["orders"]["input"]["columns"],
            },
        }
    }
    return {
        "cloud state": {"state": {"backend": "cloud", "organization": "acme"}, "github": None},
        "quiet": {"alerts": {"alarms": False, "dashboard": False, "quarantine": "off"}},
        "loud": {
            "alerts": {
                "quarantine": "burst",
                "emails": ["a@example.com"],
                "runbook_url": "https://example.com/runbook",
            }
        },
        "archive": {"retention": {"archive_move_days": 30, "archive_expire_days": 365}},
        "paused json": {"pipelines": with_job},
    }


def differences(before: Any, after: Any, path: str = "") -> Iterator[str]:
    """Where two documents differ, a line each."""
    if isinstance(before, dict) and isinstance(after, dict):
        for name in sorted({*before, *after}):
            here = f"{path}.{name}"
            if name not in after:
                yield f"{here}: gone, it was {before[name]!r:.200}"
            elif name not in before:
                yield f"{here}: new, {after[name]!r:.200}"
            else:
                yield from differences(before[name], after[name], here)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for place, pair in enumerate(zip(before, after, strict=True)):
            yield from differences(*pair, f"{path}[{place}]")
    elif before != after:
        yield f"{path}: {before!r:.200} -> {after!r:.200}"


def write(folder: Path) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    for name, stack in every_mode():
        text = json.dumps(masked(stack.document), indent=1, sort_keys=True)
        (folder / f"{name}.json").write_text(text, encoding="utf-8")
    return 0


def compare(folder: Path) -> int:
    """Print each difference; 1 where there is one."""
    after = {f"{name}.json": masked(stack.document) for name, stack in every_mode()}
    before = {
        file.name: json.loads(file.read_text(encoding="utf-8")) for file in folder.glob("*.json")
    }
    found = list(differences(before, after))
    print("\n".join(found) or f"{len(after)} stacks, no difference")
    return 1 if found else 0


def record_addresses() -> int:
    """Write `addresses.json`."""
    with tempfile.TemporaryDirectory() as folder:
        stacks = every_stack(Path(folder))
        recorded = {name: addresses(stack) for name, stack in stacks.items()}
    ADDRESSES.write_text(json.dumps(recorded, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    example.use_its_transform()
    match sys.argv[1:]:
        case ["write", folder]:
            sys.exit(write(Path(folder)))
        case ["compare", folder]:
            sys.exit(compare(Path(folder)))
        case ["addresses"]:
            sys.exit(record_addresses())
        case _:
            sys.exit(__doc__)
