"""How many requests a run has on their way to S3.

Under one prefix S3 serves 3,500 copies and deletes or 5,500 reads a second, and answers a small
request after 100 to 200 ms. So a few hundred at a time are what it can take: fewer leave a small
cluster waiting, and more bring a large one nothing but SlowDown.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html
"""

from __future__ import annotations

# Of the whole run.
REQUESTS = 256
# Of one process: fewer do not pay, and with more it is Python that is busy.
FEWEST, MOST = 8, 128


def threads_each(processes: int) -> int:
    """Threads for each of so many processes that ask S3 at the same time."""
    return min(MOST, max(FEWEST, REQUESTS // processes))
