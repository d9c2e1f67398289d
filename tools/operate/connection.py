"""The way to AWS: one session, and a client for each service."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from tools.operate.errors import InputError

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_glue import GlueClient
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient

THREADS = 16
# What the job's clock and ours, or Glue's, may differ by.
CLOCKS_APART = timedelta(minutes=5)

_CONFIG = Config(
    # This counts all attempts; throttling is waited out with growing pauses.
    retries={"mode": "standard", "total_max_attempts": 8},
    connect_timeout=10,
    read_timeout=60,
    max_pool_connections=2 * THREADS,
    # With botocore's default, a multipart upload gets an algorithm that its completion must then
    # repeat for every part; S3 checks the transfer all the same.
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
    request_checksum_calculation="when_required",
    user_agent_extra="burst-operate",
)


@dataclass(frozen=True)
class Connection:
    """Clients with credentials and endpoint from the usual AWS chain.

    region: of the deployment; what is deployed in one region is not to be found in another.
    endpoint_url: in place of the chain's (AWS_ENDPOINT_URL, profile); None leaves that.
    """

    region: str
    endpoint_url: str | None = None
    session: Any = field(default_factory=boto3.Session, repr=False)

    @cached_property
    def s3(self) -> S3Client:
        client: S3Client = self._client("s3")
        return client

    @cached_property
    def glue(self) -> GlueClient:
        client: GlueClient = self._client("glue")
        return client

    @cached_property
    def events(self) -> EventBridgeClient:
        client: EventBridgeClient = self._client("events")
        return client

    @cached_property
    def sqs(self) -> SQSClient:
        client: SQSClient = self._client("sqs")
        return client

    @cached_property
    def iam(self) -> IAMClient:
        client: IAMClient = self._client("iam")
        return client

    @cached_property
    def kms(self) -> KMSClient:
        client: KMSClient = self._client("kms")
        return client

    @cached_property
    def logs(self) -> CloudWatchLogsClient:
        client: CloudWatchLogsClient = self._client("logs")
        return client

    @cached_property
    def sns(self) -> SNSClient:
        client: SNSClient = self._client("sns")
        return client

    @cached_property
    def cloudwatch(self) -> CloudWatchClient:
        client: CloudWatchClient = self._client("cloudwatch")
        return client

    def _client(self, service: str) -> Any:
        try:
            return self.session.client(
                service, region_name=self.region, endpoint_url=self.endpoint_url, config=_CONFIG
            )
        except ValueError as error:
            raise InputError(
                f"{error}. Allowed is an address such as http://127.0.0.1:5000, in --endpoint-url, "
                "AWS_ENDPOINT_URL or the profile; leave all of them out for AWS itself."
            ) from error
