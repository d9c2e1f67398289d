"""A pipeline for one's own files: `burst new`, `burst try` and `burst drift`."""
