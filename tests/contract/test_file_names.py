"""A file's name arrives at the other side as somebody wrote it, both ways, at every vendor."""

from __future__ import annotations

import base64
import uuid

import pytest

from integrations.contract.connector import OutboundAttachment
from integrations.contract.events import SystemNotice
from integrations.contract.manifest import Capability
from tests.contract.bench import Bench, until_seen

NAMES = (
    "Screenshot 2026-11-28 at 2.02.18\u202fPM.png",
    "スクリーンショット.png",
    'the "final" 100%25 of it.png',
    "it's; a + b & c = d #1?.png",
)
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJg"
    "gg=="
)


async def test_a_live_agents_file_has_the_name_that_it_had_there(bench: Bench):
    if Capability.ATTACHMENT_IN not in bench.manifest.capabilities:
        pytest.skip("files of live agents come as links in the text")
    connector = bench.connector()
    session, listener = await bench.started(connector)

    content = base64.b64encode(PNG).decode()
    for number, name in enumerate(NAMES, start=1):
        await bench.act(session, "file", name=name, mime_type="image/png", content_base64=content)
        files = await listener.wait_for_files(number)
        assert await connector.fetch_attachment(listener.session, files[-1].url) == PNG
    assert [file.file_name for file in files] == list(NAMES)


async def test_an_end_users_file_has_its_name_at_the_desk(bench: Bench):
    if Capability.ATTACHMENT_OUT not in bench.manifest.capabilities:
        pytest.skip("files of end users go as links in the text")
    connector = bench.connector()
    session, listener = await bench.started(connector)

    for number, name in enumerate(NAMES, start=1):
        if bench.setup.file_request:
            await bench.act(session, bench.setup.file_request)
            await listener.wait_for(SystemNotice, number)
        file = OutboundAttachment(
            attachment_id=str(uuid.uuid4()),
            file_name=name,
            mime_type="image/png",
            content=PNG,
            # Some vendors reject a message whose file they cannot fetch.
            public_url=f"{bench.url}/_desk/static/desk.css",
        )
        session = await connector.send_attachment(listener.session, file)

    def shown(row: object) -> list[str]:
        said = [m for m in row["messages"] if m["from"] == "end_user"]  # type: ignore[index]
        return [one["name"] for message in said for one in message["attachments"]]

    row = await until_seen(bench, session, lambda row: len(shown(row)) == len(NAMES))
    assert shown(row) == list(NAMES)
