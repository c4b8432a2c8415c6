"""Who calls: users with access keys, assumed roles, bearers of tokens; and what they may do.

Roles are lent by a simulated Security Token Service, in its query protocol, as in
docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html.
"""

from __future__ import annotations

import base64
import datetime
import secrets
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from botocore.model import Shape  # type: ignore[import-untyped]
from starlette.responses import Response

from integrations.simulators.records import Records
from integrations.vendors.amazon_connect.simulator.protocol import (
    AwsError,
    ModelError,
    Scope,
    SignedRequest,
    check,
    check_signature,
    operation,
    read_scope,
    sts_answer,
    sts_error,
    xml_fields,
)
from integrations.vendors.amazon_connect.simulator.state import Chat, Switches

if TYPE_CHECKING:
    from integrations.vendors.amazon_connect.simulator.world import Instance


# What every token looks like from outside; nobody may read anything into it.
PREFIX = b"AQIDAHj"
SOCKET_PATH = "/participant-socket"
KEY_LETTERS = string.ascii_uppercase + string.digits
VERSION = "2011-06-15"
LONGEST_SESSION_SECONDS = 3600
DEFAULT_SESSION_SECONDS = 3600
# The name of a refusal in the rest-json services -> its name here.
NAMES = {
    "AccessDeniedException": "AccessDenied",
    "ExpiredTokenException": "ExpiredToken",
    "IncompleteSignatureException": "IncompleteSignature",
    "InvalidSignatureException": "SignatureDoesNotMatch",
    "MissingAuthenticationTokenException": "MissingAuthenticationToken",
    "UnrecognizedClientException": "InvalidClientTokenId",
}


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


# -- The Security Token Service ------------------------------------------------------------------


def answer_sts(instance: Instance, request: SignedRequest, wall_clock: float) -> Response:
    """Answer one call."""
    try:
        fields = dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
        caller = instance.identities.caller(request, "sts", wall_clock)
        return _answer(instance, caller, fields)
    except AwsError as error:
        name = NAMES.get(error.name, error.name)
        return sts_error(name, error.message, error.status)
    except ModelError as error:
        return sts_error("ValidationError", f"1 validation error detected: {error}", 400)


def _answer(instance: Instance, caller: Caller, fields: Mapping[str, str]) -> Response:
    action = fields.get("Action")
    if fields.get("Version") != VERSION or action not in ("AssumeRole", "GetCallerIdentity"):
        raise AwsError(
            "InvalidAction", f"Could not find operation {action} for version {VERSION}", status=400
        )
    found = operation("sts", action).input_shape
    values = {k: v for k, v in fields.items() if k not in ("Action", "Version")}
    given = _structure(found, values)
    check(found, given)
    if action == "AssumeRole":
        return _assume_role(instance, caller, given)
    account = instance.switches.account_id
    who = {"Arn": caller.arn, "UserId": caller.user_id, "Account": account}
    return sts_answer(action, xml_fields(who))


def _assume_role(instance: Instance, caller: Caller, given: Mapping[str, Any]) -> Response:
    _check_trust(instance, caller, given)
    seconds = given.get("DurationSeconds", DEFAULT_SESSION_SECONDS)
    if seconds > LONGEST_SESSION_SECONDS:
        raise AwsError(
            "ValidationError",
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        )
    session = instance.identities.open_session(
        role_arn=given["RoleArn"],
        name=given["RoleSessionName"],
        seconds=seconds,
        tags={tag["Key"]: tag["Value"] for tag in given.get("Tags", [])},
    )
    expires = datetime.datetime.fromtimestamp(session.expires_at, tz=datetime.UTC)
    credentials = {
        "AccessKeyId": session.access_key_id,
        "SecretAccessKey": session.secret_access_key,
        "SessionToken": session.session_token,
        "Expiration": expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    user = {"AssumedRoleId": session.role_id, "Arn": session.arn}
    return sts_answer(
        "AssumeRole",
        f"<AssumedRoleUser>{xml_fields(user)}</AssumedRoleUser>"
        f"<Credentials>{xml_fields(credentials)}</Credentials>",
    )


def _check_trust(instance: Instance, caller: Caller, given: Mapping[str, Any]) -> None:
    switches = instance.switches
    is_trusted = (
        given["RoleArn"] == switches.role_arn
        and switches.may_assume_role
        and switches.external_id in ("", given.get("ExternalId"))
    )
    denied = None if is_trusted else "sts:AssumeRole"
    if is_trusted and given.get("Tags") and not switches.may_tag_session:
        denied = "sts:TagSession"
    if denied:
        raise AwsError(
            "AccessDeniedException",
            f"User: {caller.arn} is not authorized to perform: {denied} "
            f"on resource: {given['RoleArn']}",
        )
    instance.identities.check_may(caller, "sts:AssumeRole", given["RoleArn"])


def _structure(shape: Shape, fields: Mapping[str, str]) -> dict[str, Any]:
    """Undo the query protocol's flattening: Tags.member.1.Key becomes a list of structures."""
    given: dict[str, Any] = {}
    for name in {key.partition(".")[0] for key in fields}:
        if name not in shape.members:
            raise ModelError(f"{name} is not a member of the request.")
        given[name] = _value(shape.members[name], name, fields)
    return given


def _value(shape: Shape, name: str, fields: Mapping[str, str]) -> Any:
    if shape.type_name == "list":
        below = _below(fields, f"{name}.member.")
        numbers = sorted({key.partition(".")[0] for key in below}, key=lambda n: (len(n), n))
        return [_value(shape.member, number, below) for number in numbers]
    if shape.type_name == "structure":
        return _structure(shape, _below(fields, f"{name}."))
    text = fields.get(name, "")
    return int(text) if shape.type_name == "integer" and text.lstrip("-").isdigit() else text


def _below(fields: Mapping[str, str], prefix: str) -> dict[str, str]:
    return {key[len(prefix) :]: v for key, v in fields.items() if key.startswith(prefix)}
