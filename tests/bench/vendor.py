"""A vendor that costs next to nothing: enough of Salesforce's API to echo, for measuring alone.

What a message's text holds (`number|time sent`) comes back from a live agent with the time of its
arrival here added, so that both ways can be told apart. It checks nothing; the strict simulator is
for everything else.

    python -m tests.bench.vendor PORT
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
import time
import uuid
from collections.abc import Mapping

import jwt
import uvloop
from aiohttp import web

ORG_ID = "00D8Y0000012abc"
KEY = "only for measuring, thirty-two bytes"
AGENT = {"role": "Agent", "appType": "agent", "subject": "0058Y000001AbCd"}
PING_SECONDS = 20

routes = web.RouteTableDef()
numbers = itertools.count(1)
subjects: dict[str, str] = {}  # conversation → end user
streams: dict[str, asyncio.Queue[bytes]] = {}
connected: dict[str, int] = {}  # end user → streams open


@routes.post("/iamessage/api/v2/authorization/unauthenticated/access-token")
async def access_token(request: web.Request) -> web.Response:
    """Give everybody a token of a day."""
    subject = str(uuid.uuid4())
    claims = {"sub": subject, "orgId": ORG_ID, "exp": int(time.time()) + 86400}
    token = jwt.encode(claims, KEY, algorithm="HS256")
    context = {"configuration": {}, "endUser": {"subject": f"v2/iamessage/ANON/{subject}"}}
    return web.json_response({"accessToken": token, "lastEventId": "0", "context": context})


@routes.post("/iamessage/api/v2/conversation")
async def create(request: web.Request) -> web.Response:
    """Open a conversation and let a live agent join at once."""
    body = await request.json()
    conversation_id = body["conversationId"]
    subjects[conversation_id] = _subject(request)
    joined = {
        "entryType": "ParticipantChanged",
        "id": str(uuid.uuid4()),
        "entries": [{"operation": "add", "displayName": "Echo", "participant": AGENT}],
    }
    _push(conversation_id, "CONVERSATION_PARTICIPANT_CHANGED", joined)
    return web.Response(status=201)


@routes.post("/iamessage/api/v2/conversation/{id}/message")
async def message(request: web.Request) -> web.Response:
    """Take a message and say it back."""
    arrived = time.monotonic()
    text = (await request.json())["message"]["staticContent"]["text"]
    if "|" in text and not text.startswith("Transcript"):
        echo(request.match_info["id"], f"{text}|{arrived}")
    return web.json_response({"conversationEntries": []}, status=202)


def echo(conversation_id: str, text: str) -> None:
    """Let the live agent say something."""
    entry_id = str(uuid.uuid4())
    content = {"formatType": "Text", "text": text}
    said = {"id": entry_id, "messageType": "StaticContentMessage", "staticContent": content}
    payload = {"entryType": "Message", "id": entry_id, "abstractMessage": said}
    _push(conversation_id, "CONVERSATION_MESSAGE", payload)


@routes.get("/eventrouter/v1/sse")
async def stream(request: web.Request) -> web.StreamResponse:
    """Send what happens to the end user of the token."""
    subject = _subject(request)
    queue = streams.setdefault(subject, asyncio.Queue())
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    connected[subject] = connected.get(subject, 0) + 1
    try:
        while True:
            try:
                frame = await asyncio.wait_for(queue.get(), PING_SECONDS)
            except TimeoutError:
                frame = b"event: ping\ndata: 0\n\n"
            await response.write(frame)
    except ConnectionResetError:
        return response
    finally:
        connected[subject] -= 1


@routes.get("/iamessage/api/v2/conversation/{id}/entries")
async def entries(request: web.Request) -> web.Response:
    """Keep no history: nothing is ever lost here."""
    return web.json_response({"conversationEntries": []})


@routes.get("/iamessage/api/v2/conversation/{id}")
async def routing(request: web.Request) -> web.Response:
    """Say that somebody owns the conversation."""
    return web.json_response({"routingStatus": "ROUTED"})


@routes.post("/say_all")
async def say_all(request: web.Request) -> web.Response:
    """Let each live agent who is heard say a line every so often, for a time."""
    body = await request.json()
    heard = [conversation for conversation, subject in subjects.items() if connected.get(subject)]
    lines = int(len(heard) * body["seconds"] / body["every"])
    started = time.monotonic()
    for number in range(lines):
        due = started + body["seconds"] * number / lines
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        echo(heard[number % len(heard)], f"0|0|{time.monotonic()}")
    return web.json_response({"said": lines})


@routes.get("/count")
async def count(request: web.Request) -> web.Response:
    """Tell to how many end users a stream is open."""
    return web.json_response({"streams": sum(1 for number in connected.values() if number)})


@routes.post("/iamessage/api/v2/conversation/{id}/{rest:.*}")
async def anything(request: web.Request) -> web.Response:
    """Take receipts and typing."""
    return web.Response(status=204)


@routes.delete("/iamessage/api/v2/conversation/{id}/session")
async def end(request: web.Request) -> web.Response:
    """End a conversation."""
    return web.Response(status=204)


def _subject(request: web.Request) -> str:
    token = request.headers["Authorization"].removeprefix("Bearer ")
    return str(jwt.decode(token, KEY, algorithms=["HS256"])["sub"])


def _push(conversation_id: str, event: str, payload: Mapping[str, object]) -> None:
    now = int(time.time() * 1000)
    entry = {
        "senderDisplayName": "Echo",
        "identifier": payload["id"],
        "entryType": payload["entryType"],
        "entryPayload": json.dumps(payload),
        "sender": AGENT,
        "transcriptedTimestamp": now,
        "clientTimestamp": now,
        "clientDuration": 0,
    }
    data = json.dumps({"conversationId": conversation_id, "conversationEntry": entry})
    frame = f"id: {next(numbers)}\nevent: {event}\ndata: {data}\n\n".encode()
    queue = streams.setdefault(subjects[conversation_id], asyncio.Queue())
    queue.put_nowait(frame)


async def serve(port: int) -> None:
    """Serve until killed."""
    app = web.Application()
    app.add_routes(routes)
    # Cancelled with its connection, a stream ends at once and takes no event along.
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=4096).start()
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.install()
    asyncio.run(serve(int(sys.argv[1])))
