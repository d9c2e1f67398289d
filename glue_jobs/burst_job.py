"""The Glue job: empties a pipeline's part of the landing bucket into curated.

Glue runs this file alone, with burst.zip (the packages `burst` and `transforms`) on the path.
Exit code 0: landing is empty, or the time was up and the next run goes on, or another run has
finished what this one began. 1: the run had to stop,
standard error says why. 2: an argument is missing or wrong. Glue marks a run FAILED when the code
is not 0.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence

from botocore.exceptions import BotoCoreError, ClientError
from burst.contract import JobSpec
from burst.drain import drain
from burst.errors import ArgumentError, BurstError, TakenOverError
from burst.metrics import CloudWatchMetrics
from burst.s3 import cloudwatch_client, s3_client
from burst.spark import SparkRowEngine
from urllib3.exceptions import HTTPError


def main(argv: Sequence[str]) -> int:
    """Run with the arguments that Glue passes; returns the exit code."""
    logging.basicConfig(stream=sys.stdout, format="%(message)s", force=True)
    logging.getLogger("burst").setLevel(logging.INFO)
    try:
        args = JobSpec.from_arguments(argv)
    except ArgumentError as error:
        print(error, file=sys.stderr)
        return 2
    engine = SparkRowEngine(args.landing_bucket, args.format, args.transform, output=args.output)
    metrics = CloudWatchMetrics(cloudwatch_client, args.environment, args.pipeline)
    try:
        drain(args, s3=s3_client(), engine=engine, metrics=metrics)
    except TakenOverError as error:
        print(error, file=sys.stderr)
        return 0 if error.finished else 1
    except BurstError as error:
        if error.__cause__ is not None:
            logging.getLogger("burst").error("The cause:", exc_info=error.__cause__)
        print(error, file=sys.stderr)
        return 1
    # urllib3's own error comes through where the line breaks while S3 explains a refusal.
    except (ClientError, BotoCoreError, HTTPError) as error:
        print(f"A call to AWS failed, the next run goes on from here: {error}", file=sys.stderr)
        return 1
    finally:
        engine.stop()
    return 0


if __name__ == "__main__":
    # Glue takes an exit at the end of a good run for odd; a plain end is a good end everywhere.
    if code := main(sys.argv[1:]):
        sys.exit(code)
