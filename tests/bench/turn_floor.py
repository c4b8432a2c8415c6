"""The floor of an AI agent's answer: a bare ASGI server that reads and writes the same rows.

A WebSocket takes a question, two transactions write its line, the turn and the answer's line, what
a turn has to know is read between them, and the answer goes back. There is no Django, no queue, no
tool's process, no check, and nobody else hears of it; what a webhook agent says is asked for over
HTTP. Each of the three steps is one round trip to the database, however many its statements are.
POST makes it that agent.

    python -m tests.bench.turn_floor PORT DATABASE_URL [AGENT_URL]
"""

from __future__ import annotations

import asyncio
import json
import sys
import uuid
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs

import aiohttp
import uvicorn
import uvloop
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

ANSWER = "From nine to five."
CONNECTIONS = 10
Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]

LOCK = "SELECT * FROM conversations_conversation WHERE id = %(conversation)s FOR NO KEY UPDATE"
INSERT = """
INSERT INTO conversations_event (id, conversation_id, sequence, type, payload, client_event_id,
    metadata, created_at)
SELECT %(event)s, id, last_sequence + 1, %(type)s, %(payload)s, %(client_id)s, NULL, now()
FROM conversations_conversation WHERE id = %(conversation)s
"""
ACCEPT = (
    LOCK,
    "SELECT * FROM conversations_event WHERE conversation_id = %(conversation)s "
    "AND client_event_id = %(client_id)s",
    "SELECT * FROM handoffs_handoff WHERE conversation_id = %(conversation)s "
    "AND state IN ('requested', 'connecting', 'queued', 'active')",
    INSERT,
    "UPDATE conversations_conversation SET last_sequence = last_sequence + 1 "
    "WHERE id = %(conversation)s",
    "UPDATE conversations_conversation SET turns_booked_until = now() WHERE id = %(conversation)s",
)
TURN = (
    "UPDATE conversations_conversation SET turn_id = %(event)s, answer_tries = 1, "
    "turn_until = now() + interval '5 s' WHERE id = %(conversation)s",
    "SELECT * FROM conversations_conversation c JOIN integrations_project p "
    "ON p.id = c.project_id JOIN integrations_workspace w ON w.id = p.workspace_id "
    "JOIN conversations_enduser u ON u.id = c.end_user_id JOIN conversations_channel h "
    "ON h.id = c.channel_id WHERE c.id = %(conversation)s",
    "SELECT * FROM conversations_event WHERE conversation_id = %(conversation)s "
    "AND type = 'USER_MESSAGE' ORDER BY sequence DESC LIMIT 1",
    "SELECT * FROM handoffs_handoff WHERE conversation_id = %(conversation)s "
    "ORDER BY requested_at DESC LIMIT 1",
)
KNOW = {
    "topic": (
        "SELECT id, updated_at FROM conversations_topic WHERE project_id = %(project)s",
        "SELECT * FROM conversations_topic WHERE project_id = %(project)s LIMIT 1",
    ),
    "tool": (
        "SELECT id, updated_at FROM conversations_topic WHERE project_id = %(project)s",
        "SELECT * FROM conversations_topic WHERE project_id = %(project)s LIMIT 1",
        "SELECT * FROM conversations_tool WHERE project_id = %(project)s",
        "SELECT * FROM conversations_event WHERE conversation_id = %(conversation)s "
        "ORDER BY sequence DESC LIMIT 50",
    ),
    "webhook": (
        "SELECT * FROM conversations_outsideagent WHERE project_id = %(project)s",
        "SELECT * FROM conversations_event WHERE conversation_id = %(conversation)s "
        "ORDER BY sequence DESC LIMIT 50",
    ),
}
WRITE = (
    LOCK,
    INSERT,
    "UPDATE conversations_conversation SET last_sequence = last_sequence + 1 "
    "WHERE id = %(conversation)s",
    "UPDATE conversations_conversation SET answered_sequence = last_sequence - 1 "
    "WHERE id = %(conversation)s",
    "SELECT * FROM conversations_event WHERE conversation_id = %(conversation)s "
    "AND type = 'USER_MESSAGE' AND sequence > %(sequence)s LIMIT 1",
    "UPDATE conversations_conversation SET turn_id = NULL, turn_until = NULL, answer_tries = 0, "
    "answer_due_at = NULL WHERE id = %(conversation)s",
)


class Floor:
    """Answers on sockets, and as an agent by POST."""

    def __init__(self, database_url: str, agent_url: str) -> None:
        """Open nothing yet."""
        self._agent_url = agent_url
        self._pool = AsyncConnectionPool(
            database_url,
            max_size=CONNECTIONS,
            open=False,
            kwargs={"autocommit": True, "prepare_threshold": 0},
        )
        self._http: aiohttp.ClientSession | None = None

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Be the ASGI application."""
        if scope["type"] == "http":
            await _agent(receive, send)
            return
        named = {key: value[0] for key, value in parse_qs(scope["query_string"].decode()).items()}
        await self._pool.open()
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            text = await self._answer(named, json.loads(message["text"])["text"])
            await send({"type": "websocket.send", "text": json.dumps({"text": text})})

    async def _answer(self, named: dict[str, str], question: str) -> str:
        asked = _values(named, "USER_MESSAGE", question)
        async with self._pool.connection() as connection, connection.transaction():
            await _run(connection, ACCEPT, asked)
        async with self._pool.connection() as connection:
            await _run(connection, (*TURN, *KNOW[named["kind"]]), asked)
        text = await self._ask_agent(question) if named["kind"] == "webhook" else ANSWER
        said = _values(named, "POLY_AGENT_MESSAGE", text)
        async with self._pool.connection() as connection, connection.transaction():
            await _run(connection, WRITE, said)
        return text

    async def _ask_agent(self, question: str) -> str:
        if self._http is None:
            self._http = aiohttp.ClientSession()
        async with self._http.post(self._agent_url, json={"message": {"text": question}}) as answer:
            return str((await answer.json())["utterance"])


def _values(named: dict[str, str], kind: str, text: str) -> dict[str, Any]:
    event = uuid.uuid4()
    payload = {"message_id": str(event), "text": text, "attachments": []}
    return {
        **named,
        "event": event,
        "type": kind,
        "payload": json.dumps(payload),
        "client_id": str(event),
        "sequence": 1_000_000,
    }


async def _run(
    connection: AsyncConnection[Any], statements: tuple[str, ...], values: dict[str, Any]
) -> None:
    async with connection.pipeline():
        cursors = [await connection.execute(statement, values) for statement in statements]
    for cursor in cursors:
        if cursor.description:
            await cursor.fetchall()


async def _agent(receive: Receive, send: Send) -> None:
    while (await receive()).get("more_body"):
        pass
    body = json.dumps({"utterance": ANSWER}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def main(port: int, database_url: str, agent_url: str) -> None:
    """Serve until killed."""
    config = uvicorn.Config(
        Floor(database_url, agent_url), port=port, log_level="warning", lifespan="off"
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    print("ready", flush=True)
    await serving


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else ""))
