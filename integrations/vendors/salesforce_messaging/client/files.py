"""The body of an upload to Salesforce, and the download of a live agent's file."""

from __future__ import annotations

import json
from urllib.parse import urljoin

from integrations.contract.errors import CannotConnectError
from integrations.http.client import FormData, HttpClient
from integrations.vendors.salesforce_messaging.mapping.start import stable_id

TRANSFER_SECONDS = 60.0
MAX_DOWNLOAD_BYTES = 25 * 1024 * 1024
_MAX_REDIRECTS = 3
_REDIRECTS = (301, 302, 303, 307, 308)


def upload_form(
    *, es_developer_name: str, message_id: str, file_name: str, content: bytes
) -> FormData:
    """Return the two parts of an upload; the file's id follows from the message's."""
    file_id = stable_id("salesforce_messaging", "file", message_id)
    entry = {
        "esDeveloperName": es_developer_name,
        "message": {"id": message_id, "fileId": file_id},
    }
    form = FormData()
    form.add_field("messageEntry", json.dumps(entry), content_type="application/json")
    form.add_field("fileData", content, filename=file_name, content_type="application/octet-stream")
    return form


async def download(http: HttpClient, url: str) -> bytes:
    """Return a file's bytes; its address is its own key, so no token goes along.

    Redirects are followed, each judged like any other address.
    """
    for _ in range(_MAX_REDIRECTS + 1):
        response = await http.request(
            "fetch_attachment",
            "GET",
            url,
            headers={"Accept": "*/*"},
            timeout=TRANSFER_SECONDS,
            returns=_REDIRECTS,
            max_bytes=MAX_DOWNLOAD_BYTES,
        )
        if response.status not in _REDIRECTS:
            return response.body
        url = urljoin(url, response.headers.get("Location", ""))
    raise CannotConnectError("fetch_attachment: too many redirects")
