"""The commands about a sandbox that runs, or that ran. Each has a module."""
