"""Signature Version 4 as the server checks it: really recomputed, from the request as it came.

Imitates docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html.
"""

from __future__ import annotations

import datetime
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote

from integrations.vendors.amazon_connect.simulator.answers import AwsError

ALGORITHM = "AWS4-HMAC-SHA256"
TOLERANCE_SECONDS = 15 * 60
_HEADER = re.compile(
    rf"{ALGORITHM}\s+Credential=(?P<key>[^/,\s]+)/(?P<date>\d{{8}})/(?P<region>[a-z0-9-]+)/"
    r"(?P<service>[a-z0-9-]+)/aws4_request,\s*SignedHeaders=(?P<headers>[^,\s]+),\s*"
    r"Signature=(?P<signature>[0-9a-f]{64})"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedRequest:
    """A request as it came over the wire; header names in lower case."""

    method: str
    raw_path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a signature was made for."""

    key_id: str
    date: str
    region: str
    service: str
    signed_headers: tuple[str, ...]
    signature: str

    @property
    def name(self) -> str:
        """Return the credential scope."""
        return f"{self.date}/{self.region}/{self.service}/aws4_request"


def read_scope(request: SignedRequest, service: str) -> Scope:
    """Return the scope of the Authorization header; raises AwsError for a missing or odd one."""
    header = request.headers.get("authorization")
    if not header:
        raise AwsError("MissingAuthenticationTokenException", "Missing Authentication Token")
    found = _HEADER.fullmatch(header.strip())
    if found is None:
        raise AwsError("IncompleteSignatureException", "The Authorization header is not SigV4.")
    scope = Scope(
        key_id=found["key"],
        date=found["date"],
        region=found["region"],
        service=found["service"],
        signed_headers=tuple(found["headers"].split(";")),
        signature=found["signature"],
    )
    if scope.service != service:
        raise _invalid(f"Credential should be scoped to correct service: '{service}'.")
    return scope


def check_signature(
    request: SignedRequest, scope: Scope, secret_of: Callable[[], str], now: float
) -> None:
    """Recompute the signature; raises AwsError when it differs or is too old."""
    stamp = request.headers.get("x-amz-date", "")
    needed = {"host", "x-amz-date", *({"x-amz-security-token"} & set(request.headers))}
    if not needed <= set(scope.signed_headers):
        raise _invalid("Host, X-Amz-Date and the security token must be among the SignedHeaders.")
    if abs(_seconds(stamp) - now) > TOLERANCE_SECONDS or not stamp.startswith(scope.date):
        raise _invalid("Signature expired: the request was signed at another time.")
    expected = _signature(_text_to_sign(request, scope, stamp), scope, secret_of())
    if not hmac.compare_digest(expected, scope.signature):
        raise _invalid(
            "The request signature we calculated does not match the signature you provided. "
            "Check your AWS Secret Access Key and signing method."
        )


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidSignatureException", message)


def _seconds(stamp: str) -> float:
    try:
        at = datetime.datetime.strptime(stamp, "%Y%m%dT%H%M%SZ")
    except ValueError as error:
        raise _invalid("X-Amz-Date is not a date.") from error
    return at.replace(tzinfo=datetime.UTC).timestamp()


def _text_to_sign(request: SignedRequest, scope: Scope, stamp: str) -> str:
    canonical = _canonical(request, scope)
    return "\n".join([ALGORITHM, stamp, scope.name, hashlib.sha256(canonical.encode()).hexdigest()])


def _canonical(request: SignedRequest, scope: Scope) -> str:
    pairs = parse_qsl(request.query, keep_blank_values=True)
    query = sorted((quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in pairs)
    headers = "".join(
        f"{name}:{' '.join(request.headers.get(name, '').split())}\n"
        for name in scope.signed_headers
    )
    return "\n".join(
        [
            request.method,
            # Every service but S3 signs the path with its escapes escaped again.
            quote(request.raw_path, safe="/-_.~"),
            "&".join(f"{name}={value}" for name, value in query),
            headers,
            ";".join(scope.signed_headers),
            hashlib.sha256(request.body).hexdigest(),
        ]
    )


def _signature(text: str, scope: Scope, secret: str) -> str:
    key = f"AWS4{secret}".encode()
    for part in (scope.date, scope.region, scope.service, "aws4_request", text):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key.hex()
