"""A client that openapi-python-client makes of /api/schema: a session with a file, a handoff."""

from __future__ import annotations

import importlib
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

from tests.documented_frames import frame_checked
from tests.journeys.stack import Stack

NAME = "baton_client"
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c63"
    "000100000500010d0a2db40000000049454e44ae426082"
)


@pytest.fixture(scope="module")
def made(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """The generated package, in which nothing of the schema was left out."""
    folder = tmp_path_factory.mktemp("client")
    config = folder / "config.yaml"
    config.write_text("post_hooks: []\n")
    told = subprocess.run(
        [
            *(sys.executable, "-m", "openapi_python_client", "generate", "--meta", "none"),
            *("--url", f"{stack.url}/api/schema", "--config", str(config)),
            *("--output-path", str(folder / NAME)),
        ],
        capture_output=True,
        text=True,
    )
    said = told.stdout + told.stderr
    assert told.returncode == 0 and "warning" not in said.lower(), said
    sys.path.insert(0, str(folder))
    yield importlib.import_module(NAME)
    sys.path.remove(str(folder))


def part(path: str) -> Any:
    return importlib.import_module(f"{NAME}.{path}")


def until(socket: ClientConnection, kind: str) -> dict[str, Any]:
    """Return the next frame of a kind; every frame before it is as documented too."""
    while True:
        frame = frame_checked(json.loads(socket.recv(timeout=20)))
        if frame["type"] == f"EVENT_TYPE_{kind}":
            return frame


def say(socket: ClientConnection, kind: str, **payload: Any) -> None:
    socket.send(json.dumps({"type": f"EVENT_TYPE_{kind}", "payload": payload}))


def test_a_generated_client_opens_a_session_and_sends_a_file(
    stack: Stack, made: ModuleType
) -> None:
    channel = stack.demo["webchat"]
    token = part("api.messaging_api.access_token_create").sync(
        client=made.Client(stack.url), x_token=channel["public_key"], x_host=channel["host"]
    )
    client = made.AuthenticatedClient(stack.url, token=token.access_token)
    models = part("models")
    session = part("api.messaging_api.sessions_create").sync(
        client=client, body=models.SessionCreate(locale="en")
    )
    address = stack.url.replace("http", "ws") + f"/ws?session_id={session.session_id}"

    with connect(f"{address}&access_token={token.access_token}") as socket:
        say(socket, "REQUEST_POLY_AGENT_JOIN")
        until(socket, "POLY_AGENT_MESSAGE")
        say(socket, "USER_MESSAGE", text=_phrase(stack))
        until(socket, "HANDOFF_ACCEPTED")
        picture = part("types").File(io.BytesIO(PNG), "receipt.png", "image/png")
        stored = part("api.messaging_api.files_create").sync(
            session.session_id, client=client, body=models.FileCreate(file=picture)
        )
        say(socket, "USER_MESSAGE", attachments=[{"file_id": str(stored.file_id)}])
        echo = until(socket, "USER_MESSAGE")
        say(socket, "USER_END_SESSION")
        until(socket, "SESSION_END")
    state = part("api.messaging_api.sessions_retrieve").sync_detailed(
        session.session_id, client=client
    )

    assert (stored.mime_type, stored.size_bytes) == ("image/png", len(PNG))
    [attachment] = echo["payload"]["attachments"]
    assert attachment["file_id"] == str(stored.file_id)
    assert (state.status_code, state.parsed.error_code) == (410, "SESSION_ENDED")
    assert state.headers["X-Correlation-Id"]


def test_a_generated_client_hands_off_and_reads_the_context(stack: Stack, made: ModuleType) -> None:
    demo = stack.demo
    place = (demo["workspace_id"], demo["project_id"])
    client = made.AuthenticatedClient(
        stack.url, token=demo["api_key"], prefix="", auth_header_name="x-api-key"
    )
    models, token = part("models"), demo["chat_api"]["x_token"]

    opened = part("api.chat_api.chat_create").sync(
        *place, client=client, x_token=token, body=models.ChatCreate()
    )
    turn = part("api.chat_api.chat_respond").sync(
        *place,
        client=client,
        x_token=token,
        idempotency_key="1",
        body=models.ChatRespond(conversation_id=opened.conversation_id, message=_phrase(stack)),
    )
    context = part("api.handoff_api.handoff_state_retrieve").sync(
        *place, client=client, id=opened.conversation_id, expand="handoff,transcript"
    )
    unknown = part("api.handoff_api.handoff_state_retrieve").sync(
        *place, client=client, id="CONV-0"
    )
    refused = part("api.chat_api.chat_close").sync(
        *place, client=client, x_token="none", body=models.ChatClose(opened.conversation_id)
    )

    assert opened.response and turn.end_conversation
    assert turn.handoff.destination == context.handoff.destination
    assert context.id == opened.conversation_id
    assert context.handoff.status in set(part("models.handoff_status").HandoffStatus)
    assert [line.text for line in context.transcript][1] == _phrase(stack)
    assert "No handoff" in unknown.error_message
    assert refused.error_code == "UNAUTHORIZED"


def _phrase(stack: Stack) -> str:
    return str(stack.demo["simulators"]["salesforce_messaging"]["phrase"])
