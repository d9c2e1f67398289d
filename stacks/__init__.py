"""Everything that becomes Terraform: one module a part of the architecture."""

from stacks.lazy_bindings import activate

# Before anything can import the bindings, which must find both halves in place.
activate()
