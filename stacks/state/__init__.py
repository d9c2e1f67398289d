"""Where Terraform keeps the state."""
