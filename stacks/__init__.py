"""Everything that becomes Terraform: one module per part of the architecture.

Importing this package changes what the first `import cdktf` of the process does: the AWS bindings
then load only the resources that are used, instead of all 2,212 (see `stacks.lazy_bindings`).
`BURST_STOCK_BINDINGS=1` in the environment switches that off; the synthesized files are the same.
"""

import sys
from pathlib import Path

from stacks.lazy_bindings import activate

# Before anything can import the bindings, which must find both halves in place.
activate()

# The contract with the job is imported as `burst.contract`, under the name that it has on Glue.
_GLUE_JOBS = str(Path(__file__).resolve().parent.parent / "glue_jobs")
if _GLUE_JOBS not in sys.path:
    sys.path.append(_GLUE_JOBS)
