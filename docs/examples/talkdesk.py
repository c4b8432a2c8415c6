"""Talkdesk for Baton, over Digital Connect: Baton calls this service, and so does a touchpoint."""

import asyncio
import base64
import hashlib
import hmac
import json
import os
import time
from collections import deque
from contextlib import suppress

from aiohttp import ClientError, request, web

EVENTS_URL, SECRET = os.environ["EVENTS_URL"], os.environ["SIGNING_SECRET"].encode()
API, TOKEN_URL = os.environ["TALKDESK_API"], os.environ["TALKDESK_TOKEN_URL"]
CLIENT = f"{os.environ['TALKDESK_CLIENT_ID']}:{os.environ['TALKDESK_CLIENT_SECRET']}"
TOUCHPOINT, BEARER = os.environ["TALKDESK_TOUCHPOINT"], os.environ["TALKDESK_BEARER"]
LONGEST = 4000  # no limit is published
CONTACTS = {"contact", "contact_person", "customer", "user"}
token, token_until, one_at_a_time = "", 0.0, asyncio.Lock()
newest, sent = {}, deque(maxlen=1000)  # who posts a conversation's newest event; ids we sent


# -- Talkdesk's API --


async def access_token(refused=None):
    """Return the token of ten minutes, a new one a minute early or when that one was refused."""
    global token, token_until
    async with one_at_a_time:
        if time.monotonic() > token_until or token == refused:
            form = {"grant_type": "client_credentials", "scope": "digital-connect:write"}
            headers = {"Authorization": f"Basic {base64.b64encode(CLIENT.encode()).decode()}"}
            async with request("POST", TOKEN_URL, data=form, headers=headers) as answer:
                if answer.status in (400, 401):
                    raise web.HTTPForbidden
                answer.raise_for_status()
                given = await answer.json()
            token, token_until = given["access_token"], time.monotonic() + given["expires_in"] - 60
        return token


async def talkdesk(path, body, key):
    """Call Talkdesk; returns its answer, or raises what Baton is to be told."""
    refused = None
    for _ in range(2):
        used = await access_token(refused)
        headers = {"Authorization": f"Bearer {used}", "x-idempotency-key": key}
        url = f"{API}/digital-connect/conversations{path}"
        async with request("POST", url, json=body, headers=headers) as answer:
            if answer.status < 300:  # 206: taken, but for some attachments
                return await answer.json()
            status, retry_after = answer.status, answer.headers.get("Retry-After", "1")
        if status != 401:
            break
        refused = used
    if status in (404, 409) and path:
        raise web.HTTPGone(text=json.dumps({"code": "handoff_closed"}))
    if status == 429:
        raise web.HTTPTooManyRequests(headers={"Retry-After": retry_after})
    if status in (401, 403):
        raise web.HTTPForbidden
    raise web.HTTPUnprocessableEntity if status < 500 else web.HTTPBadGateway


async def start(body, key):
    user, hints = body["user"], body["hints"]
    said = {"end_user": "USER"}
    context = {"portal_session": body["conversation"]["id"], "contact_phone": user["phone"]}
    context |= hints.get("attributes", {}) | {"queue": hints.get("queue", "")}
    person = {name: user[name] for name in ("name", "email") if user[name]}
    opened = {
        "touchpoint_id": TOUCHPOINT,
        "subject": hints.get("subject") or hints.get("summary") or "Handoff",
        "contact_person": person,
        "context_parameters": {name: str(value) for name, value in context.items() if value},
        "previous_messages": [
            {
                "type": said.get(line["speaker"], "EXTERNAL"),
                "content": line["text"],
                "created_at": line["sent_at"].replace("Z", "+00:00"),
            }
            for line in body["transcript"]
        ],
    }
    return (await talkdesk("", opened, key))["id"]


async def say(conversation, text, key):
    for begin in range(0, len(text), LONGEST):
        part = {"content": text[begin : begin + LONGEST]}
        answer = await talkdesk(f"/{conversation}/messages", part, f"{key}:{begin}")
        sent.append(answer.get("message_id"))


# -- What Baton calls --


def sign(timestamp, body):
    return hmac.new(SECRET, timestamp.encode() + b"." + body, "sha256").hexdigest()


async def from_baton(call):
    raw, timestamp = await call.read(), call.headers.get("X-Handoff-Timestamp", "")
    fits = hmac.compare_digest(sign(timestamp, raw), call.headers.get("X-Handoff-Signature", ""))
    if not fits or abs(time.time() - int(timestamp)) > 300:
        raise web.HTTPUnauthorized
    key = call.headers.get("Idempotency-Key", call.query.get("nonce"))
    kind, conversation = call.match_info["call"], call.match_info.get("id", "")
    try:
        if kind == "ping":
            await access_token()
            tell(f"{key}:ping", "ping", "", nonce=key)
        if kind == "handoffs":
            conversation = await start(json.loads(raw), key)
        if kind == "messages":
            body = json.loads(raw)
            files = [f"{one['name']}: {one['url']}" for one in body["attachments"]]
            await say(conversation, "\n".join(filter(None, [body["text"], *files])), key)
        if kind == "end":  # there is no public call that ends a conversation
            with suppress(web.HTTPGone):
                await say(conversation, "Customer left the chat", key)
    except (ClientError, TimeoutError) as error:
        raise web.HTTPBadGateway from error
    return web.json_response({"external_id": conversation, "state": "queued", "nonce": key})


# -- What the touchpoint's webhook posts --


async def from_talkdesk(call):
    if not hmac.compare_digest(call.headers.get("Authorization", ""), f"Bearer {BEARER}"):
        raise web.HTTPUnauthorized
    raw = await call.read()
    event = json.loads(raw)
    conversation, payload = event["conversation_id"], event.get("payload") or {}
    inner = payload.get("message") if isinstance(payload.get("message"), dict) else payload
    author = payload.get("sender") or payload.get("author") or {}
    author = author if isinstance(author, dict) else {"name": str(author)}
    name = inner.get("message_id") or payload.get("message_id") or hashlib.sha256(raw).hexdigest()
    is_echo = name in sent or str(author.get("type", "")).lower() in CONTACTS
    text = payload.get("content") or inner.get("content")
    if event["event_type"] == "MESSAGE_CREATED" and text and not is_echo:
        agent = {"name": author.get("name") or "Talkdesk"}
        agent["id"] = str(author.get("id") or agent["name"])
        tell(name, "message", conversation, message_id=name, agent=agent, text=text)
    if event["event_type"] == "CONVERSATION_ENDED":
        tell(f"{conversation}:closed", "closed", conversation, by="agent")
    return web.Response()


def tell(event_id, kind, conversation, **data):
    event = {"event_id": event_id, "type": kind, "external_id": conversation, "data": data}
    task = post(json.dumps(event).encode(), newest.get(conversation))
    newest[conversation] = asyncio.create_task(task)


async def post(body, before):
    """Post an event once the one before it is settled; repeat it for ten minutes till answered."""
    await asyncio.gather(*[before] if before else [])
    for _ in range(300):
        now = str(int(time.time()))
        head = {"X-Handoff-Timestamp": now, "X-Handoff-Signature": sign(now, body)}
        with suppress(ClientError, TimeoutError):
            async with (
                asyncio.timeout(5),
                request("POST", EVENTS_URL, data=body, headers=head) as answer,
            ):
                if answer.status < 500 and answer.status != 429:
                    return
        await asyncio.sleep(2)


app = web.Application()
app.router.add_post("/talkdesk", from_talkdesk)
app.router.add_route("*", "/{call}", from_baton)
app.router.add_post("/handoffs/{id}/{call}", from_baton)
web.run_app(app, port=int(os.environ.get("PORT", "8090")))
