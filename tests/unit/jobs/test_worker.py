"""What a Python worker of Spark keeps from task to task, and what it does not."""

from __future__ import annotations

import importlib
import sys
import zipfile
from pathlib import Path
from zipimport import zipimporter

import pytest
from burst.spark.worker import forget_archives


def test_what_is_in_an_archive_can_be_imported_after_the_archive_was_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name in ("burst_worker_one", "burst_worker_two"):
            archive.writestr(f"{name}.py", f"NAME = {name!r}\n")
    monkeypatch.syspath_prepend(str(tmp_path / "a.zip"))

    assert importlib.import_module("burst_worker_one").NAME == "burst_worker_one"
    assert str(tmp_path / "a.zip") in sys.path_importer_cache
    forget_archives()
    # Nothing is left that Spark would have Python read before the next task.
    assert not [
        finder for finder in sys.path_importer_cache.values() if isinstance(finder, zipimporter)
    ]
    importlib.invalidate_caches()

    assert importlib.import_module("burst_worker_two").NAME == "burst_worker_two"
