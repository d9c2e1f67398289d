"""Who is told of what, and what to look at."""
