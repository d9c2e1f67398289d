"""What of `_rescued` still needs somebody: one answer for `burst status` and `burst drift`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from pathlib import Path

from burst.contract import Column

from tools.operate.history import Batch
from tools.operate.replays.records import DoneReplay


def replaced_batches(replays: Iterable[DoneReplay]) -> frozenset[str]:
    """The batches whose rows a replay has removed: what was rescued of them counts for nothing."""
    return frozenset(output.batch for replay in replays for output in replay.outputs)


def taken_by_now(columns: Iterable[Column], bad_values: str) -> frozenset[str]:
    """Names in the files that a column has taken since it was declared; a replay fills it in.

    Where the input rescues values that do not fit, a declared name tells nothing: its values decide
    (`burst drift` reads them).
    """
    if bad_values == "rescue":
        return frozenset()
    return frozenset(column.in_file for column in columns)


def unclaimed(
    batches: Iterable[Batch], replaced: AbstractSet[str], taken: AbstractSet[str]
) -> dict[str, int]:
    """By name, in how many rows of these batches no column takes a value, now as then."""
    rows: Counter[str] = Counter()
    for batch in batches:
        if batch.batch not in replaced:
            rows.update({name: n for name, n in batch.rescued.items() if name not in taken})
    return dict(rows)


def taken_by_settings(file: Path, environment: str, pipeline: str) -> frozenset[str]:
    """The same by the settings in this cdktf.json; nothing where they do not have the pipeline."""
    # Here: pydantic is not needed as long as nothing was rescued.
    from stacks.pipeline.spec import input_columns
    from stacks.settings import SettingsError, read_settings

    try:
        found = read_settings(file).environments[environment].pipelines[pipeline].input
    except (SettingsError, OSError, KeyError):
        return frozenset()
    return taken_by_now(input_columns(found.columns), found.bad_values)
