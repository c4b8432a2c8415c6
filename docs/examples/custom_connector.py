"""A custom connector for Baton: its live agent repeats what it hears, offers, closes on "bye"."""

import asyncio
import hmac
import json
import os
import time
from contextlib import suppress

from aiohttp import ClientError, request, web

URL, SECRET = os.environ["EVENTS_URL"], os.environ["SIGNING_SECRET"].encode()
AGENT, newest = {"id": "echo", "name": "Echo"}, {}  # by handoff: who posts its newest event
OFFERS = {  # by the word that asks for it
    "choices": {"choices": [{"id": "yes", "label": "Yes"}, {"id": "no", "label": "No"}]},
    "cards": {"cards": [{"title": "Parcel", "choices": [{"id": "box", "label": "Take it"}]}]},
    "form": {"form": {"id": "home", "fields": [{"name": "street", "label": "Street"}]}},
}


def sign(timestamp, body):
    return hmac.new(SECRET, timestamp.encode() + b"." + body, "sha256").hexdigest()


def tell(key, kind, handoff, **data):
    event = {"event_id": f"{key}:{kind}", "type": kind, "external_id": handoff, "data": data}
    newest[handoff] = asyncio.create_task(post(json.dumps(event).encode(), newest.get(handoff)))


async def post(body, before):
    """Post an event once the one before it is settled; repeat it for ten minutes till answered."""
    await asyncio.gather(*[before] if before else [])
    for _ in range(300):
        now = str(int(time.time()))
        head = {"X-Handoff-Timestamp": now, "X-Handoff-Signature": sign(now, body)}
        with suppress(ClientError, TimeoutError):
            async with asyncio.timeout(5), request("POST", URL, data=body, headers=head) as answer:
                if answer.status < 500 and answer.status != 429:
                    return
        await asyncio.sleep(2)


async def handle(call):
    raw, timestamp = await call.read(), call.headers.get("X-Handoff-Timestamp", "")
    fits = hmac.compare_digest(sign(timestamp, raw), call.headers.get("X-Handoff-Signature", ""))
    if not fits or abs(time.time() - int(timestamp)) > 300:
        return web.json_response({"code": "bad_signature"}, status=401)
    # Events are named after the call's key: repeated with it, they change nothing at Baton.
    key = call.headers.get("Idempotency-Key", call.query.get("nonce"))
    kind, handoff = call.match_info["call"], call.match_info.get("id", f"echo-{key}")
    if kind == "ping":
        tell(key, "ping", "", nonce=key)
    if kind == "handoffs":
        tell(key, "joined", handoff, agent=AGENT)
    if kind == "messages":
        text, took = (said := json.loads(raw))["text"], said.get("answer")
        reply = f"You took: {took['id']} {took.get('values', '')}" if took else f"You said: {text}"
        # Named after the call as well: the answer to what it offers comes back with this id.
        offer = {"message_id": key, **OFFERS.get(text, {})}
        tell(key, "message", handoff, agent=AGENT, text=reply.strip(), **offer)
        if text == "bye":
            tell(key, "closed", handoff, by="agent")
    return web.json_response({"external_id": handoff, "nonce": key})


app = web.Application()
app.add_routes([web.route("*", "/{call}", handle), web.post("/handoffs/{id}/{call}", handle)])
web.run_app(app, port=int(os.environ.get("PORT", "8090")))
