"""Each guarantee in docs/guarantees.md names tests that prove it, and they are there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_guarantee_names_tests_that_are_there() -> None:
    page = (ROOT / "docs" / "guarantees.md").read_text(encoding="utf-8")
    section = page.partition("\n## ")[0]
    guarantees = re.split(r"^\d+\. ", section, flags=re.M)[1:]
    files = {path.name for path in (ROOT / "tests").rglob("test_*.py")}

    assert len(guarantees) == 6
    for guarantee in guarantees:
        _, proven, proof = guarantee.partition("*Proven by*")
        assert proven, guarantee
        names = re.findall(r"`([^`]*(?:tests/|test_)[^`]*)`", proof)
        assert names, guarantee
        for name in names:
            assert (ROOT / name).exists() or name in files, name
