"""The part of the REST API that records need: one method for each endpoint."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from integrations.contract.connector import TokenCache
from integrations.contract.errors import ConnectorError, InvalidRoutingError, RateLimitedError
from integrations.http.client import REQUEST_SECONDS, HttpClient
from integrations.http.errors import StatusTable, VendorResponse, status_error
from integrations.http.org_access import OrgAccess, OrgApp, jwt_form, secret_form
from integrations.kit.json_values import Json, as_object, as_objects, as_text
from integrations.kit.pasted import bare_address
from integrations.vendors.salesforce_crm.manifest import JWT_BEARER, PASSWORD

API = "/services/data/v60.0"
_NOT_FOUND = 404
_NO_ACCESS_TO_KIND: StatusTable = {_NOT_FOUND: InvalidRoutingError}
# A daily or hourly limit of the organization comes as 403, not as 429.
_LIMIT = "REQUEST_LIMIT_EXCEEDED"


class CrmClient:
    """One organization's records, in the name of the app's user."""

    def __init__(
        self, http: HttpClient, tokens: TokenCache, credentials: Mapping[str, str]
    ) -> None:
        """Keep where to call, and how tokens are asked for."""
        self._http = http
        self._base = credentials.get("base_url", "").rstrip("/")
        self.access = OrgAccess(http, tokens, _app(credentials))

    async def describe(self, kind: str, *, timeout: float = REQUEST_SECONDS) -> Json:
        """Return what the user may see of a kind of record; InvalidRoutingError for nothing."""
        answer = await self._call(
            "describe",
            "GET",
            f"/sobjects/{kind}/describe",
            timeout=timeout,
            statuses=_NO_ACCESS_TO_KIND,
        )
        return as_object(answer.json())

    async def resources(self, *, timeout: float = REQUEST_SECONDS) -> None:
        """Ask for something that every API user may read, and forget it."""
        await self._call("resources", "GET", "", timeout=timeout, statuses=_NO_ACCESS_TO_KIND)

    async def query(self, soql: str) -> list[Json]:
        """Return the records of a query, as many as its LIMIT lets through."""
        answer = await self._call("query", "GET", "/query", params={"q": soql})
        return as_objects(as_object(answer.json()).get("records"))

    async def read(self, kind: str, record_id: str, fields: Iterable[str]) -> Json | None:
        """Return some fields of a record; None where there is no such record."""
        answer = await self._call(
            "read",
            "GET",
            f"/sobjects/{kind}/{record_id}",
            params={"fields": ",".join(fields)},
            returns=(_NOT_FOUND,),
        )
        return None if answer.status == _NOT_FOUND else as_object(answer.json())

    async def create(self, kind: str, fields: Json) -> str:
        """Make a record and return its Id."""
        answer = await self._call("create", "POST", f"/sobjects/{kind}", json=dict(fields))
        return as_text(as_object(answer.json()).get("id"))

    async def _call(self, operation: str, method: str, path: str, **more: Any) -> VendorResponse:
        async def send(token: str) -> VendorResponse:
            return await self._http.request(
                operation,
                method,
                f"{self._base}{API}{path}",
                headers={"Authorization": f"Bearer {token}"},
                read_error=_refusal,
                **more,
            )

        return await self.access.using(send)


def _app(credentials: Mapping[str, str]) -> OrgApp:
    """Return the app with the form of the flow that was chosen."""
    url = credentials.get("access_token_url", "")
    client_id = credentials.get("client_id", "")
    secret = credentials.get("client_secret", "")
    user = credentials.get("username", "")

    def form() -> Mapping[str, str]:
        flow = credentials.get("auth_flow")
        if flow == JWT_BEARER:
            return jwt_form(
                client_id=client_id,
                user=user,
                audience=bare_address(url)[0],
                private_key=credentials.get("private_key", ""),
                field_name="private_key",
            )
        grant = secret_form(client_id=client_id, client_secret=secret)
        if flow != PASSWORD:
            return grant
        password = credentials.get("password", "")
        return {**grant, "grant_type": "password", "username": user, "password": password}

    return OrgApp(token_url=url, form=form, key_field="client_id", user_field="username")


def _refusal(response: VendorResponse, statuses: StatusTable) -> ConnectorError:
    """Read a refusal: an array of errors, of which the first one counts."""
    error = status_error(response, statuses)
    if error.vendor_code != _LIMIT:
        return error
    return RateLimitedError(error.message, status=error.status, vendor_code=error.vendor_code)
