"""Runs a job's script as Glue does, and leaves the exception that ended it in a file.

Glue's `ErrorMessage` is the exception's name and text, also of the `SystemExit` that `sys.exit(1)`
raises. The log cannot tell: a script may also log an exception and go on. This file runs in the
job's process, so it needs nothing but the standard library.
"""

import runpy
import sys
from pathlib import Path


def main(error_file: Path, script: str) -> None:
    """Run the script as `__main__`, with the arguments that follow its name."""
    sys.argv = [script, *sys.argv[3:]]
    # As Python does for a script: its own folder instead of this file's.
    sys.path[0] = str(Path(script).parent)
    try:
        runpy.run_path(script, run_name="__main__")
    except BaseException as error:
        error_file.write_text(f"{type(error).__name__}: {error}", encoding="utf-8")
        raise


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
