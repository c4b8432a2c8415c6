"""Who calls: users with access keys, assumed roles with passing credentials, what they may do."""

from __future__ import annotations

import secrets
import string
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from integrations.vendors.amazon_connect.simulator.answers import AwsError
from integrations.vendors.amazon_connect.simulator.signing import (
    Scope,
    SignedRequest,
    check_signature,
    read_scope,
)
from integrations.vendors.amazon_connect.simulator.switches import Switches

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


class Identities:
    """Knows every access key and checks every signature."""

    def __init__(self, switches: Switches, now: Callable[[], float]) -> None:
        self._switches = switches
        self._now = now
        self._sessions: dict[str, RoleSession] = {}

    def caller(self, request: SignedRequest, service: str, wall_clock: float) -> Caller:
        """Return who signed a request; raises AwsError unless the signature is good."""
        scope = read_scope(request, service)
        session = self._sessions.get(scope.key_id)
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
        session = self._sessions.get(scope.key_id)
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
        self._sessions[session.access_key_id] = session
        return session

    def sessions(self) -> list[RoleSession]:
        """Return every session of an assumed role, oldest first."""
        return list(self._sessions.values())

    def expire_all(self) -> None:
        """Let the passing credentials expire; users' keys stay good."""
        for session in self._sessions.values():
            session.expires_at = 0

    def forget(self) -> None:
        """Know no passing credentials any more."""
        self._sessions.clear()

    def as_json(self) -> list[dict[str, Any]]:
        """Return everything a restart must keep."""
        return [asdict(session) for session in self._sessions.values()]

    def restore(self, kept: list[dict[str, Any]]) -> None:
        """Take over what `as_json` returned."""
        self._sessions = {one["access_key_id"]: RoleSession(**one) for one in kept}
