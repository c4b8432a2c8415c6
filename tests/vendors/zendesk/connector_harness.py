"""What the tests of the connector ask the simulated account."""

from __future__ import annotations

from typing import Any

from integrations.contract.connector import OutboundAttachment
from tests.contract.webhook_bench import WebhookBench

APP_KEY = {
    "key_id": "app_ab12cd34ef56ab12cd34ef56",
    "key_secret": "simulated-app-key-secret",
}
NO_SUPPORT = {"support_email": "", "support_api_token": ""}
PDF = b"%PDF-1.4 return label"


def attachment(name: str = "label.pdf", mime_type: str = "application/pdf") -> OutboundAttachment:
    return OutboundAttachment(
        attachment_id="0f8fad5b-d9cb-469f-a165-70867728950e",
        file_name=name,
        mime_type=mime_type,
        content=PDF,
    )


async def calls(bench: WebhookBench, ending: str, method: str = "POST") -> list[dict[str, Any]]:
    rows = await bench.desk("GET", "/requests")
    return [row for row in rows if row["path"].endswith(ending) and row["method"] == method]


async def checks(bench: WebhookBench, **credentials: str) -> dict[str, str]:
    found = bench.connector(**credentials).test_connection()
    return {result.name: result.code async for result in found}


async def details(bench: WebhookBench, **credentials: str) -> str:
    found = bench.connector(**credentials).test_connection()
    return " ".join([result.detail async for result in found])


async def conversations(bench: WebhookBench) -> list[dict[str, Any]]:
    return await bench.desk("GET", "/conversations")
