"""Everything that becomes Terraform: one module per part of the architecture.

Importing this package changes what the first `import cdktf` of the process does: the AWS bindings
then load only the resources that are used, instead of all 2,212 (see `stacks.lazy_bindings`).
`BURST_STOCK_BINDINGS=1` in the environment switches that off; the synthesized files are the same.
"""

from stacks.lazy_bindings import activate

# Before anything can import the bindings, which must find both halves in place.
activate()
