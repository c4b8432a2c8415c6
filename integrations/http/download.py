"""Downloads a live agent's file; follows one redirect, judged like any other address."""

from __future__ import annotations

from collections.abc import Mapping

from integrations.contract.errors import CannotConnectError
from integrations.http.client import NO_HEADERS, HttpClient
from integrations.http.errors import VendorResponse
from integrations.kit.pasted import joined_address, split_address

DOWNLOAD_SECONDS = 60.0
_OPERATION = "fetch_attachment"
_MAX_REDIRECTS = 1
_REDIRECTS = (301, 302, 303, 307, 308)
_REFUSALS = (401, 403)


async def download(
    http: HttpClient,
    url: str,
    *,
    max_bytes: int,
    api_url: str = "",
    headers: Mapping[str, str] = NO_HEADERS,
    is_signed: bool = False,
) -> bytes:
    """Return the file's bytes.

    Files are public as a rule. A refusal is answered with `headers`, to the host of `api_url`
    alone; with `is_signed` that host gets them at once.
    """

    async def get(sent: Mapping[str, str], *returns: int) -> VendorResponse:
        return await http.request(
            _OPERATION,
            "GET",
            url,
            headers={"Accept": "*/*", **sent},
            timeout=DOWNLOAD_SECONDS,
            returns=returns,
            max_bytes=max_bytes,
        )

    for _ in range(_MAX_REDIRECTS + 1):
        own = headers if split_address(url)[:2] == split_address(api_url)[:2] else NO_HEADERS
        response = await get(own if is_signed else NO_HEADERS, *_REDIRECTS, *_REFUSALS)
        if response.status in _REFUSALS:
            response = await get(own, *_REDIRECTS)
        if response.status not in _REDIRECTS:
            return response.body
        url = joined_address(url, response.headers.get("Location", ""))
    raise CannotConnectError(f"{_OPERATION}: too many redirects")
