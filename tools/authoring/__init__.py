"""A pipeline for one's own files: `burst new` and `burst try`."""
