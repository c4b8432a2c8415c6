"""Downloads a live agent's file, with the key only where the file lies at Zendesk's API host."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urljoin, urlsplit

from integrations.contract.errors import CannotConnectError
from integrations.http.client import HttpClient
from integrations.http.errors import VendorResponse

DOWNLOAD_SECONDS = 60.0
_MAX_REDIRECTS = 3
_REDIRECTS = (301, 302, 303, 307, 308)
_REFUSALS = (401, 403)


async def download(
    http: HttpClient, url: str, *, api_url: str, headers: Mapping[str, str], max_bytes: int
) -> bytes:
    """Return the file's bytes; follows redirects, each judged like any other address.

    Files are public as a rule. A refusal is answered with the API key, to Zendesk's host alone.
    """
    for _ in range(_MAX_REDIRECTS + 1):
        response = await _get(http, url, {}, max_bytes, (*_REDIRECTS, *_REFUSALS))
        if response.status in _REFUSALS:
            allowed = headers if _same_host(url, api_url) else {}
            response = await _get(http, url, allowed, max_bytes, _REDIRECTS)
        if response.status not in _REDIRECTS:
            return response.body
        url = urljoin(url, response.headers.get("Location", ""))
    raise CannotConnectError("fetch_attachment: too many redirects")


async def _get(
    http: HttpClient,
    url: str,
    headers: Mapping[str, str],
    max_bytes: int,
    returns: tuple[int, ...],
) -> VendorResponse:
    return await http.request(
        "fetch_attachment",
        "GET",
        url,
        headers={"Accept": "*/*", **headers},
        timeout=DOWNLOAD_SECONDS,
        returns=returns,
        max_bytes=max_bytes,
    )


def _same_host(url: str, api_url: str) -> bool:
    return urlsplit(url)[:2] == urlsplit(api_url)[:2]
