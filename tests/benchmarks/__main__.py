"""`pipenv run bench <name>` runs one benchmark of this folder."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path


def main() -> int:
    here = Path(__file__).parent
    names = sorted(
        file.stem for file in here.glob("*.py") if "def main(" in file.read_text(encoding="utf-8")
    )
    names.remove("__main__")
    if len(sys.argv) < 2 or sys.argv[1] not in names:
        print(f"Say which benchmark to run: {', '.join(names)}.", file=sys.stderr)
        return 2
    # As pytest has it: the job's package lies where Glue would put it.
    sys.path.insert(0, str(here.parents[1] / "glue_jobs"))
    benchmark = importlib.import_module(f"tests.benchmarks.{sys.argv[1]}")
    result: int = benchmark.main(sys.argv[2:])
    return result


if __name__ == "__main__":
    sys.exit(main())
