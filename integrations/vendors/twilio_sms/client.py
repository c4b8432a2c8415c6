"""The part of Twilio's REST API that texts need: one method for each endpoint."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from integrations.contract.errors import CannotConnectError, ConnectorError, RejectedError
from integrations.http.client import REQUEST_SECONDS, HttpClient
from integrations.http.download import download
from integrations.http.errors import StatusTable, VendorResponse, status_error
from integrations.kit.json_values import Json, as_id, as_object, as_objects, as_text
from integrations.vendors.twilio_sms.mapping.errors import KINDS

API_URL = "https://api.twilio.com"
_VERSION = "/2010-04-01"
_FORM = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
_PAGE = "100"


class TwilioClient:
    """One account; an API key sends in its name, where there is one."""

    def __init__(self, http: HttpClient, credentials: Mapping[str, str]) -> None:
        """Keep address and credentials."""
        self._http = http
        self._api = (credentials.get("api_base_url") or API_URL).rstrip("/")
        sid = credentials.get("account_sid", "")
        self._account = f"{_VERSION}/Accounts/{sid}"
        user, password = sid, credentials.get("auth_token", "")
        if credentials.get("api_key_sid") and credentials.get("api_key_secret"):
            user, password = credentials["api_key_sid"], credentials["api_key_secret"]
        pair = base64.b64encode(f"{user}:{password}".encode()).decode()
        self._headers = {"Authorization": f"Basic {pair}"}

    async def account(self, *, timeout: float) -> Json:
        """Return the account itself."""
        return await self._json("account", "GET", f"{self._account}.json", timeout=timeout)

    async def incoming_phone_numbers(self, number: str, *, timeout: float) -> list[Json]:
        """Return the account's number that is written so: one, or none."""
        path = f"{self._account}/IncomingPhoneNumbers.json?{urlencode({'PhoneNumber': number})}"
        answer = await self._json("incoming_phone_numbers", "GET", path, timeout=timeout)
        return as_objects(answer.get("incoming_phone_numbers"))

    async def update_phone_number(self, sid: str, form: Mapping[str, str]) -> Json:
        """Change a number of the account."""
        path = f"{self._account}/IncomingPhoneNumbers/{sid}.json"
        data = urlencode(form).encode()
        return await self._json("update_phone_number", "POST", path, headers=_FORM, data=data)

    async def create_message(self, form: Sequence[tuple[str, str]]) -> Json:
        """Send a text; Twilio knows no key that would make a repetition harmless."""
        data = urlencode(form).encode()
        return await self._json(
            "create_message", "POST", f"{self._account}/Messages.json", headers=_FORM, data=data
        )

    async def list_messages(self, *, to: str) -> Json:
        """Return the newest messages to a number."""
        query = urlencode({"To": to, "PageSize": _PAGE})
        return await self._json("list_messages", "GET", f"{self._account}/Messages.json?{query}")

    async def next_page(self, page: Json) -> Json | None:
        """Return the page behind one of a list; None behind the last."""
        uri = as_text(page.get("next_page_uri"))
        return await self._json("next_page", "GET", uri) if uri.startswith("/") else None

    async def list_media(self, message_sid: str) -> list[Json]:
        """Return the files of a message, each with its whole `url`."""
        answer = await self._json(
            "list_media", "GET", f"{self._account}/Messages/{message_sid}/Media.json"
        )
        found = as_objects(answer.get("media_list"))
        return [
            {**one, "url": self._api + as_text(one.get("uri")).removesuffix(".json")}
            for one in found
        ]

    async def media(self, url: str, *, max_bytes: int) -> bytes:
        """Download a file of a message; the account's credentials go to its own host alone."""
        return await download(
            self._http, url, max_bytes=max_bytes, api_url=self._api, headers=self._headers
        )

    async def _json(
        self,
        operation: str,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        timeout: float = REQUEST_SECONDS,
        **more: Any,
    ) -> Json:
        response = await self._http.request(
            operation,
            method,
            self._api + path,
            headers={**self._headers, **(headers or {})},
            timeout=timeout,
            read_error=_twilio_error,
            **more,
        )
        return as_object(response.json())


def _twilio_error(response: VendorResponse, statuses: StatusTable) -> ConnectorError:
    """Read a refusal: its number says more than the status."""
    error = status_error(response, statuses)
    code = _code(response)
    kind = KINDS.get(code)
    if kind is None and response.status == 404:
        kind = RejectedError
    if kind is None and response.status >= 500:
        kind = CannotConnectError
    if kind is None:
        kind = type(error)
    return kind(error.message, status=error.status, vendor_code=code, retry_after=error.retry_after)


def _code(response: VendorResponse) -> str:
    try:
        return as_id(as_object(response.json()).get("code"))
    except ConnectorError:  # a proxy's page, not Twilio's answer
        return ""
