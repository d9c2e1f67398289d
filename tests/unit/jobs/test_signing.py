"""The short way to S3 signs as botocore does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials
from burst.s3.signing import Signer
from hypothesis import given
from hypothesis import strategies as st

KEY = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30)
WORD = st.text("abcXYZ019._-+/=", min_size=1, max_size=20)


@given(key=KEY, version=st.none() | WORD, secret=WORD, token=st.none() | WORD, port=st.booleans())
def test_signature_is_botocore_s(
    key: str, version: str | None, secret: str, token: str | None, port: bool
) -> None:
    host = "landing.s3.eu-west-1.amazonaws.com" + (":8080" if port else "")
    target = "/" + quote(key, safe="/~")
    if version:
        target += f"?versionId={quote(version, safe='~')}"
    headers = {"if-match": '"e"', "x-amz-copy-source": quote(f"/{host}/{key}", safe="/~")}
    keys = ReadOnlyCredentials("AKID", secret, token)
    request = AWSRequest("PUT", f"https://{host}{target}", headers)
    # Without a body botocore hashes it only where there is no TLS; both are allowed.
    request.context["payload_signing_enabled"] = True
    S3SigV4Auth(keys, "s3", "eu-west-1").add_auth(request)
    at = datetime.strptime(request.context["timestamp"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    signer = Signer("eu-west-1")
    # The key of another day or secret is not taken for this one's.
    signer.signed("GET", host, target, {}, keys, at - timedelta(days=1))

    signed = signer.signed("PUT", host, target, headers, keys, at)

    theirs = {name.lower(): value for name, value in request.headers.items()}
    assert signed == {"host": host, **theirs}
