"""The row engine that is shipped."""
