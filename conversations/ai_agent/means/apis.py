"""Call APIs for tools: only addresses that an admin wrote down, through the address guard."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from django.conf import settings
from django.db import connection

from conversations.models import Secret, ToolApi
from conversations.webhooks.sender import outward_route
from integrations.contract.errors import CannotConnectError, ConnectorError, RateLimitedError
from integrations.http.client import HttpClient, open_session
from integrations.http.errors import VendorResponse

ANSWER_BYTES_MAX = 256 * 1024
# Which answers come back to the tool as they are; only what never arrived is an error.
_ANY_STATUS = range(300, 600)
_PLACE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_KEPT_HEADERS = ("content-type", "etag", "location", "retry-after", "last-modified")
_OWN_HEADERS = frozenset({"host", "content-length", "transfer-encoding", "connection", "cookie"})


def api_operations(project_id: int) -> dict[str, list[str]]:
    """Return the operations of each API, by their names."""
    rows = ToolApi.objects.filter(project_id=project_id)
    return {api.name: [one["name"] for one in api.operations] for api in rows}


def api_call(
    project_id: int, environment: str, asked: Mapping[str, Any], seconds: float
) -> dict[str, Any]:
    """Call one operation and return status, text and headers.

    Raises ValueError for a call that cannot be made, ConnectionError and TimeoutError for one that
    brought no answer; none of them quotes a header or a body.
    """
    api = ToolApi.objects.filter(project_id=project_id, name=asked["api"]).first()
    if api is None:
        raise ValueError(f"there is no API named {asked['api']}")
    url, method, given = _request(api, environment, asked)
    headers, secret = _headers(api, environment, given.pop("headers", None))
    if not connection.in_atomic_block:
        connection.close()
    timeout = min(seconds, float(api.timeout_seconds))
    body = given.pop("json", None)
    work = _send(f"{api.name}.{asked['operation']}", method, url, headers, body, timeout, secret)
    return asyncio.run(work)


def _request(
    api: ToolApi, environment: str, asked: Mapping[str, Any]
) -> tuple[str, str, dict[str, Any]]:
    """Return address and method, and the arguments that are no part of the address."""
    name = f"{api.name}.{asked['operation']}"
    operation = next((one for one in api.operations if one["name"] == asked["operation"]), None)
    if operation is None:
        raise ValueError(f"{api.name} has no operation {asked['operation']}")
    base = api.base_urls.get(environment)
    if not base:
        raise ValueError(f"{api.name} has no address for {environment}")
    given = dict(asked["given"])
    path = _PLACE.sub(lambda place: _filled(name, place[1], given), operation["path"])
    params = {**_object(name, "params", given.pop("params", None))}
    unknown = set(given) - {"json", "headers"}
    if unknown:
        more = {key: given.pop(key) for key in sorted(unknown)}
        params |= more
    query = {key: _text(name, key, value) for key, value in params.items() if value is not None}
    url = base.rstrip("/") + path + (f"?{urlencode(query)}" if query else "")
    return url, operation["method"], given


def _filled(name: str, place: str, given: dict[str, Any]) -> str:
    if given.get(place) in (None, ""):
        raise ValueError(f"{name} needs {place}=")
    text = quote(_text(name, place, given.pop(place)), safe="")
    # A dot segment would climb out of the path that the admin allowed.
    if text in (".", ".."):
        raise ValueError(f"{name}: {place} may not be {text}")
    return text


def _text(name: str, key: str, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise ValueError(f"{name}: {key} must be a text, a number or a bool")


def _object(name: str, key: str, value: object) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ValueError(f"{name}: {key} must be a dict")
    return value


def _headers(api: ToolApi, environment: str, given: object) -> tuple[dict[str, str], str]:
    """Return the headers of a call, and the secret in them."""
    headers = {
        str(key): _text(api.name, "headers", value)
        for key, value in _object(api.name, "headers", given).items()
    }
    for key in headers:
        if key.casefold() in _OWN_HEADERS or not re.fullmatch(r"[A-Za-z0-9-]{1,80}", key):
            raise ValueError(f"{api.name}: the header {key[:40]!r} cannot be set")
        if any(ord(sign) < 32 or ord(sign) > 255 for sign in headers[key]):
            raise ValueError(f"{api.name}: the header {key} holds signs that no header may")
    if not api.secret_name:
        return headers, ""
    secret = Secret.objects.filter(project_id=api.project_id, name=api.secret_name).first()
    value = secret.values.get(environment) if secret else None
    if not isinstance(value, str):
        raise ValueError(f"{api.name}: the secret {api.secret_name} has no text for {environment}")
    own = {key: text for key, text in headers.items() if key.casefold() != api.header_name.lower()}
    return {**own, api.header_name: api.header_prefix + value}, value


async def _send(
    operation: str,
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: object,
    timeout: float,
    secret: str,
) -> dict[str, Any]:
    async with open_session(
        allow_local=settings.ALLOW_LOCAL_AGENTS, route=outward_route()
    ) as session:
        http = HttpClient(
            session, allow_local=settings.ALLOW_LOCAL_AGENTS, secrets=[secret] if secret else []
        )
        try:
            answer = await http.request(
                operation,
                method,
                url,
                headers=headers,
                json=body,
                timeout=timeout,
                returns=_ANY_STATUS,
                max_bytes=ANSWER_BYTES_MAX,
            )
        except RateLimitedError as error:
            raise ConnectionError(f"{operation}: asked for a pause") from error
        except CannotConnectError as error:
            if error.reason == "timeout":
                raise TimeoutError(f"{operation} did not answer in {timeout:.0f} s") from error
            raise ConnectionError(http.without_secrets(str(error))) from error
        except ConnectorError as error:
            raise ConnectionError(http.without_secrets(str(error))) from error
    return _answer(url, answer)


def _answer(url: str, answer: VendorResponse) -> dict[str, Any]:
    kept = {name: answer.headers[name] for name in _KEPT_HEADERS if name in answer.headers}
    return {
        "status_code": answer.status,
        "text": answer.body.decode("utf-8", errors="replace").replace("\x00", "\ufffd"),
        "headers": kept,
        "url": url.partition("?")[0],
    }
