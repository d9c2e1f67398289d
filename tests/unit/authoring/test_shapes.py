"""Inference against the shapes of public files: what is inferred takes later files as well."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from random import Random

import pytest
from burst.parsing import ParseError

from tests.unit.authoring.shapes import SHAPES, Shape
from tools.authoring.inference import Inference, infer
from tools.authoring.layout import read
from tools.authoring.samples import Sample, read_samples
from tools.operate.errors import InputError

CASES = Path(__file__).parents[2] / "jobs" / "cases"
LEAST_SHARE = 0.95
# A sample has fewer rows than what comes later.
SAMPLE_ROWS, LATER_ROWS = 40, 150


def sample_of(shape: Shape, seed: int, rows: int) -> Sample:
    body = shape.write(Random(f"{shape.name} {seed}"), rows)
    return Sample(f"{seed}{shape.ending}", body)


def refusal(sample: Sample, found: Inference) -> str | None:
    try:
        for _ in read(sample, found.format):
            pass
    except ParseError as error:
        return str(error)
    return None


def can_be_known(reason: str, found: Inference) -> bool:
    """Whether the sample had a value from which the type could have been told."""
    undecided = [one.name for one in found.findings if one.undecided]
    undecided += [
        path for one in found.findings for path, _, why in one.inside if "all empty" in why
    ]
    return not any(f"'{name}'" in reason for name in undecided)


def accepted(shape: Shape, times: int) -> Counter[str]:
    """How many later files are taken, refused, or have what could not be known."""
    counted: Counter[str] = Counter()
    for seed in range(1, times + 1):
        found = infer([sample_of(shape, -seed, SAMPLE_ROWS)])
        reason = refusal(sample_of(shape, seed, LATER_ROWS), found)
        kind = "taken" if reason is None else "refused"
        if reason and not can_be_known(reason, found):
            kind = "unknown"
        counted[kind] += 1
        if kind == "refused":
            print(f"{shape.name}: {reason}")
    return counted


def assert_share(counted: Counter[str], capsys: pytest.CaptureFixture[str]) -> None:
    share = counted["taken"] / (counted["taken"] + counted["refused"])
    with capsys.disabled():
        print(f"\n  {len(SHAPES)} shapes: {dict(counted)}, {share:.1%} of later files taken")
    assert share >= LEAST_SHARE


def test_there_are_at_least_thirty_shapes_each_with_its_source() -> None:
    assert len({shape.name for shape in SHAPES}) == len(SHAPES) >= 30
    assert all(shape.source.startswith("https://") for shape in SHAPES)


def test_later_files_are_taken_by_what_a_sample_says(capsys: pytest.CaptureFixture[str]) -> None:
    counted = sum((accepted(shape, 2) for shape in SHAPES), Counter())
    assert_share(counted, capsys)


@pytest.mark.full
def test_hundred_later_files_are_taken(capsys: pytest.CaptureFixture[str]) -> None:
    counted = sum((accepted(shape, 100) for shape in SHAPES), Counter())
    assert_share(counted, capsys)


@pytest.mark.parametrize("file", sorted(CASES.iterdir()), ids=lambda file: file.name)
def test_file_of_a_bug_report_is_read_or_refused_in_a_sentence(file: Path) -> None:
    try:
        found = infer(read_samples([str(file)]))
    except InputError as error:
        said = str(error)
    else:
        said = ""
        assert found.rows > 0
    refused = {"double_gzip.csv.gz": "compressed twice", "parquet_crc_mismatch.parquet": "CRC"}
    assert refused.get(file.name, "") in said
    assert bool(said) == (file.name in refused)
