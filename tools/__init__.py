"""Programs for the people who run the pipeline."""

import sys
from pathlib import Path

# The job's package is imported as `burst`, as on Glue, where it lies at the top of a zip.
_GLUE_JOBS = str(Path(__file__).resolve().parent.parent / "glue_jobs")
if _GLUE_JOBS not in sys.path:
    sys.path.append(_GLUE_JOBS)
