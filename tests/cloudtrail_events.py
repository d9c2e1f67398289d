"""Events as CloudTrail puts them on the bus when somebody calls S3.

The envelope is that of the EventBridge user guide, "AWS service events delivered via AWS
CloudTrail"; ``detail`` is a CloudTrail record (CloudTrail user guide, "CloudTrail record contents")
with the request parameters that S3 logs (Amazon S3 user guide, "CloudTrail log file entries for
Amazon S3"). Only what a call needs is in its parameters here.
"""

from __future__ import annotations

from typing import Any

ACCOUNT = "123456789012"
REGION = "eu-central-1"
PRODUCER = "arn:aws:sts::123456789012:assumed-role/shop/upload"


def api_call(name: str, bucket: str, key: str, **parameters: str) -> dict[str, Any]:
    """The event of a call that S3 answered with success."""
    return {
        "version": "0",
        "id": "8d212f13-1111-4bbb-8a5e-8dd1d06f5a3c",
        "detail-type": "AWS API Call via CloudTrail",
        "source": "aws.s3",
        "account": ACCOUNT,
        "time": "2025-11-24T06:12:49Z",
        "region": REGION,
        "resources": [],
        "detail": {
            "eventVersion": "1.11",
            "userIdentity": {
                "type": "AssumedRole",
                "principalId": "AROAEXAMPLEEXAMPLE:upload",
                "arn": PRODUCER,
                "accountId": ACCOUNT,
            },
            "eventTime": "2025-11-24T06:12:49Z",
            "eventSource": "s3.amazonaws.com",
            "eventName": name,
            "awsRegion": REGION,
            "sourceIPAddress": "192.0.2.7",
            "userAgent": "[aws-cli/2.31.0]",
            "requestParameters": {
                "bucketName": bucket,
                "Host": f"{bucket}.s3.{REGION}.amazonaws.com",
                "key": key,
                **parameters,
            },
            "responseElements": {"x-amz-server-side-encryption": "AES256"},
            "additionalEventData": {
                "SignatureVersion": "SigV4",
                "bytesTransferredIn": 1024,
                "bytesTransferredOut": 0,
            },
            "requestID": "N4N7GDK58NMKJ12R",
            "eventID": "3b4f5c6d-2222-4ccc-9b6f-0f1e2d3c4b5a",
            "readOnly": False,
            "resources": [
                {"type": "AWS::S3::Object", "ARN": f"arn:aws:s3:::{bucket}/{key}"},
                {
                    "accountId": ACCOUNT,
                    "type": "AWS::S3::Bucket",
                    "ARN": f"arn:aws:s3:::{bucket}",
                },
            ],
            "eventType": "AwsApiCall",
            "managementEvent": False,
            "recipientAccountId": ACCOUNT,
            "eventCategory": "Data",
        },
    }


def refused_call(name: str, bucket: str, key: str) -> dict[str, Any]:
    """The event of a call that S3 refused."""
    event = api_call(name, bucket, key)
    event["detail"] |= {
        "errorCode": "AccessDenied",
        "errorMessage": "Access Denied",
        "responseElements": None,
    }
    return event
