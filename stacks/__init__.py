"""Everything that becomes Terraform: one module a part of the architecture."""
