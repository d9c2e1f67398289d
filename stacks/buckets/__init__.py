"""The buckets: landing, lake, and the trail of a bucket that somebody else manages."""
