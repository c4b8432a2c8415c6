"""Ask the OpenID provider: its addresses, its keys, and who came back with a code."""

from __future__ import annotations

import base64
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from asgiref.sync import async_to_sync
from django.conf import settings

from integrations.contract.errors import ConnectorError
from integrations.entry.single_sign_on.refusals import SignOnRefusedError
from integrations.http.client import HttpClient, open_session
from integrations.http.route import Route
from integrations.http.url_guard import url_problem

logger = logging.getLogger(__name__)
KEPT_SECONDS = 3600
_DISCOVERY = "/.well-known/openid-configuration"
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """What the provider says of itself."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str
    end_session_endpoint: str
    algorithms: tuple[str, ...]
    takes_basic: bool


_kept: dict[str, tuple[float, Any]] = {}


def is_set_up() -> bool:
    """Say whether the operator has named a provider."""
    return bool(settings.SINGLE_SIGN_ON_ISSUER and settings.SINGLE_SIGN_ON_CLIENT_ID)


def provider_get() -> Provider:
    """Return the provider as it describes itself, asked once an hour; raises SignOnRefusedError."""
    issuer: str = settings.SINGLE_SIGN_ON_ISSUER
    return _once_an_hour(issuer, lambda: _described(issuer))  # type: ignore[no-any-return]


def keys_get(provider: Provider, *, anew: bool = False) -> Mapping[str, Any]:
    """Return the provider's set of keys; `anew` for a key that came since."""
    if anew:
        _kept.pop(provider.jwks_uri, None)
    return _once_an_hour(provider.jwks_uri, lambda: _asked("keys", "GET", provider.jwks_uri))  # type: ignore[no-any-return]


def tokens_for(provider: Provider, *, code: str, verifier: str, back: str) -> Mapping[str, Any]:
    """Exchange a code; raises SignOnRefusedError."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": back,
        "code_verifier": verifier,
    }
    name, secret = settings.SINGLE_SIGN_ON_CLIENT_ID, settings.SINGLE_SIGN_ON_CLIENT_SECRET
    headers = {}
    if secret and provider.takes_basic:
        headers["Authorization"] = _basic(name, secret)
    else:
        form["client_id"] = name
        if secret:
            form["client_secret"] = secret
    return _asked("token", "POST", provider.token_endpoint, headers=headers, data=form)


def person_at(provider: Provider, access_token: str) -> Mapping[str, Any]:
    """Return what the provider tells of a person beside the token; nothing where it tells none."""
    if not provider.userinfo_endpoint or not access_token:
        return {}
    headers = {"Authorization": f"Bearer {access_token}"}
    return _asked("userinfo", "GET", provider.userinfo_endpoint, headers=headers)


def _described(issuer: str) -> Provider:
    said = _asked("discovery", "GET", issuer.rstrip("/") + _DISCOVERY)
    texts = {name: _text(said, name) for name in (*_ENDPOINTS, "issuer")}
    problems = [url_problem(texts[name], allow_local=_allow_local()) for name in _ENDPOINTS]
    if texts["issuer"] != issuer or any(problems):
        logger.warning("The OpenID provider's description does not fit its issuer")
        raise SignOnRefusedError("provider")
    algorithms = said.get("id_token_signing_alg_values_supported")
    methods = said.get("token_endpoint_auth_methods_supported")
    return Provider(
        **texts,
        userinfo_endpoint=_text(said, "userinfo_endpoint"),
        end_session_endpoint=_text(said, "end_session_endpoint"),
        algorithms=tuple(map(str, algorithms)) if isinstance(algorithms, list) else ("RS256",),
        takes_basic=not isinstance(methods, list) or "client_secret_basic" in methods,
    )


def _once_an_hour(key: str, ask: Any) -> Any:
    at, value = _kept.get(key, (0.0, None))
    if value is None or time.monotonic() - at > KEPT_SECONDS:
        value = ask()
        _kept[key] = (time.monotonic(), value)
    return value


def _asked(operation: str, method: str, url: str, **more: Any) -> Mapping[str, Any]:
    try:
        said = async_to_sync(_request)(operation, method, url, more)
    except ConnectorError as error:
        logger.warning("The OpenID provider could not be used: %s: %s", operation, error.code)
        raise SignOnRefusedError("provider") from error
    if not isinstance(said, dict):
        raise SignOnRefusedError("provider")
    return said


async def _request(operation: str, method: str, url: str, more: dict[str, Any]) -> object:
    route = Route(
        proxy=settings.VENDOR_PROXY,
        no_proxy=settings.VENDOR_NO_PROXY,
        ca_bundle=settings.VENDOR_CA_BUNDLE,
    )
    async with open_session(allow_local=_allow_local(), route=route) as session:
        http = HttpClient(session, allow_local=_allow_local())
        headers = {"Accept": "application/json", **more.pop("headers", {})}
        answer = await http.request(operation, method, url, headers=headers, **more)
        return answer.json()


def _basic(name: str, secret: str) -> str:
    """Write client credentials as RFC 6749 2.3.1 asks: each part is form-encoded first."""
    pair = f"{quote(name, safe='')}:{quote(secret, safe='')}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


def _text(said: Mapping[str, Any], name: str) -> str:
    value = said.get(name, "")
    return value if isinstance(value, str) else ""


def _allow_local() -> bool:
    return bool(settings.ALLOW_LOCAL_AGENTS)
