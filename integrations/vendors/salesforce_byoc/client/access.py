"""The Connected App of a channel: tokens by a signed JWT, or by its consumer secret."""

from __future__ import annotations

from collections.abc import Mapping

from integrations.contract.connector import TokenCache
from integrations.http.client import HttpClient
from integrations.http.org_access import OrgAccess, OrgApp, jwt_form, secret_form

JWT_BEARER, CLIENT_CREDENTIALS = "jwt_bearer", "client_credentials"


def channel_access(
    http: HttpClient, cache: TokenCache, credentials: Mapping[str, str]
) -> OrgAccess:
    """Return the tokens of a connection."""
    host = _host(credentials)

    def form() -> Mapping[str, str]:
        key = credentials.get("consumer_key", "")
        if not _is_jwt(credentials):
            return secret_form(client_id=key, client_secret=credentials.get("consumer_secret", ""))
        return jwt_form(
            client_id=key,
            user=credentials.get("integration_user", ""),
            audience=host,
            private_key=credentials.get("private_key", ""),
            field_name="private_key",
        )

    app = OrgApp(
        token_url=f"{host}/services/oauth2/token",
        form=form,
        key_field="consumer_key",
        user_field="integration_user",
    )
    return OrgAccess(http, cache, app)


def _is_jwt(credentials: Mapping[str, str]) -> bool:
    return credentials.get("oauth_flow") != CLIENT_CREDENTIALS


def _host(credentials: Mapping[str, str]) -> str:
    """Return where to ask: My Domain for client credentials, which login hosts refuse."""
    host = credentials.get("login_host", "")
    if _is_jwt(credentials) and "." in host:
        return f"https://{host}"
    return credentials.get("instance_url", "").rstrip("/")
