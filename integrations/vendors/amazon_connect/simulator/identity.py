"""Who calls: users with access keys, assumed roles, bearers of tokens; and what they may do.

Signatures of Version 4 are really recomputed, from the request as it came, as in
docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import hmac
import re
import secrets
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote

from integrations.simulators.records import Records
from integrations.vendors.amazon_connect.simulator.protocol import AwsError
from integrations.vendors.amazon_connect.simulator.state import Chat, Switches

# What every token looks like from outside; nobody may read anything into it.
PREFIX = b"AQIDAHj"
SOCKET_PATH = "/participant-socket"


@dataclass(slots=True, kw_only=True)
class Grant:
    """What a secret stands for."""

    token: str
    kind: str
    chat_id: str
    participant_id: str
    subject: str = ""
    # For a file's address: how the file is to be shown.
    disposition: str = ""
    expires_at: float | None = None


class Tokens(Records[Grant]):
    """Gives out and recognises secrets; each kind is known apart from the others."""

    def __init__(self, now: Callable[[], float]) -> None:
        """Take the clock by which they expire."""
        super().__init__(Grant, "token")
        self._now = now

    def issue(self, kind: str, chat: Chat, **more: Any) -> str:
        """Return a new secret of a kind for a chat's customer."""
        token = base64.urlsafe_b64encode(PREFIX + secrets.token_bytes(96)).decode()
        who: dict[str, Any] = {
            "chat_id": chat.initial_contact_id,
            "participant_id": chat.customer.participant_id,
        }
        self.add(Grant(token=token, kind=kind, **who, **more))
        return token

    def good(self, kind: str, token: str) -> Grant | None:
        """Return what a secret stands for while it is good."""
        grant = self.get(token)
        if grant is None or grant.kind != kind:
            return None
        return grant if grant.expires_at is None or grant.expires_at > self._now() else None

    def expire(self, *kinds: str) -> None:
        """Let every secret of these kinds expire."""
        for grant in self.values():
            if grant.kind in kinds:
                grant.expires_at = 0


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


KEY_LETTERS = string.ascii_uppercase + string.digits


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who signed a request, and for which region."""

    arn: str
    user_id: str
    region: str
    is_user: bool


@dataclass(slots=True, kw_only=True)
class RoleSession:
    """The passing credentials of an assumed role."""

    access_key_id: str
    secret_access_key: str
    session_token: str
    role_id: str
    arn: str
    expires_at: float
    tags: dict[str, str]


class Identities(Records[RoleSession]):
    """Knows every access key and checks every signature."""

    def __init__(self, switches: Switches, now: Callable[[], float]) -> None:
        """Take the account's switches, and the clock by which passing credentials expire."""
        super().__init__(RoleSession, "access_key_id")
        self._switches = switches
        self._now = now

    def caller(self, request: SignedRequest, service: str, wall_clock: float) -> Caller:
        """Return who signed a request; raises AwsError unless the signature is good."""
        scope = read_scope(request, service)
        session = self.get(scope.key_id)
        check_signature(request, scope, lambda: self._secret(scope, request), wall_clock)
        if session is None:
            arn = f"arn:aws:iam::{self._switches.account_id}:user/portal"
            return Caller(
                arn=arn, user_id="AIDASIMULATEDPORTAL01", region=scope.region, is_user=True
            )
        if session.expires_at <= self._now():
            raise AwsError(
                "ExpiredTokenException", "The security token included in the request is expired"
            )
        return Caller(arn=session.arn, user_id=session.role_id, region=scope.region, is_user=False)

    def _secret(self, scope: Scope, request: SignedRequest) -> str:
        session = self.get(scope.key_id)
        token = request.headers.get("x-amz-security-token")
        if session is None and token is None:
            secret = self._switches.access_keys.get(scope.key_id)
            if secret is not None:
                return secret
        elif session is not None and token == session.session_token:
            return session.secret_access_key
        raise AwsError(
            "UnrecognizedClientException", "The security token included in the request is invalid."
        )

    def check_may(self, caller: Caller, action: str, resource: str) -> None:
        """Raise AwsError when no policy lets the caller do this."""
        if action in self._switches.denied_actions:
            raise AwsError(
                "AccessDeniedException",
                f"User: {caller.arn} is not authorized to perform: {action} "
                f"on resource: {resource}",
            )

    def open_session(
        self, *, role_arn: str, name: str, seconds: int, tags: Mapping[str, str]
    ) -> RoleSession:
        """Give out passing credentials for a role."""
        role = role_arn.rpartition("/")[2]
        account = role_arn.split(":")[4]
        session = RoleSession(
            access_key_id="ASIA" + "".join(secrets.choice(KEY_LETTERS) for _ in range(16)),
            secret_access_key=secrets.token_urlsafe(30),
            session_token=secrets.token_urlsafe(180),
            role_id=f"AROASIMULATEDROLE0001:{name}",
            arn=f"arn:aws:sts::{account}:assumed-role/{role}/{name}",
            expires_at=self._now() + seconds,
            tags=dict(tags),
        )
        return self.add(session)

    def expire_all(self) -> None:
        """Let the passing credentials expire; users' keys stay good."""
        for session in self.values():
            session.expires_at = 0
