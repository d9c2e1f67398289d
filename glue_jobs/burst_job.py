"""The Glue job: empties a pipeline's part of the landing bucket into curated.

Glue runs this file alone, with burst.zip (the packages `burst` and `transforms`) on the path.
It returns where landing is empty, or the time was up and the next run goes on, or another run has
finished what this one began. A run that has to stop ends with an exception whose text is the
sentence for the person who has to act: Glue shows the exception as the run's `ErrorMessage`. Of
`sys.exit(1)` it would show "SystemExit: 1", and a `SystemExit` with code 0 counts as odd.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence

from botocore.exceptions import BotoCoreError, ClientError
from burst.contract import JobSpec
from burst.drain import drain
from burst.errors import AwsCallError, TakenOverError
from burst.metrics import CloudWatchMetrics
from burst.s3 import cloudwatch_client, s3_client
from burst.spark import SparkRowEngine
from urllib3.exceptions import HTTPError


def main(argv: Sequence[str]) -> None:
    """Run with the arguments that Glue passes; raises `BurstError` where the run has to stop."""
    logging.basicConfig(stream=sys.stdout, format="%(message)s", force=True)
    logging.getLogger("burst").setLevel(logging.INFO)
    args = JobSpec.from_arguments(argv)
    engine = SparkRowEngine(args.landing_bucket, args.format, args.transform, output=args.output)
    metrics = CloudWatchMetrics(cloudwatch_client, args.environment, args.pipeline)
    try:
        drain(args, s3=s3_client(), engine=engine, metrics=metrics)
    except TakenOverError as error:
        if not error.finished:
            raise
        print(error, file=sys.stderr)
    # urllib3's own error comes through where the line breaks while S3 explains a refusal.
    except (ClientError, BotoCoreError, HTTPError) as error:
        raise AwsCallError(
            f"A call to AWS failed, the next run goes on from here: {error}"
        ) from error
    finally:
        engine.stop()


if __name__ == "__main__":
    main(sys.argv[1:])
