"""The simulated Security Token Service: AssumeRole and GetCallerIdentity, in its query protocol.

Imitates docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from botocore.model import Shape  # type: ignore[import-untyped]
from starlette.responses import Response

from integrations.vendors.amazon_connect.simulator.identity import Caller, SignedRequest
from integrations.vendors.amazon_connect.simulator.protocol import (
    AwsError,
    ModelError,
    check,
    operation,
    sts_answer,
    sts_error,
    xml_fields,
)
from integrations.vendors.amazon_connect.simulator.world import Instance

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
